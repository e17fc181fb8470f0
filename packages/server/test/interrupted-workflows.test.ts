import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { describe, expect, inject, it, vi } from 'vitest'
import type {} from './databases.global.ts'
import { interruptWorkflows } from './interrupted-workflows.ts'

// Each test starts several processes.
vi.setConfig({ testTimeout: 300_000 })

const postgres = inject('postgresUrl')

describe('workflows whose server is killed in the middle of many: none is lost, and each state of each is left once', () => {
  const whole = { completed: 12, kills: 2, lost: [], leftTwice: [] }

  it('on SQLite', async () => {
    expect(await interruptWorkflows({ runs: 12, kills: 2 })).toMatchObject(whole)
  })

  it.skipIf(postgres === '')('on PostgreSQL', async () => {
    const database = `t_${randomUUID().replaceAll('-', '')}`
    await administer(`create database ${database}`)
    try {
      const environment = { DATABASE_URL: `${postgres}/${database}` }
      expect(await interruptWorkflows({ runs: 12, kills: 2, environment })).toMatchObject(whole)
    } finally {
      await administer(`drop database if exists ${database} with (force)`)
    }
  })
})

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${postgres}/postgres` })
  await client.connect()
  await client.query(statement)
  await client.end()
}
