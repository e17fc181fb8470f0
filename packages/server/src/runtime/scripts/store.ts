import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { ScriptRow } from '../../storage/schema.ts'
import type { Owner } from '../volumes/volume.ts'
import type { Script, ScriptSummary } from './script.ts'

/** SQL for scripts. */
export interface ScriptStore {
  /** Changes of one owner's scripts take turns from here to the end of the transaction. */
  lockOwner(scope: TenantScope, owner: Owner, within: Queryable): Promise<void>
  count(scope: TenantScope, owner: Owner, within: Queryable): Promise<number>
  find(scope: TenantScope, owner: Owner, id: string, within?: Queryable): Promise<Script | null>
  findNamed(scope: TenantScope, owner: Owner, name: string, within: Queryable): Promise<ScriptSummary | null>
  /** By name. */
  list(scope: TenantScope, owner: Owner): Promise<ScriptSummary[]>
  insert(script: Script, within: Queryable): Promise<void>
  update(script: Script, within: Queryable): Promise<void>
  /** False when there is none. */
  delete(scope: TenantScope, owner: Owner, id: string): Promise<boolean>
}

export function createScriptStore(database: Database): ScriptStore {
  const { db } = database
  return {
    async lockOwner({ tenantId }, { kind, id }, within) {
      await database.lock(`scripts:${tenantId}:${kind}:${id}`, within as never)
    },
    async count({ tenantId }, owner, within) {
      const row = await within
        .selectFrom('scripts')
        .select((e) => e.fn.countAll<number>().as('count'))
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .executeTakeFirst()
      return Number(row?.count ?? 0)
    },
    async find({ tenantId }, owner, id, within = db) {
      const row = await within
        .selectFrom('scripts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .where('id', '=', id)
        .executeTakeFirst()
      return row ? { ...summaryOf(row), code: row.code } : null
    },
    async findNamed({ tenantId }, owner, name, within) {
      const row = await within
        .selectFrom('scripts')
        .select(summary)
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .where('name', '=', name)
        .executeTakeFirst()
      return row ? summaryOf(row) : null
    },
    async list({ tenantId }, owner) {
      const rows = await db
        .selectFrom('scripts')
        .select(summary)
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .orderBy('name')
        .execute()
      return rows.map(summaryOf)
    },
    async insert(script, within) {
      await within
        .insertInto('scripts')
        .values({
          id: script.id,
          tenant_id: script.tenantId,
          owner_kind: script.owner.kind,
          owner_id: script.owner.id,
          name: script.name,
          code: script.code,
          description: script.description,
          tags: JSON.stringify(script.tags),
          version: script.version,
          created_by: script.createdBy,
          created_at: script.createdAt,
          updated_at: script.updatedAt,
        })
        .execute()
    },
    async update({ id, name, code, description, tags, version, updatedAt }, within) {
      await within
        .updateTable('scripts')
        .set({ name, code, description, tags: JSON.stringify(tags), version, updated_at: updatedAt })
        .where('id', '=', id)
        .execute()
    },
    async delete({ tenantId }, owner, id) {
      const result = await db
        .deleteFrom('scripts')
        .where('tenant_id', '=', tenantId)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .where('id', '=', id)
        .executeTakeFirst()
      return Number(result.numDeletedRows) === 1
    },
  }
}

const summary = [
  'id',
  'tenant_id',
  'owner_kind',
  'owner_id',
  'name',
  'description',
  'tags',
  'version',
  'created_by',
  'created_at',
  'updated_at',
] as const

const summaryOf = (row: Omit<Selectable<ScriptRow>, 'code'>): ScriptSummary => ({
  id: row.id,
  tenantId: row.tenant_id,
  owner: { kind: row.owner_kind as Owner['kind'], id: row.owner_id },
  name: row.name,
  description: row.description,
  tags: JSON.parse(row.tags) as string[],
  version: row.version,
  createdBy: row.created_by,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})
