import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { deployAgent, scriptEnvironment, serviceHeaders } from '../../../test/runtime.ts'

type Headers = Record<string, string>

onEachDatabase('API keys of the runtime API', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const create = async (headers: Headers, body: object = { name: 'ci' }) => {
    const answer = await t.request({ method: 'POST', url: '/v1/api-keys', headers, payload: body })
    return { answer, ...answer.json<{ id: string; key: string; scopes: string[] }>() }
  }
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
  const statusOf = async (headers: Headers, url = '/v1/agents') =>
    (await t.request({ method: 'GET', url, headers })).statusCode
  const validate = (headers: Headers) => t.request({ method: 'POST', url: '/v1/api-keys/validate', headers })

  it('a key is told once, kept as a digest, and opens what its scopes say, for its owner', async () => {
    t = await start()
    const headers = await serviceHeaders(t)
    const made = await create(headers, { name: 'ci', scopes: ['agent:list', 'key:list'] })
    expect([made.answer.statusCode, made.answer.json()]).toMatchObject([
      201,
      { name: 'ci', status: 'active', scopes: ['agent:list', 'key:list'], expires_at: null, last_used_at: null },
    ])
    expect(made.key).toMatch(/^aegis_[A-Za-z0-9]{40}$/)
    expect(made.answer.json()).toMatchObject({ key_value: made.key, api_key: made.key })
    expect(await statusOf(bearer(made.key))).toBe(200)
    const refused = await t.request({ method: 'GET', url: '/v1/secrets', headers: bearer(made.key) })
    expect(refused.json()).toMatchObject({ error: 'insufficient_scope', required: 'secret:list' })
    const listed = await t.request({ method: 'GET', url: '/v1/api-keys', headers: bearer(made.key) })
    expect(listed.json()).toMatchObject({ count: 1, api_keys: [{ id: made.id }], keys: [{ id: made.id }] })
    expect(listed.json().api_keys[0].last_used).toBeTruthy()
    expect(listed.body).not.toContain(made.key)
    const rows = await t.server.database.db.selectFrom('runtime_keys').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(made.key)
  })

  it('without scopes it runs agents; it can be given none that its maker lacks, and none that do not exist', async () => {
    t = await start()
    const admin = await create(await t.admin())
    expect(admin.scopes).toEqual(expect.arrayContaining(['agent:execute', 'execution:stream']))
    expect(admin.scopes).not.toContain('agent:deploy')
    const weak = await serviceHeaders(t, { scopes: ['key:create', 'agent:list'] })
    expect((await create(weak)).scopes).toEqual(['agent:list'])
    const refused = async (body: object, headers: Headers = weak) => {
      const { answer } = await create(headers, body)
      return [answer.statusCode, answer.json().message]
    }
    expect(await refused({ name: 'x', scopes: ['secret:read'] })).toEqual([403, expect.stringContaining('secret:read')])
    expect(await refused({ name: 'x', scopes: ['no:such'] })).toEqual([400, 'Unknown scope: no:such'])
    expect(await refused({ name: '' })).toEqual([400, 'name must be between 1 and 64 characters'])
    expect(await refused({ name: 'x'.repeat(65) })).toEqual([400, 'name must be between 1 and 64 characters'])
    expect(await refused({})).toEqual([422, expect.anything()])
    expect(await refused({ name: 'x', expires_at: 'tomorrow' })).toEqual([400, expect.stringContaining('expires_at')])
    expect(await refused({ name: 'x', expires_at: '2020-01-01T00:00:00Z' })).toEqual([
      400,
      expect.stringContaining('future'),
    ])
    const member = await create(await t.member(), { name: 'x', scopes: ['secret:read'] })
    expect(member.answer.statusCode).toBe(403)
  })

  it('a key ends with its time, with its revocation, and with its owner', async () => {
    t = await start()
    const admin = await t.admin()
    const expiring = await create(admin, { name: 'x', expires_at: new Date(t.clock.now() + 60_000).toISOString() })
    expect(await statusOf(bearer(expiring.key))).toBe(200)
    await t.clock.advance(60_000)
    expect(await statusOf(bearer(expiring.key))).toBe(401)
    const revoked = await create(admin)
    const revoke = (headers: Headers) => t.request({ method: 'DELETE', url: `/v1/api-keys/${revoked.id}`, headers })
    const other = await revoke(await serviceHeaders(t))
    expect([other.statusCode, other.json().error]).toEqual([404, 'API key not found or already revoked'])
    expect((await revoke(admin)).json()).toMatchObject({ status: 'revoked', message: 'API key revoked', success: true })
    expect(await statusOf(bearer(revoked.key))).toBe(401)
    expect((await revoke(admin)).statusCode).toBe(404)
    const account = await t.request({
      method: 'POST',
      url: '/api/v1/service-accounts',
      headers: admin,
      payload: { name: 'gone' },
    })
    const { client_id, client_secret, id } = account.json<Record<string, string>>()
    const { requestToken } = await import('../../../test/runtime.ts')
    const token = await requestToken(t, {
      grant_type: 'client_credentials',
      client_id: client_id ?? '',
      client_secret: client_secret ?? '',
    })
    const owned = await create(bearer(token.json<{ access_token: string }>().access_token))
    expect(await statusOf(bearer(owned.key))).toBe(200)
    await t.request({ method: 'DELETE', url: `/api/v1/service-accounts/${id}`, headers: admin })
    expect(await statusOf(bearer(owned.key))).toBe(401)
  })

  it("gives no more than its owner has now: a key of somebody who is no administrator any more lost the administrator's part", async () => {
    t = await start()
    const made = await create(await t.admin(), { name: 'x', scopes: ['secret:list', 'agent:list'] })
    expect(await statusOf(bearer(made.key), '/v1/secrets')).toBe(200)
    await t.server.database.db.updateTable('members').set({ role: 'member' }).execute()
    expect(await statusOf(bearer(made.key), '/v1/secrets')).toBe(403)
    expect(await statusOf(bearer(made.key))).toBe(200)
  })

  it('revoking one ends the streams that it opened', async () => {
    t = await start({ environment: scriptEnvironment([{ text: 'late', delay_ms: 3_600_000 }]) })
    const address = await t.listen()
    const admin = await t.admin()
    const agent = await deployAgent(t, admin)
    const made = await create(admin, {
      name: 'x',
      scopes: ['agent:execute', 'execution:stream', 'execution:read', 'agent:logs'],
    })
    const started = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: bearer(made.key),
      payload: { agent_id: agent, input: 'go' },
    })
    const { execution_id } = started.json<{ execution_id: string }>()
    const stream = await fetch(`${address}/v1/executions/${execution_id}/stream`, { headers: bearer(made.key) })
    expect(stream.status).toBe(200)
    const ended = stream.text()
    await t.request({ method: 'DELETE', url: `/v1/api-keys/${made.id}`, headers: admin })
    expect(await ended).toContain('execution_started')
    expect((await fetch(`${address}/v1/executions/${execution_id}/stream`, { headers: bearer(made.key) })).status).toBe(
      401,
    )
  })

  it('is validated for gateways that stand in front', async () => {
    t = await start()
    const made = await create(await t.admin(), { name: 'x', scopes: ['agent:list'] })
    expect((await validate(bearer(made.key))).json()).toMatchObject({
      user_id: 'admin@example.com',
      aegis_role: 'aegis:admin',
      scopes: ['agent:list'],
      zaru_tier: 'enterprise',
    })
    for (const [headers, error] of [
      [{}, 'Missing or invalid API key'],
      [bearer('eyJhbGciOi'), 'Missing or invalid API key'],
      [bearer(`aegis_${'x'.repeat(40)}`), 'Invalid or expired API key'],
    ] as const) {
      const answer = await validate(headers)
      expect([answer.statusCode, answer.json().message]).toEqual([401, error])
    }
  })
})
