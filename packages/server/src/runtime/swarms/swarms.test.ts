import { afterEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, governAgent, serviceHeaders, startExecution, until, world } from '../../../test/runtime.ts'
import { swarmToolNames } from '../plan/swarm-tools.ts'
import { swarmIdOf } from './swarms.ts'

const HOUR = 3_600_000
const NOBODY = '00000000-0000-4000-8000-000000000000'
const scripted = { language: 'javascript', version: '20', model: 'scripted' }

/** A manifest of an agent that plays these turns. */
const written = (name: string, turns: readonly object[], spec: object = {}, metadata: object = {}) =>
  stringify({
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name, version: '1.0.0', annotations: { 'lictor.dev/script': stringify({ turns }) }, ...metadata },
    spec: {
      runtime: scripted,
      task: { instruction: 'Help.' },
      advanced: { swarm_enabled: true },
      ...spec,
    },
  })
const spawn = (name: string, turns: readonly object[], spec: object = {}, metadata: object = {}) =>
  call('aegis.spawn_child', { manifest_yaml: written(name, turns, spec, metadata) })
const sleeps = { text: 'late', delay_ms: HOUR }

interface ToldCall {
  readonly name: string
  readonly content: string
}

onEachDatabase('agents that work together', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  const swarmed = { tools: [] as string[], advanced: { swarm_enabled: true } }
  const db = () => t.server.database.db
  const deploy = (headers: Record<string, string>, name: string, turns: readonly object[], spec: object = {}) =>
    deployAgent(
      t,
      headers,
      { ...swarmed, runtime: scripted, ...spec },
      { name, annotations: { 'lictor.dev/script': stringify({ turns }) } },
    )
  const executions = () => db().selectFrom('executions').selectAll().orderBy('seq').execute()
  const find = async (name: string) => (await executions()).find(({ agent_name }) => agent_name === name)
  const statusOf = async (name: string) => (await find(name))?.status
  const ended = (name: string) => until(async () => !/^(pending|running|undefined)$/.test(String(await statusOf(name))))
  /** The clock goes on until an execution has ended. */
  const passes = (name: string) =>
    until(async () => {
      await t.clock.advance(1_000)
      return !/^(pending|running|undefined)$/.test(String(await statusOf(name)))
    })
  /** What the model of an execution was told of its calls, as it was told it. */
  async function told(id: string): Promise<ToldCall[]> {
    const rows = await db()
      .selectFrom('execution_turns')
      .select(['kind', 'data'])
      .where('execution_id', '=', id)
      .orderBy('position')
      .execute()
    return rows.filter(({ kind }) => kind === 'told').map(({ data }) => JSON.parse(data) as ToldCall)
  }
  const answers = async (id: string) => (await told(id)).map(({ content }) => content)
  const swarmOf = async (headers: Record<string, string>, id: string) =>
    (await t.request({ method: 'GET', url: `/v1/swarms/${swarmIdOf(id)}`, headers })).json()
  const cancel = (headers: Record<string, string>, id: string) =>
    t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers, payload: {} })

  it('begin children of their own making, which are listed nowhere, and hear what came of them', async () => {
    const w = await open([])
    const id = await startExecution(
      t,
      w.headers,
      await deploy(w.headers, 'planner', [spawn('reader', [{ text: 'Read it.' }]), { text: 'Done.' }]),
    )
    await ended('planner')
    await ended('planner/reader')
    const child = await find('planner/reader')
    expect(JSON.parse((await answers(id))[0] ?? '')).toEqual({
      execution_id: child?.id,
      swarm_id: swarmIdOf(id),
      agent_id: child?.agent_id,
    })
    expect(child).toMatchObject({ status: 'completed', output: 'Read it.', parent_id: id, swarm_id: swarmIdOf(id) })
    expect(await w.get(child?.id ?? '')).toMatchObject({ hierarchy: { swarm_id: swarmIdOf(id), depth: 1 } })
    expect(await w.get(id)).toMatchObject({ hierarchy: { swarm_id: null } })
    const agents = await t.request({ method: 'GET', url: '/v1/agents', headers: w.headers })
    expect(agents.json<{ agents: { name: string }[] }>().agents.map(({ name }) => name)).not.toContain('reader')
    await until(async () => (await swarmOf(w.headers, id)).status === 'dissolved')
    expect(await swarmOf(w.headers, id)).toMatchObject({
      swarm_id: swarmIdOf(id),
      parent_execution_id: id,
      reason: 'AllChildrenComplete',
      member_count: 2,
      member_ids: [expect.any(String), child?.agent_id],
      members: [
        { execution_id: id, role: 'parent', status: 'completed' },
        { execution_id: child?.id, role: 'child', agent_name: 'planner/reader', status: 'completed' },
      ],
      swarm: { status: 'dissolved' },
    })
    const types = (await w.events(child?.id ?? '')).map(({ type }) => type)
    expect(types.slice(0, 2)).toEqual(['execution_started', 'swarm_child_spawned'])
  })

  it('are ended with the one that began them, however deep, and leave neither lock nor message', async () => {
    const w = await open([])
    const deepest = spawn('deepest', [call('aegis.acquire_lock', { resource: 'c' }), sleeps])
    const middle = spawn('middle', [deepest, call('aegis.acquire_lock', { resource: 'b' }), sleeps])
    const id = await startExecution(
      t,
      w.headers,
      await deploy(w.headers, 'top', [middle, call('aegis.acquire_lock', { resource: 'a' }), sleeps]),
    )
    await until(async () => (await db().selectFrom('swarm_locks').selectAll().execute()).length === 3)
    const listed = await t.request({ method: 'GET', url: '/v1/swarms', headers: w.headers })
    expect(listed.json()).toMatchObject({ count: 2, swarms: [{ status: 'active' }, { status: 'active' }] })
    const middleId = (await find('top/middle'))?.id ?? ''
    const inMiddle = await swarmOf(w.headers, middleId)
    // A member of two swarms locks in the one that it was begun in.
    expect(inMiddle.locks.map((lock: { resource_id: string }) => lock.resource_id)).toEqual(['c'])
    expect((await swarmOf(w.headers, id)).locks.map((lock: { resource_id: string }) => lock.resource_id)).toEqual([
      'a',
      'b',
    ])
    await cancel(w.headers, id)
    expect((await executions()).map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
    expect(await db().selectFrom('swarm_locks').selectAll().execute()).toEqual([])
    for (const parent of [id, middleId])
      expect(await swarmOf(w.headers, parent)).toMatchObject({
        status: 'dissolved',
        reason: 'ParentCancelled',
        lock_count: 0,
        dissolved_at: expect.any(String),
      })
    expect((await t.request({ method: 'GET', url: '/v1/swarms', headers: w.headers })).json()).toMatchObject({
      count: 0,
    })
  })

  it('a child that is cancelled takes neither parent nor siblings with it, and frees what it held', async () => {
    const w = await open([])
    const id = await startExecution(
      t,
      w.headers,
      await deploy(w.headers, 'top', [
        spawn('one', [call('aegis.acquire_lock', { resource: 'x' }), sleeps]),
        spawn('two', [sleeps]),
        sleeps,
      ]),
    )
    await until(async () => (await db().selectFrom('swarm_locks').selectAll().execute()).length === 1)
    await until(async () => (await find('top/two')) !== undefined)
    await cancel(w.headers, (await find('top/one'))?.id ?? '')
    expect(await swarmOf(w.headers, id)).toMatchObject({ status: 'active', lock_count: 0, member_count: 3 })
    expect([await statusOf('top'), await statusOf('top/one')]).toEqual(['running', 'cancelled'])
    expect(await statusOf('top/two')).toMatch(/pending|running/)
  })

  it('a fourth level is refused, which the model is told', async () => {
    const w = await open([])
    const nested = (level: number): object[] =>
      level === 4 ? [{ text: 'Never.' }] : [spawn(`l${level + 1}`, nested(level + 1)), { text: `Level ${level}.` }]
    await startExecution(t, w.headers, await deploy(w.headers, 'l0', nested(0)))
    await ended('l0/l1/l2/l3')
    const last = await find('l0/l1/l2/l3')
    expect(await answers(last?.id ?? '')).toEqual([
      `Tool execution error: Maximum recursive depth reached at depth 3; cannot spawn child from execution ${last?.id}`,
    ])
    expect(await executions()).toHaveLength(4)
  })

  it('tell each other things in order, each once, wait for each other, and no log holds what they said', async () => {
    const w = await open([])
    const whispers = ['first-whisper', 'second-whisper']
    const id = await deploy(w.headers, 'boss', [{ text: 'x' }])
    const talker = written('talker', [
      ...whispers.map((payload) => call('aegis.send_message', { to_agent_id: id, payload })),
      { text: 'Said.' },
    ])
    // Ids are known now: another version of the same agent begins one that tells it something.
    await deployAgent(
      t,
      w.headers,
      { ...swarmed, runtime: scripted },
      {
        name: 'boss',
        version: '2.0.0',
        annotations: {
          'lictor.dev/script': stringify({
            turns: [
              call('aegis.spawn_child', { manifest_yaml: talker }),
              // A lock that nobody else wants is had at once; while it is waited for, the child speaks.
              call('aegis.acquire_lock', { resource: 'x', ttl_secs: 60 }),
              { ...call('aegis.read_messages', {}), delay_ms: 3_000 },
              call('aegis.read_messages', {}),
              { text: 'Heard.' },
            ],
          }),
        },
      },
    )
    const boss = await startExecution(t, w.headers, id)
    await until(async () => (await find('boss/talker')) !== undefined)
    await ended('boss/talker')
    await passes('boss')
    const [, lock, heard, after] = (await answers(boss)).map((content) => JSON.parse(content))
    expect(lock).toEqual({ lock_token: expect.any(String), expires_at: expect.any(String) })
    expect(heard.messages.map(({ payload }: { payload: string }) => payload)).toEqual(whispers)
    expect(heard.messages[0]).toMatchObject({ from: (await find('boss/talker'))?.agent_id, payload_bytes: 13 })
    expect(after).toEqual({ messages: [], has_more: false })
    const detail = await swarmOf(w.headers, boss)
    expect(detail.recent_messages.map(({ payload_bytes }: { payload_bytes: number }) => payload_bytes)).toEqual([
      14, 13,
    ])
    // What a model wrote into a manifest is a manifest; what was said by a message is in no record but the conversation's own.
    const talkers = (await find('boss/talker'))?.id ?? ''
    const [journal, audited, steps] = await Promise.all([
      db().selectFrom('journal_entries').select('data').where('subject_id', '=', talkers).execute(),
      db().selectFrom('events').select('payload').where('tool_name', '=', 'aegis.send_message').execute(),
      db().selectFrom('execution_iterations').select('trajectory').where('execution_id', '=', talkers).execute(),
    ])
    const ofBoss = await db()
      .selectFrom('journal_entries')
      .select('data')
      .where('subject_id', '=', boss)
      .where('type', '=', 'tool_invocation_completed')
      .execute()
    expect(audited.length).toBeGreaterThan(0)
    for (const whisper of whispers) expect(JSON.stringify([journal, audited, steps, ofBoss])).not.toContain(whisper)
    expect(JSON.stringify(journal)).toContain('bytes')
  })

  it('a tenant that is suspended has no swarm left', async () => {
    const w = await open([])
    const operator = await t.admin()
    const owner = await t.otherTenant()
    const other = await db().selectFrom('tenants').selectAll().where('slug', '!=', 'default').executeTakeFirstOrThrow()
    const id = await startExecution(t, owner, await deploy(owner, 'top', [spawn('one', [sleeps]), sleeps]))
    await until(async () => (await find('top/one')) !== undefined)
    const foreign = await t.request({ method: 'GET', url: `/v1/swarms/${swarmIdOf(id)}`, headers: w.headers })
    expect([foreign.statusCode, foreign.json().error]).toEqual([404, 'swarm not found'])
    expect((await t.request({ method: 'GET', url: '/v1/swarms', headers: w.headers })).json().count).toBe(0)
    const suspended = await t.request({
      method: 'POST',
      url: `/v1/admin/tenants/${other.slug}/suspend`,
      headers: operator,
      payload: {},
    })
    expect(suspended.statusCode).toBe(200)
    expect((await executions()).map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
    expect(await db().selectFrom('swarms').select(['status', 'reason']).execute()).toEqual([
      { status: 'dissolved', reason: 'ParentCancelled' },
    ])
  })

  it('children go on where a server is stopped and started again, and there is one of each', async () => {
    const w = await open([])
    const id = await startExecution(
      t,
      w.headers,
      await deploy(w.headers, 'top', [
        spawn('one', [{ text: 'Late.', delay_ms: 4_000 }]),
        { text: 'Done.', delay_ms: 4_000 },
      ]),
    )
    await until(async () => (await statusOf('top/one')) === 'running')
    await t.restart()
    await t.listen()
    await passes('top')
    await passes('top/one')
    expect((await executions()).map(({ agent_name, status }) => [agent_name, status])).toEqual([
      ['top', 'completed'],
      ['top/one', 'completed'],
    ])
    await until(
      async () => (await db().selectFrom('swarms').select('status').executeTakeFirst())?.status === 'dissolved',
    )
    expect(id).not.toBe('')
  })

  it('a manifest that names a tool of swarms and does not say swarm_enabled is not executed', async () => {
    const w = await open([])
    const agent = await deploy(w.headers, 'alone', [{ text: 'x' }], {
      tools: ['aegis.acquire_lock'],
      advanced: { swarm_enabled: false },
    })
    const answer = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: agent, input: 'go' },
    })
    expect(answer.statusCode).toBe(422)
    expect(answer.body).toContain(
      "spec.tools[0] 'aegis.acquire_lock' takes spec.advanced.swarm_enabled: true, which this manifest does not say.",
    )
  })

  it('tools of swarms have exact answers to what cannot be', async () => {
    const w = await open([])
    const id = await startExecution(
      t,
      w.headers,
      await deploy(w.headers, 'lonely', [
        call('aegis.acquire_lock', { resource: 'x' }),
        call('aegis.acquire_lock', { resource: '' }),
        call('aegis.acquire_lock', { resource: 'x', ttl_secs: 0 }),
        call('aegis.release_lock', { lock_token: 'x' }),
        call('aegis.release_lock', { lock_token: NOBODY }),
        call('aegis.await_child', { execution_id: NOBODY }),
        call('aegis.send_message', { to_agent_id: NOBODY, payload: 'x' }),
        call('aegis.send_message', { to_agent_id: NOBODY, payload: 'x'.repeat(65_537) }),
        call('aegis.send_message', { to_agent_id: NOBODY, payload: 'a\0b' }),
        call('aegis.broadcast_message', { swarm_id: NOBODY, payload: 'x' }),
        call('aegis.read_messages', {}),
        { text: 'Done.' },
      ]),
    )
    await ended('lonely')
    const heard = await answers(id)
    expect(heard).toEqual([
      'Tool execution error: This execution is in no swarm: begin a child first, by aegis.spawn_child.',
      expect.stringContaining('resource'),
      expect.stringContaining('ttl_secs'),
      "Tool execution error: lock_token 'x' is no id; an id is a UUID.",
      expect.stringContaining('"released":false'),
      `Tool execution error: No member of your swarm is the execution '${NOBODY}'.`,
      `Tool execution error: No member of your swarm is the agent '${NOBODY}'.`,
      'Tool execution error: payload: 65537 bytes are more than the 65536 that a message has.',
      'Tool execution error: payload: a message holds no U+0000; encode bytes, for example as Base64.',
      'Tool execution error: swarm not found',
      '{"messages":[],"has_more":false}',
    ])
    expect(swarmToolNames).toHaveLength(7)
  })

  it('a made agent is judged by the contracts of its maker, and counts in its session', async () => {
    const w = await open([])
    const id = await deploy(
      w.headers,
      'governed',
      [spawn('free', [call('fs.list', { path: '.' }), { text: 'x' }], { tools: ['fs.list'] }), { text: 'Done.' }],
      { tools: ['fs.list'] },
    )
    await governAgent(
      t,
      '[{id: no-list, type: pre, tool: fs.list, when: {principal.role: {exists: false}}, then: {effect: deny, message: Not here.}}]',
      'governed',
    )
    const execution = await startExecution(t, w.headers, id)
    await ended('governed/free')
    const child = (await find('governed/free'))?.id ?? ''
    expect((await answers(child))[0]).toBe('Denied: Not here.')
    const events = await db().selectFrom('events').selectAll().execute()
    expect(new Set(events.map(({ agent_id }) => agent_id))).toEqual(new Set(['governed']))
    const registered = await db().selectFrom('agent_registrations').select('agent_id').execute()
    expect(registered.map(({ agent_id }) => agent_id)).not.toContain('free')
    expect(execution).not.toBe('')
  })

  describe('over HTTP', () => {
    it('a swarm of another tenant, an unknown one and what is no id have their exact answers', async () => {
      const w = await open([])
      const id = await startExecution(t, w.headers, await deploy(w.headers, 'top', [spawn('one', [sleeps]), sleeps]))
      await until(async () => (await find('top/one')) !== undefined)
      const get = async (url: string, headers = w.headers) => {
        const answer = await t.request({ method: 'GET', url, headers })
        return [answer.statusCode, answer.json()]
      }
      expect(await get(`/v1/swarms/${NOBODY}`)).toEqual([404, expect.objectContaining({ error: 'swarm not found' })])
      expect((await get('/v1/swarms/x'))[0]).toBe(400)
      expect(await get('/v1/swarms?status=asleep')).toEqual([
        400,
        expect.objectContaining({
          message: "status must be one of active, dissolving, dissolved or all, not 'asleep'.",
        }),
      ])
      expect((await get('/v1/swarms?limit=x'))[0]).toBe(400)
      expect(await get('/v1/swarms?limit=1')).toMatchObject([200, { count: 1, items: [{ member_count: 2 }] }])
      expect(await get('/v1/swarms?status=dissolved')).toMatchObject([200, { count: 0 }])
      const scopes = await serviceHeaders(t, { scopes: ['swarm:list'] })
      expect((await get('/v1/swarms', scopes))[0]).toBe(200)
      expect((await get(`/v1/swarms/${swarmIdOf(id)}`, scopes))[0]).toBe(403)
      const summary = await get('/v1/dashboard/summary', await serviceHeaders(t, { role: 'aegis:admin' }))
      expect(summary).toMatchObject([200, { swarm_count: 1 }])
      await cancel(w.headers, id)
    })
  })
})
