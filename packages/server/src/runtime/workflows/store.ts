import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { WorkflowRow, WorkflowVersionRow } from '../../storage/schema.ts'
import { GLOBAL_TENANT, ownFirst, visibleTenants } from '../visibility.ts'
import type { Workflow, WorkflowFilter, WorkflowVersion } from './workflow.ts'

/** SQL for workflows and their versions. A tenant sees its own workflows and the global ones. */
export interface WorkflowStore {
  /** By name, own before global; then by id. */
  find(scope: TenantScope, nameOrId: string): Promise<Workflow | null>
  /** By name in exactly this tenant, locked against a concurrent registration of the same name. */
  lockByName(scope: TenantScope, name: string, within: Queryable): Promise<Workflow | null>
  /** By name. */
  list(scope: TenantScope, filter: WorkflowFilter): Promise<Workflow[]>
  insert(workflow: Workflow, within: Queryable): Promise<void>
  update(workflow: Workflow, within: Queryable): Promise<void>
  /** With its versions. */
  delete(id: string, within: Queryable): Promise<void>
  hasVersion(workflowId: string, version: string, within: Queryable): Promise<boolean>
  /** A version registered again replaces its record and is the newest. */
  putVersion(version: WorkflowVersion, within: Queryable): Promise<void>
  findVersion(workflowId: string, version: string): Promise<WorkflowVersion | null>
  /** Newest first. */
  listVersions(workflowId: string, limit: number | null): Promise<WorkflowVersion[]>
}

export function createWorkflowStore(database: Database): WorkflowStore {
  const { db } = database
  return {
    async find(scope, nameOrId) {
      const rows = await db
        .selectFrom('workflows')
        .selectAll()
        .where((where) => where.or([where('name', '=', nameOrId), where('id', '=', nameOrId.toLowerCase())]))
        .where('tenant_id', 'in', visibleTenants(scope))
        .execute()
      // A name may look like an id: what is called so comes first.
      const named = rows.filter(({ name }) => name === nameOrId)
      const row = ownFirst(named.length > 0 ? named : rows, scope)
      return row ? workflowOf(row) : null
    },
    async lockByName({ tenantId }, name, within) {
      await database.lock(`workflow:${tenantId}:${name}`, within as never)
      const row = await within
        .selectFrom('workflows')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row ? workflowOf(row) : null
    },
    async list(tenant, { of, limit }) {
      const seen = of === 'visible' ? visibleTenants(tenant) : [of === 'global' ? GLOBAL_TENANT : tenant.tenantId]
      let query = db
        .selectFrom('workflows')
        .selectAll()
        .where('tenant_id', 'in', seen)
        .orderBy('name')
        .orderBy('scope', 'desc')
      if (limit !== null) query = query.limit(limit)
      return (await query.execute()).map(workflowOf)
    },
    async insert(workflow, within) {
      await within.insertInto('workflows').values(rowOf(workflow)).execute()
    },
    async update(workflow, within) {
      await within.updateTable('workflows').set(rowOf(workflow)).where('id', '=', workflow.id).execute()
    },
    async delete(id, within) {
      await within.deleteFrom('workflows').where('id', '=', id).execute()
    },
    async hasVersion(workflowId, version, within) {
      const row = await within
        .selectFrom('workflow_versions')
        .select('id')
        .where('workflow_id', '=', workflowId)
        .where('version', '=', version)
        .executeTakeFirst()
      return row !== undefined
    },
    async putVersion({ id, workflowId, version, manifest, manifestYaml, registeredAt }, within) {
      await within
        .deleteFrom('workflow_versions')
        .where('workflow_id', '=', workflowId)
        .where('version', '=', version)
        .execute()
      await within
        .insertInto('workflow_versions')
        .values({
          id,
          workflow_id: workflowId,
          version,
          manifest: JSON.stringify(manifest),
          manifest_yaml: manifestYaml,
          created_at: registeredAt,
        })
        .execute()
    },
    async findVersion(workflowId, version) {
      const row = await db
        .selectFrom('workflow_versions')
        .selectAll()
        .where('workflow_id', '=', workflowId)
        .where('version', '=', version)
        .executeTakeFirst()
      return row ? versionOf(row) : null
    },
    async listVersions(workflowId, limit) {
      let query = db
        .selectFrom('workflow_versions')
        .selectAll()
        .where('workflow_id', '=', workflowId)
        .orderBy('seq', 'desc')
      if (limit !== null) query = query.limit(limit)
      return (await query.execute()).map(versionOf)
    },
  }
}

const workflowOf = (row: WorkflowRow): Workflow => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  version: row.version,
  scope: row.scope === 'global' ? 'global' : 'tenant',
  manifest: JSON.parse(row.manifest) as Workflow['manifest'],
  manifestYaml: row.manifest_yaml,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

const rowOf = (workflow: Workflow): WorkflowRow => ({
  id: workflow.id,
  tenant_id: workflow.tenantId,
  name: workflow.name,
  version: workflow.version,
  scope: workflow.scope,
  manifest: JSON.stringify(workflow.manifest),
  manifest_yaml: workflow.manifestYaml,
  created_at: workflow.createdAt,
  updated_at: workflow.updatedAt,
})

const versionOf = (row: Selectable<WorkflowVersionRow>): WorkflowVersion => ({
  id: row.id,
  workflowId: row.workflow_id,
  version: row.version,
  manifest: JSON.parse(row.manifest) as WorkflowVersion['manifest'],
  manifestYaml: row.manifest_yaml,
  registeredAt: row.created_at,
})
