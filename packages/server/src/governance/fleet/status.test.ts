import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'

onEachDatabase('the status of agents', (start) => {
  let t: TestServer
  let address = ''
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  async function begin() {
    t = await start()
    await t.admin()
    address = await t.listen()
    return libraryOf(t)
  }
  /** Once this returns, the stream is one of those that are shown. */
  async function connect(agentId: string, query: string, key: Record<string, string>, env = 'production') {
    const before = (await status()).length
    const client = await openSse(`${address}/api/v1/stream?env=${env}${query}`, {
      ...key,
      'x-edictum-agent-id': agentId,
    })
    open.push(client)
    expect(client.status).toBe(200)
    await expect.poll(async () => (await status()).length).toBe(before + 1)
    return client
  }
  const status = async (query = '', headers?: Record<string, string>) =>
    (await libraryOf(t, headers).get(`/agents/status${query}`)).json().agents
  const upload = async (name: string, contracts = 1): Promise<{ version: number; revision_hash: string }> =>
    (await libraryOf(t).call('POST', '/bundles', { yaml_content: bundleYaml(name, { contracts }) })).json()
  const deploy = (name: string, version: number, env = 'production') =>
    libraryOf(t).call('POST', `/bundles/${name}/${version}/deploy`, { env })

  it('is empty while none is connected', async () => {
    const api = await begin()
    expect((await api.get('/agents/status')).json()).toEqual({ agents: [] })
  })

  it('is told with every field, and is unknown where nothing is deployed', async () => {
    await begin()
    await connect('a', '&bundle_name=devops&policy_version=abc', await t.agent())
    expect(await status()).toEqual([
      {
        agent_id: 'a',
        env: 'production',
        bundle_name: 'devops',
        policy_version: 'abc',
        status: 'unknown',
        connected_at: '2026-03-01T12:00:00Z',
      },
    ])
  })

  it('has one entry per connection, which goes when the connection ends', async () => {
    await begin()
    const key = await t.agent()
    const first = await connect('a', '', key)
    await t.clock.advance(5_000)
    await connect('a', '', key)
    const instants = async () => (await status()).map((agent: { connected_at: string }) => agent.connected_at).sort()
    expect(await instants()).toEqual(['2026-03-01T12:00:00Z', '2026-03-01T12:00:05Z'])
    first.close()
    await expect.poll(instants).toEqual(['2026-03-01T12:00:05Z'])
  })

  it('is filtered by the bundle an agent runs, named by itself or assigned to it', async () => {
    const api = await begin()
    await api.call('POST', '/assignment-rules', {
      priority: 1,
      pattern: 'assigned',
      bundle_name: 'devops',
      env: 'production',
    })
    const key = await t.agent()
    await connect('named', '&bundle_name=devops', key)
    await connect('assigned', '', key)
    await connect('other', '&bundle_name=billing', key)
    await connect('free', '', key)
    const ids = async (query: string) =>
      (await status(query)).map((agent: { agent_id: string }) => agent.agent_id).sort()
    expect(await ids('?bundle_name=devops')).toEqual(['assigned', 'named'])
    expect(await ids('?bundle_name=nothing')).toEqual([])
    expect(await ids('?bundle_name=')).toEqual(['assigned', 'free', 'named', 'other'])
  })

  it('compares with the bundle of the agent in its environment, else with the newest deployment there', async () => {
    await begin()
    const old = await upload('devops', 1)
    const current = await upload('devops', 2)
    const billing = await upload('billing', 3)
    await deploy('devops', old.version, 'staging')
    await deploy('devops', current.version)
    await deploy('billing', billing.version)
    const key = await t.agent()
    await connect('current', `&bundle_name=devops&policy_version=${current.revision_hash}`, key)
    await connect('behind', `&bundle_name=devops&policy_version=${old.revision_hash}`, key)
    await connect('silent', '&bundle_name=devops', key)
    await connect('undeployed', `&bundle_name=unheard-of&policy_version=${old.revision_hash}`, key)
    await connect('newest', `&policy_version=${billing.revision_hash}`, key)
    await connect('not-newest', `&policy_version=${current.revision_hash}`, key)
    const staging = await t.agent('staging')
    await connect('elsewhere', `&bundle_name=devops&policy_version=${old.revision_hash}`, staging, 'staging')
    const byAgent = Object.fromEntries(
      (await status()).map((agent: { agent_id: string; status: string }) => [agent.agent_id, agent.status]),
    )
    expect(byAgent).toEqual({
      current: 'current',
      behind: 'drift',
      silent: 'unknown',
      undeployed: 'unknown',
      newest: 'current',
      'not-newest': 'drift',
      elsewhere: 'current',
    })
  })

  it('is unknown when the deployed version is gone', async () => {
    await begin()
    const { version, revision_hash } = await upload('devops')
    await deploy('devops', version)
    await connect('a', `&bundle_name=devops&policy_version=${revision_hash}`, await t.agent())
    expect(await status()).toMatchObject([{ status: 'current' }])
    await t.server.database.db.deleteFrom('bundles').execute()
    expect(await status()).toMatchObject([{ status: 'unknown' }])
  })

  it("shows a tenant its own agents, not another's", async () => {
    await begin()
    const other = await t.otherTenant()
    const key = (await libraryOf(t, other).call('POST', '/keys', { env: 'production' })).json().key
    await connect('mine', '', await t.agent())
    const client = await openSse(`${address}/api/v1/stream?env=production`, {
      authorization: `Bearer ${key}`,
      'x-edictum-agent-id': 'theirs',
    })
    open.push(client)
    await expect
      .poll(async () => (await status('', other)).map((agent: { agent_id: string }) => agent.agent_id))
      .toEqual(['theirs'])
    expect((await status()).map((agent: { agent_id: string }) => agent.agent_id)).toEqual(['mine'])
  })

  it('follows at once when an agent says that it adopted a version, and is of that agent and environment alone', async () => {
    await begin()
    const { version, revision_hash } = await upload('devops')
    const key = await t.agent()
    await connect('a', '&bundle_name=devops&policy_version=old', key)
    await connect('b', '&bundle_name=devops&policy_version=old', key)
    await deploy('devops', version)
    const acknowledge = (headers: Record<string, string>) =>
      t.request({
        ...{ method: 'POST', url: '/api/v1/agents/ack', headers },
        payload: { bundle_name: 'devops', policy_version: revision_hash },
      })
    const statuses = async () =>
      Object.fromEntries(
        (await status()).map((one: { agent_id: string; status: string }) => [one.agent_id, one.status]),
      )
    expect(await statuses()).toEqual({ a: 'drift', b: 'drift' })
    expect((await acknowledge({ ...(await t.agent('staging')), 'x-edictum-agent-id': 'a' })).statusCode).toBe(204)
    expect(await statuses()).toEqual({ a: 'drift', b: 'drift' })
    const answer = await acknowledge({ ...key, 'x-edictum-agent-id': 'a' })
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    expect(await statuses()).toEqual({ a: 'current', b: 'drift' })
    const { 'x-edictum-agent-id': _, ...nobody } = key
    expect((await acknowledge(nobody)).statusCode).toBe(422)
    expect((await acknowledge(await t.admin())).statusCode).toBe(401)
  })
})
