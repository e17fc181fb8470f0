import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>

onEachDatabase('statistics', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  let calls = 0
  const event = (timestamp: string, verdict: string, decisionName: string | null, over: object = {}) => ({
    call_id: `call-${calls++}`,
    agent_id: 'agent-1',
    tool_name: 'exec',
    verdict,
    mode: 'enforce',
    timestamp,
    payload: { decision_name: decisionName },
    ...over,
  })
  const send = (headers: Headers, ...events: object[]) =>
    t.request({ method: 'POST', url: '/api/v1/events', headers, payload: { events } })
  const stats = async (headers: Headers, path: string) =>
    (await t.request({ method: 'GET', url: `/api/v1/stats/${path}`, headers })).json()

  it('an empty tenant counts nothing', async () => {
    t = await start()
    expect(await stats(await t.admin(), 'overview')).toEqual({
      pending_approvals: 0,
      active_agents: 0,
      total_agents: 0,
      events_24h: 0,
      denials_24h: 0,
      observe_findings_24h: 0,
      contracts_triggered_24h: 0,
    })
    expect(await stats(await t.admin(), 'contracts')).toEqual({
      coverage: [],
      total_events: 0,
      period_start: '2026-02-28T12:00:00+00:00',
      period_end: '2026-03-01T12:00:00+00:00',
    })
  })

  it('the overview counts by window, a key its own environment, a person all of them', async () => {
    t = await start()
    const production = await t.agent('production')
    const staging = await t.agent('staging')
    await send(
      production,
      event('2026-03-01T11:30:00Z', 'call_denied', 'c1'),
      event('2026-03-01T10:00:00Z', 'call_denied', 'c2', { agent_id: 'agent-2' }),
      event('2026-03-01T10:00:00Z', 'call_would_deny', 'c2', { agent_id: 'agent-2', mode: 'observe' }),
      event('2026-03-01T10:00:00Z', 'call_allowed', null, { payload: null }),
      event('2026-02-27T10:00:00Z', 'call_denied', 'c3', { agent_id: 'agent-3' }),
    )
    await send(staging, event('2026-03-01T11:59:00Z', 'call_allowed', 'c4', { agent_id: 'agent-4' }))
    const asked = { agent_id: 'a', tool_name: 'exec', message: 'may I?' }
    await t.request({ method: 'POST', url: '/api/v1/approvals', headers: production, payload: asked })
    const ofProduction = {
      pending_approvals: 1,
      active_agents: 1,
      total_agents: 3,
      events_24h: 4,
      denials_24h: 2,
      observe_findings_24h: 1,
      contracts_triggered_24h: 2,
    }
    expect(await stats(production, 'overview')).toEqual(ofProduction)
    expect(await stats(staging, 'overview')).toMatchObject({ pending_approvals: 0, total_agents: 1, events_24h: 1 })
    expect(await stats(await t.admin(), 'overview')).toEqual({
      ...ofProduction,
      active_agents: 2,
      total_agents: 4,
      events_24h: 5,
      contracts_triggered_24h: 3,
    })
    expect(await stats(await t.otherTenant(), 'overview')).toMatchObject({ total_agents: 0, events_24h: 0 })
  })

  it('each contract counts its evaluations, denials and warnings within the window', async () => {
    t = await start()
    const agent = await t.agent()
    await send(
      agent,
      event('2026-03-01T11:00:00Z', 'call_denied', 'no_shell'),
      event('2026-03-01T11:10:00.5Z', 'call_would_deny', 'no_shell'),
      event('2026-03-01T11:05:00Z', 'call_allowed', 'no_shell'),
      event('2026-03-01T11:00:00Z', 'call_denied', 'rate_limit'),
      event('2026-03-01T11:00:00Z', 'call_allowed', null),
      event('2026-02-27T11:00:00Z', 'call_denied', 'no_shell'),
    )
    expect(await stats(await t.admin(), 'contracts')).toMatchObject({
      coverage: [
        {
          decision_name: 'no_shell',
          total_evaluations: 3,
          total_denials: 1,
          total_warnings: 1,
          last_triggered: '2026-03-01T11:10:00.500000+00:00',
        },
        { decision_name: 'rate_limit', total_evaluations: 1, total_denials: 1, total_warnings: 0 },
      ],
      total_events: 5,
    })
    expect(
      await stats(await t.admin(), 'contracts?since=2026-02-27T11:00:00Z&until=2026-02-27T11:00:00Z'),
    ).toMatchObject({
      coverage: [{ decision_name: 'no_shell', total_evaluations: 1 }],
      total_events: 1,
    })
    expect((await stats(await t.admin(), 'contracts?since=then')).detail[0].loc).toEqual(['query', 'since'])
    expect((await t.request({ method: 'GET', url: '/api/v1/stats/contracts', headers: agent })).statusCode).toBe(401)
  })

  it('pending approvals are counted in the environment of a key, and in all for a person', async () => {
    t = await start()
    const [production, staging] = [await t.agent('production'), await t.agent('staging')]
    const ask = (headers: Headers) =>
      t.request({
        method: 'POST',
        url: '/api/v1/approvals',
        headers,
        payload: { agent_id: 'a', tool_name: 'exec', message: 'may I?' },
      })
    const pending = async (headers: Headers) => (await stats(headers, 'overview')).pending_approvals
    const { id } = (await ask(production)).json()
    expect([await pending(staging), await pending(production), await pending(await t.admin())]).toEqual([0, 1, 1])
    await ask(staging)
    expect([await pending(staging), await pending(production), await pending(await t.admin())]).toEqual([1, 1, 2])
    await t.request({
      method: 'PUT',
      url: `/api/v1/approvals/${id}`,
      headers: await t.admin(),
      payload: { approved: true },
    })
    expect([await pending(staging), await pending(production), await pending(await t.admin())]).toEqual([1, 0, 1])
  })

  it('events without a payload, or whose payload names no contract, are counted and break nothing', async () => {
    t = await start()
    const at = '2026-03-01T11:00:00Z'
    await send(
      await t.agent(),
      event(at, 'call_denied', null),
      event(at, 'call_denied', null, { payload: null }),
      event(at, 'call_denied', null, { payload: undefined }),
      event(at, 'call_denied', null, { payload: {} }),
    )
    expect(await stats(await t.admin(), 'overview')).toMatchObject({ events_24h: 4, contracts_triggered_24h: 0 })
    expect(await stats(await t.admin(), 'contracts')).toMatchObject({ total_events: 4, coverage: [] })
  })

  it('a window counts its first and its last instant, and nothing beside them', async () => {
    t = await start()
    await send(
      await t.agent(),
      ...['10:59:59.999999', '11:00:00', '11:30:00', '12:00:00'].map((time) =>
        event(`2026-02-20T${time}Z`, 'call_denied', 'c'),
      ),
    )
    const total = async (query: string) => (await stats(await t.admin(), `contracts?${query}`)).total_events
    expect(await total('since=2026-02-20T11:00:00Z&until=2026-02-20T12:00:00Z')).toBe(3)
    expect(await total('since=2026-02-20T11:00:00.000001Z&until=2026-02-20T11:59:59.999999Z')).toBe(1)
    expect(await total('since=2026-02-20T12:00:00%2B01:00&until=2026-02-20T11:00:00Z')).toBe(1)
    expect(await total('since=2026-02-20T00:00:00Z')).toBe(4)
    expect(await total('')).toBe(0)
    for (const field of ['since', 'until'])
      expect((await stats(await t.admin(), `contracts?${field}=soon`)).detail[0].loc).toEqual(['query', field])
  })

  it("a tenant's contracts are counted by its own events", async () => {
    t = await start()
    await send(await t.agent(), event('2026-03-01T11:00:00Z', 'call_denied', 'mine'))
    expect(await stats(await t.admin(), 'contracts')).toMatchObject({
      total_events: 1,
      coverage: [{ decision_name: 'mine', total_evaluations: 1 }],
    })
    expect(await stats(await t.otherTenant(), 'contracts')).toMatchObject({ total_events: 0, coverage: [] })
  })

  it('five events of two contracts are counted by evaluations, denials and warnings', async () => {
    t = await start()
    const at = '2026-03-01T11:00:00Z'
    await send(
      await t.agent(),
      event(at, 'call_denied', 'no_shell'),
      event(at, 'call_would_deny', 'no_shell'),
      event(at, 'call_allowed', 'no_shell'),
      event(at, 'call_denied', 'rate_limit'),
      event(at, 'call_allowed', 'rate_limit'),
      event('2026-02-27T11:00:00Z', 'call_denied', 'no_shell'),
    )
    const { coverage, total_events } = await stats(await t.admin(), 'contracts')
    expect(total_events).toBe(5)
    const counts = { total_evaluations: 3, total_denials: 1, total_warnings: 1 }
    expect(coverage).toEqual([
      { decision_name: 'no_shell', ...counts, last_triggered: '2026-03-01T11:00:00+00:00' },
      {
        decision_name: 'rate_limit',
        total_evaluations: 2,
        total_denials: 1,
        total_warnings: 0,
        last_triggered: '2026-03-01T11:00:00+00:00',
      },
    ])
  })
})
