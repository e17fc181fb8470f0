import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { SecurityContextRow } from '../../storage/schema.ts'
import type { SecurityContext } from './security-contexts.ts'

/** A context that a tenant defined. */
export interface StoredContext {
  readonly context: SecurityContext
  readonly description: string
  /** Counts the changes, from 1. */
  readonly version: number
  readonly createdAt: Micros
  readonly updatedAt: Micros
  readonly updatedBy: string
}

/** SQL for the contexts of tenants. */
export interface ContextStore {
  find(scope: TenantScope, name: string): Promise<StoredContext | null>
  /** By name. */
  list(scope: TenantScope): Promise<StoredContext[]>
  /** Make it, or put it in the place of the one of its name; what is stored then. */
  save(
    scope: TenantScope,
    context: { context: SecurityContext; description: string; at: Micros; by: string },
  ): Promise<StoredContext>
  delete(scope: TenantScope, name: string): Promise<boolean>
  slugOf(scope: TenantScope): Promise<string>
}

export function createContextStore({ db }: Database): ContextStore {
  return {
    async find({ tenantId }, name) {
      const row = await db
        .selectFrom('security_contexts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .executeTakeFirst()
      return row ? contextOf(row) : null
    },
    async list({ tenantId }) {
      const rows = await db
        .selectFrom('security_contexts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('name')
        .execute()
      return rows.map(contextOf)
    },
    async save({ tenantId }, { context, description, at, by }) {
      const changed = { definition: JSON.stringify({ ...context, description }), updated_at: at, updated_by: by }
      const row = await db
        .insertInto('security_contexts')
        .values({ tenant_id: tenantId, name: context.name, version: 1, created_at: at, ...changed })
        .onConflict((conflict) =>
          conflict
            .columns(['tenant_id', 'name'])
            .doUpdateSet((e) => ({ ...changed, version: e('security_contexts.version', '+', 1) })),
        )
        .returningAll()
        .executeTakeFirstOrThrow()
      return contextOf(row)
    },
    async delete({ tenantId }, name) {
      const row = await db
        .deleteFrom('security_contexts')
        .where('tenant_id', '=', tenantId)
        .where('name', '=', name)
        .returning('name')
        .executeTakeFirst()
      return row !== undefined
    },
    async slugOf({ tenantId }) {
      const row = await db.selectFrom('tenants').select('slug').where('id', '=', tenantId).executeTakeFirst()
      return row?.slug ?? tenantId
    },
  }
}

function contextOf(row: SecurityContextRow): StoredContext {
  const { description, ...context } = JSON.parse(row.definition) as SecurityContext & { description: string }
  return {
    context,
    description,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
  }
}
