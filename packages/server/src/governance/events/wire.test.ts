import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { createInProcessRateLimiter } from '../../adapters/rate-limiter/in-process.ts'

type Headers = Record<string, string>

/** The answers about events, field by field. */
onEachDatabase('the events API', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString()
  const event = (call: string, over: object = {}) => ({
    call_id: call,
    agent_id: 'agent-1',
    tool_name: 'read_file',
    verdict: 'call_allowed',
    mode: 'enforce',
    timestamp: at(0),
    ...over,
  })
  const post = (headers: Headers, payload: object) =>
    t.request({ method: 'POST', url: '/api/v1/events', headers, payload })
  const send = async (headers: Headers, ...events: object[]) => (await post(headers, { events })).json()
  const get = async (headers: Headers, query = '') => {
    const answer = await t.request({ method: 'GET', url: `/api/v1/events${query}`, headers })
    return [answer.statusCode, answer.json()]
  }
  const calls = async (headers: Headers, query = ''): Promise<string[]> =>
    (await get(headers, query))[1].map(({ call_id }: { call_id: string }) => call_id)

  it('a single event, a batch, and both again: accepted and duplicates add up to what was sent', async () => {
    t = await start()
    const agent = await t.agent()
    expect(await send(agent, event('a'))).toEqual({ accepted: 1, duplicates: 0 })
    const batch = ['b', 'c', 'd', 'e', 'f'].map((call) => event(call))
    expect(await send(agent, ...batch)).toEqual({ accepted: 5, duplicates: 0 })
    expect(await send(agent, event('a'))).toEqual({ accepted: 0, duplicates: 1 })
    expect(await send(agent, ...batch, event('g'), event('g'))).toEqual({ accepted: 1, duplicates: 6 })
    expect(await calls(agent)).toHaveLength(7)
  })

  it('nothing stored is an empty list', async () => {
    t = await start()
    expect(await get(await t.agent())).toEqual([200, []])
    expect(await get(await t.admin(), '?verdict=call_denied')).toEqual([200, []])
  })

  it('of deliveries of one event the first is kept', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, event('a', { tool_name: 'first' }))
    await send(agent, event('a', { tool_name: 'second', mode: 'observe' }))
    expect((await get(agent))[1]).toMatchObject([{ tool_name: 'first', agent_id: 'agent-1' }])
  })

  it('the agent is who the event names, not who the header names; without payload it is null', async () => {
    t = await start()
    const agent = await t.agent('production', 'header-agent')
    await send(agent, event('a'), event('b', { payload: null, agent_id: '' }))
    const [, [second, first]] = await get(agent)
    expect([first.agent_id, first.payload, second.agent_id, second.payload]).toEqual(['agent-1', null, '', null])
    expect(Object.keys(first)).not.toContain('env')
  })

  it('any verdict and mode is stored as it is', async () => {
    t = await start()
    const agent = await t.agent()
    const verdicts = [
      'allow',
      'call_allowed',
      'call_denied',
      'call_would_deny',
      'call_executed',
      'call_failed',
      'postcondition_warning',
      'call_approval_requested',
      'call_approval_granted',
      'call_approval_denied',
      'call_approval_timeout',
      'Something Else',
      '',
    ]
    expect(await send(agent, ...verdicts.map((verdict) => event('one call', { verdict, mode: verdict })))).toEqual({
      accepted: verdicts.length,
      duplicates: 0,
    })
    const [, stored] = await get(agent)
    expect(stored.map(({ verdict, mode }: { verdict: string; mode: string }) => [verdict, mode]).reverse()).toEqual(
      verdicts.map((verdict) => [verdict, verdict]),
    )
  })

  it('the environment of an event is that of the key; each key reads its own, people read all', async () => {
    t = await start()
    const [production, staging] = [await t.agent('production'), await t.agent('staging')]
    await send(production, event('p', { env: 'staging', payload: { environment: 'staging' } }))
    await send(staging, event('s'))
    expect(await calls(production)).toEqual(['p'])
    expect(await calls(staging)).toEqual(['s'])
    expect(await calls(await t.admin())).toEqual(['s', 'p'])
    const rows = await t.server.database.db.selectFrom('events').select(['call_id', 'env']).orderBy('call_id').execute()
    expect(rows).toEqual([
      { call_id: 'p', env: 'production' },
      { call_id: 's', env: 'staging' },
    ])
  })

  it('a hundred events come unless more are asked for, up to a thousand, the newest first', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, ...Array.from({ length: 1_001 }, (_, index) => event(`${index}`, { timestamp: at(index) })))
    const newest = await calls(agent)
    expect([newest.length, newest[0], newest.at(-1)]).toEqual([100, '1000', '901'])
    const most = await calls(agent, '?limit=1000')
    expect([most.length, most.at(-1)]).toEqual([1_000, '1'])
    // As clients without the cursor page: until the oldest they have.
    expect(await calls(agent, `?limit=3&until=${at(1)}`)).toEqual(['1', '0'])
  })

  it('a search looks into call, agent, tool, verdict and payload, whatever the case, and takes no pattern', async () => {
    t = await start()
    const agent = await t.agent()
    await send(
      agent,
      event('Needle-1'),
      event('2', { agent_id: 'the-needle' }),
      event('3', { tool_name: 'NEEDLE_tool' }),
      event('4', { verdict: 'needle_verdict' }),
      event('5', { payload: { tool_args: { path: ['a', { b: 'my nEEdle' }] } } }),
      event('6', { mode: 'needle' }),
      event('7', { payload: { note: '100% a_b \\ "quoted"' } }),
    )
    expect((await calls(agent, '?search=needle')).sort()).toEqual(['2', '3', '4', '5', 'Needle-1'])
    expect(await calls(agent, '?search=n%25dle')).toEqual([])
    expect(await calls(agent, '?search=n_edle')).toEqual([])
    expect(await calls(agent, '?search=100%25')).toEqual(['7'])
    expect(await calls(agent, '?search=A_B')).toEqual(['7'])
    expect(await calls(agent, '?search=&limit=2')).toHaveLength(2)
  })

  it('filters are combined', async () => {
    t = await start()
    const agent = await t.agent()
    await send(
      agent,
      event('a', { verdict: 'call_denied', mode: 'observe' }),
      event('b', { verdict: 'call_denied' }),
      event('c', { verdict: 'call_denied', mode: 'observe', agent_id: 'agent-2' }),
      event('d', { verdict: 'call_denied', mode: 'observe', tool_name: 'exec' }),
      event('e', { verdict: 'call_denied', mode: 'observe', timestamp: at(9) }),
    )
    const query = `?agent_id=agent-1&tool_name=read_file&verdict=call_denied&mode=observe&since=${at(0)}&until=${at(8)}&search=read`
    expect(await calls(agent, query)).toEqual(['a'])
  })

  it('bars of the histogram begin at multiples of their width since 1970, and hold what the filters leave', async () => {
    t = await start()
    const agent = await t.agent()
    await send(
      agent,
      event('a', { timestamp: at(0) }),
      event('b', { timestamp: at(1), agent_id: 'agent-2' }),
      event('c', { timestamp: at(7), tool_name: 'exec' }),
      event('d', { timestamp: at(10) }),
    )
    await send(await t.agent('staging'), event('e', { timestamp: at(0) }))
    const bars = async (headers: Headers, more = '') =>
      (await get(headers, `/histogram?since=${at(0)}&until=${at(10)}&bucket_seconds=780${more}`))[1].map(
        ({ bucket_start, allowed }: { bucket_start: string; allowed: number }) => [bucket_start, allowed],
      )
    // 12:00 is no multiple of thirteen minutes: the bar that holds it began before.
    expect(await bars(agent)).toEqual([
      ['2026-03-01T11:52:00Z', 2],
      ['2026-03-01T12:05:00Z', 1],
    ])
    expect(await bars(await t.admin())).toEqual([
      ['2026-03-01T11:52:00Z', 3],
      ['2026-03-01T12:05:00Z', 1],
    ])
    expect(await bars(agent, '&agent_id=agent-2')).toEqual([['2026-03-01T11:52:00Z', 1]])
    expect(await bars(agent, '&tool_name=exec')).toEqual([['2026-03-01T12:05:00Z', 1]])
    expect(await bars(agent, '&verdict=call_denied')).toEqual([])
  })

  it('events are counted by agent, tool, verdict, mode, contract, environment and revision, and filtered by each', async () => {
    t = await start()
    const [agent, staging, admin] = [await t.agent(), await t.agent('staging'), await t.admin()]
    const by = (decision_name: string, policy_version: string) => ({ payload: { decision_name, policy_version } })
    await send(
      agent,
      event('a', by('no-env', 'one')),
      event('b', { ...by('no-env', 'two'), verdict: 'call_denied', timestamp: at(1) }),
      event('c', { agent_id: 'agent-2', tool_name: 'exec', mode: 'observe', payload: { text: 'b\u0000' } }),
    )
    await send(staging, event('d', { ...by('other', 'two'), timestamp: at(7) }))
    const facets = async (headers: Headers, query = '') => {
      const [, { events, truncated, facets }] = await get(headers, `/facets?${query}`)
      expect(truncated).toBe(false)
      const named = Object.entries(
        facets as Record<string, { values: { value: string; count: number }[]; more: number }>,
      )
      return {
        events,
        ...Object.fromEntries(
          named.map(([name, { values }]) => [
            name,
            Object.fromEntries(values.map(({ value, count }) => [value, count])),
          ]),
        ),
      }
    }
    expect(await facets(admin)).toEqual({
      events: 4,
      agent_id: { 'agent-1': 3, 'agent-2': 1 },
      tool_name: { read_file: 3, exec: 1 },
      verdict: { call_allowed: 3, call_denied: 1 },
      mode: { enforce: 3, observe: 1 },
      contract: { 'no-env': 2, other: 1, '': 1 },
      env: { production: 3, staging: 1 },
      policy_version: { one: 1, two: 2, '': 1 },
    })
    expect(await facets(admin, 'contract=no-env')).toMatchObject({
      events: 2,
      contract: { 'no-env': 2, other: 1, '': 1 },
      policy_version: { one: 1, two: 1 },
    })
    expect(await facets(admin, `since=${at(1)}&search=other`)).toMatchObject({ events: 1, env: { staging: 1 } })
    expect(await facets(agent)).toMatchObject({ events: 3, env: { production: 3 } })
    for (const [query, found] of [
      ['contract=no-env', ['b', 'a']],
      ['policy_version=two', ['d', 'b']],
      ['env=staging', ['d']],
      ['env=production&mode=observe', ['c']],
    ] as const) {
      expect(await calls(admin, `?${query}`)).toEqual(found)
      const bars = (await get(admin, `/histogram?since=${at(0)}&until=${at(10)}&bucket_seconds=86400&${query}`))[1]
      const [{ allowed, denied }] = bars as [{ allowed: number; denied: number }]
      expect(allowed + denied).toBe(found.length)
    }
    for (const path of ['', '/facets', `/histogram`]) {
      const ends = `since=${at(0)}&until=${at(10)}`
      expect((await get(agent, `${path}?${ends}&env=staging`))[0]).toBe(403)
      expect((await get(agent, `${path}?${ends}&env=production`))[0]).toBe(200)
    }
  })

  it('a histogram of many bars, over time before and after 1970, counts every event once', async () => {
    t = await start()
    const agent = await t.agent()
    const MINUTE = 60_000
    const [since, until] = [Date.UTC(1969, 11, 20), Date.UTC(1970, 0, 12)]
    const instants = Array.from({ length: 400 }, (_, index) => since - MINUTE + index * 5_000_011)
    await send(
      agent,
      ...instants.map((instant, index) => event(`call-${index}`, { timestamp: new Date(instant).toISOString() })),
    )
    const asked = `since=${new Date(since).toISOString()}&until=${new Date(until).toISOString()}&bucket_seconds=60`
    const expected = new Map<number, number>()
    for (const instant of instants)
      if (instant >= since && instant < until) {
        // Towards zero, as both databases divide.
        const bar = Math.trunc(instant / MINUTE) * MINUTE
        expected.set(bar, (expected.get(bar) ?? 0) + 1)
      }
    const bars = (await get(agent, `/histogram?${asked}`))[1] as { bucket_start: string; allowed: number }[]
    expect(bars.map((bar) => [Date.parse(bar.bucket_start), bar.allowed])).toEqual([...expected])
  })

  it('the histogram needs both ends and a width from a minute to a day', async () => {
    t = await start()
    const agent = await t.agent()
    const status = async (query: string) => (await get(agent, `/histogram?${query}`))[0]
    const ends = `since=${at(0)}&until=${at(10)}`
    for (const query of [
      `since=${at(0)}`,
      `until=${at(0)}`,
      '',
      `${ends}&bucket_seconds=59`,
      `${ends}&bucket_seconds=86401`,
    ])
      expect([query, await status(query)]).toEqual([query, 422])
    for (const query of [ends, `${ends}&bucket_seconds=60`, `${ends}&bucket_seconds=86400`])
      expect([query, await status(query)]).toEqual([query, 200])
    expect((await get({}, `/histogram?${ends}`))[0]).toBe(401)
  })

  it('a manifest names agent and revision, and may list contracts; one that is malformed rejects the batch', async () => {
    t = await start()
    const agent = await t.agent()
    const named = { agent_id: 'a', policy_version: 'h' }
    const listing = (over: object) => ({ ...named, contracts: [{ id: 'c', type: 'pre', mode: 'enforce', ...over }] })
    const manifests: [unknown, number][] = [
      [named, 200],
      [{ agent_id: '', policy_version: '', contracts: [] }, 200],
      [listing({ tool: 'x' }), 200],
      [listing({ tool: ['x', 'y'], mode: 'observe' }), 200],
      [null, 200],
      [{ agent_id: 'a' }, 422],
      [{ policy_version: 'h' }, 422],
      [{ agent_id: 'a', policy_version: 1 }, 422],
      [listing({}), 422],
      [listing({ tool: 7 }), 422],
      ['text', 422],
    ]
    for (const [index, [agent_manifest, status]] of manifests.entries()) {
      const answer = await post(agent, { events: [event(`${index}`)], agent_manifest })
      expect([agent_manifest, answer.statusCode]).toEqual([agent_manifest, status])
    }
    expect(await calls(agent)).toEqual(['4', '3', '2', '1', '0'])
  })

  it('a manifest is kept as a whole with the agent it names, and replaced as a whole', async () => {
    t = await start()
    const agent = await t.agent()
    const registered = async () => {
      const answer = await t.request({ method: 'GET', url: '/api/v1/agent-registrations', headers: await t.admin() })
      return answer.json().find(({ agent_id }: { agent_id: string }) => agent_id === 'local-agent')
    }
    const contracts = [{ id: 'c', type: 'pre', tool: ['x', 'y'], mode: 'observe' }]
    await post(agent, {
      events: [event('a')],
      agent_manifest: { agent_id: 'local-agent', policy_version: 'one', contracts },
    })
    const first = await registered()
    expect(first.last_seen_at).toBe('2026-03-01T12:00:00Z')
    const stored = async () =>
      JSON.parse(
        (
          await t.server.database.db
            .selectFrom('agent_registrations')
            .select('manifest')
            .where('agent_id', '=', 'local-agent')
            .executeTakeFirstOrThrow()
        ).manifest ?? 'null',
      )
    expect(await stored()).toMatchObject({ policy_version: 'one', contracts })
    t.clock.set(t.clock.now() + 60_000)
    await post(agent, { events: [event('b')], agent_manifest: { agent_id: 'local-agent', policy_version: 'two' } })
    expect(await stored()).toMatchObject({ policy_version: 'two', contracts: [] })
    expect((await registered()).last_seen_at).toBe('2026-03-01T12:01:00Z')
  })

  it('the ten-thousand-and-first delivery of a tenant within a minute is refused, and nothing of it is stored', async () => {
    let refusing = false
    const asked: unknown[] = []
    t = await start({
      overrides: {
        limiter: {
          async hit(key, max, windowSeconds) {
            asked.push([key, max, windowSeconds])
            return refusing ? { allowed: false, retryAfter: 17 } : { allowed: true }
          },
          peek: async () => ({ allowed: true }),
        },
      },
    })
    const agent = await t.agent()
    const tenant = (await t.request({ method: 'GET', url: '/api/v1/auth/me', headers: await t.admin() })).json()
      .tenant_id
    expect(await send(agent, event('a'))).toEqual({ accepted: 1, duplicates: 0 })
    expect(asked.at(-1)).toEqual([`events:${tenant}`, 10_000, 60])
    refusing = true
    const answer = await post(agent, { events: [event('b')] })
    expect([answer.statusCode, answer.json(), answer.headers['retry-after']]).toEqual([
      429,
      { detail: 'Event ingestion rate limit exceeded. Please try again later.' },
      '17',
    ])
    expect(await calls(agent)).toEqual(['a'])
  })

  it('limits are counted for each tenant, whichever of its agents and keys calls', async () => {
    const limiter = createInProcessRateLimiter({ now: () => 0, after: () => () => {} })
    t = await start({
      overrides: { limiter: { ...limiter, hit: (key, _max, seconds) => limiter.hit(key, 2, seconds) } },
    })
    const [one, two] = [await t.agent('production', 'agent-1'), await t.agent('staging', 'agent-2')]
    const statuses = []
    for (const [index, headers] of [one, two, one].entries())
      statuses.push((await post(headers, { events: [event(`${index}`)] })).statusCode)
    expect(statuses).toEqual([200, 200, 429])
  })
})
