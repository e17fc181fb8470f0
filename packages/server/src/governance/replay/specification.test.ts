import { afterEach, describe, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'
import { manualClock } from '../../../test/manual-clock.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { createMetrics } from '../../operations/metrics.ts'
import { NoThreadFree, ThreadFailed, ThreadTimeout } from '../../operations/threads/threads.ts'
import type { BundleStore } from '../bundles/store.ts'
import { createReplay } from './replay.ts'
import type { DecisionEvent, ReplayStore } from './store.ts'

describe('replay, when threads are busy or broken', () => {
  const caller: UserCaller = {
    kind: 'user',
    userId: 'u',
    tenantId: 't',
    email: 'a@b.c',
    role: 'owner',
    isAdmin: true,
    isOperator: true,
    signedInBy: 'password',
    sessionDigest: 's',
  }
  const event: DecisionEvent = {
    seq: 1,
    callId: 'c',
    toolName: 'exec',
    verdict: 'call_allowed',
    timestamp: 0,
    decisionName: '',
    payload: '{"tool_args":{}}',
  }
  const store: ReplayStore = {
    decisions: async () => ({ rows: [event], hasMore: false }),
    shown: async () => new Map(),
  }
  const bundleStore = {
    find: async () => ({ revisionHash: 'h', yamlBytes: Buffer.from('') }),
  } as unknown as BundleStore
  const refused = (error: Error) =>
    createReplay({
      store,
      bundleStore,
      threads: { run: () => Promise.reject(error), close: async () => {} },
      metrics: createMetrics(),
      clock: manualClock(),
    })(caller, 'devops', 1, { env: 'production', since: 0, limit: 10 })

  it('says when to come back while others replay', async () => {
    await expect(refused(new NoThreadFree('busy'))).rejects.toMatchObject({
      status: 429,
      message: 'Too many replays at once. Try again shortly.',
      headers: { 'retry-after': '5' },
    })
  })

  it('says that a bundle took too long or broke its thread', async () => {
    for (const error of [new ThreadTimeout('slow'), new ThreadFailed('memory')])
      await expect(refused(error)).rejects.toMatchObject({
        status: 422,
        message: 'Replay broke off — contract bundle may be too complex.',
      })
  })
})

onEachDatabase('the rules of replay', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const upload = () => libraryOf(t).call('POST', '/bundles', { yaml_content: bundleYaml('devops') })
  const replay = (query: string, headers?: Record<string, string>, version: unknown = 1) =>
    libraryOf(t, headers).call('POST', `/bundles/devops/${version}/replay?${query}`)

  it('of nothing changes nothing, and keeps nothing', async () => {
    t = await start()
    await upload()
    const { db } = t.server.database
    const before = await db.selectFrom('stream_log').select('id').execute()
    const answer = await replay('env=production')
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        env: 'production',
        since: '2026-02-28T12:00:00Z',
        events: 0,
        truncated: false,
        calls: 0,
        unchanged: 0,
        changed: 0,
        by_contract: [],
        examples: [],
        skipped: { without_arguments: 0, by_history: 0 },
      },
    ])
    expect(await db.selectFrom('stream_log').select('id').execute()).toEqual(before)
    expect((await libraryOf(t).get('/deployments')).json()).toEqual([])
  })

  it('takes one event to a hundred thousand, of the three environments', async () => {
    t = await start()
    await upload()
    for (const env of ['production', 'staging', 'development'])
      expect((await replay(`env=${env}`)).statusCode).toBe(200)
    for (const limit of ['1', '100000']) expect((await replay(`env=staging&limit=${limit}`)).statusCode).toBe(200)
    for (const query of [
      '',
      'env=',
      'env=Production',
      'env=staging&limit=0',
      'env=staging&limit=100001',
      'env=staging&limit=x',
    ])
      expect((await replay(query)).statusCode).toBe(422)
    expect((await replay('env=staging', undefined, 'latest')).statusCode).toBe(422)
    expect((await replay('env=staging', undefined, 0)).statusCode).toBe(404)
    for (const since of ['soon', '3651d', '-1h'])
      expect((await replay(`env=staging&since=${since}`)).statusCode).toBe(400)
  })

  it('is for people, an administrator or not, and not for agents', async () => {
    t = await start()
    await upload()
    expect((await replay('env=staging', await t.member())).statusCode).toBe(200)
    expect((await replay('env=staging', { ...(await t.agent('staging')), 'x-requested-with': 'x' })).statusCode).toBe(
      401,
    )
  })

  it('with a deployment of what is not there is refused as the deployment is', async () => {
    t = await start()
    const answer = await libraryOf(t).call('POST', '/bundles/devops/1/deploy?replay=true', { env: 'production' })
    expect([answer.statusCode, answer.json()]).toEqual([422, { detail: "Bundle 'devops' version 1 not found" }])
  })
})
