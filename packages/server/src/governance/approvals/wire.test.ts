import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { openSse } from '../../../test/sse-client.ts'

type Headers = Record<string, string>

/** The answers about approvals, field by field, and who hears of what. */
onEachDatabase('the approvals API', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const asked = { agent_id: 'a', tool_name: 'delete_user', message: 'May I?' }
  const create = (headers: Headers, over: object = {}) =>
    t.request({ method: 'POST', url: '/api/v1/approvals', headers, payload: { ...asked, ...over } })
  const created = async (headers: Headers, over: object = {}): Promise<string> =>
    (await create(headers, over)).json().id
  const decide = async (headers: Headers, id: string, payload: object = { approved: true }) => {
    const answer = await t.request({ method: 'PUT', url: `/api/v1/approvals/${id}`, headers, payload })
    return [answer.statusCode, answer.json()]
  }
  const list = async (headers: Headers, query = '') =>
    (await t.request({ method: 'GET', url: `/api/v1/approvals${query}`, headers })).json()

  it('what is not said is filled in; what is said is kept', async () => {
    t = await start()
    const agent = await t.agent()
    expect((await create(agent)).json()).toMatchObject({
      tool_args: null,
      timeout_seconds: 300,
      timeout_effect: 'deny',
      decision_source: null,
      contract_name: null,
    })
    const said = {
      tool_args: { deep: [{ a: null }] },
      timeout_effect: 'allow',
      decision_source: 'sandbox',
      contract_name: 'require-approval',
    }
    const full = await create(agent, { ...said, timeout: 86_400 })
    expect(full.json()).toMatchObject({ ...said, timeout_seconds: 86_400 })
    expect((await create(agent, { tool_args: null, timeout: 1 })).json()).toMatchObject({
      tool_args: null,
      timeout_seconds: 1,
    })
  })

  it('every field has its bounds, and is taken at them', async () => {
    t = await start()
    const agent = await t.agent()
    const text = (length: number) => 'x'.repeat(length)
    const bounds: [object, string][] = [
      [{ agent_id: undefined }, 'agent_id'],
      [{ agent_id: text(256) }, 'agent_id'],
      [{ tool_name: undefined }, 'tool_name'],
      [{ message: undefined }, 'message'],
      [{ timeout: 1.5 }, 'timeout'],
      [{ timeout: null }, 'timeout'],
      [{ timeout_effect: null }, 'timeout_effect'],
      [{ decision_source: text(256) }, 'decision_source'],
      [{ contract_name: text(256) }, 'contract_name'],
      [{ tool_args: 'text' }, 'tool_args'],
    ]
    for (const [over, field] of bounds) {
      const answer = await create(agent, over)
      expect([answer.statusCode, answer.json().detail.map(({ loc }: { loc: string[] }) => loc)]).toEqual([
        422,
        [['body', field]],
      ])
    }
    const most = {
      agent_id: text(255),
      tool_name: text(255),
      message: text(10_000),
      decision_source: text(255),
      contract_name: text(255),
    }
    expect((await create(agent, most)).statusCode).toBe(201)
  })

  it('a decision has its bounds; how it was made is console unless the client says otherwise', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    const id = await created(agent)
    for (const [payload, field] of [
      [{}, 'approved'],
      [{ approved: null }, 'approved'],
      [{ approved: true, reason: 'x'.repeat(2_001) }, 'reason'],
      [{ approved: true, decided_via: 'x'.repeat(65) }, 'decided_via'],
    ] as const)
      expect(await decide(admin, id, payload)).toMatchObject([422, { detail: [{ loc: ['body', field] }] }])
    const reason = 'x'.repeat(2_000)
    expect(await decide(admin, id, { approved: true, reason, decided_via: 'cli' })).toMatchObject([
      200,
      { status: 'approved', decision_reason: reason, decided_via: 'cli', decided_at: '2026-03-01T12:00:00Z' },
    ])
    for (const decided_via of [null, ''])
      expect((await decide(admin, await created(agent), { approved: false, decided_via }))[1]).toMatchObject({
        decided_via: 'console',
        decision_reason: null,
      })
  })

  it('anybody who is signed in decides, under the e-mail or else the id; a name in the body counts for nothing', async () => {
    t = await start()
    const agent = await t.agent()
    const member = await t.member()
    const { email } = (await t.request({ method: 'GET', url: '/api/v1/auth/me', headers: member })).json()
    const said = { approved: true, decided_by: 'somebody@else.example' }
    expect((await decide(member, await created(agent), said))[1].decided_by).toBe(email)
    await t.server.database.db.updateTable('users').set({ email: '' }).where('email', '=', email).execute()
    const { user_id } = (await t.request({ method: 'GET', url: '/api/v1/auth/me', headers: member })).json()
    expect((await decide(member, await created(agent), said))[1].decided_by).toBe(`user:${user_id}`)
  })

  it('once decided it stays so, whatever comes after', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    for (const first of [true, false])
      for (const second of [true, false]) {
        const id = await created(agent)
        const [, decided] = await decide(admin, id, { approved: first, reason: 'first' })
        expect((await decide(admin, id, { approved: second, reason: 'second' }))[0]).toBe(409)
        expect((await list(admin))[0]).toEqual(decided)
      }
  })

  it('ten minutes after a request of five nobody decides; ten seconds before its end somebody does', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    const late = [await created(agent), await created(agent)] as const
    const inTime = [await created(agent, { timeout: 610 }), await created(agent, { timeout: 610 })] as const
    t.clock.set(t.clock.now() + 600_000)
    for (const [index, approved] of [true, false].entries()) {
      expect((await decide(admin, late[index] as string, { approved }))[0]).toBe(409)
      expect((await decide(admin, inTime[index] as string, { approved }))[0]).toBe(200)
    }
    await t.request({ method: 'GET', url: `/api/v1/approvals/${late[0]}`, headers: agent })
    expect(await list(admin, '?status=timeout')).toMatchObject([
      { id: late[0], status: 'timeout', decided_via: 'system', decided_by: null, decided_at: null },
    ])
  })

  it('what times out is a time-out, whatever its effect is to be', async () => {
    t = await start()
    const agent = await t.agent()
    const id = await created(agent, { timeout: 5, timeout_effect: 'allow' })
    t.clock.set(t.clock.now() + 5_000)
    const read = await t.request({ method: 'GET', url: `/api/v1/approvals/${id}`, headers: agent })
    expect(read.json()).toMatchObject({ status: 'timeout', timeout_effect: 'allow' })
  })

  it('the list is of all environments, a hundred unless asked for more, each status by itself', async () => {
    t = await start()
    const admin = await t.admin()
    for (let index = 0; index < 101; index++)
      await create(await agentOf(index % 2 === 0 ? 'production' : 'staging', `agent-${index % 20}`), {
        message: `${index}`,
      })
    const all = await list(admin)
    expect([all.length, all[0].message, all.at(-1).message]).toEqual([100, '100', '1'])
    expect(new Set(all.map(({ env }: { env: string }) => env))).toEqual(new Set(['production', 'staging']))
    expect(await list(admin, '?limit=1000')).toHaveLength(101)
    await decide(admin, all[0].id)
    await decide(admin, all[1].id, { approved: false })
    for (const [status, count] of [
      ['pending', 99],
      ['approved', 1],
      ['denied', 1],
      ['timeout', 0],
    ] as const)
      expect([status, (await list(admin, `?status=${status}&limit=1000`)).length]).toEqual([status, count])
    expect((await list(await agentOf('production'))).detail).toBe('Not authenticated.')
  })

  it('agents of the environment and dashboards hear of a request, its decision and its time-out; no other environment does', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent('production', 'asking')
    const address = await t.listen()
    const open = async (path: string, headers: Headers) => openSse(`${address}/api/v1${path}`, headers)
    const streams = {
      dashboard: await open('/stream/dashboard', admin),
      // Another agent, with a bundle of its own: approvals go to the whole environment.
      neighbour: await open('/stream?env=production&bundle_name=other', await t.agent('production', 'neighbour')),
      staging: await open('/stream?env=staging', await t.agent('staging')),
    }
    try {
      const decided = await created(agent)
      await decide(admin, decided)
      const overdue = await created(agent, { timeout: 5 })
      t.clock.set(t.clock.now() + 5_000)
      await t.request({ method: 'GET', url: `/api/v1/approvals/${overdue}`, headers: agent })
      const request = { agent_id: 'asking', tool_name: 'delete_user', message: 'May I?' }
      const expected = [
        ['approval_created', { type: 'approval_created', approval_id: decided, ...request }],
        [
          'approval_decided',
          {
            ...{ type: 'approval_decided', approval_id: decided, status: 'approved', decided_by: 'admin@example.com' },
            ...{ action_digest: null, receipt: null },
          },
        ],
        ['approval_created', { type: 'approval_created', approval_id: overdue, ...request }],
        [
          'approval_timeout',
          { type: 'approval_timeout', approval_id: overdue, agent_id: 'asking', tool_name: 'delete_user' },
        ],
      ]
      for (const stream of [streams.dashboard, streams.neighbour])
        for (const one of expected) {
          let event = await stream.next()
          while (!event.type.startsWith('approval_')) event = await stream.next()
          expect([event.type, event.data]).toEqual(one)
        }
      await created(await t.agent('staging'), { message: 'ours' })
      const [type, data] = await streams.staging.next().then((event) => [event.type, event.data])
      expect([type, data]).toEqual(['approval_created', expect.objectContaining({ message: 'ours' })])
    } finally {
      for (const stream of Object.values(streams)) stream.close()
    }
  })

  const keys = new Map<string, Headers>()
  async function agentOf(env: string, name = 'agent-1'): Promise<Headers> {
    const known = keys.get(env)
    const headers = known?.authorization && (await isKnown(known)) ? known : await t.agent(env)
    keys.set(env, headers)
    return { ...headers, 'x-edictum-agent-id': name }
  }
  async function isKnown(headers: Headers): Promise<boolean> {
    return (await t.request({ method: 'GET', url: '/api/v1/bundles', headers })).statusCode === 200
  }
})
