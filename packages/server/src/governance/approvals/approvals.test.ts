import { afterEach, expect, it, vi } from 'vitest'
import { onEachDatabase, startTestServer, type TestServer } from '../../../test/harness.ts'
import { createInProcessBus } from '../../adapters/bus/in-process.ts'

type Headers = Record<string, string>

const asked = {
  agent_id: 'someone-else',
  tool_name: 'delete_user',
  tool_args: { user_id: 'u_1', __proto: null },
  message: 'Delete user u_1?',
  timeout: 300,
}

onEachDatabase('approvals', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const create = (headers: Headers, over: object = {}) =>
    t.request({ method: 'POST', url: '/api/v1/approvals', headers, payload: { ...asked, ...over } })
  const created = async (headers: Headers, over: object = {}): Promise<string> =>
    (await create(headers, over)).json().id
  const decide = async (headers: Headers, id: string, body: object = { approved: true }) => {
    const answer = await t.request({ method: 'PUT', url: `/api/v1/approvals/${id}`, headers, payload: body })
    return [answer.statusCode, answer.json()]
  }
  const read = async (headers: Headers, id: string, query = '') => {
    const answer = await t.request({ method: 'GET', url: `/api/v1/approvals/${id}${query}`, headers })
    return [answer.statusCode, answer.json()]
  }
  const list = async (headers: Headers, query = '') =>
    (await t.request({ method: 'GET', url: `/api/v1/approvals${query}`, headers })).json()
  const announced = async (type: string) =>
    (await t.server.database.db.selectFrom('stream_log').selectAll().where('type', '=', type).execute()).map((row) => [
      JSON.parse(row.data),
      row.env,
      row.dashboard,
    ])
  const detail = 'Approval not found or already decided.'
  const refused = [409, { detail }]
  const timedOut = { status: 'timeout', decided_by: null, decided_at: null, decided_via: 'system' }

  it('an approval is asked for, read, and decided by who is signed in', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    const answer = await create(agent)
    expect([answer.statusCode, answer.json()]).toEqual([
      201,
      {
        id: expect.any(String),
        status: 'pending',
        agent_id: 'agent-1',
        tool_name: 'delete_user',
        tool_args: { user_id: 'u_1', __proto: null },
        message: 'Delete user u_1?',
        env: 'production',
        timeout_seconds: 300,
        timeout_effect: 'deny',
        decision_source: null,
        contract_name: null,
        decided_by: null,
        decided_at: null,
        decision_reason: null,
        decided_via: null,
        created_at: '2026-03-01T12:00:00Z',
        action_digest: null,
        session_id: null,
        receipt: null,
        consumed_at: null,
        asker: 'attached',
        asker_seen_at: '2026-03-01T12:00:00Z',
        tool_args_shortened: false,
      },
    ])
    const { id } = answer.json()
    expect(await read(agent, id)).toEqual([200, answer.json()])
    const decision = { approved: false, reason: 'not today', decided_by: 'mallory@example.com' }
    const denied = {
      ...answer.json(),
      asker: 'detached',
      status: 'denied',
      decided_by: 'admin@example.com',
      decided_at: '2026-03-01T12:00:00Z',
      decision_reason: 'not today',
      decided_via: 'console',
    }
    expect(await decide(admin, id, decision)).toEqual([200, denied])
    expect(await read(agent, id.replaceAll('-', '').toUpperCase())).toEqual([200, denied])
    expect(await announced('approval_created')).toEqual([
      [
        {
          type: 'approval_created',
          approval_id: id,
          agent_id: 'agent-1',
          tool_name: 'delete_user',
          message: 'Delete user u_1?',
        },
        'production',
        1,
      ],
    ])
    expect(await announced('approval_decided')).toEqual([
      [
        {
          ...{ type: 'approval_decided', approval_id: id, status: 'denied', decided_by: 'admin@example.com' },
          ...{ action_digest: null, receipt: null },
        },
        'production',
        1,
      ],
    ])
  })

  it('an agent that does not name itself is known by its key', async () => {
    t = await start()
    const { authorization = '' } = await t.agent()
    expect((await create({ authorization })).json().agent_id).toBe(
      `key:${authorization.slice('Bearer '.length).slice(0, 'edk_production_'.length + 8)}`,
    )
  })

  it('two deciders: exactly one wins, and the others are told who', async () => {
    t = await start()
    const admin = await t.admin()
    const id = await created(await t.agent())
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => decide(admin, id, { approved: index % 2 === 0 })),
    )
    expect(answers.filter(([status]) => status === 200)).toHaveLength(1)
    const [[, { status, decided_by, decided_at, decided_via }] = []] = answers.filter(([status]) => status === 200)
    const late = [409, { detail, decision: { status, decided_by, decided_at, decided_via } }]
    expect(answers.filter(([status]) => status !== 200)).toEqual(Array(7).fill(late))
    expect(await decide(admin, id)).toEqual(late)
    expect(await announced('approval_decided')).toHaveLength(1)
  })

  it('an approval past its time is never approved, whether or not the time-out was written', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    const late = await created(agent)
    t.clock.set(t.clock.now() + 299_999)
    const inTime = await created(agent)
    t.clock.set(t.clock.now() + 1)
    expect(await decide(admin, late)).toEqual([409, { detail, decision: timedOut }])
    expect(await decide(admin, inTime)).toMatchObject([200, { status: 'approved' }])
    expect(await read(agent, late)).toMatchObject([
      200,
      { status: 'timeout', decided_via: 'system', decided_by: null, decided_at: null },
    ])
    expect(await decide(admin, late)).toEqual([409, { detail, decision: timedOut }])
  })

  it('a time-out fires once, however many look', async () => {
    t = await start()
    const agent = await t.agent()
    const id = await created(agent, { timeout: 60 })
    await t.clock.advance(60_000)
    const answers = await Promise.all(Array.from({ length: 6 }, () => read(agent, id)))
    expect(answers.map(([, body]) => body.status)).toEqual(Array(6).fill('timeout'))
    await t.clock.advance(20_000)
    expect(await announced('approval_timeout')).toEqual([
      [{ type: 'approval_timeout', approval_id: id, agent_id: 'agent-1', tool_name: 'delete_user' }, 'production', 1],
    ])
  })

  it('with nobody looking a time-out fires in its own second, however long the wait, and not at a turn of the sweeper', async () => {
    t = await start()
    const agent = await t.agent()
    for (const timeout of [5, 13, 61, 25 * 86_400]) {
      const id = await created(agent, { timeout })
      const statusOf = async () =>
        (await t.server.database.db.selectFrom('approvals').select('status').where('id', '=', id).executeTakeFirst())
          ?.status
      const end = t.clock.now() + timeout * 1000
      // Days pass at once; the sweeper takes its turns in the last minute.
      if (timeout > 60) t.clock.set(end - 60_000)
      while (t.clock.now() < end - 1) await t.clock.advance(Math.min(5_000, end - 1 - t.clock.now()))
      expect([timeout, await statusOf()]).toEqual([timeout, 'pending'])
      await t.clock.advance(1)
      await expect
        .poll(
          async () => {
            // A turn of the sweeper that was still reading sets the timer for now.
            await t.clock.advance(0)
            return statusOf()
          },
          { timeout: 20_000 },
        )
        .toBe('timeout')
      expect(t.clock.now()).toBe(end)
    }
  })

  it('a decision and a time-out race for the row: one of them wins', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    const id = await created(agent, { timeout: 60 })
    t.clock.set(t.clock.now() + 60_000)
    await Promise.all([decide(admin, id), read(agent, id), decide(admin, id), list(admin), read(agent, id)])
    const count = (await announced('approval_decided')).length + (await announced('approval_timeout')).length
    expect(count).toBe(1)
  })

  it('a time-out missed while the server was down fires once after the restart', async () => {
    t = await start()
    const agent = await t.agent()
    const id = await created(agent, { timeout: 60 })
    await t.restart()
    t.clock.set(t.clock.now() + 120_000)
    await t.listen()
    const settled = await read(agent, id, '?wait=30')
    expect(settled).toMatchObject([200, { status: 'timeout' }])
    await t.restart()
    await t.listen()
    await read(agent, id)
    expect(await announced('approval_timeout')).toHaveLength(1)
  })

  it('who waits is answered at once when the decision falls', async () => {
    const bus = createInProcessBus()
    t = await start({ overrides: { bus } })
    const admin = await t.admin()
    const agent = await t.agent()
    const id = await created(agent)
    const waits = [read(agent, id, '?wait=30'), read(agent, id, '?wait=30'), read(admin, id, '?wait=60')]
    expect(await decide(admin, id)).toMatchObject([200, { status: 'approved' }])
    for (const answer of await Promise.all(waits)) expect(answer).toMatchObject([200, { status: 'approved' }])
    expect(await read(agent, id, '?wait=30')).toMatchObject([200, { status: 'approved' }])
  })

  it('who waits in vain is told that it is still pending', async () => {
    t = await start()
    const agent = await t.agent()
    // Open for a day: however late the request begins to wait, it is not the approval's own time that ends it.
    const id = await created(agent, { timeout: 86_400 })
    let isAnswered = false
    const wait = read(agent, id, '?wait=30').finally(() => {
      isAnswered = true
    })
    await vi.waitFor(
      async () => {
        await t.clock.advance(1_000)
        expect(isAnswered).toBe(true)
      },
      { timeout: 15_000, interval: 5 },
    )
    expect(await wait).toMatchObject([200, { status: 'pending' }])
    expect((await read(agent, id, '?wait=61'))[0]).toBe(422)
  })

  it('a server that stops answers who waits first', async () => {
    t = await start()
    const agent = await t.agent()
    const id = await created(agent)
    const wait = read(agent, id, '?wait=30')
    await read(agent, id)
    await t.restart()
    expect(await wait).toMatchObject([200, { status: 'pending' }])
  })

  it('waiting holds no database connection', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    const id = await created(agent)
    const waits = Array.from({ length: 60 }, () => read(agent, id, '?wait=30'))
    for (let look = 0; look < 60; look++) expect((await read(agent, id))[0]).toBe(200)
    expect((await decide(admin, id))[0]).toBe(200)
    for (const [status, body] of await Promise.all(waits)) expect([status, body.status]).toEqual([200, 'approved'])
  })

  it('servers that share a database: one decision, one time-out, and who waits on the other hears of it', async (context) => {
    t = await start()
    if (!t.environment.DATABASE_URL) return context.skip('SQLite has one server')
    const other = await startTestServer({ environment: t.environment })
    try {
      const admin = await t.admin()
      const agent = await t.agent()
      const decided = await created(agent)
      const overdue = await created(agent, { timeout: 1 })
      const elsewhere = (method: 'GET' | 'PUT', path: string, payload?: object) =>
        other.request({ method, url: `/api/v1/approvals/${path}`, headers: admin, ...(payload ? { payload } : {}) })
      let isAnswered = false
      // The two have no common bus: the waiting one finds out by looking again.
      const wait = elsewhere('GET', `${decided}?wait=60`).finally(() => {
        isAnswered = true
      })
      const race = await Promise.all(
        Array.from({ length: 4 }, async () => [
          (await decide(admin, decided))[0],
          (await elsewhere('PUT', decided, { approved: false })).statusCode,
        ]),
      )
      expect(race.flat().filter((status) => status === 200)).toHaveLength(1)
      while (!isAnswered) {
        await other.clock.advance(1_000)
        await new Promise((resolve) => setImmediate(resolve))
      }
      expect((await wait).json().status).not.toBe('pending')
      t.clock.set(t.clock.now() + 1_000)
      other.clock.set(t.clock.now())
      await Promise.all([
        read(agent, overdue),
        elsewhere('GET', overdue),
        read(agent, overdue),
        elsewhere('GET', overdue),
      ])
      expect(await announced('approval_timeout')).toHaveLength(1)
      expect(await announced('approval_decided')).toHaveLength(1)
    } finally {
      await other.server.close()
    }
  })

  it('no other tenant and no key of another environment sees or decides an approval', async () => {
    t = await start()
    const admin = await t.admin()
    const other = await t.otherTenant()
    const id = await created(await t.agent('production'))
    const missing = [404, { detail: 'Approval not found.' }]
    expect(await read(other, id)).toEqual(missing)
    expect(await read(await t.agent('staging'), id)).toEqual(missing)
    expect(await read(await t.agent('staging'), id, '?wait=30')).toEqual(missing)
    expect(await read(await t.agent('production', 'agent-2'), id)).toMatchObject([200, { id }])
    expect(await list(other)).toEqual([])
    expect(await decide(other, id)).toEqual(refused)
    expect(await decide(admin, '00000000-0000-4000-8000-000000000000')).toEqual(refused)
    expect(await read(admin, id)).toMatchObject([200, { status: 'pending' }])
    expect((await read(admin, 'not-a-uuid'))[0]).toBe(422)
  })

  it('an agent decides nothing, and no request passes without credentials', async () => {
    t = await start()
    const agent = await t.agent()
    const id = await created(agent)
    expect((await decide(agent, id))[0]).toBe(401)
    expect((await create({})).statusCode).toBe(403)
    expect((await create({ 'x-requested-with': 'test' })).statusCode).toBe(401)
    expect((await create(await t.admin())).statusCode).toBe(401)
  })

  it('the eleventh request of an agent within a minute is refused, whatever its body says', async () => {
    t = await start()
    const agent = await t.agent()
    const answers = await Promise.all(
      Array.from({ length: 14 }, (_, index) => create(agent, { agent_id: `agent-${index}` })),
    )
    expect(answers.filter((answer) => answer.statusCode === 201)).toHaveLength(10)
    const last = answers.find((answer) => answer.statusCode === 429)
    expect([last?.json(), last?.headers['retry-after']]).toEqual([
      { detail: 'Too many approval requests. Please slow down.' },
      '61',
    ])
    expect((await create({ ...agent, 'x-edictum-agent-id': 'agent-2' })).statusCode).toBe(201)
    await t.clock.advance(60_000)
    expect((await create(agent)).statusCode).toBe(201)
  })

  it('repetitions of one request make one approval and do not count against the limit', async () => {
    t = await start()
    const agent = { ...(await t.agent()), 'idempotency-key': 'once-1' }
    const first = await create(agent)
    const again = await Promise.all(Array.from({ length: 12 }, () => create(agent)))
    for (const answer of again) expect([answer.statusCode, answer.json()]).toEqual([201, first.json()])
    expect(await list(await t.admin())).toHaveLength(1)
    expect((await create(agent, { message: 'another' })).json().detail[0].loc).toEqual(['header', 'Idempotency-Key'])
    const elsewhere = { ...(await t.agent('staging')), 'idempotency-key': 'once-1' }
    expect((await create(elsewhere)).json().id).not.toBe(first.json().id)
  })

  it('the list is newest first, filtered and paged', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    const ids = []
    for (const message of ['a', 'b', 'c']) ids.unshift(await created(agent, { message }))
    await decide(admin, ids[0] as string)
    const messages = async (query: string) =>
      (await list(admin, query)).map((found: { message: string }) => found.message)
    expect(await messages('')).toEqual(['c', 'b', 'a'])
    expect(await messages('?status=pending')).toEqual(['b', 'a'])
    expect(await messages('?limit=1&offset=1')).toEqual(['b'])
    for (const query of ['?status=open', '?limit=0', '?limit=1001', '?limit=-5', '?offset=-1', '?offset=1e30'])
      expect([
        query,
        (await t.request({ method: 'GET', url: `/api/v1/approvals${query}`, headers: admin })).statusCode,
      ]).toEqual([query, 422])
  })

  it('a request beyond the limits of its fields is refused by name', async () => {
    t = await start()
    const agent = await t.agent()
    for (const [over, field] of [
      [{ timeout: 0 }, 'timeout'],
      [{ timeout: 2_592_001 }, 'timeout'],
      [{ timeout_effect: 'maybe' }, 'timeout_effect'],
      [{ tool_args: [] }, 'tool_args'],
      [{ tool_name: 'x'.repeat(256) }, 'tool_name'],
      [{ message: 'x'.repeat(10_001) }, 'message'],
    ] as const)
      expect([field, (await create(agent, over)).json().detail?.[0].loc]).toEqual([field, ['body', field]])
  })
})
