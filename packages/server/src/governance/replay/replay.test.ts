// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>

onEachDatabase('replay', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const rule = (id: string, effect: string, contains: string) => ({
    id,
    type: 'pre',
    tool: 'read_file',
    when: { 'args.path': { contains } },
    then: { effect, message: `${id}: {args.path}` },
  })

  async function upload(contracts: object[], headers?: Headers): Promise<number> {
    const yaml_content = JSON.stringify({
      apiVersion: 'edictum/v1',
      kind: 'ContractBundle',
      metadata: { name: 'devops' },
      defaults: { mode: 'enforce' },
      contracts,
    })
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/bundles',
      headers: headers ?? (await t.admin()),
      payload: { yaml_content },
    })
    return answer.json().version
  }
  let calls = 0
  const event = (path: string, verdict = 'call_allowed', payload: object = {}, over: object = {}) => ({
    call_id: `call-${calls++}`,
    agent_id: 'agent-1',
    tool_name: 'read_file',
    verdict,
    mode: 'enforce',
    timestamp: '2026-03-01T11:00:00Z',
    payload: { tool_args: { path }, environment: 'production', ...payload },
    ...over,
  })
  const send = (headers: Headers, events: object[]) =>
    t.request({ method: 'POST', url: '/api/v1/events', headers, payload: { events } })
  const replay = async (version: number, query = 'env=production', headers?: Headers) =>
    t.request({
      method: 'POST',
      url: `/api/v1/bundles/devops/${version}/replay?${query}`,
      headers: headers ?? (await t.admin()),
    })

  it('tells which recorded calls the version decides differently, by contract and with examples', async () => {
    t = await start()
    const version = await upload([rule('no-env', 'deny', '.env'), rule('ask-keys', 'approve', '.key')])
    await send(await t.agent(), [
      event('/app/.env', 'call_allowed', {}, { call_id: 'passes-now' }),
      event('/b/.env'),
      event('/app/.env', 'call_denied', { decision_source: 'yaml_precondition', decision_name: 'older' }),
      event('a.key'),
      event('b.pem', 'call_denied', { decision_source: 'yaml_precondition', decision_name: 'no-pem', reason: 'No' }),
      event('readme'),
      event('readme', 'call_would_deny', { decision_name: 'watching' }),
    ])
    const answer = await replay(version)
    expect(answer.statusCode).toBe(200)
    const { examples, ...counts } = answer.json()
    expect(counts).toEqual({
      env: 'production',
      since: '2026-02-28T12:00:00Z',
      events: 7,
      truncated: false,
      calls: 7,
      unchanged: 3,
      changed: 4,
      by_contract: [
        { contract_id: 'no-env', from: 'allow', to: 'deny', count: 2 },
        { contract_id: 'ask-keys', from: 'allow', to: 'ask', count: 1 },
        { contract_id: 'no-pem', from: 'deny', to: 'allow', count: 1 },
      ],
      skipped: { without_arguments: 0, by_history: 0 },
    })
    expect(examples).toHaveLength(4)
    expect(examples).toContainEqual({
      event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      call_id: 'passes-now',
      agent_id: 'agent-1',
      tool_name: 'read_file',
      timestamp: '2026-03-01T11:00:00Z',
      from: 'allow',
      to: 'deny',
      contract_id: 'no-env',
      reason: 'no-env: /app/.env',
    })
  })

  it('judges a call once, however many events tell of it', async () => {
    t = await start()
    const version = await upload([rule('ask-keys', 'approve', '.key')])
    const told = (verdict: string) => event('a.key', verdict, {}, { call_id: 'one' })
    await send(
      await t.agent(),
      ['call_approval_requested', 'call_approval_granted', 'call_allowed', 'call_executed'].map(told),
    )
    expect((await replay(version)).json()).toMatchObject({ events: 2, calls: 1, changed: 0 })
  })

  it('leaves out what an event alone does not tell', async () => {
    t = await start()
    const version = await upload([rule('no-env', 'deny', '.env')])
    await send(await t.agent(), [
      event('x', 'call_denied', { decision_source: 'operation_limit' }),
      event('x', 'call_denied', { decision_source: 'yaml_session' }),
      event('.env', 'call_allowed', { tool_args: { _redacted: 'payload exceeded 32KB' } }),
      event('.env', 'call_allowed', {}, { payload: null }),
      event('.env', 'call_allowed', {}, { tool_name: 'no/tool' }),
    ])
    expect((await replay(version)).json()).toMatchObject({
      calls: 0,
      changed: 0,
      skipped: { without_arguments: 3, by_history: 2 },
    })
  })

  it('judges what asks for the past of a session by what the event tells of it, and by nothing else', async () => {
    t = await start()
    const version = await upload([{ ...rule('after', 'deny', '.env'), after: { labels: ['untrusted'] } }])
    await send(await t.agent(), [
      event('.env', 'call_allowed', { past: { labels: ['untrusted'], tools: [] } }),
      event('.env', 'call_allowed'),
      event('readme', 'call_allowed'),
    ])
    expect((await replay(version)).json()).toMatchObject({ calls: 2, changed: 1, skipped: { by_history: 1 } })
  })

  it('judges by the principal, the environment and the arguments that were recorded', async () => {
    t = await start()
    const version = await upload([
      {
        id: 'ops-only',
        type: 'pre',
        tool: '*',
        when: { any: [{ 'principal.role': { not_equals: 'ops' } }, { environment: { equals: 'staging' } }] },
        then: { effect: 'deny', message: 'No' },
      },
    ])
    await send(await t.agent(), [
      event('x', 'call_allowed', { principal: { user_id: 'u', role: 'ops', claims: {} } }),
      event('x', 'call_allowed', { principal: { user_id: 'u', role: 'dev', claims: {} } }),
      event('x', 'call_allowed', { principal: { role: 'ops' }, environment: 'staging' }),
    ])
    expect((await replay(version)).json()).toMatchObject({ calls: 3, changed: 2 })
  })

  it('looks at one environment, at the window, and at the newest events', async () => {
    t = await start()
    const version = await upload([rule('no-env', 'deny', '.env')])
    await send(await t.agent('staging'), [event('.env')])
    await send(await t.agent('production'), [
      event('.env', 'call_allowed', {}, { timestamp: '2026-03-01T02:00:00Z' }),
      ...Array.from({ length: 5 }, (_, minute) =>
        event(minute === 4 ? '.env' : 'x', 'call_allowed', {}, { timestamp: `2026-03-01T11:0${minute}:00Z` }),
      ),
    ])
    const counts = async (query: string) => {
      const { events, truncated, changed } = (await replay(version, query)).json()
      return { events, truncated, changed }
    }
    expect(await counts('env=production')).toEqual({ events: 6, truncated: false, changed: 2 })
    expect(await counts('env=production&since=2h')).toEqual({ events: 5, truncated: false, changed: 1 })
    expect(await counts('env=production&limit=6')).toEqual({ events: 6, truncated: false, changed: 2 })
    expect(await counts('env=production&limit=2')).toEqual({ events: 2, truncated: true, changed: 1 })
    expect(await counts('env=staging')).toEqual({ events: 1, truncated: false, changed: 1 })
    expect(await counts('env=development')).toEqual({ events: 0, truncated: false, changed: 0 })
  })

  it('reads more events than fit at once, and each of them once', async () => {
    t = await start()
    const version = await upload([rule('no-env', 'deny', '.env')])
    const agent = await t.agent()
    for (let batch = 0; batch < 5; batch++)
      await send(
        agent,
        Array.from({ length: 1_000 }, (_, index) => event(index % 2 === 0 ? '.env' : 'x')),
      )
    const answer = (await replay(version)).json()
    expect(answer).toMatchObject({ events: 5_000, calls: 5_000, changed: 2_500, unchanged: 2_500 })
    expect(answer.examples).toHaveLength(5)
  })

  it('may come with the answer to a deployment', async () => {
    t = await start()
    const version = await upload([rule('no-env', 'deny', '.env')])
    await send(await t.agent(), [event('.env')])
    const deploy = async (query: string) =>
      t.request({
        method: 'POST',
        url: `/api/v1/bundles/devops/${version}/deploy${query}`,
        headers: await t.admin(),
        payload: { env: 'production' },
      })
    expect((await deploy('?replay=true')).json()).toMatchObject({
      bundle_version: version,
      replay: { env: 'production', changed: 1, by_contract: [{ contract_id: 'no-env', count: 1 }] },
      replay_problem: null,
    })
    expect(Object.keys((await deploy('')).json())).not.toContain('replay')
  })

  it('is refused in words where there is nothing to judge by', async () => {
    t = await start()
    const version = await upload([rule('no-env', 'deny', '.env')])
    const missing = await replay(version + 1)
    expect([missing.statusCode, missing.json()]).toEqual([404, { detail: "Bundle 'devops' v2 not found" }])
    expect((await replay(version, '')).statusCode).toBe(422)
    expect((await replay(version, 'env=moon')).statusCode).toBe(422)
    expect((await replay(version, 'env=production&limit=100001')).statusCode).toBe(422)
    expect((await replay(version, 'env=production&since=soon')).statusCode).toBe(400)
  })

  it("judges no other tenant's calls, by no other tenant's bundles", async () => {
    t = await start()
    const version = await upload([rule('no-env', 'deny', '.env')])
    await send(await t.agent(), [event('.env')])
    const other = await t.otherTenant()
    expect((await replay(version, 'env=production', other)).statusCode).toBe(404)
    const theirs = await upload([rule('no-env', 'deny', '.env')], other)
    expect((await replay(theirs, 'env=production', other)).json()).toMatchObject({ events: 0, changed: 0 })
  })
})
