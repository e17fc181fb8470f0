import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'

onEachDatabase('agent registrations', (start) => {
  let t: TestServer
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  type Headers = Record<string, string>
  const api = (headers?: Headers) => libraryOf(t, headers)
  const list = async (headers?: Headers) => (await api(headers).get('/agent-registrations')).json()
  const patch = (agentId: string, change: object, headers?: Headers) =>
    api(headers).call('PATCH', `/agent-registrations/${encodeURIComponent(agentId)}`, change)
  const bulk = (agent_ids: string[], bundle_name: string, headers?: Headers) =>
    api(headers).call('POST', '/agent-registrations/bulk-assign', { agent_ids, bundle_name })
  const keyOf = async (headers?: Headers) => {
    const answer = await api(headers).call('POST', '/keys', { env: 'production' })
    return { authorization: `Bearer ${answer.json().key}` }
  }
  /** Agents that are registered because they sent a manifest. */
  async function register(agentIds: string[], headers?: Headers) {
    const key = await keyOf(headers)
    for (const agent_id of agentIds) {
      const event = { call_id: agent_id, tool_name: 'x', verdict: 'call_allowed', mode: 'enforce' }
      const answer = await t.request({
        method: 'POST',
        url: '/api/v1/events',
        headers: key,
        payload: {
          events: [{ ...event, agent_id, timestamp: '2026-03-01T12:00:00Z' }],
          agent_manifest: { agent_id, policy_version: 'local', contracts: [] },
        },
      })
      expect(answer.statusCode).toBe(200)
    }
  }
  const told = async () => {
    const rows = await t.server.database.db
      .selectFrom('stream_log')
      .selectAll()
      .where('type', '=', 'assignment_changed')
      .orderBy('id')
      .execute()
    return rows.map(({ data, agent_id, env, dashboard }) => ({
      ...JSON.parse(data),
      to: { agent: agent_id, env, dashboard: dashboard === 1 },
    }))
  }

  it('the list stands by agent id', async () => {
    t = await start()
    await register(['b', 'a/1', 'a', 'B', 'ä'])
    expect((await list()).map((row: { agent_id: string }) => row.agent_id)).toEqual(['B', 'a', 'a/1', 'b', 'ä'])
  })

  it('an agent of the same id in two tenants is two agents, each with its own name, tags and bundle', async () => {
    t = await start()
    const other = await t.otherTenant()
    await register(['same', 'only-mine'])
    await register(['same', 'only-theirs'], other)
    await patch('same', { display_name: 'Mine', tags: { team: 'a' }, bundle_name: 'mine' })
    await patch('same', { display_name: 'Theirs', tags: { team: 'b' }, bundle_name: 'theirs' }, other)
    expect(await list()).toMatchObject([
      { agent_id: 'only-mine', bundle_name: null },
      { agent_id: 'same', display_name: 'Mine', tags: { team: 'a' }, bundle_name: 'mine', resolved_bundle: 'mine' },
    ])
    expect(await list(other)).toMatchObject([
      { agent_id: 'only-theirs', bundle_name: null },
      { agent_id: 'same', display_name: 'Theirs', tags: { team: 'b' }, bundle_name: 'theirs' },
    ])
    const foreign = await patch('only-theirs', { bundle_name: 'taken' })
    expect([foreign.statusCode, foreign.json()]).toEqual([404, { detail: 'Agent not found' }])
    expect((await bulk(['same', 'only-theirs'], 'taken')).json()).toEqual({ updated: 1 })
    expect(await list(other)).toMatchObject([{ bundle_name: null }, { bundle_name: 'theirs' }])
  })

  it('a bulk assignment counts the registered ones, skips the rest, and the same again changes nothing', async () => {
    t = await start()
    await register(['a', 'b', 'c'])
    for (let times = 0; times < 2; times++) {
      const answer = await bulk(['a', 'b', 'a', 'nobody'], 'devops')
      expect([answer.statusCode, answer.json()]).toEqual([200, { updated: 2 }])
    }
    expect(await list()).toMatchObject([{ bundle_name: 'devops' }, { bundle_name: 'devops' }, { bundle_name: null }])
  })

  it('a bulk assignment is told to each listed agent, registered or not, and once to dashboards', async () => {
    t = await start()
    await register(['a'])
    await bulk(['a', 'nobody'], 'devops')
    const assigned = { type: 'assignment_changed', bundle_name: 'devops', source: 'explicit' }
    expect(await told()).toEqual([
      { ...assigned, agent_id: 'a', to: { agent: 'a', env: null, dashboard: false } },
      { ...assigned, agent_id: 'nobody', to: { agent: 'nobody', env: null, dashboard: false } },
      { ...assigned, agent_id: '__bulk__', to: { agent: null, env: null, dashboard: true } },
    ])
  })

  it('an explicit assignment is told to the agent in every environment and to dashboards, and only when it changes', async () => {
    t = await start()
    await register(['a'])
    await patch('a', { bundle_name: 'devops' })
    await patch('a', { bundle_name: 'devops' })
    await patch('a', { display_name: 'A', tags: { team: 'x' } })
    expect(await told()).toEqual([
      {
        type: 'assignment_changed',
        agent_id: 'a',
        bundle_name: 'devops',
        source: 'explicit',
        to: { agent: 'a', env: null, dashboard: true },
      },
    ])
  })

  it('clearing an explicit assignment tells what the rules give instead, in each environment its own', async () => {
    t = await start()
    await register(['a'])
    await api().call('POST', '/assignment-rules', {
      priority: 1,
      pattern: '*',
      bundle_name: 'by-rule',
      env: 'staging',
    })
    await patch('a', { bundle_name: 'devops' })
    const before = (await told()).length
    expect((await patch('a', { bundle_name: '' })).json()).toMatchObject({
      bundle_name: null,
      resolved_bundle: 'by-rule',
    })
    const changes = (await told()).slice(before)
    const toAgents = changes.filter((change) => change.to.agent === 'a')
    expect(toAgents.map(({ bundle_name, source, to }) => [to.env, bundle_name, source])).toEqual([
      ['production', null, 'none'],
      ['staging', 'by-rule', 'rule'],
      ['development', null, 'none'],
    ])
    expect(changes.filter((change) => change.to.dashboard)).toHaveLength(1)
  })

  it('texts, tags and lists have their bounds, and are taken at them', async () => {
    t = await start()
    await register(['a'])
    const widest = { display_name: '𝄞'.repeat(255), bundle_name: 'b'.repeat(128), tags: {} }
    expect((await patch('a', widest)).json()).toMatchObject(widest)
    const bad: object[] = [
      { display_name: 'x'.repeat(256) },
      { display_name: 7 },
      { bundle_name: 'b'.repeat(129) },
      { tags: [] },
      { tags: 'team' },
    ]
    for (const change of bad) {
      const answer = await patch('a', change)
      expect([answer.statusCode, answer.json().detail[0].loc]).toEqual([422, ['body', Object.keys(change)[0]]])
    }
    const hundred = Array.from({ length: 100 }, (_, index) => `agent-${index}`)
    expect((await bulk(hundred, 'b'.repeat(128))).json()).toEqual({ updated: 0 })
    expect((await bulk([...hundred, 'one-more'], 'b')).statusCode).toBe(422)
    expect((await bulk([], 'b')).statusCode).toBe(422)
    expect((await bulk(['a'], 'b'.repeat(129))).statusCode).toBe(422)
    expect((await api().call('POST', '/agent-registrations/bulk-assign', { agent_ids: ['a'] })).statusCode).toBe(422)
    expect((await api().call('POST', '/agent-registrations/bulk-assign', { bundle_name: 'b' })).statusCode).toBe(422)
  })

  it('connecting registers an agent once, keeps the tags it gave and tells when it was seen last', async () => {
    t = await start()
    const key = await keyOf()
    const address = await t.listen()
    const connect = async (query: string) => {
      const url = `${address}/api/v1/stream?env=production${query}`
      const client = await openSse(url, { ...key, 'x-edictum-agent-id': 'a' })
      open.push(client)
      expect(client.status).toBe(200)
    }
    await connect(`&tags=${encodeURIComponent('{"team":"x","tier":1}')}`)
    await expect.poll(async () => (await list()).length).toBe(1)
    await t.clock.advance(90_000)
    await connect(`&tags=${encodeURIComponent('{"tier":2}')}`)
    await expect
      .poll(async () => (await list())[0])
      .toMatchObject({
        agent_id: 'a',
        tags: { team: 'x', tier: 2 },
        last_seen_at: '2026-03-01T12:01:30Z',
        created_at: '2026-03-01T12:00:00Z',
      })
  })

  it('a connection without a name of its own is the agent unknown', async () => {
    t = await start()
    const key = await keyOf()
    const client = await openSse(`${await t.listen()}/api/v1/stream?env=production`, key)
    open.push(client)
    await expect.poll(async () => (await list()).map((row: { agent_id: string }) => row.agent_id)).toEqual(['unknown'])
  })
})
