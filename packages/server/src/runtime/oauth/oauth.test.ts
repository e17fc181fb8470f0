import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AuthorizationServer,
  CLIENT,
  REDIRECT_URI,
  startAuthorizationServer,
} from '../../../test/authorization-server.ts'
import { onEachDatabase, postgresStart, type TestServer } from '../../../test/harness.ts'
import { requestToken, serviceHeaders } from '../../../test/runtime.ts'

type Headers = Record<string, string>

const environment = { LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8' }
const settings = (server: AuthorizationServer) => ({
  issuer: server.issuer,
  client_id: CLIENT.id,
  client_secret: CLIENT.secret,
  scopes: ['openid', 'offline_access', 'files'],
  redirect_uris: [REDIRECT_URI],
  parameters: { prompt: 'consent' },
})

function world(t: TestServer, headers: Headers) {
  const send = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object, as = headers) =>
    t.request({ method, url: `/v1/credentials${path}`, headers: as, ...(payload ? { payload } : {}) })
  return {
    send,
    setUp: async (server: AuthorizationServer) => {
      const answer = await send('PUT', '/providers/local', settings(server))
      if (answer.statusCode !== 200) throw new Error(answer.body)
    },
    initiate: async (body: object = {}) => {
      const answer = await send('POST', '/oauth/initiate', { provider: 'local', ...body })
      if (answer.statusCode !== 200) throw new Error(answer.body)
      return answer.json<{ auth_url: string; state: string; expires_at: string }>()
    },
    callback: (parameters: URLSearchParams | Record<string, string>, as = headers) =>
      send('GET', `/oauth/callback?${new URLSearchParams(parameters)}`, undefined, as),
  }
}

async function stranger(t: TestServer): Promise<Headers> {
  const account = await t.request({
    method: 'POST',
    url: '/api/v1/service-accounts',
    headers: await t.otherTenant(),
    payload: { name: 'b' },
  })
  const { client_id, client_secret } = account.json<{ client_id: string; client_secret: string }>()
  const token = await requestToken(t, { grant_type: 'client_credentials', client_id, client_secret })
  return { authorization: `Bearer ${token.json<{ access_token: string }>().access_token}` }
}

/** What the secret store holds of a credential. */
async function kept(t: TestServer, id: string): Promise<Record<string, string>> {
  const { createSealedSecrets } = await import('../../storage/sealed-secrets.ts')
  const { createNaclSecretBox } = await import('../../adapters/secret-box/nacl.ts')
  const { readConfig } = await import('../../config.ts')
  const { masterKey } = readConfig(t.environment)
  const secretBox = createNaclSecretBox(masterKey)
  const store = createSealedSecrets({ database: t.server.database, secretBox, clock: t.clock })
  const { tenant_id: tenantId } = await t.server.database.db
    .selectFrom('credentials')
    .select('tenant_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const found = await store.read({ tenantId }, `credentials/${id}`)
  if (found.state !== 'live') throw new Error(found.state)
  return { ...found.fields }
}

onEachDatabase('signing in at a provider', (start) => {
  let t: TestServer
  let server: AuthorizationServer
  beforeEach(async () => {
    server = await startAuthorizationServer()
  })
  afterEach(async () => {
    await t?.close()
    await server.close()
  })

  it('a person signs in, and the credential has a token that the provider takes', async () => {
    t = await start({ environment })
    const w = world(t, await serviceHeaders(t))
    await w.setUp(server)
    const begun = await w.initiate({ name: 'my files' })
    expect(begun.state).toMatch(/^[0-9a-f]{64}$/)
    expect(Date.parse(begun.expires_at) - t.clock.now()).toBe(600_000)
    const url = new URL(begun.auth_url)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: CLIENT.id,
      state: begun.state,
      code_challenge_method: 'S256',
      redirect_uri: REDIRECT_URI,
      scope: 'openid offline_access files',
    })
    const done = await w.callback(await server.signIn(begun.auth_url))
    expect([done.statusCode, done.json()]).toMatchObject([200, { status: 'active', stored: true, provider: 'local' }])
    const { credential_id: id } = done.json<{ credential_id: string }>()
    expect((await w.send('GET', `/${id}`)).json()).toMatchObject({
      label: 'my files',
      provider: 'local',
      credential_type: 'oauth2',
      status: 'active',
      scopes: expect.arrayContaining(['files']),
    })
    const tokens = await kept(t, id)
    expect(await server.takes(tokens.value ?? '')).toBe(true)
    expect(tokens.refresh_token).toBeTruthy()
    const shown = (await w.send('GET', '')).body + (await w.send('GET', '/providers/local')).body + done.body
    for (const secret of [tokens.value ?? 'x', tokens.refresh_token ?? 'x', CLIENT.secret])
      expect(shown).not.toContain(secret)
    // The verifier never left: only its digest did.
    expect(url.searchParams.get('code_challenge')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  it('an answer that comes twice, late, to another person or tenant, or for another provider is refused', async () => {
    t = await start({ environment })
    const w = world(t, await t.admin())
    await w.setUp(server)
    const refused = async (answer: ReturnType<typeof w.callback>) =>
      expect([(await answer).statusCode, (await answer).json().error]).toEqual([400, 'OAuth state invalid or expired'])
    const first = await w.initiate()
    const answer = await server.signIn(first.auth_url)
    await refused(w.callback(answer, await serviceHeaders(t)))
    await refused(w.callback(answer, await t.member()))
    await refused(w.callback(answer, await stranger(t)))
    await refused(w.callback({ code: answer.get('code') ?? '', state: 'f'.repeat(64) }))
    await refused(w.callback({ ...Object.fromEntries(answer), provider: 'other' }))
    // None of these used it up.
    expect((await w.callback(answer)).statusCode).toBe(200)
    await refused(w.callback(answer))
    const late = await server.signIn((await w.initiate()).auth_url)
    await t.clock.advance(600_000)
    await refused(w.callback(late))
    expect((await w.send('GET', '')).json().count).toBe(1)
  })

  it('of answers that arrive at once, one is taken', async () => {
    t = await start({ environment })
    const w = world(t, await serviceHeaders(t))
    await w.setUp(server)
    const answer = await server.signIn((await w.initiate()).auth_url)
    const all = await Promise.all([1, 2, 3, 4].map(() => w.callback(answer)))
    expect(all.map(({ statusCode }) => statusCode).sort()).toEqual([200, 400, 400, 400])
  })

  it('the answer may come after a restart, as JSON, and a sign-in that went wrong is begun again', async () => {
    t = await start({ environment })
    const w = world(t, await serviceHeaders(t))
    await w.setUp(server)
    const answer = await server.signIn((await w.initiate()).auth_url)
    await t.restart()
    const done = await w.send('POST', '/oauth/callback', { code: answer.get('code'), state: answer.get('state') })
    expect([done.statusCode, done.json().stored]).toEqual([200, true])
    const { state } = await w.initiate()
    const denied = await w.callback({ error: 'access_denied', error_description: 'No.', state })
    expect([denied.statusCode, denied.json()]).toMatchObject([
      400,
      { error: 'provider_refused', message: /access_denied: No\./ },
    ])
    const forged = await w.initiate()
    expect((await w.callback({ code: 'made-up', state: forged.state })).json()).toMatchObject({
      error: 'provider_refused',
    })
    const { credential_id } = done.json<{ credential_id: string }>()
    const again = await w.initiate({ credential_id })
    const renewed = await w.callback(await server.signIn(again.auth_url))
    expect(renewed.json()).toMatchObject({ credential_id })
    expect((await w.send('GET', '')).json().count).toBe(1)
  })

  it('a redirect URI that is not listed, an unknown provider, and one that is away are told apart', async () => {
    t = await start({ environment })
    const w = world(t, await serviceHeaders(t))
    await w.setUp(server)
    const initiate = async (body: object) => {
      const answer = await w.send('POST', '/oauth/initiate', body)
      return [answer.statusCode, answer.json().error]
    }
    expect(await initiate({ provider: 'local', redirect_uri: `${REDIRECT_URI}/x` })).toEqual([
      400,
      'OAuth redirect_uri not in provider allowlist',
    ])
    expect(await initiate({ provider: 'unknown' })).toEqual([404, 'OAuth provider not found'])
    expect(await initiate({})).toEqual([422, 'invalid_input'])
    await w.send('PUT', '/providers/away', { ...settings(server), issuer: 'http://127.0.0.1:9' })
    expect(await initiate({ provider: 'away' })).toEqual([503, 'provider_unavailable'])
    const put = async (name: string, body: object) => {
      const answer = await w.send('PUT', `/providers/${name}`, body)
      return [answer.statusCode, answer.json().message]
    }
    expect(await put('p', { client_id: 'x', issuer: 'http://evil.example.com' })).toEqual([
      422,
      expect.stringContaining('https'),
    ])
    expect(await put('p', { client_id: 'x' })).toEqual([422, expect.stringContaining('issuer')])
    expect(await put('p', { client_id: 'x', issuer: server.issuer })).toEqual([
      422,
      expect.stringContaining('client_secret'),
    ])
    expect(await put('p', { ...settings(server), redirect_uris: ['javascript:alert(1)'] })).toEqual([
      422,
      expect.stringContaining('redirect_uris[0]'),
    ])
    expect(await put('bad%20name', settings(server))).toEqual([400, expect.stringContaining('letters')])
  })

  it('a secret of a provider that is left out stays, and another tenant has providers of its own', async () => {
    t = await start({ environment })
    const w = world(t, await serviceHeaders(t))
    await w.setUp(server)
    const { client_secret: _, ...rest } = settings(server)
    for (const body of [rest, { ...rest, client_secret: '***' }])
      expect((await w.send('PUT', '/providers/local', body)).json()).toMatchObject({ client_secret: '***' })
    expect((await w.callback(await server.signIn((await w.initiate()).auth_url))).statusCode).toBe(200)
    const foreign = await stranger(t)
    expect((await w.send('GET', '/providers', undefined, foreign)).json().count).toBe(0)
    expect((await w.send('GET', '/providers/local', undefined, foreign)).statusCode).toBe(404)
    expect((await w.send('DELETE', '/providers/local', undefined, foreign)).statusCode).toBe(404)
    const rows = await t.server.database.db.selectFrom('oauth_providers').selectAll().execute()
    expect(Buffer.from(rows[0]?.settings_sealed ?? []).toString('latin1')).not.toContain(CLIENT.secret)
    expect((await w.send('DELETE', '/providers/local')).statusCode).toBe(200)
  })

  it('the device flow: pending until the person says yes, then a credential; no is no', async () => {
    t = await start({ environment })
    const w = world(t, await serviceHeaders(t))
    await w.setUp(server)
    const begin = async () =>
      (await w.send('POST', '/oauth/device/initiate', { provider: 'local' })).json<{
        device_code: string
        user_code: string
        verification_uri: string
        interval: number
      }>()
    const begun = await begin()
    const poll = async ({ device_code } = begun, path = '/oauth/device/poll', as?: Headers) => {
      await t.clock.advance(6_000)
      return w.send('POST', path, { device_code, provider: 'local' }, as)
    }
    const pending = await poll()
    expect([pending.statusCode, pending.json()]).toMatchObject([202, { status: 'pending', provider: 'local' }])
    const before = server.asked['/token']
    const eager = await w.send('POST', '/device/poll', { device_code: begun.device_code, provider: 'local' })
    expect([eager.statusCode, server.asked['/token']]).toEqual([202, before])
    await server.decideDevice(begun.verification_uri, begun.user_code, true)
    expect((await poll(begun, '/device/poll', await serviceHeaders(t))).statusCode).toBe(400)
    const approved = await poll()
    expect([approved.statusCode, approved.json()]).toMatchObject([200, { status: 'approved', provider: 'local' }])
    const { credential_id } = approved.json<{ credential_id: string }>()
    expect(await server.takes((await kept(t, credential_id)).value ?? '')).toBe(true)
    expect((await poll()).json()).toMatchObject({ error: 'Device code invalid or expired' })
    const second = await begin()
    await server.decideDevice(second.verification_uri, second.user_code, false)
    expect((await poll(second)).json()).toEqual({ status: 'denied', provider: 'local' })
    expect((await poll(second)).statusCode).toBe(400)
  })

  it('the device flow: a provider that wants more time gets it, and a code that ran out is over', async () => {
    t = await start({ environment })
    // A session lasts longer than an access token.
    const w = world(t, await t.admin())
    await w.setUp(server)
    const begin = async () =>
      (await w.send('POST', '/oauth/device/initiate', { provider: 'local' })).json<{ device_code: string }>()
    const poll = async ({ device_code }: { device_code: string }, seconds: number) => {
      await t.clock.advance(seconds * 1000)
      return w.send('POST', '/oauth/device/poll', { device_code, provider: 'local' })
    }
    const refuse = (error: string) =>
      server.intercept('/token', (_request, response) => {
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
        return true
      })
    const asked = () => server.asked['/token'] ?? 0
    const begun = await begin()
    refuse('slow_down')
    const before = asked()
    expect((await poll(begun, 5)).json()).toMatchObject({ status: 'pending', interval: 10 })
    expect((await poll(begun, 9)).json()).toMatchObject({ status: 'pending', interval: 10 })
    expect(asked()).toBe(before + 1)
    expect((await poll(begun, 1)).json()).toMatchObject({ status: 'pending', interval: 10 })
    expect(asked()).toBe(before + 2)
    refuse('expired_token')
    expect((await poll(begun, 10)).json()).toEqual({ status: 'expired', provider: 'local' })
    expect((await poll(begun, 10)).statusCode).toBe(400)
    const late = await begin()
    const last = asked()
    expect((await poll(late, 600)).json()).toMatchObject({ error: 'Device code invalid or expired' })
    expect(asked()).toBe(last)
  })
})

describe.skipIf(postgresStart() === null)('signing in over several nodes', () => {
  it('the answer may reach another node than the one that asked', async () => {
    const server = await startAuthorizationServer()
    const t = await (postgresStart() ?? (() => Promise.reject(new Error('no PostgreSQL'))))({ environment })
    const { startTestServer } = await import('../../../test/harness.ts')
    const other = await startTestServer({ environment: { ...t.environment } })
    try {
      const headers = await serviceHeaders(t)
      const [here, there] = [world(t, headers), world(other, headers)]
      await here.setUp(server)
      const answer = await server.signIn((await here.initiate()).auth_url)
      const both = await Promise.all([there.callback(answer), here.callback(answer)])
      expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([200, 400])
    } finally {
      await other.close()
      await t.close()
      await server.close()
    }
  })
})
