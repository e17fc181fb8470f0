import type { KyselyPlugin, RootOperationNode } from 'kysely'
import pino from 'pino'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, scriptEnvironment, serviceHeaders, startExecution, until } from '../../../test/runtime.ts'
import { createServer, type Server } from '../../app.ts'
import { readConfig } from '../../config.ts'
import { openDatabase } from '../../open-database.ts'
import type { Database } from '../../storage/database.ts'

/** Whether a query takes an execution over. */
const isAdoption = (node: RootOperationNode): boolean =>
  node.kind === 'UpdateQueryNode' && /"name":"generation"/.test(JSON.stringify(node.updates))

/** A database that is away while `isAway` says so of a query. */
function failing(database: Database, isAway: (node: RootOperationNode) => boolean): Database {
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (isAway(node)) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
      return node
    },
    transformResult: async ({ result }) => result,
  }
  const db = database.db.withPlugin(plugin)
  return new Proxy(database, { get: (target, key) => (key === 'db' ? db : Reflect.get(target, key)) })
}

onEachDatabase('executions whose server is gone', (start) => {
  let t: TestServer
  let other: Server | null = null
  afterEach(async () => {
    await other?.close()
    other = null
    await t.close()
  })

  it('are all taken over by the next sweep when the database went away in the middle of one, also on one place', async () => {
    t = await start({
      environment: {
        ...scriptEnvironment([{ text: 'Done.', delay_ms: 30_000 }]),
        LICTOR_SANDBOX: 'process',
        LICTOR_MAX_EXECUTIONS: '1',
      },
    })
    await t.listen()
    const headers = await serviceHeaders(t)
    // The clock is moved while instances start: no limit of theirs shall end them.
    const agent = await deployAgent(t, headers, {
      execution: { mode: 'one-shot', iteration_timeout: '24h' },
      security: { resources: { timeout: '24h' } },
    })
    const ids: string[] = []
    for (let n = 0; n < 6; n++) ids.push(await startExecution(t, headers, agent))
    await t.server.close()

    let adoptions = 0
    let isAway = false
    const silent = pino({ level: 'silent' })
    const config = readConfig(t.environment)
    const database = await openDatabase(config, silent)
    const states = () => database.db.selectFrom('executions').select(['id', 'owner', 'status']).orderBy('seq').execute()
    // Nobody's yet: they are left by a server that falls silent once this one listens.
    const leftBy = (owner: string, heartbeat: number) =>
      database.db.updateTable('executions').set({ owner, heartbeat_at: heartbeat }).execute()
    await leftBy('gone', Number.MAX_SAFE_INTEGER)
    other = await createServer(config, silent, {
      clock: t.clock,
      passwordCost: 16,
      consoleDir: null,
      database: failing(database, (node) => {
        if (isAdoption(node) && ++adoptions === 3) isAway = true
        return isAway
      }),
    })
    await other.listen()
    await leftBy('gone', 1)
    await until(async () => {
      await t.clock.advance(1_000)
      return isAway
    })
    const owners = async () => (await states()).map(({ owner }) => owner === 'gone')
    expect(await owners()).toEqual([false, false, true, true, true, true])
    // What was being run when the database went is let go of.
    await t.clock.advance(2_000)
    isAway = false
    await until(async () => {
      await t.clock.advance(1_000)
      return !(await owners()).includes(true)
    })
    // Each was adopted once more at most: those of before, whose work the outage ended, and those that it kept from being adopted.
    expect(adoptions).toBeLessThanOrEqual(3 + 2 + 4 + 3)
    await until(async () => {
      await t.clock.advance(1_000)
      return (await states()).every(({ status }) => status === 'completed')
    })
    expect((await states()).map(({ id }) => id)).toEqual(ids)
  }, 180_000)
})
