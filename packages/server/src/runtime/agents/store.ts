import type { Selectable } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import type { AgentRow, AgentVersionRow } from '../../storage/schema.ts'

/** The tenant that holds agents every tenant sees. */
export const GLOBAL_TENANT = 'aegis-system'

/** SQL for agents and their versions. A tenant sees its own agents and the global ones. */
export interface AgentStore {
  /** By id, own or global. */
  find(tenantId: string, id: string, within?: Queryable): Promise<AgentRow | null>
  /** By name, own before global. */
  findByName(tenantId: string, name: string): Promise<AgentRow | null>
  /** By name in exactly this tenant, locked against a concurrent deploy of the same name. */
  lockByName(tenantId: string, name: string, within: Queryable): Promise<AgentRow | null>
  list(tenantId: string, filter: { scope: string | null; limit: number | null }): Promise<AgentRow[]>
  insert(row: AgentRow, within: Queryable): Promise<void>
  update(id: string, fields: Partial<Omit<AgentRow, 'id'>>, within: Queryable): Promise<void>
  delete(id: string, within: Queryable): Promise<void>
  /** A version deployed again replaces its row and is the newest. */
  putVersion(row: Omit<AgentVersionRow, 'seq'>, within: Queryable): Promise<void>
  listVersions(agentId: string, limit: number | null): Promise<Selectable<AgentVersionRow>[]>
  countExecutions(agentIds: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Make or refresh the row by which governance knows this agent. */
  putRegistration(
    row: { id: string; tenantId: string; agentId: string; tags: string; at: number },
    within: Queryable,
  ): Promise<void>
}

export function agentStore(database: Database): AgentStore {
  const { db } = database
  const visible = (tenantId: string) => [tenantId, GLOBAL_TENANT]
  return {
    find: async (tenantId, id, within = db) =>
      (await within
        .selectFrom('agents')
        .selectAll()
        .where('id', '=', id)
        .where('tenant_id', 'in', visible(tenantId))
        .executeTakeFirst()) ?? null,
    async findByName(tenantId, name) {
      const rows = await db
        .selectFrom('agents')
        .selectAll()
        .where('name', '=', name)
        .where('tenant_id', 'in', visible(tenantId))
        .execute()
      return rows.find((row) => row.tenant_id === tenantId) ?? rows[0] ?? null
    },
    async lockByName(tenantId, name, within) {
      await database.lock(`agent:${tenantId}:${name}`, within as never)
      const row = await within
        .selectFrom('agents')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row ?? null
    },
    async list(tenantId, { scope, limit }) {
      let query = db.selectFrom('agents').selectAll().where('tenant_id', 'in', visible(tenantId)).orderBy('name')
      if (scope !== null) query = query.where('scope', '=', scope)
      if (limit !== null) query = query.limit(limit)
      return query.execute()
    },
    async insert(row, within) {
      await within.insertInto('agents').values(row).execute()
    },
    async update(id, fields, within) {
      await within.updateTable('agents').set(fields).where('id', '=', id).execute()
    },
    async delete(id, within) {
      await within.deleteFrom('agents').where('id', '=', id).execute()
    },
    async putVersion(row, within) {
      await within
        .deleteFrom('agent_versions')
        .where('agent_id', '=', row.agent_id)
        .where('version', '=', row.version)
        .execute()
      await within.insertInto('agent_versions').values(row).execute()
    },
    async listVersions(agentId, limit) {
      let query = db.selectFrom('agent_versions').selectAll().where('agent_id', '=', agentId).orderBy('seq', 'desc')
      if (limit !== null) query = query.limit(limit)
      return query.execute()
    },
    async countExecutions(agentIds) {
      if (agentIds.length === 0) return new Map()
      const rows = await db
        .selectFrom('executions')
        .select(({ fn }) => ['agent_id', fn.countAll().as('count')])
        .where('agent_id', 'in', agentIds)
        .groupBy('agent_id')
        .execute()
      return new Map(rows.map((row) => [row.agent_id, Number(row.count)]))
    },
    async putRegistration({ id, tenantId, agentId, tags, at }, within) {
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
