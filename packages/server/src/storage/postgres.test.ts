import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { isDatabaseAway, isPoolExhausted } from './database.ts'

describe.skipIf(inject('postgresUrl') === '')('connections to PostgreSQL', () => {
  it('who waits in vain for a free one may try again, and is told that all are in use', async () => {
    const pool = new pg.Pool({ connectionString: `${inject('postgresUrl')}/postgres`, max: 1 })
    try {
      const taken = await pool.connect()
      // Only now: the same patience would be that of connecting.
      pool.options.connectionTimeoutMillis = 1
      const error = await pool.connect().catch((thrown: unknown) => thrown)
      expect([isPoolExhausted(error), isDatabaseAway(error)]).toEqual([true, true])
      taken.release()
    } finally {
      await pool.end()
    }
  })
})
