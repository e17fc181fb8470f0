import { sql } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import { addToText } from '../../storage/expressions.ts'
import type { Micros } from '../../storage/instants.ts'

export interface SessionStore {
  get(tenantId: string, key: string, now: Micros): Promise<string | undefined>
  getMany(tenantId: string, keys: readonly string[], now: Micros): Promise<Map<string, string>>
  set(tenantId: string, key: string, value: string, expiresAt: Micros): Promise<void>
  delete(tenantId: string, key: string): Promise<void>
  /** One statement, so that concurrent increments add up. The sum as text; undefined when the value is no number. */
  increment(
    change: { tenantId: string; key: string; amount: number; now: Micros; expiresAt: Micros },
    within?: Queryable,
  ): Promise<string | undefined>
  purge(before: Micros): Promise<void>
}

export function sessionStore(database: Database): SessionStore {
  const { db } = database
  return {
    async get(tenantId, key, now) {
      const row = await db
        .selectFrom('session_values')
        .select('value')
        .where('tenant_id', '=', tenantId)
        .where('key', '=', key)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      return row?.value
    },
    async getMany(tenantId, keys, now) {
      if (keys.length === 0) return new Map()
      const rows = await db
        .selectFrom('session_values')
        .select(['key', 'value'])
        .where('tenant_id', '=', tenantId)
        .where('key', 'in', [...keys])
        .where('expires_at', '>', now)
        .execute()
      return new Map(rows.map((row) => [row.key, row.value]))
    },
    async set(tenantId, key, value, expiresAt) {
      await db
        .insertInto('session_values')
        .values({ tenant_id: tenantId, key, value, expires_at: expiresAt })
        .onConflict((conflict) => conflict.columns(['tenant_id', 'key']).doUpdateSet({ value, expires_at: expiresAt }))
        .execute()
    },
    async delete(tenantId, key) {
      await db.deleteFrom('session_values').where('tenant_id', '=', tenantId).where('key', '=', key).execute()
    },
    async increment({ tenantId, key, amount, now, expiresAt }, within = db) {
      const first = String(amount)
      const sum = addToText(database, 'session_values.value', amount)
      const expired = sql<boolean>`session_values.expires_at <= ${now}`
      const row = await within
        .insertInto('session_values')
        .values({ tenant_id: tenantId, key, value: first, expires_at: expiresAt })
        .onConflict((conflict) =>
          conflict
            .columns(['tenant_id', 'key'])
            .doUpdateSet({
              value: sql<string>`case when ${expired} then ${first} else ${sum} end`,
              expires_at: expiresAt,
            })
            .where(sql<boolean>`(${expired} or ${sum} is not null)`),
        )
        .returning('value')
        .executeTakeFirst()
      return row?.value
    },
    async purge(before) {
      await db.deleteFrom('session_values').where('expires_at', '<=', before).execute()
    },
  }
}
