import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { TenantScope } from '../scope.ts'

/** Something that took an administrator, as it is kept. */
export interface Act {
  readonly id: string
  readonly tenantId: string
  readonly at: Micros
  /** Who: an e-mail address, or the name of a program. */
  readonly actor: string
  /** Whose access it was, unique within the tenant. */
  readonly principal: string
  /** Method and path of the route. */
  readonly action: string
  /** What it was about: values of the path. */
  readonly target: string
  readonly details: Readonly<Record<string, unknown>>
  /** Of the answer; null: it was begun, and the server ended before it answered. */
  readonly status: number | null
}

export interface ActStore {
  insert(act: Act): Promise<void>
  conclude(id: string, status: number, details: Readonly<Record<string, unknown>>): Promise<void>
  /** It came to nothing. */
  withdraw(id: string): Promise<void>
  /** Newest first, those before an instant. */
  list(scope: TenantScope, page: { readonly limit: number; readonly before: Micros | null }): Promise<Act[]>
}

export function createActStore({ db }: Database): ActStore {
  return {
    async insert({ tenantId, details, ...act }) {
      await db
        .insertInto('administrative_acts')
        .values({ ...act, tenant_id: tenantId, details: JSON.stringify(details) })
        .execute()
    },
    async conclude(id, status, details) {
      await db
        .updateTable('administrative_acts')
        .set({ status, details: JSON.stringify(details) })
        .where('id', '=', id)
        .execute()
    },
    async withdraw(id) {
      await db.deleteFrom('administrative_acts').where('id', '=', id).execute()
    },
    async list({ tenantId }, { limit, before }) {
      let query = db
        .selectFrom('administrative_acts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
      if (before !== null) query = query.where('at', '<', before)
      return (await query.execute()).map(({ tenant_id, details, ...row }) => ({
        ...row,
        tenantId: tenant_id,
        details: JSON.parse(details) as Record<string, unknown>,
      }))
    },
  }
}
