import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { libraryOf } from '../../../test/library.ts'

onEachDatabase('assignment rules', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  type Headers = Record<string, string>
  const api = (headers?: Headers) => libraryOf(t, headers)
  const rule = { priority: 10, pattern: 'agent-*', bundle_name: 'devops', env: 'production' }
  const create = (more: object = {}, headers?: Headers) =>
    api(headers).call('POST', '/assignment-rules', { ...rule, ...more })
  const list = async (headers?: Headers) => (await api(headers).get('/assignment-rules')).json()
  const resolve = async (path: string, headers?: Headers) =>
    (await api(headers).get(`/assignment-rules/resolve/${path}`)).json()
  /** What dashboards were told, oldest first. */
  const told = async () => {
    const { db } = t.server.database
    const rows = await db
      .selectFrom('stream_log')
      .selectAll()
      .where('type', '=', 'assignment_changed')
      .orderBy('id')
      .execute()
    return rows.map((row) => ({ ...JSON.parse(row.data), dashboard: row.dashboard === 1 }))
  }
  /** An agent that is registered because it sent a manifest. */
  async function register(agent_id: string, headers?: Headers) {
    const key = await api(headers).call('POST', '/keys', { env: 'production' })
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/events',
      headers: { authorization: `Bearer ${key.json().key}` },
      payload: {
        events: [
          {
            call_id: agent_id,
            agent_id,
            tool_name: 'x',
            verdict: 'call_allowed',
            mode: 'enforce',
            timestamp: '2026-03-01T12:00:00Z',
          },
        ],
        agent_manifest: { agent_id, policy_version: 'local', contracts: [] },
      },
    })
    expect(answer.statusCode).toBe(200)
  }

  it('a pattern with a path separator is refused with 400, in a new rule and in a change', async () => {
    t = await start()
    const { id } = (await create()).json()
    for (const pattern of ['prod/agent', '../etc/passwd', 'prod\\agent']) {
      for (const answer of [
        await create({ priority: 1, pattern }),
        await api().call('PATCH', `/assignment-rules/${id}`, { pattern }),
      ])
        expect([answer.statusCode, answer.json()]).toEqual([
          400,
          { detail: 'Pattern must not contain path separators or null bytes' },
        ])
    }
    expect((await list())[0].pattern).toBe('agent-*')
  })

  it('a pattern with a null byte or anything but printable ASCII is refused with 400, in a new rule and in a change', async () => {
    t = await start()
    const { id } = (await create()).json()
    for (const pattern of ['agent\u0000', 'a\nb', 'agent\n', 'ünicode', '\u007f', '\t'])
      for (const answer of [
        await create({ priority: 1, pattern }),
        await api().call('PATCH', `/assignment-rules/${id}`, { pattern }),
      ])
        expect([answer.statusCode, answer.json()]).toEqual([
          400,
          { detail: 'Pattern must be 1-200 printable ASCII characters' },
        ])
    expect(await list()).toHaveLength(1)
  })

  it('a bad pattern is told before the rule is looked for', async () => {
    t = await start()
    const url = '/assignment-rules/00000000-0000-4000-8000-000000000000'
    expect((await api().call('PATCH', url, { pattern: 'a/b' })).statusCode).toBe(400)
    const missing = await api().call('PATCH', url, { pattern: 'a' })
    expect([missing.statusCode, missing.json()]).toEqual([404, { detail: 'Rule not found' }])
  })

  it('each field has its bounds, and is taken at them', async () => {
    t = await start()
    const widest = { priority: 0, pattern: 'x'.repeat(200), bundle_name: 'b'.repeat(128), env: 'e'.repeat(64) }
    expect((await create(widest)).json()).toMatchObject(widest)
    expect((await create({ ...widest, priority: 1, pattern: '~', bundle_name: 'b', env: 'e' })).statusCode).toBe(201)
    const bad: object[] = [
      { priority: -1 },
      { priority: 1.5 },
      { priority: 'first' },
      { priority: null },
      { pattern: '' },
      { pattern: 'x'.repeat(201) },
      { pattern: 7 },
      { pattern: null },
      { bundle_name: '' },
      { bundle_name: 'b'.repeat(129) },
      { env: '' },
      { env: 'e'.repeat(65) },
      { tag_match: 'team' },
      { tag_match: ['team'] },
    ]
    for (const more of bad) {
      const answer = await create({ priority: 2, ...more })
      expect([answer.statusCode, answer.json().detail[0].loc]).toEqual([422, ['body', Object.keys(more)[0]]])
    }
    for (const missing of ['priority', 'pattern', 'bundle_name', 'env']) {
      const { [missing as 'env']: _, ...rest } = { ...rule, priority: 2 }
      const answer = await api().call('POST', '/assignment-rules', rest)
      expect([answer.statusCode, answer.json().detail[0].loc]).toEqual([422, ['body', missing]])
    }
    expect((await api().get(`/assignment-rules/resolve/a?env=${'e'.repeat(65)}`)).statusCode).toBe(422)
    expect((await api().get(`/assignment-rules/resolve/a?env=${'e'.repeat(64)}`)).statusCode).toBe(200)
    expect(await list()).toHaveLength(2)
  })

  it('a priority belongs to a tenant: another may use it, and it is free again once its rule is deleted', async () => {
    t = await start()
    const other = await t.otherTenant()
    const { id } = (await create()).json()
    const taken = await create({ env: 'staging' })
    expect([taken.statusCode, taken.json()]).toEqual([409, { detail: 'Priority 10 already exists for this tenant' }])
    expect((await create({}, other)).statusCode).toBe(201)
    expect(await list()).toHaveLength(1)
    expect((await api().call('DELETE', `/assignment-rules/${id}`)).statusCode).toBe(204)
    expect((await create({ pattern: 'again' })).statusCode).toBe(201)
    expect(await list()).toMatchObject([{ pattern: 'again' }])
  })

  it('a change keeps what it does not name, and the same change again changes nothing', async () => {
    t = await start()
    const created = (await create({ tag_match: { team: 'x', tier: 1 } })).json()
    const change = { priority: 20, pattern: 'web-?', bundle_name: 'web', env: 'staging', tag_match: { tier: 2 } }
    const url = `/assignment-rules/${created.id}`
    const whole = { ...created, ...change }
    for (let times = 0; times < 2; times++) expect((await api().call('PATCH', url, change)).json()).toEqual(whole)
    const nothing = Object.fromEntries(Object.keys(change).map((field) => [field, null]))
    for (const body of [{}, nothing]) expect((await api().call('PATCH', url, body)).json()).toEqual(whole)
    expect(
      (await api().call('PATCH', url.toUpperCase().replace('/ASSIGNMENT-RULES', '/assignment-rules'), {})).json(),
    ).toEqual(whole)
    expect(await list()).toEqual([whole])
  })

  it('dashboards hear of each rule that is created, updated and deleted, and of no refused change', async () => {
    t = await start()
    const { id } = (await create()).json()
    await create()
    await api().call('PATCH', `/assignment-rules/${id}`, { env: 'staging' })
    await api().call('PATCH', `/assignment-rules/${id}`, { pattern: 'a/b' })
    await api().call('DELETE', `/assignment-rules/${id}`)
    await api().call('DELETE', `/assignment-rules/${id}`)
    const change = { type: 'assignment_changed', rule_id: id, dashboard: true }
    expect(await told()).toEqual([
      { ...change, action: 'created' },
      { ...change, action: 'updated' },
      { ...change, action: 'deleted' },
    ])
  })

  it('the lowest number decides, and a rule whose tags are not all met is passed over', async () => {
    t = await start()
    await register('agent-1')
    await api().call('PATCH', '/agent-registrations/agent-1', { tags: { team: 'x', tier: '1' } })
    const tagged = (await create({ priority: 1, tag_match: { team: 'x', tier: 1 }, bundle_name: 'strict' })).json()
    const second = (await create({ priority: 5, bundle_name: 'second' })).json()
    await create({ priority: 9, bundle_name: 'third' })
    expect(await resolve('agent-1?env=production')).toEqual({
      bundle_name: 'second',
      source: 'rule',
      rule_id: second.id,
      rule_pattern: 'agent-*',
    })
    await api().call('PATCH', '/agent-registrations/agent-1', { tags: { team: 'x', tier: 1, more: true } })
    expect(await resolve('agent-1?env=production')).toMatchObject({ bundle_name: 'strict', rule_id: tagged.id })
    expect(await resolve('other?env=production')).toEqual({
      bundle_name: null,
      source: 'none',
      rule_id: null,
      rule_pattern: null,
    })
  })

  it('an explicit assignment goes before every rule, in every environment and without one', async () => {
    t = await start()
    await register('agent-1')
    await create({ priority: 0, pattern: '*' })
    await create({ priority: 1, pattern: '*', env: 'staging' })
    await api().call('PATCH', '/agent-registrations/agent-1', { bundle_name: 'mine' })
    for (const query of ['', '?env=production', '?env=staging', '?env=development', '?env='])
      expect(await resolve(`agent-1${query}`)).toEqual({
        bundle_name: 'mine',
        source: 'explicit',
        rule_id: null,
        rule_pattern: null,
      })
  })

  it('a pattern is a glob over the whole id, case for case', async () => {
    t = await start()
    await create({ priority: 1, pattern: '[!a]*', bundle_name: 'not-a' })
    await create({ priority: 2, pattern: 'a?c[0-9]', bundle_name: 'digit' })
    expect((await resolve('b-agent')).bundle_name).toBe('not-a')
    expect((await resolve('a-agent')).bundle_name).toBe(null)
    expect((await resolve('abc7')).bundle_name).toBe('digit')
    expect((await resolve('abc77')).bundle_name).toBe(null)
    expect((await resolve('aBC7')).bundle_name).toBe(null)
  })

  it('a tenant resolves by its own rules and registrations alone', async () => {
    t = await start()
    const other = await t.otherTenant()
    await register('shared')
    await register('shared', other)
    await create({ pattern: '*' })
    expect(await resolve('shared', other)).toMatchObject({ bundle_name: null, source: 'none' })
    await api(other).call('PATCH', '/agent-registrations/shared', { bundle_name: 'theirs' })
    expect(await resolve('shared')).toMatchObject({ bundle_name: 'devops', source: 'rule' })
    expect(await resolve('shared', other)).toMatchObject({ bundle_name: 'theirs', source: 'explicit' })
  })
})
