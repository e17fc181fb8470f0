import type { SystemScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'

/** Whose secrets the servers of a node are given. */
export interface McpTenantStore {
  /** The tenant of this slug; without a slug the one that was set up first. Null when there is none. */
  find(scope: SystemScope, slug: string | null): Promise<{ readonly tenantId: string } | null>
}

export function createMcpTenantStore({ db }: Pick<Database, 'db'>): McpTenantStore {
  return {
    async find(_scope, slug) {
      const tenants = db.selectFrom('tenants').select('id').orderBy('created_at').orderBy('id').limit(1)
      const found = await (slug === null ? tenants : tenants.where('slug', '=', slug)).executeTakeFirst()
      return found ? { tenantId: found.id } : null
    },
  }
}
