import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'

onEachDatabase('the rules of coverage', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  type Headers = Record<string, string>
  let calls = 0
  const event = (tool_name: string, over: object = {}) => ({
    call_id: `call-${calls++}`,
    agent_id: 'agent-1',
    tool_name,
    verdict: 'call_allowed',
    mode: 'enforce',
    timestamp: '2026-03-01T11:59:00Z',
    ...over,
  })
  const send = async (headers: Headers, ...events: object[]) => {
    const answer = await t.request({ method: 'POST', url: '/api/v1/events', headers, payload: { events } })
    expect(answer.json()).toMatchObject({ accepted: events.length })
  }
  const keyOf = async (headers?: Headers) => ({
    authorization: `Bearer ${(await libraryOf(t, headers).call('POST', '/keys', { env: 'production' })).json().key}`,
  })
  const get = async (path: string, headers?: Headers) => libraryOf(t, headers).get(`/agents/${path}`)
  /** Governs read_file. */
  async function deploy(env = 'production', name = 'devops') {
    const api = libraryOf(t)
    const { version } = (await api.call('POST', '/bundles', { yaml_content: bundleYaml(name) })).json()
    expect((await api.call('POST', `/bundles/${name}/${version}/deploy`, { env })).statusCode).toBe(201)
  }

  it('an agent that never sent an event has no coverage, and a fleet without it', async () => {
    t = await start()
    const answer = await get('nobody/coverage')
    expect([answer.statusCode, answer.json()]).toEqual([404, { detail: "No events found for agent 'nobody'" }])
    expect((await get('fleet-coverage')).json()).toEqual({
      time_window: { since: '2026-02-28T12:00:00Z', until: '2026-03-01T12:00:00Z' },
      agents: [],
      fleet_summary: {
        total_agents: 0,
        fully_enforced: 0,
        with_ungoverned: 0,
        with_drift: 0,
        total_ungoverned_tools: 0,
        ungoverned_tools: [],
      },
    })
  })

  it('is of the environment of the latest event, and counts the events of all', async () => {
    t = await start()
    await deploy('staging')
    await send(await t.agent('production'), event('read_file', { timestamp: '2026-03-01T11:00:00Z' }))
    await send(await t.agent('staging'), event('read_file', { timestamp: '2026-03-01T11:30:00Z' }))
    expect((await get('agent-1/coverage')).json()).toMatchObject({
      environment: 'staging',
      tools: [{ status: 'enforced', event_count: 2, last_used: '2026-03-01T11:30:00Z' }],
    })
  })

  it('without an environment says unknown: of an agent no tools, of the fleet none governed', async () => {
    t = await start()
    await deploy()
    await send(await t.agent(), event('read_file'), event('exec'))
    await t.server.database.db.updateTable('events').set({ env: null }).execute()
    expect((await get('agent-1/coverage')).json()).toMatchObject({
      environment: 'unknown',
      deployed_bundle: null,
      tools: [],
      summary: { total_tools: 0, enforced: 0, observed: 0, ungoverned: 0, coverage_pct: 100 },
    })
    expect((await get('fleet-coverage')).json().agents).toMatchObject([
      { environment: 'unknown', total_tools: 2, enforced: 0, ungoverned: 2, coverage_pct: 0 },
    ])
    // Nothing of it is kept: once the environment is known, it is told at once.
    await t.server.database.db.updateTable('events').set({ env: 'production' }).execute()
    expect((await get('agent-1/coverage')).json().environment).toBe('production')
  })

  it('counts denials, allowed and observed calls when asked, each on its own', async () => {
    t = await start()
    await send(
      await t.agent(),
      ...Array.from({ length: 5 }, () => event('exec', { verdict: 'call_denied' })),
      event('read_file', { verdict: 'call_allowed' }),
      event('read_file', { verdict: 'call_executed' }),
      event('read_file', { verdict: 'call_would_deny', mode: 'observe' }),
      event('read_file', { verdict: 'call_approval_requested' }),
    )
    const counts = async (query: string) =>
      Object.fromEntries(
        (await get(`agent-1/coverage${query}`))
          .json()
          .tools.map((tool: Record<string, unknown>) => [
            tool.tool_name,
            [tool.event_count, tool.deny_count, tool.allow_count, tool.observe_count],
          ]),
      )
    expect(await counts('?include_verdicts=true')).toEqual({ exec: [5, 5, 0, 0], read_file: [4, 0, 2, 1] })
    expect(await counts('?include_verdicts=1')).toEqual({ exec: [5, 5, 0, 0], read_file: [4, 0, 2, 1] })
    for (const query of ['', '?include_verdicts=false'])
      expect(await counts(query)).toEqual({ exec: [5, null, null, null], read_file: [4, null, null, null] })
  })

  it('an ungoverned tool of more agents stands before one of fewer, and names its agents in order', async () => {
    t = await start()
    const key = await t.agent()
    for (const [agent_id, tools] of [
      ['c', ['b-tool', 'a-tool', 'rare']],
      ['a', ['a-tool', 'b-tool']],
      ['b', ['b-tool', 'a-tool', 'common']],
      ['d', ['common', 'b-tool', 'a-tool']],
    ] as const)
      await send(key, ...tools.map((tool) => event(tool, { agent_id })))
    const { ungoverned_tools, total_ungoverned_tools } = (await get('fleet-coverage')).json().fleet_summary
    expect(total_ungoverned_tools).toBe(4)
    expect(ungoverned_tools).toEqual([
      { tool_name: 'a-tool', agent_count: 4, agent_ids: ['a', 'b', 'c', 'd'] },
      { tool_name: 'b-tool', agent_count: 4, agent_ids: ['a', 'b', 'c', 'd'] },
      { tool_name: 'common', agent_count: 2, agent_ids: ['b', 'd'] },
      { tool_name: 'rare', agent_count: 1, agent_ids: ['c'] },
    ])
  })

  it('is fully enforced when no tool is observed or left alone', async () => {
    t = await start()
    await deploy()
    const key = await t.agent()
    await send(key, event('read_file', { agent_id: 'full' }), event('read_file', { agent_id: 'part' }))
    await send(key, event('exec', { agent_id: 'part' }))
    const { agents, fleet_summary } = (await get('fleet-coverage')).json()
    expect(agents).toMatchObject([
      { agent_id: 'full', coverage_pct: 100, event_count_24h: 1 },
      { agent_id: 'part', coverage_pct: 50, event_count_24h: 2 },
    ])
    expect(fleet_summary).toMatchObject({ total_agents: 2, fully_enforced: 1, with_ungoverned: 1 })
  })

  it('keeps what it told of an agent for a minute, by window and by what was asked', async () => {
    t = await start()
    const key = await t.agent()
    await send(key, event('exec'))
    const total = async (query = '') => (await get(`agent-1/coverage${query}`)).json().summary.total_tools
    expect(await total()).toBe(1)
    await send(key, event('read_file'))
    expect(await total()).toBe(1)
    expect(await total('?include_verdicts=true')).toBe(2)
    expect(await total('?since=23h')).toBe(2)
    expect((await get('fleet-coverage')).json().agents[0].total_tools).toBe(2)
    await t.clock.advance(60_000)
    expect(await total()).toBe(2)
  })

  it('a window may be given as hours, days, minutes or an instant with its offset', async () => {
    t = await start()
    await send(
      await t.agent(),
      event('now'),
      event('hours', { timestamp: '2026-03-01T05:00:00Z' }),
      event('days', { timestamp: '2026-02-20T05:00:00Z' }),
    )
    const total = async (since: string) =>
      (await get(`fleet-coverage?since=${encodeURIComponent(since)}`)).json().agents[0]?.total_tools ?? 0
    for (const [since, expected] of [
      ['5m', 1],
      ['1h', 1],
      ['6h', 1],
      ['8h', 2],
      ['7d', 2],
      ['30d', 3],
      ['3650d', 3],
      ['2026-02-20T05:00:00Z', 3],
      ['2026-02-20T06:00:00+01:00', 3],
      ['2026-02-20T05:00:01+00:00', 2],
      ['2026-03-02T00:00:00Z', 0],
    ] as const)
      expect([since, await total(since)]).toEqual([since, expected])
    for (const path of ['fleet-coverage', 'agent-1/coverage'])
      for (const since of ['3651d', '3651h', '3651m', '99999999999999999999d']) {
        const answer = await get(`${path}?since=${since}`)
        expect([answer.statusCode, answer.json()]).toEqual([
          400,
          { detail: `Duration too large: ${since} (max 10 years)` },
        ])
      }
  })

  it("tells a tenant of its own agents and tools, and nothing of another's", async () => {
    t = await start()
    const other = await t.otherTenant()
    await deploy()
    await send(await keyOf(), event('read_file'), event('mine', { agent_id: 'only-mine' }))
    await send(await keyOf(other), event('read_file', { agent_id: 'only-theirs' }), event('theirs'))
    const fleet = async (headers?: Headers) => (await get('fleet-coverage', headers)).json()
    const ids = async (headers?: Headers) =>
      (await fleet(headers)).agents.map((one: { agent_id: string }) => one.agent_id)
    expect(await ids()).toEqual(['agent-1', 'only-mine'])
    expect(await ids(other)).toEqual(['agent-1', 'only-theirs'])
    expect((await fleet()).fleet_summary.ungoverned_tools).toEqual([
      { tool_name: 'mine', agent_count: 1, agent_ids: ['only-mine'] },
    ])
    // The other tenant has deployed nothing, whatever this one has.
    expect((await fleet(other)).fleet_summary.ungoverned_tools).toEqual([
      { tool_name: 'read_file', agent_count: 1, agent_ids: ['only-theirs'] },
      { tool_name: 'theirs', agent_count: 1, agent_ids: ['agent-1'] },
    ])
    expect((await get('only-theirs/coverage')).statusCode).toBe(404)
    expect((await get('only-mine/coverage', other)).statusCode).toBe(404)
  })

  it('the fleet is not taken for an agent, nor is an agent of that name lost', async () => {
    t = await start()
    await send(await t.agent(), event('exec', { agent_id: 'fleet-coverage' }), event('exec', { agent_id: 'status' }))
    expect(Object.keys((await get('fleet-coverage')).json())).toContain('fleet_summary')
    expect(Object.keys((await get('status')).json())).toEqual(['agents'])
    for (const agentId of ['fleet-coverage', 'status']) {
      expect((await get(`${agentId}/coverage`)).json().agent_id).toBe(agentId)
      expect((await get(`${agentId}/history`)).json().agent_id).toBe(agentId)
    }
  })
})
