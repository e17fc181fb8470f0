import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'

onEachDatabase('streams', (start) => {
  let t: TestServer
  let address = ''
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  async function begin(options?: Parameters<typeof start>[0]) {
    t = await start(options)
    await t.admin()
    address = await t.listen()
  }
  async function agentStream(query: string, headers: Record<string, string>): Promise<SseClient> {
    const client = await openSse(`${address}/api/v1/stream?${query}`, headers)
    open.push(client)
    return client
  }
  async function dashboardStream(headers?: Record<string, string>): Promise<SseClient> {
    const client = await openSse(`${address}/api/v1/stream/dashboard`, headers ?? (await t.admin()))
    open.push(client)
    return client
  }
  async function post(url: string, payload: object, headers?: Record<string, string>) {
    const answer = await t.request({
      method: 'POST',
      url: `/api/v1${url}`,
      headers: headers ?? (await t.admin()),
      payload,
    })
    if (answer.statusCode >= 300) throw new Error(`${url} answered ${answer.statusCode}: ${answer.body}`)
    return answer.json()
  }
  const upload = (name: string, contracts = 1, headers?: Record<string, string>) =>
    post('/bundles', { yaml_content: bundleYaml(name, { contracts }) }, headers)
  const deploy = (name: string, version: number, env = 'production', headers?: Record<string, string>) =>
    post(`/bundles/${name}/${version}/deploy`, { env }, headers)
  const status = async (query = '') =>
    (await t.request({ method: 'GET', url: `/api/v1/agents/status${query}`, headers: await t.admin() })).json().agents
  const registered = async () =>
    (await t.request({ method: 'GET', url: '/api/v1/agent-registrations', headers: await t.admin() })).json()
  const assign = async (agentId: string, payload: object) =>
    t.request({
      method: 'PATCH',
      url: `/api/v1/agent-registrations/${agentId}`,
      headers: await t.admin(),
      payload,
    })
  /** Whether the stream has nothing to say: a later, certain event is the next one. */
  async function expectNext(client: SseClient, type: string, data: object) {
    const event = await client.next()
    expect({ type: event.type, data: event.data }).toEqual({ type, data: expect.objectContaining(data) })
    expect(event.id).toMatch(/^\d+$/)
    return event
  }

  it('an agent gets what is deployed on connect and each deploy at once, with an id', async () => {
    await begin()
    await upload('devops')
    await deploy('devops', 1)
    const client = await agentStream('env=production&bundle_name=devops', await t.agent())
    expect(client.status).toBe(200)
    expect(client.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    const first = await expectNext(client, 'contract_update', { bundle_name: 'devops', version: 1 })
    expect(Buffer.from(String(first.data.yaml_bytes), 'base64').toString()).toBe(bundleYaml('devops'))
    expect(first.data.signature).toMatch(/^[0-9a-f]{128}$/)
    expect(first.data.public_key).toMatch(/^[0-9a-f]{64}$/)
    await upload('devops', 2)
    await upload('billing')
    await deploy('billing', 1)
    await deploy('devops', 2, 'staging')
    await deploy('devops', 2)
    const second = await expectNext(client, 'contract_update', { type: 'contract_update', version: 2 })
    expect(Number(second.id)).toBeGreaterThan(Number(first.id))
  })

  it('an agent that runs what is deployed is told nothing', async () => {
    await begin()
    const { revision_hash } = await upload('devops')
    await deploy('devops', 1)
    const client = await agentStream(
      `env=production&bundle_name=devops&policy_version=${revision_hash}`,
      await t.agent(),
    )
    await upload('devops', 2)
    await deploy('devops', 2)
    await expectNext(client, 'contract_update', { version: 2 })
    expect(client.events).toHaveLength(1)
  })

  it('a stream that comes back gets what it missed, without gap or duplicate', async () => {
    await begin()
    const headers = await t.agent()
    for (let version = 1; version <= 5; version++) await upload('devops', version)
    await deploy('devops', 1)
    const before = await agentStream('env=production&bundle_name=devops', headers)
    await expectNext(before, 'contract_update', { version: 1 })
    await deploy('devops', 2)
    await expectNext(before, 'contract_update', { version: 2 })
    before.close()
    await deploy('devops', 3)
    await deploy('devops', 4)
    const after = await agentStream('env=production&bundle_name=devops', { ...headers, 'last-event-id': before.lastId })
    await deploy('devops', 5)
    for (const version of [3, 4, 5]) await expectNext(after, 'contract_update', { version })
    await deploy('devops', 1)
    await expectNext(after, 'contract_update', { version: 1 })
    expect(after.events.map((event) => event.data.version)).toEqual([3, 4, 5, 1])
    expect(new Set(after.events.map((event) => event.id)).size).toBe(4)
  })

  it('what was missed survives a restart of the server', async () => {
    await begin()
    const headers = await t.agent()
    await upload('devops')
    await deploy('devops', 1)
    const before = await agentStream('env=production&bundle_name=devops', headers)
    await before.next()
    before.close()
    await upload('devops', 2)
    await deploy('devops', 2)
    await t.restart()
    address = await t.listen()
    const after = await agentStream('env=production&bundle_name=devops', { ...headers, 'last-event-id': before.lastId })
    await expectNext(after, 'contract_update', { version: 2 })
    await deploy('devops', 1)
    await expectNext(after, 'contract_update', { version: 1 })
    expect(after.events).toHaveLength(2)
  })

  it('deploys that race a connect are seen once each, in order', async () => {
    await begin()
    const headers = await t.agent()
    for (let version = 1; version <= 20; version++) await upload('devops', version)
    await deploy('devops', 1)
    const streams: Promise<SseClient>[] = []
    for (let version = 2; version <= 20; version++) {
      streams.push(
        agentStream('env=production&bundle_name=devops', { ...headers, 'x-edictum-agent-id': `a${version}` }),
      )
      await deploy('devops', version)
    }
    for (const client of await Promise.all(streams)) {
      const versions: number[] = []
      while (versions.at(-1) !== 20) versions.push(Number((await client.next()).data.version))
      const first = versions[0] ?? 0
      expect(versions).toEqual(Array.from({ length: 21 - first }, (_, index) => first + index))
    }
  })

  it('environment and tenant are walls', async () => {
    await begin()
    const production = await t.agent('production')
    const staging = await t.agent('staging')
    const refused = await agentStream('env=production', staging)
    expect([refused.status, await refused.body]).toEqual([
      403,
      JSON.stringify({ detail: "API key is scoped to 'staging', cannot subscribe to 'production'." }),
    ])
    expect((await agentStream('', production)).status).toBe(422)
    expect((await agentStream('env=production', { authorization: 'Bearer edk_production_nonsense' })).status).toBe(401)
    expect((await openSse(`${address}/api/v1/stream/dashboard`, {})).status).toBe(401)

    const other = await t.otherTenant()
    const foreignDashboard = await dashboardStream(other)
    const dashboard = await dashboardStream()
    const onStaging = await agentStream('env=staging', staging)
    const onProduction = await agentStream('env=production', production)
    await upload('devops')
    await deploy('devops', 1, 'production')
    await deploy('devops', 1, 'staging')
    await upload('theirs', 1, other)
    await deploy('theirs', 1, 'production', other)
    await expectNext(onProduction, 'contract_update', { bundle_name: 'devops' })
    await expectNext(onStaging, 'contract_update', { bundle_name: 'devops' })
    await expectNext(foreignDashboard, 'bundle_uploaded', { bundle_name: 'theirs' })
    await expectNext(dashboard, 'bundle_uploaded', {
      bundle_name: 'devops',
      version: 1,
      uploaded_by: 'admin@example.com',
    })
    for (const env of ['production', 'staging']) {
      await expectNext(dashboard, 'contract_update', { bundle_name: 'devops' })
      await expectNext(dashboard, 'bundle_deployed', { bundle_name: 'devops', env, version: 1 })
    }
    await upload('last')
    await deploy('last', 1)
    await expectNext(onProduction, 'contract_update', { bundle_name: 'last' })
    await expectNext(dashboard, 'bundle_uploaded', { bundle_name: 'last' })
    expect(onStaging.events).toHaveLength(1)
    expect(onProduction.events).toHaveLength(2)
  })

  it('an assigned agent is told its bundle on connect, and follows later assignments', async () => {
    await begin()
    await upload('devops')
    await upload('billing')
    await deploy('devops', 1)
    await deploy('billing', 1)
    const headers = await t.agent()
    const unassigned = await agentStream('env=production', headers)
    await expectNext(unassigned, 'contract_update', { bundle_name: 'billing' })
    await deploy('devops', 1)
    await expectNext(unassigned, 'contract_update', { bundle_name: 'devops' })

    expect((await assign('agent-1', { bundle_name: 'billing' })).json()).toMatchObject({
      bundle_name: 'billing',
      resolved_bundle: 'billing',
    })
    await expectNext(unassigned, 'assignment_changed', {
      agent_id: 'agent-1',
      bundle_name: 'billing',
      source: 'explicit',
    })
    await deploy('devops', 1)
    await deploy('billing', 1)
    await expectNext(unassigned, 'contract_update', { bundle_name: 'billing' })

    const assigned = await agentStream('env=production&tags={"team":"platform"}', headers)
    await expectNext(assigned, 'assignment_changed', {
      agent_id: 'agent-1',
      bundle_name: 'billing',
      source: 'explicit',
    })
    await expectNext(assigned, 'contract_update', { bundle_name: 'billing' })
    expect((await registered())[0]).toMatchObject({
      agent_id: 'agent-1',
      tags: { team: 'platform' },
      last_seen_at: '2026-03-01T12:00:00Z',
    })

    await assign('agent-1', { bundle_name: '' })
    await expectNext(assigned, 'assignment_changed', { agent_id: 'agent-1', bundle_name: null, source: 'none' })
    await deploy('devops', 1)
    await expectNext(assigned, 'contract_update', { bundle_name: 'devops' })
    const named = await agentStream('env=production&bundle_name=devops', headers)
    await expectNext(named, 'contract_update', { bundle_name: 'devops' })
  })

  it('drift is what agents report, at once', async () => {
    await begin()
    const first = await upload('devops')
    const second = await upload('devops', 2)
    const headers = await t.agent()
    const query = `env=production&bundle_name=devops&policy_version=${first.revision_hash}`
    const client = await agentStream(query, headers)
    const entry = {
      agent_id: 'agent-1',
      env: 'production',
      bundle_name: 'devops',
      policy_version: first.revision_hash,
      connected_at: '2026-03-01T12:00:00Z',
    }
    const other = await agentStream('env=production', { ...headers, 'x-edictum-agent-id': 'agent-2' })
    await deploy('devops', 1)
    await other.next()
    expect(await status('?bundle_name=devops')).toEqual([{ ...entry, status: 'current' }])
    await upload('billing')
    await deploy('billing', 1)
    expect(await status('?bundle_name=devops')).toEqual([{ ...entry, status: 'current' }])
    await deploy('devops', 2)
    await client.next()
    expect(await status('?bundle_name=devops')).toEqual([{ ...entry, status: 'drift' }])
    expect((await status()).map((agent: { status: string }) => agent.status).sort()).toEqual(['drift', 'unknown'])
    await post(
      '/events',
      {
        events: [
          {
            call_id: 'c1',
            agent_id: 'agent-1',
            tool_name: 'read_file',
            verdict: 'call_allowed',
            mode: 'enforce',
            timestamp: '2026-03-01T12:00:00Z',
            payload: { policy_version: second.revision_hash },
          },
        ],
      },
      headers,
    )
    expect(await status('?bundle_name=devops')).toEqual([
      { ...entry, policy_version: second.revision_hash, status: 'current' },
    ])
    const listed = await t.request({ method: 'GET', url: '/api/v1/agents/status', headers: await t.otherTenant() })
    expect(listed.json()).toEqual({ agents: [] })
  })

  it('a keepalive comes every 15 seconds, and an hour-old stream is ended to come back', async () => {
    await begin()
    const client = await agentStream('env=production', await t.agent())
    const dashboard = await dashboardStream()
    await dashboard.aside('id: 1')
    await t.clock.advance(15_000)
    await Promise.all([client.aside(': keepalive'), dashboard.aside(': keepalive')])
    await t.clock.advance(3_500_000)
    expect(await status()).toHaveLength(1)
    let isOver = false
    const ended = Promise.all([client.ended, dashboard.ended]).then(() => {
      isOver = true
    })
    while (!isOver) await t.clock.advance(15_000)
    await ended
    expect(client.asides.at(-1)).toBe('retry: 1000')
    expect(await status()).toEqual([])
  })

  it('a revoked key ends its streams', async () => {
    await begin()
    const headers = await t.agent()
    const client = await agentStream('env=production', headers)
    const keys = (await t.request({ method: 'GET', url: '/api/v1/keys', headers: await t.admin() })).json()
    await t.request({ method: 'DELETE', url: `/api/v1/keys/${keys[0].id}`, headers: await t.admin() })
    await client.ended
    expect((await agentStream('env=production', headers)).status).toBe(401)
  })

  it('draining tells every stream to come back and waits for none', async () => {
    await begin()
    const client = await agentStream('env=production', await t.agent())
    const dashboard = await dashboardStream()
    await t.server.close()
    await Promise.all([client.ended, dashboard.ended])
    expect(client.asides).toContain('retry: 1000')
    expect(dashboard.asides).toContain('retry: 1000')
  })

  it('a consumer that takes nothing is ended, and others lose nothing', async () => {
    await begin()
    const headers = await t.agent()
    await post('/bundles', { yaml_content: bundleYaml('devops', { padding: 900_000 }) })
    const slow = await agentStream('env=production&bundle_name=devops', headers)
    slow.pause()
    const quick = await agentStream('env=production&bundle_name=devops', { ...headers, 'x-edictum-agent-id': 'quick' })
    let deploys = 0
    for (; deploys < 60 && (await status()).length === 2; deploys++) {
      await deploy('devops', 1)
      await quick.next()
    }
    expect(await status()).toMatchObject([{ agent_id: 'quick' }])
    expect(quick.events.length).toBe(deploys)
  })

  it('the session probe of the console is answered', async () => {
    await begin()
    const head = async (headers: Record<string, string>) =>
      (await t.request({ method: 'HEAD', url: '/api/v1/stream/dashboard', headers })).statusCode
    expect([await head(await t.admin()), await head({})]).toEqual([200, 401])
  })

  it('signatures on the stream can be base64', async () => {
    await begin({ environment: { LICTOR_STREAM_SIGNATURE: 'base64' } })
    await upload('devops')
    await deploy('devops', 1)
    const client = await agentStream('env=production&bundle_name=devops', await t.agent())
    const { data } = await client.next()
    expect(Buffer.from(String(data.signature), 'base64')).toHaveLength(64)
  })
})
