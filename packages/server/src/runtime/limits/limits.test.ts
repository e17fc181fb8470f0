import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, readStream, scriptEnvironment, serviceHeaders } from '../../../test/runtime.ts'

type Headers = Record<string, string>

/** Nothing that was started goes on. */
async function settled(t: TestServer): Promise<void> {
  const { db } = t.server.database
  await vi.waitFor(
    async () => {
      const going = await db
        .selectFrom('executions')
        .select('id')
        .where('status', 'in', ['pending', 'running'])
        .execute()
      expect(going).toEqual([])
    },
    { timeout: 30_000 },
  )
}

const WORKFLOW = `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: {name: waits, version: 1.0.0}
spec:
  initial_state: ask
  states:
    ask: {kind: Human, prompt: "Go on?", timeout: 1h, transitions: [{condition: always, target: done}]}
    done: {kind: System, command: "true", transitions: []}
`

onEachDatabase('limits', (start) => {
  let t: TestServer
  const models: Server[] = []
  afterEach(async () => {
    for (const model of models.splice(0)) {
      model.closeAllConnections()
      model.close()
    }
    await t.close()
  })

  /** A model that never answers: what asks it goes on until it is cancelled. */
  async function silentModel(): Promise<Headers> {
    const model = createServer(() => {})
    models.push(model)
    await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve))
    const { port } = model.address() as AddressInfo
    return { LICTOR_MODEL_BASE_URL: `http://127.0.0.1:${port}/v1`, LICTOR_MODEL_NAME: 'silent' }
  }

  async function world(environment: Headers = {}) {
    t = await start({ environment })
    const admin = await t.admin()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers)
    const run = (as: Headers = headers, body: object = {}, more: Headers = {}) =>
      t.request({
        method: 'POST',
        url: '/v1/executions',
        headers: { ...as, ...more },
        payload: { agent_id: agent, input: 'go', ...body },
      })
    const set = async (body: object, as: Headers = admin) =>
      t.request({ method: 'POST', url: '/v1/admin/rate-limits/overrides', headers: as, payload: body })
    const get = async (url: string, as: Headers = admin) => t.request({ method: 'GET', url, headers: as })
    const started = async () =>
      Number(
        (
          await t.server.database.db
            .selectFrom('executions')
            .select((e) => e.fn.countAll().as('count'))
            .executeTakeFirstOrThrow()
        ).count,
      )
    const { tenant_id: tenant } = (await run()).statusCode === 200 ? await first() : { tenant_id: '' }
    await t.server.database.db.deleteFrom('rate_limit_counters').execute()
    return { admin, headers, agent, run, set, get, started, tenant }
  }
  const first = () => t.server.database.db.selectFrom('executions').select('tenant_id').executeTakeFirstOrThrow()
  const hour = { resource_type: 'agent_execution', bucket: 'hourly' }

  it('20 starts at once with 3 left: exactly 3 begin, the counter says 3, the others are told when to come again', async () => {
    const w = await world()
    expect((await w.set({ ...hour, limit_value: 3, tenant_id: w.tenant })).statusCode).toBe(200)
    const before = await w.started()
    const address = await t.listen()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`${address}/v1/executions`, {
          method: 'POST',
          headers: { ...w.headers, 'content-type': 'application/json' },
          body: JSON.stringify({ agent_id: w.agent, input: 'go' }),
        }).then(async (answer) => ({ status: answer.status, headers: answer.headers, body: await answer.json() })),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(3).fill(200), ...Array(17).fill(429)])
    expect((await w.started()) - before).toBe(3)
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.body).toEqual({
      error: 'rate_limit_exceeded',
      message: expect.stringMatching(/^Rate limit exceeded for agent execution \(user: .+\), retry after 3600s$/),
      resource_type: 'agent_execution',
      bucket: 'hourly',
      limit: 3,
      retry_after_seconds: 3600,
    })
    const resets = (Math.floor(t.clock.now() / 3_600_000) + 1) * 3600
    const shown = ['retry-after', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']
    expect(shown.map((name) => refused?.headers.get(name))).toEqual(['3600', '3', '0', String(resets)])
    const left = answers
      .filter(({ status }) => status === 200)
      .map(({ headers }) => headers.get('x-ratelimit-remaining'))
    expect(left.sort()).toEqual(['0', '1', '2'])
    const { usage } = (await w.get(`/v1/admin/rate-limits/usage?scope_type=tenant&scope_id=${w.tenant}`)).json()
    expect(usage).toMatchObject([{ scope_type: 'tenant', scope_id: w.tenant, ...hour, counter: 3 }])
  })

  it('every path to a start is counted, what is refused or repeated is not', async () => {
    const w = await world()
    await w.set({ ...hour, limit_value: 3, tenant_id: 'default' })
    const once = { 'idempotency-key': 'one' }
    const [one, two] = [await w.run(w.headers, {}, once), await w.run(w.headers, {}, once)]
    expect(two.json().execution_id).toBe(one.json().execution_id)
    expect([one.headers['x-ratelimit-remaining'], two.headers['x-ratelimit-remaining']]).toEqual(['2', undefined])
    // What the agent does not take is refused before it is counted.
    expect((await w.run(w.headers, { input: null })).statusCode).toBe(422)
    expect((await w.run(w.admin)).headers['x-ratelimit-remaining']).toBe('1')
    const byAgent = await t.request({
      method: 'POST',
      url: `/v1/agents/${w.agent}/execute`,
      headers: w.headers,
      payload: { input: 'go' },
    })
    expect([byAgent.statusCode, byAgent.headers['x-ratelimit-remaining']]).toEqual([200, '0'])
    for (const as of [w.headers, w.admin]) expect((await w.run(as)).statusCode).toBe(429)
    // The repetition of what began is answered all the same.
    expect((await w.run(w.headers, {}, once)).json().execution_id).toBe(one.json().execution_id)
    await t.clock.advance(3_600_000)
    expect((await w.run(await serviceHeaders(t))).statusCode).toBe(200)
  })

  it('20 repetitions of one start at once with 1 left: one execution, and 1 is counted', async () => {
    const w = await world()
    await w.set({ ...hour, limit_value: 20, tenant_id: w.tenant })
    const before = await w.started()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => w.run(w.headers, {}, { 'idempotency-key': 'same' })),
    )
    expect(new Set(answers.map((answer) => answer.json().execution_id)).size).toBe(1)
    expect((await w.started()) - before).toBe(1)
    const { usage } = (await w.get(`/v1/admin/rate-limits/usage?scope_type=tenant&scope_id=${w.tenant}`)).json()
    expect(usage).toMatchObject([{ counter: 1 }])
  })

  it('a limit of the user wins over that of the tenant; set again it changes; taken back it is gone with the next request', async () => {
    const w = await world({ LICTOR_LIMITS: 'on', LICTOR_TIER: 'business' })
    const minute = { ...hour, bucket: 'per_minute' }
    const tenant = (await w.set({ ...minute, limit_value: 1, tenant_id: 'default' })).json()
    expect((await w.run(w.admin)).statusCode).toBe(200)
    expect((await w.run(w.admin)).statusCode).toBe(429)
    const user = (await w.set({ ...minute, limit_value: 2, user_id: ADMIN.email, burst_value: 9 })).json()
    expect(user).toMatchObject({ ...minute, limit_value: 2, tenant_id: null, user_id: ADMIN.email, burst_value: 9 })
    expect((await w.run(w.admin)).statusCode).toBe(200)
    expect((await w.run(w.admin)).statusCode).toBe(429)
    const again = (await w.set({ ...minute, limit_value: 3, user_id: `default:${ADMIN.email}` })).json()
    expect([again.id, again.limit_value, again.created_at]).toEqual([user.id, 3, user.created_at])
    expect((await w.run(w.admin)).statusCode).toBe(200)
    const listed = (await w.get('/v1/admin/rate-limits/overrides')).json()
    expect([listed.count, listed.overrides.map((one: { id: string }) => one.id).sort()]).toEqual([
      2,
      [tenant.id, user.id].sort(),
    ])
    expect((await w.get(`/v1/admin/rate-limits/overrides?user_id=${ADMIN.email}`)).json().overrides).toEqual([again])
    expect((await w.get(`/v1/admin/rate-limits/overrides?tenant_id=${w.tenant}`)).json().count).toBe(2)
    const remove = (id: string) =>
      t.request({ method: 'DELETE', url: `/v1/admin/rate-limits/overrides/${id}`, headers: w.admin })
    for (const { id } of [tenant, user]) expect((await remove(id)).json()).toEqual({ status: 'deleted', id })
    const gone = await remove(user.id)
    expect([gone.statusCode, gone.json().error]).toEqual([404, 'Override not found'])
    expect((await remove('x')).statusCode).toBe(400)
    for (let n = 0; n < 20; n++) expect((await w.run(w.admin)).statusCode).toBe(200)
  })

  it('workflows are counted by themselves', async () => {
    const w = await world()
    const registered = await t.request({
      method: 'POST',
      url: '/v1/workflows',
      headers: { ...w.headers, 'content-type': 'text/yaml' },
      payload: WORKFLOW,
    })
    expect([registered.statusCode, registered.body]).toEqual([expect.toBeOneOf([200, 201]), expect.any(String)])
    await w.set({ resource_type: 'workflow_execution', bucket: 'per_minute', limit_value: 2, tenant_id: w.tenant })
    const begin = (url = '/v1/workflows/waits/run') =>
      t.request({ method: 'POST', url, headers: w.headers, payload: { input: {} } })
    const [one, two, three] = [await begin(), await begin('/v1/workflows/waits/execute'), await begin()]
    expect([one, two, three].map(({ statusCode }) => statusCode)).toEqual([200, 200, 429])
    expect([one.headers['x-ratelimit-remaining'], two.headers['x-ratelimit-remaining']]).toEqual(['1', '0'])
    expect(three.json()).toMatchObject({ resource_type: 'workflow_execution', limit: 2, retry_after_seconds: 60 })
    expect((await w.run()).statusCode).toBe(200)
  })

  it('a tier bounds what runs at once: the third of a Free tenant is refused, and begins when one has ended', async () => {
    const model = await silentModel()
    const w = await world({ LICTOR_LIMITS: 'on', LICTOR_TIER: 'free', ...model })
    await w.set({ ...hour, limit_value: 100, tenant_id: w.tenant })
    await t.listen()
    await settled(t)
    const answers = await Promise.all(Array.from({ length: 5 }, () => w.run()))
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 200, 409, 409, 409])
    const id = answers.find(({ statusCode }) => statusCode === 200)?.json().execution_id
    const text = 'quota_exceeded:quota exceeded for ConcurrentExecutions: current 2, limit 2'
    expect(answers.find(({ statusCode }) => statusCode === 409)?.json()).toMatchObject({ error: text, message: text })
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers, payload: {} })
    expect((await w.run()).statusCode).toBe(200)
    const told = await readStream(t.server.http.listeningOrigin, '/v1/observability/events?follow=false', w.headers)
    expect(told.filter(({ type }) => type === 'tenant_quota_exceeded')).toMatchObject([
      { tenant_slug: 'default', quota_kind: 'ConcurrentExecutions', current_value: 2, limit: 2 },
      { tenant_slug: 'default' },
      { tenant_slug: 'default' },
    ])
  })

  it('a tier bounds how many agents there are; a new version of one is no other agent', async () => {
    const w = await world({ LICTOR_LIMITS: 'on', LICTOR_TIER: 'free' })
    for (const name of ['b', 'c', 'd', 'e']) await deployAgent(t, w.headers, {}, { name })
    const refused = deployAgent(t, w.headers, {}, { name: 'f' })
    await expect(refused).rejects.toThrow('quota_exceeded:quota exceeded for TotalAgents: current 5, limit 5')
    await deployAgent(t, w.headers, {}, { name: 'e', version: '2.0.0' })
  })

  it('quotas that an operator set hold without tiers: of 6 agents and of 6 volumes at once exactly 2 are made', async () => {
    const w = await world()
    const operator = await serviceHeaders(t, { role: 'aegis:admin' })
    const quotas = { max_agents: 3, max_storage_gb: 2, max_concurrent_executions: 0 }
    const set = (payload: object) =>
      t.request({ method: 'PUT', url: '/v1/admin/tenants/default/quotas', headers: operator, payload })
    expect((await set(quotas)).json()).toMatchObject({ quotas })
    const agents = await Promise.allSettled(
      ['b', 'c', 'd', 'e', 'f', 'g'].map((name) => deployAgent(t, w.headers, {}, { name })),
    )
    expect(agents.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    const volumes = await Promise.all(
      ['b', 'c', 'd', 'e', 'f', 'g'].map((label) =>
        t.request({
          method: 'POST',
          url: '/v1/volumes',
          headers: w.headers,
          payload: { label, size_limit_bytes: 1024 ** 3 },
        }),
      ),
    )
    expect(volumes.map(({ statusCode }) => statusCode).toSorted()).toEqual([201, 201, 409, 409, 409, 409])
    expect(volumes.find(({ statusCode }) => statusCode === 409)?.json()).toMatchObject({
      error: `quota_exceeded:quota exceeded for StorageBytes: current ${2 * 1024 ** 3}, limit ${2 * 1024 ** 3}`,
      quota_kind: 'StorageBytes',
    })
    expect((await w.get('/v1/volumes/quota')).json()).toMatchObject({ quota_bytes: 2 * 1024 ** 3 })
    expect((await w.run()).json()).toMatchObject({ quota_kind: 'ConcurrentExecutions', limit: 0 })
    expect((await w.get('/v1/colony/subscription')).json()).toMatchObject({
      tier: 'enterprise',
      quota_usage: {
        agents: { used: 3, limit: 3 },
        storage_bytes: { used: 2 * 1024 ** 3, limit: 2 * 1024 ** 3 },
        concurrent_executions: { limit: 0 },
      },
      members_used: 1,
      status: 'none',
      is_team: true,
    })
    await set({ max_agents: 4, max_concurrent_executions: 5 })
    await deployAgent(t, w.headers, {}, { name: 'again' })
    expect((await w.run()).statusCode).toBe(200)
  })

  it('near and beyond are told: near once in a window, beyond each time', async () => {
    const w = await world()
    await w.set({ ...hour, limit_value: 5, user_id: ADMIN.email })
    for (let n = 0; n < 7; n++) await w.run(w.admin)
    const told = await readStream(await t.listen(), '/v1/observability/events?follow=false', w.headers)
    const of = { user_id: ADMIN.email, tenant_id: w.tenant, ...hour, limit: 5 }
    expect(told.filter(({ category }) => category === 'rate_limit')).toMatchObject([
      { ...of, type: 'rate_limit_warning', current: 4, threshold_percent: 80 },
      { ...of, type: 'rate_limit_exceeded', counter: 5 },
      { ...of, type: 'rate_limit_exceeded', counter: 5 },
    ])
    const own = (await w.get('/v1/user/rate-limits')).json()
    expect(own).toMatchObject({
      user_id: ADMIN.email,
      buckets: [{ bucket_name: 'agent_execution:hourly', usage_pct: 1 }],
      usage: [{ ...hour, current_count: 5, limit_value: 5, window_seconds: 3600 }],
    })
    expect((await w.get('/v1/user/rate-limits/usage')).json()).toEqual(own)
    const figures = (await t.request({ method: 'GET', url: '/metrics' })).body
    expect(figures).toContain('aegis_rate_limit_events_total{outcome="refused",resource_type="agent_execution"} 2')
  })

  it('are off unless an operator turns them on, and nothing is counted then', async () => {
    const w = await world()
    for (let n = 0; n < 6; n++) expect((await w.run()).headers['x-ratelimit-limit']).toBeUndefined()
    expect((await w.get('/v1/user/rate-limits')).json()).toMatchObject({ buckets: [], usage: [], count: 0 })
  })

  it('are set by administrators of the installation alone', async () => {
    const w = await world()
    const body = { ...hour, limit_value: 3, tenant_id: w.tenant }
    const other = await t.otherTenant()
    const otherTenant = (await t.server.database.db.selectFrom('tenants').selectAll().execute()).find(
      ({ slug }) => slug !== 'default',
    )
    const operator = await serviceHeaders(t, { role: 'aegis:operator' })
    const readonly = await serviceHeaders(t, { role: 'aegis:readonly' })
    for (const as of [other, operator, readonly, await t.member()]) {
      expect((await w.set(body, as)).statusCode).toBe(403)
      for (const url of ['overrides', `usage?scope_type=tenant&scope_id=${w.tenant}`])
        expect((await w.get(`/v1/admin/rate-limits/${url}`, as)).statusCode).toBe(403)
    }
    expect((await w.set(body, {})).statusCode).toBe(401)
    expect((await w.set(body, await serviceHeaders(t, { role: 'aegis:admin' }))).statusCode).toBe(200)
    expect((await w.set({ ...body, tenant_id: otherTenant?.slug })).json().tenant_id).toBe(otherTenant?.id)
  })

  it('bad input is named, and sets nothing', async () => {
    const w = await world()
    const good = { ...hour, limit_value: 3 }
    const cases: [object, number, string][] = [
      [good, 400, 'Exactly one of tenant_id or user_id must be provided'],
      [{ ...good, tenant_id: w.tenant, user_id: 'u' }, 400, 'Exactly one of tenant_id or user_id must be provided'],
      [{ ...good, tenant_id: 'nobody' }, 400, "There is no tenant 'nobody'."],
      [{ ...good, user_id: 'u', bucket: 'yearly' }, 400, "There is no bucket 'yearly'"],
      [{ ...good, user_id: 'u', resource_type: 'beer' }, 400, "There is no resource_type 'beer'"],
      [{ ...good, user_id: 'u', resource_type: 'seal_tool:' }, 400, "There is no resource_type 'seal_tool:'"],
      [{ ...good, user_id: 'u', limit_value: -1 }, 422, 'limit_value'],
      [{ ...good, user_id: 'u', limit_value: 1.5 }, 422, 'limit_value'],
      [{ ...good, user_id: 'u', limit_value: 1e300 }, 422, 'limit_value'],
    ]
    for (const [body, status, text] of cases) {
      const answer = await w.set(body)
      expect([answer.statusCode, answer.body]).toEqual([status, expect.stringContaining(text)])
    }
    expect((await w.get('/v1/admin/rate-limits/usage?scope_type=team&scope_id=x')).statusCode).toBe(400)
    expect((await w.get('/v1/admin/rate-limits/overrides')).json().overrides).toEqual([])
  })

  it('turns of models are counted for whoever began the execution: calls, and tokens ahead and after', async () => {
    const w = await world(scriptEnvironment([{ text: 'Done.' }]))
    await w.set({ resource_type: 'llm_call', bucket: 'daily', limit_value: 1, user_id: ADMIN.email })
    await t.listen()
    const outcome = async (as: Headers) => {
      const id = (await w.run(as)).json().execution_id
      const events = await readStream(t.server.http.listeningOrigin, `/v1/executions/${id}/stream`, w.headers)
      return events.at(-1)
    }
    expect((await outcome(w.admin))?.type).toBe('execution_completed')
    const refused = await outcome(w.admin)
    expect([refused?.type, JSON.stringify(refused)]).toEqual([
      'execution_failed',
      expect.stringContaining('Rate limit exceeded for calls of language models'),
    ])
    await w.set({ resource_type: 'llm_token', bucket: 'daily', limit_value: 1, tenant_id: w.tenant })
    expect(JSON.stringify(await outcome(w.headers))).toContain('Rate limit exceeded for tokens of language models')
  })
})
