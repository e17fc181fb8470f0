import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../test/harness.ts'
import { prepared } from './prepared.ts'

onEachDatabase('a prepared statement', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('answers what the same one answers that is built anew, whatever its values', async () => {
    t = await start()
    const { db } = t.server.database
    const rows = ['a', 'b', 'c', 'd'].map((key, index) => ({ tenant_id: 't', key, value: key, expires_at: index }))
    const insert = prepared<{ tenantId: string; keys: readonly string[]; at: number }, unknown>((on, values) =>
      on
        .insertInto('session_values')
        .values(
          values.keys.map((key) => ({ tenant_id: values.tenantId, key, value: sql`${key}`, expires_at: values.at })),
        ),
    )
    const select = prepared<{ tenantId: string; keys: readonly string[]; after: number }, { key: string }>(
      (on, { tenantId, keys, after }) =>
        on
          .selectFrom('session_values')
          .select('key')
          .where('tenant_id', '=', tenantId)
          .where('key', 'in', [...keys])
          .where('expires_at', '>', after)
          .orderBy('key'),
    )
    await db.transaction().execute(async (within) => {
      for (const { key, expires_at } of rows) await insert(within, { tenantId: 't', keys: [key], at: expires_at })
      await insert(within, { tenantId: 'other', keys: ['a', 'b'], at: 9 })
    })
    const keys = async (...asked: Parameters<typeof select>) => (await select(...asked)).map(({ key }) => key)
    expect(await keys(db, { tenantId: 't', keys: ['a', 'b', 'c'], after: 0 })).toEqual(['b', 'c'])
    expect(await keys(db, { tenantId: 't', keys: ['d', 'b', 'x'], after: 1 })).toEqual(['d'])
    expect(await keys(db, { tenantId: 'other', keys: ['a'], after: 1 })).toEqual(['a'])
    // More lengths of a list than are kept.
    for (let length = 1; length < 50; length++)
      expect(await keys(db, { tenantId: 't', keys: Array.from({ length }, () => 'c'), after: 0 })).toEqual(['c'])
  })

  it('that is built by one of its values is refused', async () => {
    t = await start()
    const statement = prepared<{ limit: number }, unknown>((on, { limit }) =>
      on
        .selectFrom('session_values')
        .selectAll()
        .limit(limit + 1),
    )
    await expect(statement(t.server.database.db, { limit: 1 })).rejects.toThrow("'limit' is not known")
  })
})
