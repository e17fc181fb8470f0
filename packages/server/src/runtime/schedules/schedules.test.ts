import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, onPostgres, startTestServer, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders, until } from '../../../test/runtime.ts'

const DAY = 86_400_000
const environment = { LICTOR_SANDBOX: 'process', LICTOR_MASTER_KEY: '5a'.repeat(32) }

/** Tokens and sessions grow old as the clock is moved. */
async function signIn(t: TestServer): Promise<Record<string, string>> {
  await t.admin()
  const login = await t.request({ method: 'POST', url: '/api/v1/auth/login', payload: ADMIN })
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
  return serviceHeaders(t, {}, { cookie, 'x-requested-with': 'test' })
}

/** A server whose clock was set, with what a test asks of it. */
async function open(t: TestServer) {
  await t.listen()
  let headers = await signIn(t)
  const send = (method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', url: string, payload?: object, as = headers) =>
    t.request({ method, url, headers: as, ...(payload === undefined ? {} : { payload }) })
  const flow = {
    apiVersion: '100monkeys.ai/v1',
    kind: 'Workflow',
    metadata: { name: 'flow' },
    spec: { initial_state: 'ASK', states: { ASK: { kind: 'Human', prompt: 'x', transitions: [] } } },
  }
  await send('POST', '/v1/workflows', flow)
  const runs = async () =>
    (await send('GET', '/v1/workflows/executions')).json<{ executions: { id: string }[] }>().executions
  return {
    send,
    runs,
    async signIn() {
      headers = await signIn(t)
      return headers
    },
    put: async (name: string, body: object) => {
      const answer = await send('PUT', `/v1/schedules/${name}`, body)
      if (answer.statusCode !== 200) throw new Error(answer.body)
      return answer.json()
    },
    get: async (name: string) => (await send('GET', `/v1/schedules/${encodeURIComponent(name)}`)).json(),
    async moveTo(instant: string) {
      t.clock.set(Date.parse(instant) - 1)
      await t.clock.advance(1)
      headers = await signIn(t)
    },
    executions: async () =>
      (await send('GET', '/v1/executions')).json<{ executions: { id: string; agent_name?: string }[] }>().executions,
    run: async (id: string) => (await send('GET', `/v1/workflows/executions/${id}`)).json(),
  }
}

onEachDatabase('schedules', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('start a workflow at each of their times, once, also on the days that clocks are changed', async () => {
    t = await start({ environment })
    t.clock.set(Date.parse('2026-03-28T12:00:00Z'))
    const w = await open(t)
    const set = await w.put('nightly', { workflow: 'flow', cron: '30 2 * * *', timezone: 'Europe/Berlin' })
    expect(set).toMatchObject({
      next_at: '2026-03-29T01:00:00Z',
      enabled: true,
      missed: 'once',
      started_count: 0,
    })
    await w.moveTo('2026-03-29T00:59:59Z')
    expect(await w.runs()).toEqual([])
    await w.moveTo('2026-03-29T01:00:00Z')
    await until(async () => (await w.runs()).length === 1)
    await until(async () => (await w.get('nightly')).started_count === 1)
    const [run] = await w.runs()
    expect(await w.get('nightly')).toMatchObject({
      next_at: '2026-03-30T00:30:00Z',
      last_due_at: '2026-03-29T01:00:00Z',
      last_execution_id: run?.id,
      last_error: null,
    })
    expect((await w.run(run?.id ?? '')).input).toEqual({
      schedule: 'nightly',
      scheduled_at: '2026-03-29T01:00:00Z',
    })
    await w.moveTo('2026-03-30T00:30:00Z')
    await until(async () => (await w.runs()).length === 2)
  })

  it.each([25, 400])('of %i days wait as long', async (days) => {
    t = await start({ environment })
    const w = await open(t)
    await w.put('rare', { workflow: 'flow', every_seconds: days * 86_400, input: { n: 1 } })
    const due = t.clock.now() + days * DAY
    // No timer of the machine's waits so long: what is left is waited for anew.
    t.clock.set(due - 1)
    await w.signIn()
    expect(await w.runs()).toEqual([])
    await t.clock.advance(1)
    await w.signIn()
    await until(async () => (await w.runs()).length === 1)
    expect((await w.run((await w.runs())[0]?.id ?? '')).input).toEqual({ n: 1 })
  })

  it('whose times passed while no server ran are made up for by one, or passed over as they say', async () => {
    t = await start({ environment })
    const w = await open(t)
    await w.put('once', { workflow: 'flow', cron: '0 * * * *' })
    await w.put('skip', { workflow: 'flow', cron: '0 * * * *', missed: 'skip' })
    // No timer runs while the clock is set: it is as if nobody had been there.
    t.clock.set(t.clock.now() + 10 * 3_600_000 + 5 * 60_000)
    await t.restart()
    await t.listen()
    await w.signIn()
    await until(async () => (await w.runs()).length === 1)
    await until(async () => (await w.get('skip')).last_error !== null)
    expect(await w.get('skip')).toMatchObject({ started_count: 0, last_error: expect.stringContaining('passed over') })
    expect(await w.get('once')).toMatchObject({ started_count: 1, next_at: '2026-03-01T23:00:00Z' })
    // The next one is in time, and starts both.
    await w.moveTo('2026-03-01T23:00:00Z')
    await until(async () => (await w.runs()).length === 3)
  })

  it('start an agent as its manifest says, and follow the manifest as it changes', async () => {
    t = await start({ environment })
    const w = await open(t)
    const scheduled = async (schedule: object, version: string) =>
      deployAgent(t, await w.signIn(), { schedule }, { name: 'reporter', version })
    const id = await scheduled({ type: 'cron', cron: '0 13 * * *', timezone: 'UTC' }, '1.0.0')
    expect(await w.get('agent:reporter')).toMatchObject({
      agent: id,
      cron: '0 13 * * *',
      of_manifest: true,
      next_at: '2026-03-01T13:00:00Z',
    })
    await w.moveTo('2026-03-01T13:00:00Z')
    await until(async () => (await w.executions()).length === 1)
    await scheduled({ type: 'interval', seconds: 60 }, '1.0.1')
    expect(await w.get('agent:reporter')).toMatchObject({ every_seconds: 60, next_at: '2026-03-01T13:01:00Z' })
    await w.send('PATCH', `/v1/agents/${id}`, { status: 'paused' })
    expect(await w.get('agent:reporter')).toMatchObject({ enabled: false, next_at: null })
    expect((await w.send('DELETE', '/v1/schedules/agent:reporter')).json().error).toBe('schedule_of_manifest')
    expect(
      (await w.send('PUT', '/v1/schedules/agent:reporter', { workflow: 'flow', cron: '* * * * *' })).statusCode,
    ).toBe(409)
    await w.send('PATCH', `/v1/agents/${id}`, { status: 'active' })
    expect(await w.get('agent:reporter')).toMatchObject({ enabled: true })
    await w.send('DELETE', `/v1/agents/${id}`)
    expect((await w.send('GET', '/v1/schedules')).json().schedules).toEqual([])
    const broken = deployAgent(
      t,
      await w.signIn(),
      { schedule: { type: 'cron', cron: '99 * * * *' } },
      { name: 'never' },
    )
    await expect(broken).rejects.toThrow(/spec\.schedule.*minute/)
  })

  it('that cannot start what they name say why, and go on', async () => {
    t = await start({ environment })
    const w = await open(t)
    await w.put('gone', { workflow: 'flow', cron: '0 13,14 * * *' })
    await w.send('DELETE', '/v1/workflows/flow')
    await w.moveTo('2026-03-01T13:00:00Z')
    await until(async () => (await w.get('gone')).last_error !== null)
    expect(await w.get('gone')).toMatchObject({
      last_error: expect.stringContaining('flow'),
      started_count: 0,
      next_at: '2026-03-01T14:00:00Z',
    })
  })

  it('are set, set anew, switched off, listed and taken back; wrong ones are refused with the field', async () => {
    t = await start({ environment })
    const w = await open(t)
    await w.put('a', { workflow: 'flow', cron: '0 13 * * *' })
    expect(await w.put('a', { workflow: 'flow', every_seconds: 60, enabled: false })).toMatchObject({
      cron: null,
      timezone: null,
      every_seconds: 60,
      next_at: null,
    })
    await w.moveTo('2026-03-01T13:00:00Z')
    expect(await w.runs()).toEqual([])
    const refused = async (body: object, name = 'b') =>
      (await w.send('PUT', `/v1/schedules/${name}`, body)).json<{ message: string }>().message
    expect(await refused({ cron: '* * * * *' })).toMatch(/name one of them/)
    expect(await refused({ workflow: 'flow', agent: 'x', cron: '* * * * *' })).toMatch(/name one of them/)
    expect(await refused({ workflow: 'flow' })).toMatch(/give one of them/)
    expect(await refused({ workflow: 'flow', cron: '* * * * *', every_seconds: 1 })).toMatch(/give one of them/)
    expect(await refused({ workflow: 'flow', every_seconds: 1, timezone: 'UTC' })).toMatch(/time zone goes with cron/)
    expect(await refused({ workflow: 'flow', cron: '0 0 30 2 *' })).toMatch(/never comes/)
    expect(await refused({ workflow: 'nothing', cron: '* * * * *' })).toMatch(/nothing/)
    expect(await refused({ agent: 'nobody', cron: '* * * * *' })).toMatch(/nobody/)
    expect(await refused({ workflow: 'flow', cron: '* * * * *' }, 'A%20b')).toMatch(/1 to 63/)
    const reader = await serviceHeaders(t, { scopes: ['workflow:deploy', 'workflow:run'] })
    const body = { agent: 'x', cron: '* * * * *' }
    expect((await w.send('PUT', '/v1/schedules/b', body, reader)).json()).toMatchObject({ required: 'agent:execute' })
    expect((await w.send('DELETE', '/v1/schedules/a')).json()).toMatchObject({ status: 'deleted' })
    expect((await w.send('DELETE', '/v1/schedules/a')).statusCode).toBe(404)
  })
})

onPostgres('schedules of several servers', (start) => {
  const all: TestServer[] = []
  afterEach(async () => {
    for (const one of all.splice(0).reverse()) await one.close()
  })

  it('are started by one of them at each time, also when the first to see it is gone', async () => {
    const first = await start({ environment })
    all.push(first)
    const { clock } = first
    for (let more = 0; more < 2; more++)
      all.push(
        await startTestServer({
          environment: { ...environment, DATABASE_URL: first.environment.DATABASE_URL ?? '' },
          overrides: { clock },
        }),
      )
    for (const one of all.slice(1)) await one.listen()
    const w = await open(first)
    for (let index = 0; index < 10; index++) await w.put(`s-${index}`, { workflow: 'flow', cron: '0 * * * *' })
    await w.moveTo('2026-03-01T13:00:00Z')
    await until(async () => (await w.runs()).length >= 10)
    await all.pop()?.close()
    await w.moveTo('2026-03-01T14:00:00Z')
    await until(async () => (await w.runs()).length >= 20)
    const { schedules } = (await w.send('GET', '/v1/schedules')).json<{ schedules: { started_count: number }[] }>()
    expect(schedules.map(({ started_count }) => started_count)).toEqual(Array.from({ length: 10 }, () => 2))
    expect(await w.runs()).toHaveLength(20)
  })
})
