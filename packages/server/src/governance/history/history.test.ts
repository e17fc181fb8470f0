import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'

onEachDatabase('the history of an agent', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  type Headers = Record<string, string>
  let calls = 0
  const send = async (key: Headers, timestamp: string, payload: object | null = null, agent_id = 'agent-1') => {
    const event = { agent_id, tool_name: 'x', verdict: 'call_allowed', mode: 'enforce', timestamp, payload }
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/events',
      headers: key,
      payload: { events: [{ ...event, call_id: `call-${calls++}` }] },
    })
    expect(answer.json()).toMatchObject({ accepted: 1 })
  }
  const keyOf = async (env: string, headers?: Headers) => ({
    authorization: `Bearer ${(await libraryOf(t, headers).call('POST', '/keys', { env })).json().key}`,
  })
  /** The revision hash of what was uploaded and deployed. */
  async function deploy(name: string, contracts: number, env = 'production', headers?: Headers): Promise<string> {
    const api = libraryOf(t, headers)
    const uploaded = (await api.call('POST', '/bundles', { yaml_content: bundleYaml(name, { contracts }) })).json()
    const answer = await api.call('POST', `/bundles/${name}/${uploaded.version}/deploy`, { env })
    expect(answer.statusCode).toBe(201)
    return uploaded.revision_hash
  }
  const history = async (query = '', headers?: Headers, agentId = 'agent-1') =>
    libraryOf(t, headers).get(`/agents/${agentId}/history${query}`)
  const types = (answer: { json(): { events: { type: string }[] } }) => answer.json().events.map((entry) => entry.type)

  it('is its first sight alone where nothing was deployed', async () => {
    t = await start()
    await send(await keyOf('production'), '2026-03-01T11:00:00Z')
    await deploy('devops', 1, 'staging')
    expect((await history()).json()).toEqual({
      agent_id: 'agent-1',
      environment: 'production',
      events: [
        {
          type: 'first_seen',
          timestamp: '2026-03-01T11:00:00Z',
          bundle_name: null,
          bundle_version: null,
          deployed_by: null,
          revision_hash: null,
          policy_version: null,
          drift_duration_seconds: null,
          expected_version: null,
          actual_version: null,
          environment: 'production',
        },
      ],
    })
  })

  it('is of the environment of its latest event, and begins in that of its first', async () => {
    t = await start()
    await send(await keyOf('staging'), '2026-03-01T10:00:00Z')
    await send(await keyOf('production'), '2026-03-01T11:00:00Z')
    await deploy('devops', 1, 'staging')
    await deploy('billing', 1, 'production')
    const answer = (await history()).json()
    expect(answer.environment).toBe('production')
    expect(answer.events).toMatchObject([
      { type: 'deployment', bundle_name: 'billing', environment: null },
      { type: 'first_seen', timestamp: '2026-03-01T10:00:00Z', environment: 'staging' },
    ])
  })

  it('tells of each deployment when the agent fell behind and when it followed, newest first', async () => {
    t = await start()
    const key = await keyOf('production')
    await send(key, '2026-03-01T11:00:00Z', { policy_version: 'older' })
    const first = await deploy('devops', 1)
    await send(key, '2026-03-01T12:00:30Z', { policy_version: first })
    await t.clock.advance(60_000)
    const second = await deploy('devops', 2)
    await send(key, '2026-03-01T12:01:45Z', { policy_version: second })
    const { events } = (await history()).json()
    const shown = events.map((entry: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null)),
    )
    const deployed = { type: 'deployment', bundle_name: 'devops', deployed_by: 'admin@example.com' }
    expect(shown).toEqual([
      { type: 'drift_resolved', timestamp: '2026-03-01T12:01:45Z', policy_version: second, drift_duration_seconds: 45 },
      { type: 'drift_detected', timestamp: '2026-03-01T12:01:00Z', expected_version: second, actual_version: first },
      { ...deployed, timestamp: '2026-03-01T12:01:00Z', bundle_version: 2, revision_hash: second },
      { type: 'drift_resolved', timestamp: '2026-03-01T12:00:30Z', policy_version: first, drift_duration_seconds: 30 },
      { type: 'drift_detected', timestamp: '2026-03-01T12:00:00Z', expected_version: first, actual_version: 'older' },
      { ...deployed, timestamp: '2026-03-01T12:00:00Z', bundle_version: 1, revision_hash: first },
      { type: 'first_seen', timestamp: '2026-03-01T11:00:00Z', environment: 'production' },
    ])
  })

  it('leaves a drift open that the agent has not ended', async () => {
    t = await start()
    const key = await keyOf('production')
    const first = await deploy('devops', 1)
    await send(key, '2026-03-01T12:00:30Z', { policy_version: first })
    await t.clock.advance(60_000)
    const second = await deploy('devops', 2)
    await send(key, '2026-03-01T12:02:00Z', { policy_version: first })
    const { events } = (await history()).json()
    expect(events[0]).toMatchObject({ type: 'drift_detected', expected_version: second, actual_version: first })
    const resolved = events.filter((entry: { type: string }) => entry.type === 'drift_resolved')
    expect(resolved).toMatchObject([{ policy_version: first }])
  })

  it('has no drift for an agent on contracts of its own, nor for one that never said what it runs', async () => {
    t = await start()
    const key = await keyOf('production')
    await deploy('devops', 1)
    await send(key, '2026-03-01T12:00:30Z', { policy_version: 'local' })
    await send(key, '2026-03-01T12:00:30Z', null, 'agent-2')
    await send(key, '2026-03-01T12:00:31Z', {}, 'agent-2')
    expect(types(await history())).toEqual(['first_seen', 'deployment'])
    expect(types(await history('', undefined, 'agent-2'))).toEqual(['first_seen', 'deployment'])
  })

  it('has deployments of every bundle of the environment, as many as asked for', async () => {
    t = await start()
    await send(await keyOf('production'), '2026-03-01T11:00:00Z')
    for (let index = 0; index < 3; index++) {
      await deploy(`bundle-${index}`, 1)
      await t.clock.advance(1_000)
    }
    const names = async (query: string) =>
      (await history(query)).json().events.map((entry: { bundle_name: string | null }) => entry.bundle_name)
    expect(await names('')).toEqual(['bundle-2', 'bundle-1', 'bundle-0', null])
    expect(await names('?limit=1')).toEqual(['bundle-2', null])
    expect(await names('?limit=200')).toHaveLength(4)
    for (const limit of ['0', '201', '-1', 'x', '1.5']) expect((await history(`?limit=${limit}`)).statusCode).toBe(422)
  })

  it('shows fifty deployments unless asked for more, and a deployment whose version is gone', async () => {
    t = await start()
    await send(await keyOf('production'), '2026-03-01T11:00:00Z')
    await deploy('devops', 1)
    const { db } = t.server.database
    const { seq: _, ...row } = await db.selectFrom('deployments').selectAll().executeTakeFirstOrThrow()
    await db
      .insertInto('deployments')
      .values(Array.from({ length: 60 }, (_, index) => ({ ...row, id: `d${index}`, bundle_version: 99 })))
      .execute()
    const deployed = (answer: { json(): { events: { type: string }[] } }) =>
      answer.json().events.filter((entry) => entry.type === 'deployment')
    expect(deployed(await history())).toHaveLength(50)
    expect(deployed(await history('?limit=61'))).toHaveLength(61)
    expect(deployed(await history('?limit=1'))).toMatchObject([{ bundle_version: 99, revision_hash: null }])
  })

  it("is a tenant's own: another's deployments and hashes are not in it, and its agents are not found", async () => {
    t = await start()
    const other = await t.otherTenant()
    const mine = await deploy('devops', 1)
    const theirs = await deploy('devops', 2, 'production', other)
    await send(await keyOf('production'), '2026-03-01T11:00:00Z')
    await send(await keyOf('production'), '2026-03-01T11:00:00Z', null, 'only-mine')
    await send(await keyOf('production', other), '2026-03-01T11:00:00Z')
    const hashes = async (headers?: Headers) =>
      (await history('', headers))
        .json()
        .events.map((entry: { revision_hash: string | null }) => entry.revision_hash)
        .filter((hash: string | null) => hash !== null)
    expect(await hashes()).toEqual([mine])
    expect(await hashes(other)).toEqual([theirs])
    expect((await history('', undefined, 'only-mine')).statusCode).toBe(200)
    const foreign = await history('', other, 'only-mine')
    expect([foreign.statusCode, foreign.json()]).toEqual([404, { detail: 'No events found for this agent' }])
  })
})
