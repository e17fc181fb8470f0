import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { AgentRow, AgentVersionRow } from '../../storage/schema.ts'
import { ownFirst, visibleTenants } from '../visibility.ts'
import { type Agent, type AgentFilter, type AgentVersion, typeOf } from './agent.ts'

/** SQL for agents and their versions. A tenant sees its own agents and the global ones. */
export interface AgentStore {
  /** By id, own or global. */
  find(scope: TenantScope, id: string, within?: Queryable): Promise<Agent | null>
  /** By name, own before global. */
  findByName(scope: TenantScope, name: string): Promise<Agent | null>
  /** By name in exactly this tenant, locked against a concurrent deploy of the same name. */
  lockByName(scope: TenantScope, name: string, within: Queryable): Promise<Agent | null>
  /** By name. */
  list(scope: TenantScope, filter: AgentFilter): Promise<Agent[]>
  insert(agent: Agent, within: Queryable): Promise<void>
  update(agent: Agent, within: Queryable): Promise<void>
  delete(id: string, within: Queryable): Promise<void>
  /** A version deployed again replaces its record and is the newest. */
  putVersion(version: AgentVersion, within: Queryable): Promise<void>
  /** Newest first. */
  listVersions(agentId: string, limit: number | null): Promise<AgentVersion[]>
  countExecutions(scope: TenantScope, agentIds: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Make or refresh the record by which governance knows this agent. */
  putRegistration(
    scope: TenantScope,
    registration: { id: string; agentId: string; tags: string; at: Micros },
    within: Queryable,
  ): Promise<void>
}

export function createAgentStore(database: Database): AgentStore {
  const { db } = database
  return {
    async find(scope, id, within = db) {
      const row = await within
        .selectFrom('agents')
        .selectAll()
        .where('id', '=', id)
        .where('tenant_id', 'in', visibleTenants(scope))
        .executeTakeFirst()
      return row ? agentOf(row) : null
    },
    async findByName(scope, name) {
      const rows = await db
        .selectFrom('agents')
        .selectAll()
        .where('name', '=', name)
        .where('tenant_id', 'in', visibleTenants(scope))
        .execute()
      const row = ownFirst(rows, scope)
      return row ? agentOf(row) : null
    },
    async lockByName({ tenantId }, name, within) {
      await database.lock(`agent:${tenantId}:${name}`, within as never)
      const row = await within
        .selectFrom('agents')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row ? agentOf(row) : null
    },
    async list(tenant, { scope, type, includesGlobal, limit }) {
      const seen = includesGlobal ? visibleTenants(tenant) : [tenant.tenantId]
      let query = db.selectFrom('agents').selectAll().where('tenant_id', 'in', seen).orderBy('name').orderBy('scope')
      if (scope !== null) query = query.where('scope', '=', scope)
      // The type stands in the manifest: it is looked for here, and the limit comes after it.
      if (limit !== null && type === null) query = query.limit(limit)
      const agents = (await query.execute()).map(agentOf)
      return type === null ? agents : agents.filter((agent) => typeOf(agent) === type).slice(0, limit ?? undefined)
    },
    async insert(agent, within) {
      await within.insertInto('agents').values(rowOf(agent)).execute()
    },
    async update(agent, within) {
      await within.updateTable('agents').set(rowOf(agent)).where('id', '=', agent.id).execute()
    },
    async delete(id, within) {
      await within.deleteFrom('agents').where('id', '=', id).execute()
    },
    async putVersion({ id, agentId, version, manifestYaml, deployedAt }, within) {
      await within.deleteFrom('agent_versions').where('agent_id', '=', agentId).where('version', '=', version).execute()
      await within
        .insertInto('agent_versions')
        .values({ id, agent_id: agentId, version, manifest_yaml: manifestYaml, created_at: deployedAt })
        .execute()
    },
    async listVersions(agentId, limit) {
      let query = db.selectFrom('agent_versions').selectAll().where('agent_id', '=', agentId).orderBy('seq', 'desc')
      if (limit !== null) query = query.limit(limit)
      return (await query.execute()).map(versionOf)
    },
    async countExecutions({ tenantId }, agentIds) {
      if (agentIds.length === 0) return new Map()
      const rows = await db
        .selectFrom('executions')
        .select(({ fn }) => ['agent_id', fn.countAll().as('count')])
        .where('tenant_id', '=', tenantId)
        .where('agent_id', 'in', agentIds)
        .groupBy('agent_id')
        .execute()
      return new Map(rows.map((row) => [row.agent_id, Number(row.count)]))
    },
    async putRegistration({ tenantId }, { id, agentId, tags, at }, within) {
      await within
        .insertInto('agent_registrations')
        .values({
          id,
          tenant_id: tenantId,
          agent_id: agentId,
          display_name: null,
          tags,
          bundle_name: null,
          manifest: null,
          env: null,
          policy_version: null,
          last_seen_at: null,
          created_at: at,
          updated_at: at,
        })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'agent_id']).doUpdateSet({ tags, updated_at: at }))
        .execute()
    },
  }
}

const agentOf = (row: AgentRow): Agent => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  version: row.version,
  scope: row.scope === 'global' ? 'global' : 'tenant',
  status: row.status,
  manifest: JSON.parse(row.manifest) as Agent['manifest'],
  manifestYaml: row.manifest_yaml,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const rowOf = (agent: Agent): AgentRow => ({
  id: agent.id,
  tenant_id: agent.tenantId,
  name: agent.name,
  version: agent.version,
  scope: agent.scope,
  status: agent.status,
  manifest: JSON.stringify(agent.manifest),
  manifest_yaml: agent.manifestYaml,
  created_at: agent.createdAt,
  updated_at: agent.updatedAt,
})

const versionOf = (row: Selectable<AgentVersionRow>): AgentVersion => ({
  id: row.id,
  agentId: row.agent_id,
  version: row.version,
  manifestYaml: row.manifest_yaml,
  deployedAt: row.created_at,
})
