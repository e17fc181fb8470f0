import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { requestToken, serviceHeaders } from '../../../test/runtime.ts'

onEachDatabase('access tokens', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  async function account(fields: object = {}) {
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/service-accounts',
      headers: await t.admin(),
      payload: { name: 'ci', ...fields },
    })
    return answer.json<{ id: string; client_id: string; client_secret: string }>()
  }
  const grant = ({ client_id, client_secret }: { client_id: string; client_secret: string }) =>
    requestToken(t, { grant_type: 'client_credentials', client_id, client_secret })
  const listAgents = (authorization: string | undefined, headers: Record<string, string> = {}) =>
    t.request({
      method: 'GET',
      url: '/v1/agents',
      headers: { ...(authorization ? { authorization } : {}), ...headers },
    })

  it('client credentials bring a token that the API accepts until it expires', async () => {
    t = await start()
    const answer = await grant(await account())
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const token = answer.json()
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 300 })
    expect(token.scope.split(' ')).toContain('agent:execute')
    const authorization = `Bearer ${token.access_token}`
    expect((await listAgents(authorization)).statusCode).toBe(200)
    await t.clock.advance(306_000)
    expect((await listAgents(authorization)).json()).toEqual({ error: 'unauthorized', message: 'Unauthorized' })
  })

  it('wrong secrets, unknown clients, other grants and missing fields are answered as OAuth2 says', async () => {
    t = await start()
    const { client_id, client_secret } = await account()
    const refused = async (form: Record<string, string>) => {
      const answer = await requestToken(t, form)
      return [answer.statusCode, answer.json().error]
    }
    const grant_type = 'client_credentials'
    expect(await refused({ grant_type, client_id, client_secret: 'wrong' })).toEqual([401, 'invalid_client'])
    expect(await refused({ grant_type, client_id: 'nobody', client_secret })).toEqual([401, 'invalid_client'])
    expect(await refused({ grant_type: 'password', client_id, client_secret })).toEqual([400, 'unsupported_grant_type'])
    expect(await refused({ grant_type, client_id })).toEqual([400, 'invalid_request'])
    expect(await refused({})).toEqual([400, 'invalid_request'])
  })

  it('ordinary use passes however much of it comes at once; whoever tries secrets is stopped, and the right one with it', async () => {
    t = await start()
    const created = await account()
    const first = await Promise.all(Array.from({ length: 90 }, () => grant(created)))
    expect(first.filter((answer) => answer.statusCode === 200)).toHaveLength(90)
    const tries = await Promise.all(
      Array.from({ length: 400 }, (_, index) => grant({ ...created, client_secret: `wrong-${index}` })),
    )
    expect(tries.filter((answer) => answer.statusCode === 401)).toHaveLength(60)
    const stopped = tries.filter((answer) => answer.statusCode === 429)
    expect(stopped).toHaveLength(340)
    expect([stopped[0]?.json().error, Number(stopped[0]?.headers['retry-after'])]).toEqual(['slow_down', 61])
    expect((await grant(created)).statusCode).toBe(429)
    // Another client of the same address goes on.
    const other = await account()
    expect((await grant(other)).statusCode).toBe(200)
    t.clock.set(t.clock.now() + 61_000)
    expect((await grant(created)).statusCode).toBe(200)
  })

  it('revoking a service account ends the tokens it has', async () => {
    t = await start()
    const created = await account()
    const authorization = `Bearer ${(await grant(created)).json().access_token}`
    const revoked = await t.request({
      method: 'DELETE',
      url: `/api/v1/service-accounts/${created.id}`,
      headers: await t.admin(),
    })
    expect(revoked.statusCode).toBe(204)
    expect((await listAgents(authorization)).statusCode).toBe(401)
    expect((await grant(created)).statusCode).toBe(401)
    const listed = await t.request({ method: 'GET', url: '/api/v1/service-accounts', headers: await t.admin() })
    expect(listed.json()).toEqual([])
  })

  it('a secret is shown once and another tenant neither sees nor revokes the account', async () => {
    t = await start()
    const created = await account()
    const headers = await t.otherTenant()
    const listed = await t.request({ method: 'GET', url: '/api/v1/service-accounts', headers: await t.admin() })
    expect(JSON.stringify(listed.json())).not.toContain(created.client_secret)
    expect((await t.request({ method: 'GET', url: '/api/v1/service-accounts', headers })).json()).toEqual([])
    const revoke = await t.request({ method: 'DELETE', url: `/api/v1/service-accounts/${created.id}`, headers })
    expect(revoke.statusCode).toBe(404)
  })

  it('forged tokens are refused: unsigned, another key, another issuer or audience, no kid', async () => {
    t = await start()
    const created = await account()
    const [, payload = ''] = (await grant(created)).json().access_token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const { kid } = (
      await t.request({ method: 'GET', url: '/realms/aegis-system/protocol/openid-connect/certs' })
    ).json().keys[0]
    const { privateKey } = await generateKeyPair('RS256')
    const forge = (changed: object, header: object = {}) =>
      new SignJWT({ ...claims, ...changed }).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(privateKey)
    for (const token of [
      new UnsecuredJWT(claims).encode(),
      await forge({}),
      await forge({}, { kid: 'unknown' }),
      await forge({}, { kid: undefined }),
      'not.a.token',
    ])
      expect((await listAgents(`Bearer ${token}`)).statusCode).toBe(401)
  })

  it('a missing, malformed or foreign authorization says which', async () => {
    t = await start()
    const agent = await t.agent()
    expect((await listAgents(undefined)).json().message).toBe('Missing Authorization header')
    expect((await listAgents('Basic abc')).json().message).toBe('Invalid Authorization header format')
    expect((await listAgents(agent.authorization)).statusCode).toBe(401)
  })

  it('a token without the scope of a route is refused with its name', async () => {
    t = await start()
    const headers = await serviceHeaders(t, { scopes: ['agent:read'] })
    const answer = await listAgents(headers.authorization)
    expect([answer.statusCode, answer.json()]).toEqual([
      403,
      expect.objectContaining({ error: 'insufficient_scope', required: 'agent:list' }),
    ])
    const reader = await serviceHeaders(t, { role: 'aegis:readonly' })
    expect((await listAgents(reader.authorization)).statusCode).toBe(200)
    const deploy = await t.request({ method: 'POST', url: '/v1/agents', headers: reader, payload: 'name: x' })
    expect(deploy.json().required).toBe('agent:deploy')
  })

  it('unknown scopes are refused when the account is made', async () => {
    t = await start()
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/service-accounts',
      headers: await t.admin(),
      payload: { name: 'x', scopes: ['agent:fly'] },
    })
    expect([answer.statusCode, answer.json().detail[0].msg]).toEqual([422, "Value error, Unknown scope 'agent:fly'"])
  })

  it('a service account may name its own tenant and no other', async () => {
    t = await start()
    const { authorization = '' } = await serviceHeaders(t)
    const own = await t.server.database.db.selectFrom('tenants').selectAll().executeTakeFirstOrThrow()
    for (const tenant of [own.id, own.slug])
      expect((await listAgents(authorization, { 'x-tenant-id': tenant })).statusCode).toBe(200)
    const other = await listAgents(authorization, { 'x-tenant-id': 't-other' })
    expect([other.statusCode, other.json().error]).toEqual([403, 'forbidden_tenant_switch'])
  })

  it('tokens stay valid over a restart', async () => {
    t = await start({ environment: { LICTOR_BASE_URL: 'https://lictor.example.com' } })
    const { authorization } = await serviceHeaders(t)
    await t.restart()
    expect((await listAgents(authorization)).statusCode).toBe(200)
  })

  it('discovery names the token endpoint and the keys', async () => {
    t = await start({ environment: { LICTOR_BASE_URL: 'https://lictor.example.com/' } })
    const answer = await t.request({ method: 'GET', url: '/realms/aegis-system/.well-known/openid-configuration' })
    expect(answer.json()).toMatchObject({
      issuer: 'https://lictor.example.com/realms/aegis-system',
      token_endpoint: 'https://lictor.example.com/realms/aegis-system/protocol/openid-connect/token',
    })
  })
})
