import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, serviceHeaders } from '../../../test/runtime.ts'

const yaml = (version: string, instruction = 'Work.') => `
apiVersion: 100monkeys.ai/v1
kind: Agent
metadata: { name: worker, version: "${version}", labels: { team: ci } }
spec:
  runtime: { language: python, version: "3.12" }
  task: { instruction: ${instruction} }
`

onEachDatabase('agents', (start) => {
  let t: TestServer
  let headers: Record<string, string>
  afterEach(() => t.close())

  async function open() {
    t = await start()
    headers = await serviceHeaders(t)
  }
  const deploy = (payload: string | object, query = '', as = headers) =>
    t.request({
      method: 'POST',
      url: `/v1/agents${query}`,
      headers: { ...as, 'content-type': typeof payload === 'string' ? 'text/yaml' : 'application/json' },
      payload,
    })
  const get = (url: string, as = headers) => t.request({ method: 'GET', url, headers: as })

  it('the flat shorthand and the full manifest make the same agent', async () => {
    await open()
    const flat = { name: 'flat', language: 'python', version: '3.12', instruction: 'Work.' }
    const answer = await deploy(flat)
    expect(answer.json()).toMatchObject({ name: 'flat', version: '1.0.0', status: 'deployed' })
    const { manifest } = (await get('/v1/agents/lookup/flat')).json()
    expect(manifest).toEqual({
      apiVersion: '100monkeys.ai/v1',
      kind: 'Agent',
      metadata: { name: 'flat', version: '1.0.0' },
      spec: { runtime: { language: 'python', version: '3.12' }, task: { instruction: 'Work.' } },
    })
  })

  it('the same version is refused without force; another version keeps the id and is listed first', async () => {
    await open()
    const first = (await deploy(yaml('1.0.0'))).json()
    const again = await deploy(yaml('1.0.0', 'Other.'))
    expect([again.statusCode, again.json().error]).toEqual([
      409,
      `Agent 'worker' version '1.0.0' is already deployed (ID: ${first.id}). Use --force to overwrite it.`,
    ])
    expect((await get(`/v1/agents/${first.id}`)).json().manifest.spec.task.instruction).toBe('Work.')
    expect((await deploy(yaml('1.0.0', 'Forced.'), '?force=true')).json().id).toBe(first.id)
    expect((await deploy(yaml('2.0.0'))).json()).toMatchObject({ id: first.id, agent_id: first.id, version: '2.0.0' })
    const { versions, count } = (await get(`/v1/agents/${first.id}/versions`)).json()
    expect([count, versions.map((one: { version: string }) => one.version)]).toEqual([2, ['2.0.0', '1.0.0']])
    expect(versions[1].manifest_yaml).toContain('Forced.')
  })

  it('an agent of another tenant is not found by any route, and its name is free', async () => {
    await open()
    const { id } = (await deploy(yaml('1.0.0'))).json()
    const other = await t.otherTenant()
    for (const url of [`/v1/agents/${id}`, '/v1/agents/lookup/worker', `/v1/agents/${id}/versions`])
      expect((await get(url, other)).statusCode).toBe(404)
    expect((await get('/v1/agents', other)).json()).toMatchObject({ agents: [], items: [], count: 0 })
    for (const method of ['DELETE', 'PATCH'] as const)
      expect((await t.request({ method, url: `/v1/agents/${id}`, headers: other, payload: {} })).statusCode).toBe(404)
    const execute = await t.request({
      method: 'POST',
      url: `/v1/agents/${id}/execute`,
      headers: other,
      payload: { input: 'x' },
    })
    expect(execute.statusCode).toBe(404)
    expect((await deploy(yaml('1.0.0'), '', other)).statusCode).toBe(200)
  })

  it('a global agent is seen by every tenant, and a tenant one of the same name comes before it', async () => {
    await open()
    const global = (await deploy(yaml('1.0.0'), '?scope=global')).json()
    const other = await t.otherTenant()
    expect((await get('/v1/agents/lookup/worker', other)).json()).toMatchObject({ id: global.id, scope: 'global' })
    const own = (await deploy(yaml('1.0.0'), '', other)).json()
    expect((await get('/v1/agents/lookup/worker', other)).json().id).toBe(own.id)
    expect((await get('/v1/agents', other)).json().count).toBe(2)
  })

  it('bad manifests are named with their place, and nothing is stored', async () => {
    await open()
    const broken = await deploy('apiVersion: [')
    expect(broken.statusCode).toBe(400)
    const invalid = await deploy(yaml('1.0.0').replace('worker', 'Not A Name'))
    expect([invalid.statusCode, invalid.json().problems[0]]).toEqual([
      422,
      expect.objectContaining({ loc: ['body', 'metadata', 'name'], line: 4 }),
    ])
    const context = await deploy(yaml('1.0.0').replace('spec:', 'spec:\n  security_context: nowhere'))
    expect([context.statusCode, context.json().error]).toEqual([422, "Unknown security context: 'nowhere'"])
    expect((await deploy('')).statusCode).toBe(400)
    expect((await deploy(yaml('1.0.0'), '?scope=galaxy')).statusCode).toBe(400)
    expect((await get('/v1/agents')).json().count).toBe(0)
  })

  it('a partial update is merged into the manifest and judged whole', async () => {
    await open()
    const id = await deployAgent(t, headers, {}, { labels: { team: 'ci', old: 'x' } })
    const patch = (payload: object) => t.request({ method: 'PATCH', url: `/v1/agents/${id}`, headers, payload })
    const changed = (
      await patch({ description: 'Counts', labels: { old: null, tier: '1' }, instruction: 'Count.', status: 'paused' })
    ).json()
    expect(changed).toMatchObject({
      success: true,
      description: 'Counts',
      status: 'paused',
      labels: { team: 'ci', tier: '1' },
      manifest: { spec: { task: { instruction: 'Count.' } } },
    })
    expect(Object.keys(changed.labels)).toEqual(['team', 'tier'])
    expect((await patch({ instruction: ' ' })).statusCode).toBe(422)
    expect((await patch({ status: 'asleep' })).statusCode).toBe(422)
    expect((await patch({ name: 'another' })).statusCode).toBe(409)
    const execute = await t.request({
      method: 'POST',
      url: `/v1/agents/${id}/execute`,
      headers,
      payload: { input: 'x' },
    })
    expect(execute.statusCode).toBe(409)
  })

  it('a deploy warns of what this server will not do as the manifest says', async () => {
    await open()
    const warned = await deploy(
      yaml('1.0.0').replace(
        'spec:',
        'spec:\n  execution: { validation: [{ type: semantic, judge_agent: judge }] }\n  security: { network: { mode: allow, allowlist: [example.com] } }',
      ),
    )
    expect([warned.statusCode, warned.json().warnings]).toEqual([
      200,
      [expect.stringContaining('network.allowlist'), expect.stringContaining("'semantic' is not available")],
    ])
  })

  it('moving between scopes follows the rules and their texts', async () => {
    await open()
    const id = await deployAgent(t, headers)
    const move = (payload: object, method: 'POST' | 'PATCH' = 'POST', as = headers) =>
      t.request({ method, url: `/v1/agents/${id}/scope`, headers: as, payload })
    expect((await move({})).json().error).toBe("missing 'target_scope' field")
    expect((await move({ scope: 'user' })).json().error).toBe("invalid scope: 'user'. Valid values: global, tenant")
    expect((await move({ scope: 'tenant' })).statusCode).toBe(400)
    const reader = await serviceHeaders(t, { role: 'aegis:readonly', scopes: ['agent:deploy'] })
    expect((await move({ scope: 'global' }, 'PATCH', reader)).statusCode).toBe(403)
    expect((await move({ target_scope: 'global' })).json()).toMatchObject({ success: true, new_scope: 'global' })
    expect((await move({ scope: 'tenant' }, 'PATCH')).json()).toMatchObject({ id, scope: 'tenant' })
  })

  it('a deployed agent is a registered agent: its name is the agent id, its labels are its tags', async () => {
    await open()
    await deploy(yaml('1.0.0'))
    const row = await t.server.database.db.selectFrom('agent_registrations').selectAll().executeTakeFirstOrThrow()
    expect([row.agent_id, JSON.parse(row.tags)]).toEqual(['worker', { team: 'ci' }])
    await t.server.database.db.updateTable('agent_registrations').set({ bundle_name: 'kept' }).execute()
    await deploy(yaml('1.1.0'))
    const after = await t.server.database.db.selectFrom('agent_registrations').selectAll().execute()
    expect(after.map((one) => one.bundle_name)).toEqual(['kept'])
  })

  it('a removed agent is gone from every list', async () => {
    await open()
    const id = await deployAgent(t, headers)
    const remove = () => t.request({ method: 'DELETE', url: `/v1/agents/${id}`, headers })
    expect((await remove()).json()).toEqual({ status: 'deleted', success: true, id, agent_id: id })
    expect((await remove()).statusCode).toBe(404)
    expect((await get('/v1/agents')).json().count).toBe(0)
  })

  it('malformed ids and queries are 400', async () => {
    await open()
    expect((await get('/v1/agents/not-an-id')).statusCode).toBe(400)
    expect((await get('/v1/agents?limit=-1')).json().error).toBe('invalid_query')
    expect((await get('/v1/agents?limit=0')).json().count).toBe(0)
    expect((await get('/v1/executions?limit=ten')).statusCode).toBe(400)
    expect((await get('/v1/executions?agent_id=x')).statusCode).toBe(400)
  })
})
