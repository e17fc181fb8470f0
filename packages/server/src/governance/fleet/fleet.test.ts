import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'

onEachDatabase('the fleet', (start) => {
  let t: TestServer
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  type Headers = Record<string, string>
  const call = async (method: 'GET' | 'POST' | 'PATCH', path: string, payload?: object, headers?: Headers) =>
    t.request({
      method,
      url: `/api/v1${path}`,
      headers: headers ?? (await t.admin()),
      ...(payload ? { payload } : {}),
    })
  const event = (callId: string, timestamp: string, payload: object | null) => ({
    call_id: callId,
    agent_id: 'agent-1',
    tool_name: 't',
    verdict: 'call_allowed',
    mode: 'enforce',
    timestamp,
    payload,
  })
  const upload = async (contracts: number) =>
    (await call('POST', '/bundles', { yaml_content: bundleYaml('devops', { contracts }) })).json()
  const deploy = async (version: number) => {
    const answer = await call('POST', `/bundles/devops/${version}/deploy`, { env: 'production' })
    expect(answer.statusCode).toBe(201)
  }

  it('a registration is named, tagged and assigned; null leaves a field as it is', async () => {
    t = await start()
    await t.admin()
    const address = await t.listen()
    const stream = await openSse(`${address}/api/v1/stream?env=production&tags={"team":"x"}`, await t.agent())
    open.push(stream)
    const list = async () => (await call('GET', '/agent-registrations')).json()
    await expect.poll(async () => (await list()).length).toBe(1)
    const item = {
      id: expect.any(String),
      agent_id: 'agent-1',
      display_name: null,
      tags: { team: 'x' },
      bundle_name: null,
      resolved_bundle: null,
      last_seen_at: '2026-03-01T12:00:00Z',
      reads: 'contracts',
      env: 'production',
      running_bundle: null,
      policy_version: null,
      created_at: '2026-03-01T12:00:00Z',
    }
    expect(await list()).toEqual([item])
    const patch = async (payload: object) => (await call('PATCH', '/agent-registrations/agent-1', payload)).json()
    expect(await patch({ display_name: 'First', tags: { tier: 1, nested: { a: [1] } } })).toEqual({
      ...item,
      display_name: 'First',
      tags: { tier: 1, nested: { a: [1] } },
    })
    expect(await patch({ display_name: null, bundle_name: 'devops' })).toMatchObject({
      display_name: 'First',
      bundle_name: 'devops',
      resolved_bundle: 'devops',
    })
    expect(await patch({ bundle_name: '' })).toMatchObject({ bundle_name: null, resolved_bundle: null })
    for (const payload of [{ display_name: 'x'.repeat(256) }, { bundle_name: 'x'.repeat(129) }, { tags: 'no' }])
      expect((await call('PATCH', '/agent-registrations/agent-1', payload)).statusCode).toBe(422)
    for (const agent_ids of [[], Array.from({ length: 101 }, String)])
      expect((await call('POST', '/agent-registrations/bulk-assign', { agent_ids, bundle_name: 'x' })).statusCode).toBe(
        422,
      )
  })

  it('tags that are no JSON object are ignored, an endless agent id is refused', async () => {
    t = await start()
    await t.admin()
    const address = await t.listen()
    const headers = await t.agent()
    for (const [index, tags] of ['{', '[]', '7', 'null', '"x"'].entries()) {
      const client = await openSse(`${address}/api/v1/stream?env=production&tags=${encodeURIComponent(tags)}`, {
        ...headers,
        'x-edictum-agent-id': `agent-${index}`,
      })
      open.push(client)
      expect(client.status).toBe(200)
    }
    await expect.poll(async () => (await call('GET', '/agent-registrations')).json().length).toBe(5)
    const endless = await openSse(`${address}/api/v1/stream?env=production`, {
      ...headers,
      'x-edictum-agent-id': 'x'.repeat(5_000),
    })
    expect(endless.status).toBe(422)
  })

  it('events and manifests keep a registration fresh', async () => {
    t = await start()
    const headers = await t.agent()
    const agent_manifest = {
      agent_id: 'gate',
      policy_version: 'local',
      contracts: [{ id: 'c', type: 'pre', tool: '*', mode: 'enforce' }],
    }
    const post = async (callId: string) => {
      const answer = await call(
        'POST',
        '/events',
        { events: [event(callId, '2026-03-01T12:00:00Z', null)], agent_manifest },
        headers,
      )
      expect(answer.statusCode).toBe(200)
    }
    await post('c1')
    await t.clock.advance(60_000)
    await post('c2')
    const rows = (await call('GET', '/agent-registrations')).json()
    expect(rows).toMatchObject([
      { agent_id: 'gate', last_seen_at: '2026-03-01T12:01:00Z', created_at: '2026-03-01T12:00:00Z' },
    ])
  })

  it('the history tells deployments and drift, newest first', async () => {
    t = await start()
    const headers = await t.agent()
    const first = await upload(1)
    const second = await upload(2)
    const post = async (...events: object[]) => {
      expect((await call('POST', '/events', { events }, headers)).json()).toMatchObject({ accepted: events.length })
    }
    await post(event('c0', '2026-03-01T11:00:00Z', null))
    await deploy(1)
    await post(event('c1', '2026-03-01T12:00:05.5Z', { policy_version: first.revision_hash }))
    await post(event('c2', '2026-03-01T12:00:06Z', { policy_version: first.revision_hash, odd: '\u0000' }))
    await t.clock.advance(60_000)
    await deploy(2)
    const history = async (query = '', as?: Headers) => call('GET', `/agents/agent-1/history${query}`, undefined, as)
    const nothing = {
      bundle_name: null,
      bundle_version: null,
      deployed_by: null,
      revision_hash: null,
      policy_version: null,
      drift_duration_seconds: null,
      expected_version: null,
      actual_version: null,
      environment: null,
    }
    const deployed = { bundle_name: 'devops', deployed_by: 'admin@example.com' }
    const ongoing = [
      {
        ...nothing,
        type: 'drift_detected',
        timestamp: '2026-03-01T12:01:00Z',
        expected_version: second.revision_hash,
        actual_version: first.revision_hash,
      },
      {
        ...nothing,
        ...deployed,
        type: 'deployment',
        timestamp: '2026-03-01T12:01:00Z',
        bundle_version: 2,
        revision_hash: second.revision_hash,
      },
    ]
    expect((await history()).json()).toEqual({
      agent_id: 'agent-1',
      environment: 'production',
      events: [
        ...ongoing,
        {
          ...nothing,
          type: 'drift_resolved',
          timestamp: '2026-03-01T12:00:05.500000Z',
          policy_version: first.revision_hash,
          drift_duration_seconds: 5,
        },
        {
          ...nothing,
          type: 'drift_detected',
          timestamp: '2026-03-01T12:00:00Z',
          expected_version: first.revision_hash,
        },
        {
          ...nothing,
          ...deployed,
          type: 'deployment',
          timestamp: '2026-03-01T12:00:00Z',
          bundle_version: 1,
          revision_hash: first.revision_hash,
        },
        { ...nothing, type: 'first_seen', timestamp: '2026-03-01T11:00:00Z', environment: 'production' },
      ],
    })
    expect((await history('?limit=1')).json().events).toMatchObject([
      { type: 'deployment', bundle_version: 2 },
      { type: 'first_seen' },
    ])
    expect((await history('?limit=0')).statusCode).toBe(422)
    const other = await history('', await t.otherTenant())
    expect([other.statusCode, other.json()]).toEqual([404, { detail: 'No events found for this agent' }])
  })
})
