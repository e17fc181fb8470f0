import { afterEach, expect, it } from 'vitest'
import { bundleYaml } from '../../../test/documents.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { openSse, type SseClient } from '../../../test/sse-client.ts'

onEachDatabase('assignment', (start) => {
  let t: TestServer
  const open: SseClient[] = []
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await t.close()
  })

  type Headers = Record<string, string>
  const call = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object, headers?: Headers) =>
    t.request({
      method,
      url: `/api/v1${path}`,
      headers: headers ?? (await t.admin()),
      ...(payload ? { payload } : {}),
    })
  const rule = { priority: 10, pattern: 'agent-*', bundle_name: 'devops', env: 'production' }
  async function connect(query: string, headers: Headers): Promise<SseClient> {
    const client = await openSse(`${address}/api/v1/stream?${query}`, headers)
    open.push(client)
    return client
  }
  let address = ''
  async function begin() {
    t = await start()
    await t.admin()
    address = await t.listen()
  }

  it('rules are kept by priority, changed and deleted', async () => {
    t = await start()
    const created = await call('POST', '/assignment-rules', rule)
    expect(created.statusCode).toBe(201)
    expect(created.json()).toEqual({
      ...rule,
      id: expect.any(String),
      tag_match: null,
      created_at: '2026-03-01T12:00:00Z',
    })
    await call('POST', '/assignment-rules', { ...rule, priority: 1, tag_match: { team: 'x' } })
    const list = (await call('GET', '/assignment-rules')).json()
    expect(list.map((one: { priority: number }) => one.priority)).toEqual([1, 10])

    const { id } = created.json()
    const patched = await call('PATCH', `/assignment-rules/${id}`, { bundle_name: 'billing', tag_match: null })
    expect(patched.json()).toEqual({ ...created.json(), bundle_name: 'billing' })
    expect((await call('DELETE', `/assignment-rules/${id}`)).statusCode).toBe(204)
    expect((await call('DELETE', `/assignment-rules/${id}`)).json()).toEqual({ detail: 'Rule not found' })
    expect((await call('PATCH', `/assignment-rules/${id}`, { env: 'staging' })).statusCode).toBe(404)
  })

  it('a priority is given once, also under a race', async () => {
    t = await start()
    await t.admin()
    const answers = await Promise.all(Array.from({ length: 5 }, () => call('POST', '/assignment-rules', rule)))
    expect(answers.map((answer) => answer.statusCode).sort()).toEqual([201, 409, 409, 409, 409])
    expect(answers.find((answer) => answer.statusCode === 409)?.json()).toEqual({
      detail: 'Priority 10 already exists for this tenant',
    })
    const other = (await call('POST', '/assignment-rules', { ...rule, priority: 11 })).json()
    const taken = await call('PATCH', `/assignment-rules/${other.id}`, { priority: 10 })
    expect([taken.statusCode, taken.json()]).toEqual([409, { detail: 'Priority conflict' }])
  })

  it('crafted patterns are refused', async () => {
    t = await start()
    const status = async (pattern: string) => (await call('POST', '/assignment-rules', { ...rule, pattern })).statusCode
    expect(await status('')).toBe(422)
    expect(await status('x'.repeat(201))).toBe(422)
    for (const pattern of ['../etc', 'a\\b', 'a\u0000b', 'ünicode', 'a\nb']) expect(await status(pattern)).toBe(400)
    expect((await call('POST', '/assignment-rules', { ...rule, priority: -1 })).statusCode).toBe(422)
    expect((await call('POST', '/assignment-rules', { ...rule, priority: 9_999_999_999 })).statusCode).toBe(422)
    expect((await call('PATCH', '/assignment-rules/nonsense', {})).statusCode).toBe(422)
  })

  it('the dry run says which bundle and why, for unknown agents too', async () => {
    t = await start()
    const { id } = (await call('POST', '/assignment-rules', rule)).json()
    const resolve = async (path: string, headers?: Headers) =>
      (await call('GET', `/assignment-rules/resolve/${path}`, undefined, headers)).json()
    const byRule = { bundle_name: 'devops', source: 'rule', rule_id: id, rule_pattern: 'agent-*' }
    const none = { bundle_name: null, source: 'none', rule_id: null, rule_pattern: null }
    expect(await resolve('agent-9?env=production')).toEqual(byRule)
    expect(await resolve('agent-9')).toEqual(byRule)
    expect(await resolve('agent-9?env=staging')).toEqual(none)
    expect(await resolve('other')).toEqual(none)
    expect(await resolve('agent-9', await t.otherTenant())).toEqual(none)
  })

  it("another tenant's rules and agents do not exist", async () => {
    await begin()
    const { id } = (await call('POST', '/assignment-rules', rule)).json()
    await (await connect('env=production', await t.agent())).next()
    const other = await t.otherTenant()
    expect((await call('GET', '/assignment-rules', undefined, other)).json()).toEqual([])
    expect((await call('PATCH', `/assignment-rules/${id}`, { priority: 1 }, other)).statusCode).toBe(404)
    expect((await call('DELETE', `/assignment-rules/${id}`, undefined, other)).statusCode).toBe(404)
    expect((await call('GET', '/agent-registrations', undefined, other)).json()).toEqual([])
    const foreign = await call('PATCH', '/agent-registrations/agent-1', { bundle_name: 'x' }, other)
    expect([foreign.statusCode, foreign.json()]).toEqual([404, { detail: 'Agent not found' }])
    const bulk = { agent_ids: ['agent-1'], bundle_name: 'x' }
    expect((await call('POST', '/agent-registrations/bulk-assign', bulk, other)).json()).toEqual({ updated: 0 })
    expect((await call('GET', '/agent-registrations')).json()).toHaveLength(1)
    expect((await call('GET', '/assignment-rules')).json()).toHaveLength(1)
  })

  it('a change of rules reaches the agents it concerns, and only those', async () => {
    await begin()
    const headers = await t.agent()
    const matched = await connect('env=production', headers)
    const tagged = await connect('env=production&tags={"team":"x"}', { ...headers, 'x-edictum-agent-id': 'agent-2' })
    const named = await connect('env=production&bundle_name=own', { ...headers, 'x-edictum-agent-id': 'agent-3' })
    const staging = await connect('env=staging', await t.agent('staging', 'agent-4'))
    const { id } = (await call('POST', '/assignment-rules', rule)).json()
    for (const client of [matched, tagged])
      expect((await client.next()).data).toMatchObject({ bundle_name: 'devops', source: 'rule' })
    await call('POST', '/assignment-rules', {
      ...rule,
      priority: 1,
      tag_match: { team: 'x' },
      bundle_name: 'special',
    })
    expect((await tagged.next()).data).toMatchObject({ agent_id: 'agent-2', bundle_name: 'special' })
    await call('DELETE', `/assignment-rules/${id}`)
    expect((await matched.next()).data).toMatchObject({ bundle_name: null, source: 'none' })
    const bulk = { agent_ids: ['agent-1', 'agent-2', 'agent-3', 'agent-4', 'nobody'], bundle_name: 'all' }
    expect((await call('POST', '/agent-registrations/bulk-assign', bulk)).json()).toEqual({ updated: 4 })
    for (const client of [matched, tagged, named, staging]) {
      const last = await client.next()
      expect([last.type, last.data.bundle_name, last.data.source]).toEqual(['assignment_changed', 'all', 'explicit'])
    }
    expect(matched.events).toHaveLength(3)
    expect(tagged.events).toHaveLength(3)
    expect(named.events).toHaveLength(1)
    expect(staging.events).toHaveLength(1)
  })

  it('a deploy right after a change of rules reaches the newly assigned', async () => {
    await begin()
    await call('POST', '/bundles', { yaml_content: bundleYaml('devops') })
    await call('POST', '/bundles', { yaml_content: bundleYaml('other') })
    await call('POST', '/assignment-rules', { ...rule, bundle_name: 'other', priority: 99 })
    const client = await connect('env=production', await t.agent())
    expect((await client.next()).data).toMatchObject({ bundle_name: 'other' })
    await call('POST', '/assignment-rules', rule)
    await call('POST', '/bundles/devops/1/deploy', { env: 'production' })
    expect((await client.next()).data).toMatchObject({ type: 'assignment_changed', bundle_name: 'devops' })
    expect((await client.next()).data).toMatchObject({ type: 'contract_update', bundle_name: 'devops' })
  })
})
