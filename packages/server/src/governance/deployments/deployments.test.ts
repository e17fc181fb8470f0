import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'
import { verifyBytes } from '../signing/ed25519.ts'

onEachDatabase('deployments', (start) => {
  let t: TestServer
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  type Headers = Record<string, string>
  const call = async (method: 'GET' | 'POST', path: string, payload?: object, headers?: Headers) =>
    t.request({
      method,
      url: `/api/v1${path}`,
      headers: headers ?? (await t.admin()),
      ...(payload ? { payload } : {}),
    })
  const upload = (name: string, contracts = 1) =>
    call('POST', '/bundles', { yaml_content: bundleYaml(name, { contracts }) })
  const deploy = (name: string, version: number, env = 'production') =>
    call('POST', `/bundles/${name}/${version}/deploy`, { env })
  const current = async (name: string, env = 'production') =>
    (await call('GET', `/bundles/${name}/current?env=${env}`)).json()
  const isSigned = (bundle: { public_key: string; yaml_bytes: string; signature_hex: string }) =>
    verifyBytes(
      Buffer.from(bundle.public_key, 'hex'),
      Buffer.from(bundle.yaml_bytes, 'base64'),
      Buffer.from(bundle.signature_hex, 'hex'),
    )

  it('a deployment is recorded and signed', async () => {
    t = await start()
    await upload('devops')
    const answer = await deploy('devops', 1)
    expect(answer.statusCode).toBe(201)
    const recorded = {
      id: expect.any(String),
      env: 'production',
      bundle_name: 'devops',
      bundle_version: 1,
      deployed_by: 'admin@example.com',
      created_at: '2026-03-01T12:00:00Z',
    }
    expect(answer.json()).toEqual(recorded)
    expect(isSigned(await current('devops'))).toBe(true)
    expect((await call('GET', '/deployments')).json()).toEqual([{ ...recorded, rollout: { agents: 0, current: 0 } }])
  })

  it('an unknown version, a bad environment and a missing header are refused', async () => {
    t = await start()
    await upload('devops')
    expect((await deploy('devops', 2)).json()).toEqual({ detail: "Bundle 'devops' version 2 not found" })
    expect((await deploy('devops', 2)).statusCode).toBe(422)
    expect((await deploy('devops', 1, 'moon')).json().detail[0].loc).toEqual(['body', 'env'])
    const { cookie } = await t.admin()
    const bare = await call('POST', '/bundles/devops/1/deploy', { env: 'production' }, { cookie: String(cookie) })
    expect(bare.statusCode).toBe(403)
    expect((await call('GET', '/deployments')).json()).toEqual([])
  })

  it('the list is newest first, filtered and limited', async () => {
    t = await start()
    await upload('devops')
    await upload('billing')
    for (const env of ['staging', 'production', 'production']) await deploy('devops', 1, env)
    await deploy('billing', 1)
    const list = async (query: string) =>
      (await call('GET', `/deployments?${query}`))
        .json()
        .map((row: { bundle_name: string; env: string }) => [row.bundle_name, row.env])
    expect(await list('')).toEqual([
      ['billing', 'production'],
      ['devops', 'production'],
      ['devops', 'production'],
      ['devops', 'staging'],
    ])
    expect(await list('env=staging')).toEqual([['devops', 'staging']])
    expect(await list('bundle_name=devops&limit=1')).toEqual([['devops', 'production']])
    for (const limit of ['0', '201', '-1', 'x'])
      expect((await call('GET', `/deployments?limit=${limit}`)).statusCode).toBe(422)
    expect((await call('GET', '/deployments', undefined, await t.otherTenant())).json()).toEqual([])
  })

  it('two deploys at once: both are recorded, and everybody agrees which came last', async () => {
    t = await start()
    await t.admin()
    const address = await t.listen()
    for (let version = 1; version <= 8; version++) await upload('devops', version)
    await deploy('devops', 1)
    const stream = await openSse(`${address}/api/v1/stream?env=production&bundle_name=devops`, await t.agent())
    open.push(stream)
    await stream.next()
    await Promise.all([2, 3, 4, 5, 6, 7, 8].map((version) => deploy('devops', version)))
    const pushed: number[] = []
    for (let count = 0; count < 7; count++) pushed.push(Number((await stream.next()).data.version))
    expect([...pushed].sort()).toEqual([2, 3, 4, 5, 6, 7, 8])
    const listed = (await call('GET', '/deployments?limit=7')).json()
    expect(listed.map((row: { bundle_version: number }) => row.bundle_version).reverse()).toEqual(pushed)
    expect((await current('devops')).version).toBe(pushed.at(-1))
  })

  it('rotation signs what is deployed anew; the rest when it is deployed again', async () => {
    t = await start()
    await upload('devops', 1)
    await upload('devops', 2)
    await upload('billing')
    await deploy('devops', 1)
    await deploy('devops', 2)
    await deploy('devops', 2, 'staging')
    await deploy('billing', 1)
    const before = await current('devops')
    const rotate = () => call('POST', '/settings/rotate-signing-key')
    const rotated = await rotate()
    expect(rotated.statusCode).toBe(201)
    expect(rotated.json()).toEqual({
      public_key: expect.stringMatching(/^[0-9a-f]{64}$/),
      rotated_at: '2026-03-01T12:00:00Z',
      deployments_re_signed: 2,
    })
    const after = await current('devops')
    expect(after.public_key).toBe(rotated.json().public_key)
    expect(after.public_key).not.toBe(before.public_key)
    expect(isSigned(after)).toBe(true)
    await deploy('devops', 1)
    expect(isSigned(await current('devops'))).toBe(true)
    expect((await rotate()).json().public_key).not.toBe(after.public_key)
    expect((await call('POST', '/settings/rotate-signing-key', undefined, await t.otherTenant())).json()).toMatchObject(
      {
        deployments_re_signed: 0,
      },
    )
    expect(isSigned(await current('devops'))).toBe(true)
  })

  it('the rollout says how many agents run the version', async () => {
    t = await start()
    await t.admin()
    const address = await t.listen()
    const first = (await upload('devops', 1)).json()
    const second = (await upload('devops', 2)).json()
    const key = await t.agent()
    const connect = async (agentId: string, query: string) => {
      const headers = { ...key, 'x-edictum-agent-id': agentId }
      const client = await openSse(`${address}/api/v1/stream?env=production&${query}`, headers)
      open.push(client)
      return client
    }
    const old = (await deploy('devops', 1)).json()
    const clients = [
      await connect('a', `bundle_name=devops&policy_version=${first.revision_hash}`),
      await connect('b', 'bundle_name=devops'),
      await connect('c', `bundle_name=devops&policy_version=${second.revision_hash}`),
      await connect('elsewhere', 'bundle_name=other'),
    ]
    const { id } = (await deploy('devops', 2)).json()
    for (const client of clients.slice(0, 3)) while ((await client.next()).data.version !== 2);
    const rollout = async () => (await call('GET', `/deployments/${id}/rollout`)).json()
    expect(await rollout()).toMatchObject({
      deployment_id: id,
      bundle_name: 'devops',
      bundle_version: 2,
      revision_hash: second.revision_hash,
      is_current: true,
      agents: 3,
      current: 1,
      summary: '1 of 3 agents run version 2',
      by_agent: [
        { agent_id: 'a', status: 'drift', policy_version: first.revision_hash },
        { agent_id: 'b', status: 'unknown', policy_version: null },
        { agent_id: 'c', status: 'current', policy_version: second.revision_hash },
      ],
    })
    const event = { tool_name: 't', verdict: 'call_allowed', mode: 'enforce', timestamp: '2026-03-01T12:00:00Z' }
    const payload = { policy_version: second.revision_hash }
    const events = ['a', 'b'].map((agent_id) => ({ ...event, agent_id, call_id: agent_id, payload }))
    await call('POST', '/events', { events }, key)
    expect((await rollout()).summary).toBe('3 of 3 agents run version 2')
    const [newest, oldest] = (await call('GET', '/deployments')).json()
    expect(newest.rollout).toEqual({ agents: 3, current: 3 })
    expect(oldest).toMatchObject({ id: old.id, rollout: null })
    expect((await call('GET', `/deployments/${id}/rollout`, undefined, await t.otherTenant())).statusCode).toBe(404)
    expect((await call('GET', '/deployments/nonsense/rollout')).statusCode).toBe(422)
  })

  it('a signing key sealed with another master key is said to be so', async () => {
    t = await start()
    await upload('devops')
    const { db } = t.server.database
    await db
      .updateTable('signing_keys')
      .set({ private_key_sealed: Buffer.alloc(72) })
      .execute()
    const answer = await deploy('devops', 1)
    expect([answer.statusCode, answer.json().detail]).toEqual([422, expect.stringContaining('LICTOR_MASTER_KEY')])
    expect((await call('POST', '/settings/rotate-signing-key')).statusCode).toBe(201)
    expect((await deploy('devops', 1)).statusCode).toBe(201)
  })
})
