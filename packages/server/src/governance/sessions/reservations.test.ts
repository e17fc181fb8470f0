import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, onPostgres, startTestServer, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>
interface Reserved {
  readonly lease?: string
  readonly exceeded?: { readonly bound: string; readonly limit: number; readonly count: number }
  readonly counts: Record<string, number>
}

const post = async (t: TestServer, headers: Headers, path: string, payload: object) => {
  const answer = await t.request({ method: 'POST', url: `/api/v1/sessions/${path}`, headers, payload })
  return { status: answer.statusCode, body: answer.json() }
}
const reserve = async (t: TestServer, headers: Headers, over: object = {}): Promise<Reserved> => {
  const asked = { session: 'one', tool: 'exec', bounds: { max_tool_calls: 2 }, count_attempt: true, ...over }
  return (await post(t, headers, 'reserve', asked)).body
}
const settle = async (t: TestServer, headers: Headers, lease: string | undefined, outcome = 'success') =>
  (await post(t, headers, 'settle', { lease, outcome })).body

onEachDatabase('reserved executions', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const value = async (headers: Headers, key: string) =>
    (await t.request({ method: 'GET', url: `/api/v1/sessions/${encodeURIComponent(key)}`, headers })).json().value

  it('count when they end, and stand beside the counters while they run', async () => {
    t = await start()
    const agent = await t.agent()
    const first = await reserve(t, agent)
    expect(first).toEqual({
      lease: expect.any(String),
      expires_in_seconds: 60,
      counts: { attempts: 1, executions: 0, tool_executions: 0, consecutive_failures: 0 },
    })
    const second = await reserve(t, agent)
    expect(await reserve(t, agent)).toEqual({
      exceeded: { bound: 'max_tool_calls', limit: 2, count: 2 },
      counts: { attempts: 3, executions: 0, tool_executions: 0, consecutive_failures: 0 },
    })
    expect(await settle(t, agent, first.lease, 'failure')).toEqual({
      settled: true,
      counts: { attempts: 3, executions: 1, tool_executions: 1, consecutive_failures: 1 },
    })
    expect(await settle(t, agent, second.lease)).toMatchObject({ counts: { executions: 2, consecutive_failures: 0 } })
    expect((await reserve(t, agent, { count_attempt: false })).exceeded).toBeDefined()
    // Clients that count by themselves read the same counters.
    expect([await value(agent, 's:one:execs'), await value(agent, 's:one:tool:exec')]).toEqual(['2', '2'])
    expect(await value(agent, 's:one:attempts')).toBe('3')
  })

  it('what was given back, and what nobody renewed for 60 seconds, reserves no longer; what ran is counted however late', async () => {
    t = await start()
    const agent = await t.agent()
    const bounds = { max_tool_calls: 1 }
    const first = await reserve(t, agent, { bounds })
    expect(await settle(t, agent, first.lease, 'not_run')).toMatchObject({ settled: true, counts: { executions: 0 } })
    const second = await reserve(t, agent, { bounds })
    expect((await reserve(t, agent, { bounds })).exceeded).toBeDefined()
    await t.clock.advance(59_000)
    expect(await post(t, agent, 'renew', { lease: second.lease })).toEqual({
      status: 200,
      body: { expires_in_seconds: 60 },
    })
    await t.clock.advance(59_000)
    expect((await reserve(t, agent, { bounds })).exceeded).toBeDefined()
    await t.clock.advance(1_000)
    const third = await reserve(t, agent, { bounds })
    expect(third.lease).toBeDefined()
    expect((await post(t, agent, 'renew', { lease: second.lease })).status).toBe(404)
    expect(await settle(t, agent, second.lease)).toMatchObject({ settled: true, counts: { executions: 1 } })
    expect(await settle(t, agent, second.lease)).toEqual({ settled: false })
    expect(await settle(t, agent, third.lease)).toMatchObject({ counts: { executions: 2 } })
    expect((await post(t, agent, 'renew', { lease: third.lease })).status).toBe(404)
  })

  it('a bound of attempts refuses the Nth, and one of a tool is of that tool alone', async () => {
    t = await start()
    const agent = await t.agent()
    const attempts = { bounds: { max_attempts: 2 } }
    expect((await reserve(t, agent, attempts)).lease).toBeDefined()
    expect((await reserve(t, agent, attempts)).exceeded).toEqual({ bound: 'max_attempts', limit: 2, count: 2 })
    const perTool = { session: 'two', bounds: { max_calls_per_tool: 1 } }
    expect((await reserve(t, agent, perTool)).lease).toBeDefined()
    expect((await reserve(t, agent, perTool)).exceeded).toMatchObject({ bound: 'max_calls_per_tool', count: 1 })
    expect((await reserve(t, agent, { ...perTool, tool: 'other' })).lease).toBeDefined()
    expect((await reserve(t, agent, { ...perTool, bounds: {} })).lease).toBeDefined()
  })

  it('belong to a tenant: another can neither end nor renew them, nor fill its sessions', async () => {
    t = await start()
    const agent = await t.agent()
    const other = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers: other, payload: { env: 'production' } })
    const theirs = { authorization: `Bearer ${key.json().key}` }
    const bounds = { max_tool_calls: 1 }
    const mine = await reserve(t, agent, { bounds })
    expect((await reserve(t, theirs, { bounds })).lease).toBeDefined()
    expect(await settle(t, theirs, mine.lease)).toEqual({ settled: false })
    expect((await post(t, theirs, 'renew', { lease: mine.lease })).status).toBe(404)
    expect(await settle(t, agent, mine.lease)).toMatchObject({ settled: true })
  })

  it('names that make no session key, and counters that hold no number, are refused', async () => {
    t = await start()
    const agent = await t.agent()
    const asked = { session: 'one', tool: 'exec', bounds: {}, count_attempt: true }
    for (const [over, field] of [
      [{ session: 'a b' }, 'session'],
      [{ tool: 'x'.repeat(300) }, 'tool'],
      [{ session: '' }, 'session'],
    ] as const) {
      const { status, body } = await post(t, agent, 'reserve', { ...asked, ...over })
      expect([status, body.detail[0].loc]).toEqual([422, ['body', field]])
    }
    await t.request({ method: 'PUT', url: '/api/v1/sessions/s:one:execs', headers: agent, payload: { value: 'many' } })
    const [odd, fine] = await Promise.all([
      post(t, agent, 'reserve', asked),
      post(t, agent, 'reserve', { ...asked, session: 'two' }),
    ])
    expect([odd.status, fine.status]).toEqual([409, 200])
  })

  it('however many reserve at once, a bound holds', async () => {
    t = await start()
    const agent = await t.agent()
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 8 }),
        fc.array(fc.constantFrom('success', 'failure', 'not_run'), { minLength: 1, maxLength: 16 }),
        async (limit, outcomes) => {
          const session = `parallel-${round++}`
          const asked = { session, bounds: { max_tool_calls: limit } }
          const begun = await Promise.all(
            outcomes.map(async (outcome) => {
              const { lease } = await reserve(t, agent, asked)
              return lease === undefined ? [] : [{ lease, outcome }]
            }),
          )
          const leases = begun.flat()
          expect(leases).toHaveLength(Math.min(limit, outcomes.length))
          await Promise.all(leases.map(({ lease, outcome }) => settle(t, agent, lease, outcome)))
          const ran = leases.filter(({ outcome }) => outcome !== 'not_run').length
          const { counts } = await reserve(t, agent, { session, bounds: {}, count_attempt: false })
          expect([counts.executions, counts.attempts]).toEqual([ran, outcomes.length])
        },
      ),
      { numRuns: 12 },
    )
  })
})

onPostgres('reserved executions on two servers', (start) => {
  let t: TestServer
  let second: TestServer
  afterEach(async () => {
    await second.close()
    await t.close()
  })

  it('that reserve at once from one limit, it holds over both', async () => {
    t = await start()
    const agent = await t.agent()
    second = await startTestServer({ environment: t.environment })
    const asked = { session: 'shared', bounds: { max_tool_calls: 5 } }
    const reserved = await Promise.all(
      Array.from({ length: 40 }, (_, index) => reserve(index % 2 === 0 ? t : second, agent, asked)),
    )
    expect(reserved.filter(({ lease }) => lease !== undefined)).toHaveLength(5)
  })
})
