import { randomBytes } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>

const event = (over: Record<string, unknown> = {}) => ({
  call_id: 'call-1',
  agent_id: 'agent-1',
  tool_name: 'read_file',
  verdict: 'call_allowed',
  mode: 'enforce',
  timestamp: '2026-03-01T12:00:00Z',
  payload: { tool_args: { path: 'data.csv' }, decision_name: null },
  ...over,
})

onEachDatabase('events', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const post = (headers: Headers, payload: object | string) =>
    t.request({
      method: 'POST',
      url: '/api/v1/events',
      headers: { ...headers, 'content-type': 'application/json' },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    })
  const send = async (headers: Headers, ...events: unknown[]) => (await post(headers, { events })).json()
  const query = async (headers: Headers, text = '') =>
    (await t.request({ method: 'GET', url: `/api/v1/events${text}`, headers })).json()

  it('an event comes back as it was sent', async () => {
    t = await start()
    const agent = await t.agent()
    expect(await send(agent, event({ timestamp: '2026-03-01T13:00:00.123456+01:00' }))).toEqual({
      accepted: 1,
      duplicates: 0,
    })
    expect(await query(agent)).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        call_id: 'call-1',
        agent_id: 'agent-1',
        tool_name: 'read_file',
        verdict: 'call_allowed',
        mode: 'enforce',
        timestamp: '2026-03-01T12:00:00.123456Z',
        payload: { tool_args: { path: 'data.csv' }, decision_name: null },
        payload_bytes: 54,
        payload_shortened: false,
        seq: 1,
        created_at: '2026-03-01T12:00:00Z',
      },
    ])
  })

  it('a re-delivered event is a duplicate; another stage of the same call is not', async () => {
    t = await start()
    const agent = await t.agent()
    const batch = [event(), event({ verdict: 'call_executed' }), event(), event({ payload: { decision_name: 'c1' } })]
    expect(await send(agent, ...batch)).toEqual({ accepted: 3, duplicates: 1 })
    expect(await send(agent, ...batch)).toEqual({ accepted: 0, duplicates: 4 })
    expect(await query(agent)).toHaveLength(3)
  })

  it('deliveries of one batch at the same time store it once', async () => {
    t = await start()
    const agent = await t.agent()
    const batch = Array.from({ length: 50 }, (_, index) => event({ call_id: `call-${index}` }))
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(agent, ...batch)))
    expect(answers.reduce((sum, answer) => sum + answer.accepted, 0)).toBe(50)
    expect(answers.every((answer) => answer.accepted + answer.duplicates === 50)).toBe(true)
    expect(await query(agent)).toHaveLength(50)
  })

  it('the same call of another tenant is no duplicate, and no tenant sees the other', async () => {
    t = await start()
    const mine = await t.agent()
    const other = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers: other, payload: { env: 'production' } })
    const theirs = { authorization: `Bearer ${key.json().key}` }
    expect(await send(mine, event())).toEqual({ accepted: 1, duplicates: 0 })
    expect(await query(other)).toEqual([])
    expect(await send(theirs, event())).toEqual({ accepted: 1, duplicates: 0 })
    expect(await query(theirs)).toHaveLength(1)
    expect(await query(await t.admin())).toHaveLength(1)
  })

  it('a key reads and writes its own environment only, whatever the payload says', async () => {
    t = await start()
    const production = await t.agent('production')
    const staging = await t.agent('staging')
    await send(staging, event({ payload: { environment: 'production' } }))
    const window = 'since=2026-03-01T00:00:00Z&until=2026-03-02T00:00:00Z'
    expect(await query(production)).toEqual([])
    expect(await query(production, `/histogram?${window}`)).toEqual([])
    expect(await query(staging)).toHaveLength(1)
    expect(await query(await t.admin())).toHaveLength(1)
  })

  it('one malformed event is named and the others are stored', async () => {
    t = await start()
    const agent = await t.agent()
    const bad = [
      event({ call_id: 7 }),
      event({ timestamp: 'yesterday' }),
      event({ payload: [] }),
      'not an event',
      event({ tool_name: 'nul\u0000' }),
      { ...event(), mode: undefined },
      event({ timestamp: '9999-12-31T23:59:59Z' }),
    ]
    expect(await send(agent, event(), ...bad, event({ call_id: 'call-2' }))).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: [
        { index: 1, detail: 'call_id: Input should be a valid string' },
        { index: 2, detail: 'timestamp: Input should be a valid datetime' },
        { index: 3, detail: 'payload: Input should be an object or null' },
        { index: 4, detail: 'Input should be an object' },
        { index: 5, detail: 'tool_name: Value error, Null bytes are not allowed' },
        { index: 6, detail: 'mode: Field required' },
        { index: 7, detail: 'timestamp: Value error, Events happen between the years 1684 and 2255' },
      ],
    })
  })

  it('a batch without one valid event, an empty one and one of 10,001 are refused', async () => {
    t = await start()
    const agent = await t.agent()
    const nothing = await post(agent, { events: [event({ call_id: null }), {}] })
    expect([nothing.statusCode, nothing.json()]).toEqual([
      422,
      {
        detail: [
          { loc: ['body', 'events', 0, 'call_id'], msg: 'Input should be a valid string' },
          { loc: ['body', 'events', 1, 'call_id'], msg: 'Field required' },
        ],
      },
    ])
    expect((await post(agent, { events: [] })).statusCode).toBe(422)
    expect((await post(agent, {})).json()).toEqual({ detail: [{ loc: ['body', 'events'], msg: 'Field required' }] })
    const many = Array.from({ length: 10_001 }, (_, index) => event({ call_id: `call-${index}` }))
    expect((await post(agent, { events: many })).statusCode).toBe(422)
    expect(await query(agent)).toEqual([])
    expect(await send(agent, ...many.slice(1))).toEqual({ accepted: 10_000, duplicates: 0 })
  })

  it('truncated JSON, a wrong content type and no body are answered as bad input', async () => {
    t = await start()
    const agent = await t.agent()
    const answer = async (type: string, payload?: string) => {
      const headers = { ...agent, 'content-type': type }
      const given = await t.request({ method: 'POST', url: '/api/v1/events', headers, payload: payload ?? '' })
      return [given.statusCode, given.json().detail[0].loc[0]]
    }
    expect(await answer('application/json', '{"events":[{"call_id":')).toEqual([422, 'body'])
    expect(await answer('application/json')).toEqual([422, 'body'])
    expect(await answer('application/octet-stream', '\u0001\u0002')).toEqual([422, 'body'])
    expect(await answer('text/plain', '{"events":[]}')).toEqual([422, 'body'])
    expect((await post({ authorization: 'Bearer edk_production_unknown' }, { events: [event()] })).statusCode).toBe(401)
  })

  it('a body above 16 MiB is refused with 413', async () => {
    t = await start()
    const agent = await t.agent()
    const answer = await post(agent, { events: [event({ payload: { text: 'x'.repeat(16 * 1024 * 1024) } })] })
    expect([answer.statusCode, answer.json()]).toEqual([
      413,
      { detail: 'Request body too large. Maximum allowed: 16MB.' },
    ])
  })

  it('what a tool was called with cannot keep the call out of the log', async () => {
    t = await start()
    const agent = await t.agent()
    const odd = [
      '{"tool_args":{"__proto__":{"a":1},"constructor":{"prototype":{}}}}',
      '{"tool_args":{"text":"\\u0000 \\ud800 \'; drop table events; --"},"decision_name":"nul\\u0000"}',
      '{"tool_args":{"deep":'.concat('['.repeat(500), ']'.repeat(500), '}}'),
    ]
    for (const [index, payload] of odd.entries()) {
      const text = JSON.stringify(event({ call_id: `call-${index}`, payload: 1 })).replace(
        '"payload":1',
        `"payload":${payload}`,
      )
      expect((await post(agent, `{"events":[${text}]}`)).json()).toEqual({ accepted: 1, duplicates: 0 })
    }
    const stored = (await t.request({ method: 'GET', url: '/api/v1/events', headers: agent })).body
    expect(stored).toContain('"__proto__":{"a":1}')
    expect(stored).toContain("'; drop table events; --")
  })

  it('an event nested beyond reason is rejected alone, and a huge call id is kept', async () => {
    t = await start()
    const agent = await t.agent()
    const deep = JSON.stringify(event({ payload: 1 })).replace(
      '"payload":1',
      `"payload":{"deep":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
    )
    const noise = Buffer.from(Array.from({ length: 6_000 }, (_, index) => (index * 7919) % 251)).toString('base64')
    const huge = JSON.stringify(
      event({ call_id: noise, tool_name: noise, verdict: noise, agent_id: noise.slice(0, 512) }),
    )
    const nobody = JSON.stringify(event({ call_id: 'call-2', agent_id: noise }))
    expect((await post(agent, `{"events":[${deep},${huge},${nobody}]}`)).json()).toEqual({
      accepted: 1,
      duplicates: 0,
      rejected: [
        { index: 0, detail: 'payload: Value error, The payload is nested too deeply' },
        { index: 2, detail: 'agent_id: String should have at most 512 characters' },
      ],
    })
  })

  it('every filter selects exactly', async () => {
    t = await start()
    const agent = await t.agent()
    await send(
      agent,
      event({ call_id: 'a', timestamp: '2026-03-01T10:00:00Z' }),
      event({ call_id: 'b', timestamp: '2026-03-01T11:00:00Z', agent_id: 'agent-2', mode: 'observe' }),
      event({ call_id: 'c', timestamp: '2026-03-01T12:00:00Z', tool_name: 'write_file', verdict: 'call_denied' }),
      event({ call_id: 'd', timestamp: '2026-03-01T13:00:00Z', payload: { note: 'Ärger 100% _sure_' } }),
      event({ call_id: 'e', timestamp: '2026-03-01T13:00:00Z', payload: null }),
    )
    const ids = async (text: string) => (await query(agent, text)).map((found: { call_id: string }) => found.call_id)
    expect(await ids('')).toEqual(['e', 'd', 'c', 'b', 'a'])
    expect(await ids('?agent_id=agent-2')).toEqual(['b'])
    expect(await ids('?tool_name=write_file')).toEqual(['c'])
    expect(await ids('?verdict=call_denied')).toEqual(['c'])
    expect(await ids('?mode=observe')).toEqual(['b'])
    expect(await ids('?since=2026-03-01T11:00:00Z&until=2026-03-01T12:00:00Z')).toEqual(['c', 'b'])
    expect(await ids('?since=2026-03-01T14:00:00%2B02:00&until=1772366400')).toEqual(['c'])
    expect(await ids('?until=9999-12-31T23:59:59Z&since=0001-01-01T00:00:00Z&limit=1')).toEqual(['e'])
    expect(await ids('?search=WRITE_')).toEqual(['c'])
    expect(await ids(`?search=${encodeURIComponent('äRGER 100%')}`)).toEqual(['d'])
    expect(await ids('?search=_sure_')).toEqual(['d'])
    expect(await ids('?search=nothing')).toEqual([])
    expect(await ids("?agent_id=agent-1'%20or%201=1")).toEqual([])
    expect(await ids('?limit=2')).toEqual(['e', 'd'])
  })

  it('tool names and verdicts of any length are kept, and told apart to their ends', async () => {
    t = await start()
    const agent = await t.agent()
    // Nothing a database could compress.
    const long = randomBytes(6_000).toString('base64')
    const names = [`${long}a`, `${long}b`, `${'ü'.repeat(99)}😀x`]
    const events = names.flatMap((name, index) => [
      event({ call_id: `tool-${index}`, tool_name: name }),
      event({ call_id: `verdict-${index}`, verdict: name }),
    ])
    expect((await post(agent, { events })).json()).toEqual({ accepted: 6, duplicates: 0 })
    for (const [index, name] of names.entries())
      for (const field of ['tool', 'verdict']) {
        const query = new URLSearchParams({ [field === 'tool' ? 'tool_name' : field]: name })
        const found = await t.request({ method: 'GET', url: `/api/v1/events?${query}`, headers: agent })
        expect(found.json().map((one: { call_id: string }) => one.call_id)).toEqual([`${field}-${index}`])
      }
  })

  it('a search finds what lies far back, and pages through it', async () => {
    t = await start()
    const agent = await t.agent()
    const at = (index: number) => new Date(Date.UTC(2026, 1, 1) + Math.floor(index / 7) * 1000).toISOString()
    await send(
      agent,
      ...Array.from({ length: 7_000 }, (_, index) =>
        event({
          call_id: `call-${index}`,
          timestamp: at(index),
          payload: { note: index % 1_000 === 1 ? 'needle' : 'hay' },
        }),
      ),
    )
    const all = await query(agent, '?search=NEEDLE')
    expect(all.map((found: { call_id: string }) => found.call_id)).toEqual(
      [6001, 5001, 4001, 3001, 2001, 1001, 1].map((index) => `call-${index}`),
    )
    const page = await t.request({ method: 'GET', url: '/api/v1/events?search=needle&limit=3', headers: agent })
    expect(page.json()).toEqual(all.slice(0, 3))
    expect(await query(agent, `?search=needle&cursor=${page.headers['x-next-cursor']}`)).toEqual(all.slice(3))
    expect(await query(agent, `?search=needle&until=${at(3_500)}`)).toHaveLength(4)
    expect(await query(agent, '?search=pin')).toEqual([])
  })

  it('two filters that are common apart and rare together find what lies far back, and page through it', async () => {
    t = await start()
    const production = await t.agent('production')
    const staging = await t.agent('staging')
    const at = (index: number) => new Date(Date.UTC(2026, 1, 1) + Math.floor(index / 7) * 1000).toISOString()
    // agent-0 uses tool-0, agent-1 uses tool-1; one call in a thousand goes across, and is denied.
    const batch = Array.from({ length: 5_000 }, (_, index) =>
      event({
        call_id: `call-${index}`,
        timestamp: at(index),
        agent_id: `agent-${index % 2}`,
        tool_name: `tool-${index % 1_000 === 7 ? 0 : index % 2}`,
        verdict: index % 1_000 === 7 ? 'call_denied' : 'call_allowed',
      }),
    )
    await send(production, ...batch)
    await send(staging, event({ call_id: 'elsewhere', agent_id: 'agent-1', tool_name: 'tool-0', timestamp: at(0) }))
    const ids = async (text: string, headers = production) =>
      (await query(headers, text)).map((found: { call_id: string }) => found.call_id)
    const across = [4007, 3007, 2007, 1007, 7].map((index) => `call-${index}`)
    for (const filter of [
      'agent_id=agent-1&tool_name=tool-0',
      'tool_name=tool-0&verdict=call_denied',
      'agent_id=agent-1&verdict=call_denied',
      'agent_id=agent-1&tool_name=tool-0&verdict=call_denied&mode=enforce',
    ]) {
      expect(await ids(`?${filter}`)).toEqual(across)
      const page = await t.request({ method: 'GET', url: `/api/v1/events?${filter}&limit=2`, headers: production })
      expect(await ids(`?${filter}&cursor=${page.headers['x-next-cursor']}`)).toEqual(across.slice(2))
    }
    expect(await ids('?agent_id=agent-0&tool_name=tool-1')).toEqual([])
    expect(await ids('?agent_id=agent-0&mode=observe')).toEqual([])
    expect(await ids('', staging)).toEqual(['elsewhere'])
    expect(await ids('?agent_id=agent-1&tool_name=tool-0', await t.admin())).toEqual([...across, 'elsewhere'])
  })

  it('limits out of range and broken instants are refused by name', async () => {
    t = await start()
    const agent = await t.agent()
    for (const [text, field] of [
      ['?limit=-1', 'limit'],
      ['?limit=0', 'limit'],
      ['?limit=1001', 'limit'],
      ['?limit=99999999999999999999', 'limit'],
      ['?limit=many', 'limit'],
      ['?since=then', 'since'],
      ['?cursor=broken', 'cursor'],
      ['/histogram?since=2026-03-01T00:00:00Z', 'until'],
    ]) {
      const answer = await t.request({ method: 'GET', url: `/api/v1/events${text}`, headers: agent })
      expect([text, answer.statusCode, answer.json().detail[0].loc]).toEqual([text, 422, ['query', field]])
    }
  })

  it('pages by cursor hold every event once, also those of one instant', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, ...Array.from({ length: 25 }, (_, index) => event({ call_id: `call-${index}` })))
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await t.request({ method: 'GET', url: `/api/v1/events?limit=10${cursor}`, headers: agent })
      seen.push(...page.json().map((found: { call_id: string }) => found.call_id))
      const next = page.headers['x-next-cursor']
      cursor = next === undefined ? '' : `&cursor=${next}`
      await send(agent, event({ call_id: `new-${seen.length}`, timestamp: '2026-03-01T12:30:00Z' }))
    } while (cursor !== '')
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `call-${24 - index}`))
  })

  it('the histogram counts each verdict as what it means', async () => {
    t = await start()
    const agent = await t.agent()
    const verdicts = [
      ['call_allowed', 'enforce'],
      ['call_executed', 'enforce'],
      ['call_denied', 'enforce'],
      ['would_deny', 'observe'],
      ['call_would_deny', 'observe'],
      ['pending_approval', 'enforce'],
    ]
    await send(
      agent,
      ...verdicts.map(([verdict, mode], index) => event({ call_id: `call-${index}`, verdict, mode })),
      event({ call_id: 'late', timestamp: '2026-03-01T14:00:00Z' }),
      event({ call_id: 'beyond', timestamp: '2026-03-01T16:00:00Z' }),
    )
    const window = 'since=2026-03-01T12:00:00Z&until=2026-03-01T16:00:00Z'
    expect(await query(agent, `/histogram?${window}`)).toEqual([
      { bucket_start: '2026-03-01T12:00:00Z', allowed: 2, denied: 2, pending: 1, observed: 1 },
      { bucket_start: '2026-03-01T14:00:00Z', allowed: 1, denied: 0, pending: 0, observed: 0 },
    ])
    expect(await query(agent, `/histogram?${window}&verdict=call_denied&bucket_seconds=3600`)).toEqual([
      { bucket_start: '2026-03-01T12:00:00Z', allowed: 0, denied: 1, pending: 0, observed: 0 },
    ])
  })

  it('dashboards hear how many events were new, and nothing of duplicates', async () => {
    t = await start()
    const agent = await t.agent()
    await send(agent, event(), event({ call_id: 'call-2' }), event())
    await send(agent, event())
    const told = async () => {
      const rows = await t.server.database.db
        .selectFrom('stream_log')
        .selectAll()
        .where('type', '=', 'event_created')
        .execute()
      return rows.map((row) => [row.data, row.dashboard, row.env])
    }
    await expect.poll(told).toEqual([['{"type":"event_created","accepted":2}', 1, null]])
  })
})
