import { sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { addToText } from '../../storage/expressions.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'

export interface SessionStore {
  get(scope: TenantScope, key: string, now: Micros): Promise<string | undefined>
  getMany(scope: TenantScope, keys: readonly string[], now: Micros, within?: Queryable): Promise<Map<string, string>>
  set(scope: TenantScope, key: string, value: string, expiresAt: Micros): Promise<void>
  /** One statement; false when the value is no longer the one expected, null for none. */
  replace(
    scope: TenantScope,
    change: { key: string; value: string; expected: string | null; now: Micros; expiresAt: Micros },
  ): Promise<boolean>
  delete(scope: TenantScope, key: string, within?: Queryable): Promise<void>
  /**
   * Add to each of the keys, which differ: one statement, so that concurrent increments add up. The sums as text; a key whose
   * value is no number has none.
   */
  increment(
    scope: TenantScope,
    change: { keys: readonly string[]; amount: number; now: Micros; expiresAt: Micros },
    within?: Queryable,
  ): Promise<Map<string, string>>
  /** Of every tenant. */
  purge(before: Micros): Promise<void>
}

export function createSessionStore(database: Database): SessionStore {
  const { db } = database
  const selectMany = prepared(
    (on, { tenantId, keys, now }: { tenantId: string; keys: readonly string[]; now: Micros }) =>
      on
        .selectFrom('session_values')
        .select(['key', 'value'])
        .where('tenant_id', '=', tenantId)
        .where('key', 'in', [...keys])
        .where('expires_at', '>', now),
  )
  const deleteOne = prepared((on, { tenantId, key }: { tenantId: string; key: string }) =>
    on.deleteFrom('session_values').where('tenant_id', '=', tenantId).where('key', '=', key),
  )
  const addToEach = prepared(
    (
      on,
      added: {
        readonly tenantId: string
        keys: readonly string[]
        amount: number
        /** The amount as text. */
        first: string
        now: Micros
        expiresAt: Micros
      },
    ) => {
      const { tenantId, keys, amount, first, now, expiresAt } = added
      const sum = addToText(database, 'session_values.value', amount)
      const expired = sql<boolean>`session_values.expires_at <= ${now}`
      return on
        .insertInto('session_values')
        .values(keys.map((key) => ({ tenant_id: tenantId, key, value: first, expires_at: expiresAt })))
        .onConflict((conflict) =>
          conflict
            .columns(['tenant_id', 'key'])
            .doUpdateSet({
              value: sql<string>`case when ${expired} then ${first} else ${sum} end`,
              expires_at: expiresAt,
            })
            .where(sql<boolean>`(${expired} or ${sum} is not null)`),
        )
        .returning(['key', 'value'])
    },
  )
  return {
    async get({ tenantId }, key, now) {
      const row = await db
        .selectFrom('session_values')
        .select('value')
        .where('tenant_id', '=', tenantId)
        .where('key', '=', key)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return row?.value
    },
    async getMany({ tenantId }, keys, now, within = db) {
      if (keys.length === 0) return new Map()
      const rows = await selectMany(within, { tenantId, keys, now })
      return new Map(rows.map((row) => [row.key, row.value]))
    },
    async set({ tenantId }, key, value, expiresAt) {
      await db
        .insertInto('session_values')
        .values({ tenant_id: tenantId, key, value, expires_at: expiresAt })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'key']).doUpdateSet({ value, expires_at: expiresAt }))
        .execute()
    },
    async replace({ tenantId }, { key, value, expected, now, expiresAt }) {
      if (expected !== null) {
        const { numUpdatedRows } = await db
          .updateTable('session_values')
          .set({ value, expires_at: expiresAt })
          .where('tenant_id', '=', tenantId)
          .where('key', '=', key)
          .where('value', '=', expected)
          .where('expires_at', '>', now)
          .executeTakeFirst()
        return numUpdatedRows > 0n
      }
      const written = await db
        .insertInto('session_values')
        .values({ tenant_id: tenantId, key, value, expires_at: expiresAt })
        .onConflict((conflict) =>
          conflict
            .columns(['tenant_id', 'key'])
            .doUpdateSet({ value, expires_at: expiresAt })
            .where(sql<boolean>`session_values.expires_at <= ${now}`),
        )
        .returning('key')
        .execute()
      return written.length > 0
    },
    async delete({ tenantId }, key, within = db) {
      await deleteOne(within, { tenantId, key })
    },
    async increment({ tenantId }, { keys, amount, now, expiresAt }, within = db) {
      const rows = await addToEach(within, { tenantId, keys, amount, first: String(amount), now, expiresAt })
      return new Map(rows.map(({ key, value }) => [key, value]))
    },
    async purge(before) {
      await db.deleteFrom('session_values').where('expires_at', '<=', before).execute()
    },
  }
}
