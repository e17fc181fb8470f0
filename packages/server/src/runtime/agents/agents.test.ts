import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, readStream, serviceHeaders, types } from '../../../test/runtime.ts'

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
    const unknown = await patch({ instrution: 'Count.' })
    expect([unknown.statusCode, unknown.json().problems[0].loc]).toEqual([422, ['body', 'instrution']])
    expect((await patch({ language: 'javascript', version: '22', model: 'fast' })).json()).toMatchObject({
      version: '1.0.0',
      manifest: { spec: { runtime: { language: 'javascript', version: '22', model: 'fast' } } },
    })
    expect((await patch({ spec: { runtime: null } })).statusCode).toBe(422)
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
    const warned = await deploy(yaml('1.0.0').replace('spec:', 'spec:\n  execution: { memory: true }'))
    expect([warned.statusCode, warned.json().warnings]).toEqual([
      200,
      [expect.stringContaining('spec.execution.memory is not available on this server')],
    ])
  })

  it('a list of hosts that names none is refused when it is deployed, with the place', async () => {
    await open()
    const refused = await deploy(
      yaml('1.0.0').replace(
        'spec:',
        'spec:\n  security: { network: { allowlist: [a.example, "https://b.example/x"] } }',
      ),
    )
    expect(refused.statusCode).toBe(422)
    expect(refused.body).toContain("spec.security.network.allowlist[1] 'https://b.example/x' names no host")
  })

  it('a manifest is given back as it was sent, comments and all', async () => {
    await open()
    const sent = `# Owned by the data team\n${yaml('1.0.0')}  # the end\n`
    const { id } = (await deploy(sent)).json()
    expect((await get(`/v1/agents/${id}`)).json().manifest_yaml).toBe(sent)
    expect((await get(`/v1/agents/${id}/versions`)).json().versions[0].manifest_yaml).toBe(sent)
  })

  it('a status alone leaves the manifest as it was sent, and makes no version', async () => {
    await open()
    const sent = `# Owned by the data team\n${yaml('1.0.0')}`
    const { id } = (await deploy(sent)).json()
    const before = (await get(`/v1/agents/${id}/versions`)).json()
    const patch = (payload: object) => t.request({ method: 'PATCH', url: `/v1/agents/${id}`, headers, payload })
    expect((await patch({ status: 'paused' })).json()).toMatchObject({ status: 'paused', manifest_yaml: sent })
    expect((await patch({ status: 'active' })).json()).toMatchObject({ status: 'active', manifest_yaml: sent })
    expect((await patch({ status: 'failed' })).statusCode).toBe(422)
    expect((await get(`/v1/agents/${id}/versions`)).json()).toEqual(before)
  })

  it('a version that this language does not have is refused, and named beside the language', async () => {
    await open()
    const runtime = async (language: string, version: string) => {
      const answer = await deploy(yaml('1.0.0').replace('python', language).replace('3.12', version), '?force=true')
      return answer.statusCode === 200 ? 'deployed' : [answer.json().problems[0].loc.at(-1), answer.json().error]
    }
    expect(await runtime('cobol', '85')).toEqual([
      'language',
      "spec.runtime.language 'cobol' is not available. Use python, javascript, typescript, rust, go.",
    ])
    for (const [language, version] of [
      ['python', '2.7'],
      ['python', '3.8'],
      ['python', '4'],
      ['python', 'latest'],
      ['javascript', '16'],
      ['javascript', '200'],
      ['go', '1.19'],
    ] as const)
      expect(await runtime(language, version)).toEqual([
        'version',
        expect.stringContaining(`spec.runtime.version '${version}' of ${language} is not available`),
      ])
    for (const [language, version] of [
      ['python', '3.9'],
      ['python', '3.10-slim'],
      ['python', '>=3.6'],
      ['javascript', '^20'],
      ['typescript', '5.1'],
      ['rust', '1.75'],
      ['go', '1.21'],
    ] as const)
      expect(await runtime(language, version)).toBe('deployed')
  })

  it('lists filter by scope, type and visibility, and refuse what they do not know', async () => {
    await open()
    const other = await t.otherTenant()
    const of = (name: string, labels: string) => yaml('1.0.0').replace('worker', name).replace('{ team: ci }', labels)
    await deploy(of('b-judge', '{ role: judge }'))
    await deploy(of('a-plain', '{ team: ci }'))
    await deploy(of('c-typed', '{ type: judge, role: other }'))
    await deploy(of('d-global', '{ type: judge }'), '?scope=global')
    await deploy(of('foreign', '{ type: judge }'), '', other)
    const names = async (query: string) =>
      (await get(`/v1/agents${query}`)).json().items.map((one: { name: string }) => one.name)
    expect(await names('')).toEqual(['a-plain', 'b-judge', 'c-typed', 'd-global'])
    expect(await names('?scope=global')).toEqual(['d-global'])
    expect(await names('?scope=tenant&limit=2')).toEqual(['a-plain', 'b-judge'])
    expect(await names('?agent_type=judge&limit=2')).toEqual(['b-judge', 'c-typed'])
    expect(await names('?visible=false&agent_type=judge')).toEqual(['b-judge', 'c-typed'])
    expect(await names('?agent_type=nothing')).toEqual([])
    for (const query of ['?scope=galaxy', '?visible=perhaps', '?limit=1.5', '?limit=-1'])
      expect((await get(`/v1/agents${query}`)).statusCode).toBe(400)
  })

  it('counts the executions of a global agent in each tenant by themselves', async () => {
    await open()
    const { id } = (await deploy(yaml('1.0.0'), '?scope=global')).json()
    const other = await t.otherTenant()
    const row = { id: 'x', tenant_id: 'elsewhere', agent_id: id, agent_name: 'worker', agent_version: '1.0.0' }
    await t.server.database.db
      .insertInto('executions')
      .values({
        ...row,
        ...{ manifest: '{}', env: 'production', status: 'completed', input: '1', intent: null, prompt: '' },
        ...{ security_context: '{}', started_by: 'x', owner: 'x', heartbeat_at: 0, total_iterations: 1 },
        ...{ output: null, error: null, waiting_for: null, started_at: 0, ended_at: 0, updated_at: 0 },
      })
      .execute()
    expect((await get(`/v1/agents/${id}`, other)).json().execution_count).toBe(0)
  })

  it('what happens to an agent is told on its stream, to its tenant', async () => {
    await open()
    const address = await t.listen()
    const { id } = (await deploy(yaml('1.0.0'))).json()
    await deploy(yaml('1.1.0'))
    for (const status of ['paused', 'active'])
      await t.request({ method: 'PATCH', url: `/v1/agents/${id}`, headers, payload: { status } })
    await t.request({ method: 'POST', url: `/v1/agents/${id}/scope`, headers, payload: { scope: 'global' } })
    const history = await readStream(address, `/v1/agents/${id}/events?follow=false`, headers)
    expect(types(history)).toEqual([
      ...['agent_deployed', 'agent_updated', 'agent_paused', 'agent_resumed', 'agent_scope_changed'],
    ])
    expect(history[1]).toMatchObject({
      category: 'agent_lifecycle',
      agent_id: id,
      execution_id: null,
      old_version: '1.0.0',
      new_version: '1.1.0',
      details: { type: 'agent_lifecycle', AgentUpdated: { new_version: '1.1.0' } },
    })
    expect(history[4]).toMatchObject({ previous_scope: 'Tenant', new_scope: 'Global', new_tenant_id: 'aegis-system' })
    const live = readStream(address, `/v1/agents/${id}/events`, headers, (event) => event.type === 'agent_removed')
    await t.request({ method: 'DELETE', url: `/v1/agents/${id}`, headers })
    // The stream was opened before or is refused: an agent that is gone has none.
    await live.catch((error: unknown) => expect(String(error)).toContain('404'))
    const other = await t.otherTenant()
    expect((await get(`/v1/agents/${id}/events?follow=false`, other)).statusCode).toBe(404)
  })

  it('a manifest that names an unknown tool or language is refused where it is deployed, and by an update', async () => {
    await open()
    const spec = (text: string) => yaml('1.0.0').replace('spec:', `spec:\n  ${text}`)
    const refused = await deploy(spec('tools: [fs.read, mail.read]'))
    expect([refused.statusCode, refused.json().problems[0].loc, refused.json().error]).toEqual([
      422,
      ['body', 'spec', 'tools', '1'],
      expect.stringContaining("Agent requested tool 'mail.read' but it is not available"),
    ])
    expect((await deploy(yaml('1.0.0').replace('python', 'cobol'))).statusCode).toBe(422)
    const id = await deployAgent(t, headers)
    const patch = (payload: object) => t.request({ method: 'PATCH', url: `/v1/agents/${id}`, headers, payload })
    expect((await patch({ tools: ['mail.read'] })).statusCode).toBe(422)
    expect((await patch({ status: 'paused' })).statusCode).toBe(200)
  })

  it.each([
    ['a version as package files write it', 'runtime: { language: python, version: ">=3.10" }', []],
    ['an old version', 'runtime: { language: python, version: "3.10" }', []],
    ['a folder that is allowed', 'security: { filesystem: { read: ["/workspace"], write: [/workspace] } }', []],
    ['a volume that is the workspace', 'volumes: [{ name: w, mount_point: /workspace, size_limit_mb: 1024 }]', []],
    ['another volume', 'volumes: [{ name: data, mount_point: /data }]', ['must be /workspace or below it']],
    [
      'judges of calls that change something',
      'tools: [fs.write]\n  execution: { tool_validation: [{ type: semantic, judge_agent: j }] }',
      [],
    ],
    [
      'judges of calls that change nothing',
      'tools: [fs.read]\n  execution: { tool_validation: [{ type: semantic, judge_agent: j }] }',
      [],
    ],
  ])('manifests as people write them: %s', async (_name, text, warnings) => {
    await open()
    const own = text.startsWith('runtime') ? yaml('1.0.0').replace(/\n *runtime:.*/, '') : yaml('1.0.0')
    const answer = await deploy(own.replace('spec:', `spec:\n  ${text}`))
    expect([answer.statusCode, answer.json().warnings]).toEqual([
      200,
      warnings.map((warning) => expect.stringContaining(warning)),
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
