import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'

export interface IdempotencyStore {
  /** Take the key for this transaction; false when it is taken and still in force. Waits for a transaction that holds it. */
  claim(scope: TenantScope, key: string, now: Micros, expiresAt: Micros, within: Queryable): Promise<boolean>
  find(scope: TenantScope, key: string, now: Micros, within?: Queryable): Promise<string | undefined>
  keep(scope: TenantScope, key: string, response: string, within: Queryable): Promise<void>
  delete(scope: TenantScope, key: string, within: Queryable): Promise<void>
  purge(before: Micros): Promise<void>
}

export function createIdempotencyStore({ db }: Database): IdempotencyStore {
  return {
    async claim({ tenantId }, key, now, expiresAt, within) {
      const claimed = await within
        .insertInto('idempotency_keys')
        .values({ tenant_id: tenantId, key, response: '', expires_at: expiresAt })
        .onConflict((conflict) =>
          conflict
            .columns(['tenant_id', 'key'])
            .doUpdateSet({ response: '', expires_at: expiresAt })
            .where('idempotency_keys.expires_at', '<=', now),
        )
        .returning('key')
        .executeTakeFirst()
      return claimed !== undefined
    },
    async find({ tenantId }, key, now, within = db) {
      const row = await within
        .selectFrom('idempotency_keys')
        .select('response')
        .where('tenant_id', '=', tenantId)
        .where('key', '=', key)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return row?.response
    },
    async keep({ tenantId }, key, response, within) {
      await within
        .updateTable('idempotency_keys')
        .set({ response })
        .where('tenant_id', '=', tenantId)
        .where('key', '=', key)
        .execute()
    },
    async delete({ tenantId }, key, within) {
      await within.deleteFrom('idempotency_keys').where('tenant_id', '=', tenantId).where('key', '=', key).execute()
    },
    async purge(before) {
      await db.deleteFrom('idempotency_keys').where('expires_at', '<=', before).execute()
    },
  }
}
