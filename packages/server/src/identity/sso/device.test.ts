import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AuthorizationServer, CLIENT, startAuthorizationServer } from '../../../test/authorization-server.ts'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'

const BASE = 'https://console.example.com'

interface Begun {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string | null
  readonly expires_in: number
  readonly interval: number
}

onEachDatabase('sign-in on a terminal', (start) => {
  let t: TestServer
  let provider: AuthorizationServer
  beforeEach(async () => {
    provider = await startAuthorizationServer({ claims: () => ({ email: 'ann@example.com', email_verified: true }) })
    t = await start({ environment: { LICTOR_BASE_URL: BASE, LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8' } })
    // Of a machine of today: the provider's tokens are.
    t.clock.set(Date.now())
  })
  afterEach(async () => {
    await t?.close()
    await provider?.close()
  })

  const configure = async (more: object = {}) =>
    t.request({
      method: 'PUT',
      url: '/api/v1/sso/oidc',
      headers: await t.admin(),
      payload: {
        issuer: provider.issuer,
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        new_members: 'viewer',
        ...more,
      },
    })
  const post = (path: string, payload: object) =>
    t.request({ method: 'POST', url: `/api/v1/auth/oidc/${path}`, headers: { 'x-requested-with': 'test' }, payload })
  const begin = async (): Promise<Begun> => (await post('device', {})).json()
  const ask = ({ device_code }: Begun) => post('device/poll', { device_code })
  /** After the interval. */
  const poll = async (begun: Begun, seconds = begun.interval) => {
    t.clock.set(t.clock.now() + seconds * 1000)
    return ask(begun)
  }
  const sessionIn = (answer: { headers: object }) =>
    String((answer.headers as { 'set-cookie'?: string | string[] })['set-cookie'] ?? '').split(';')[0] ?? ''
  const refuse = (error: string) => (_request: unknown, response: ServerResponse) => {
    response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
    return true
  }

  it('pending until the person says yes, then one session, of who they are at the provider', async () => {
    await configure()
    const begun = await begin()
    expect(begun).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
      verification_uri: `${provider.issuer}/device`,
      verification_uri_complete: `${provider.issuer}/device?user_code=${begun.user_code}`,
      expires_in: 600,
      interval: 5,
    })
    const pending = await poll(begun)
    expect([pending.statusCode, pending.json(), sessionIn(pending)]).toEqual([
      200,
      { status: 'pending', interval: 5 },
      '',
    ])
    await provider.decideDevice(begun.verification_uri, begun.user_code, true)
    const approved = await poll(begun)
    expect(approved.json()).toEqual({ status: 'approved', interval: null })
    const cookie = sessionIn(approved)
    const me = await t.request({ method: 'GET', url: '/api/v1/auth/me', headers: { cookie } })
    expect(me.json()).toMatchObject({ email: 'ann@example.com', role: 'viewer', is_admin: false })
    // Of single sign-on: the account itself is changed with its password alone.
    const change = await t.request({
      method: 'POST',
      url: '/api/v1/auth/second-factor',
      headers: { cookie, 'x-requested-with': 'test' },
    })
    expect(change.statusCode).toBe(403)
    const again = await poll(begun)
    expect([again.statusCode, again.json().detail]).toEqual([400, expect.stringMatching(/was finished already/)])
  })

  it('who asks too soon is told to slow down, and the provider is not asked; of many at once, one asks it', async () => {
    await configure()
    const begun = await begin()
    expect((await ask(begun)).json()).toEqual({ status: 'slow_down', interval: 5 })
    expect((await poll(begun, 4.999)).json()).toEqual({ status: 'slow_down', interval: 5 })
    expect(provider.asked['/token']).toBeUndefined()
    await provider.decideDevice(begun.verification_uri, begun.user_code, true)
    t.clock.set(t.clock.now() + 1)
    const answers = await Promise.all([0, 1, 2, 3].map(() => ask(begun)))
    expect(provider.asked['/token']).toBe(1)
    expect(answers.filter((one) => sessionIn(one) !== '').length).toBe(1)
  })

  it('a provider that wants more time gets it, from then on', async () => {
    await configure()
    const begun = await begin()
    provider.intercept('/token', refuse('slow_down'))
    expect((await poll(begun)).json()).toEqual({ status: 'slow_down', interval: 10 })
    expect((await poll(begun, 9.999)).json()).toEqual({ status: 'slow_down', interval: 10 })
    expect((await poll(begun, 0.001)).json()).toEqual({ status: 'pending', interval: 10 })
    expect(provider.asked['/token']).toBe(2)
  })

  it('no is no, and a code that ran out is over, whoever says so first', async () => {
    await configure()
    const denied = await begin()
    await provider.decideDevice(denied.verification_uri, denied.user_code, false)
    expect((await poll(denied)).json()).toEqual({ status: 'denied', interval: null })
    expect((await poll(denied)).statusCode).toBe(400)
    const late = await begin()
    expect((await poll(late, 599)).json()).toMatchObject({ status: 'pending' })
    const before = provider.asked['/token']
    expect((await poll(late, 1)).json()).toEqual({ status: 'expired', interval: null })
    expect(provider.asked['/token']).toBe(before)
    const sooner = await begin()
    provider.intercept('/token', refuse('expired_token'))
    expect((await poll(sooner)).json()).toEqual({ status: 'expired', interval: null })
    expect(await t.server.database.db.selectFrom('device_sign_ins').selectAll().execute()).toEqual([])
  })

  it('a provider that is away is asked again; one that refuses, was changed or was removed ends it', async () => {
    await configure()
    const begun = await begin()
    provider.intercept('/token', (_request, response) => {
      response.writeHead(503).end()
      return true
    })
    expect((await poll(begun)).statusCode).toBe(503)
    expect((await poll(begun)).json()).toEqual({ status: 'pending', interval: 5 })
    provider.intercept('/token', refuse('invalid_grant'))
    const refused = await poll(begun)
    expect([refused.statusCode, refused.json().detail]).toEqual([400, 'The provider refused: invalid_grant'])
    expect((await poll(begun)).json().detail).toMatch(/was finished already/)

    const changed = await begin()
    await configure({ client_id: 'another', client_secret: 'another' })
    expect((await poll(changed)).json().detail).toBe('Single sign-on of this tenant was changed meanwhile.')
    await configure()
    const removed = await begin()
    await t.request({ method: 'DELETE', url: '/api/v1/sso/oidc', headers: await t.admin() })
    expect((await poll(removed)).json().detail).toBe('Single sign-on of this tenant was removed meanwhile.')
  })

  it('without a provider, without its device flow, or as nobody’s handle, it is said what is wrong', async () => {
    await t.admin()
    const none = await post('device', {})
    expect([none.statusCode, none.json().detail]).toEqual([404, 'There is no single sign-on for this tenant.'])
    expect((await post('device', { tenant: 'nobody' })).json()).toEqual(none.json())
    await configure()
    provider.intercept('/.well-known/openid-configuration', (_request, response) => {
      const { issuer } = provider
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ issuer }))
      return true
    })
    const unable = await post('device', {})
    expect([unable.statusCode, unable.json().detail]).toEqual([400, expect.stringMatching(/has no device flow/)])
    provider.intercept('/device/auth', (_request, response) => {
      const given = { device_code: 'd', user_code: 'A', verification_uri: 'javascript:alert(1)', expires_in: 60 }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(given))
      return true
    })
    expect((await post('device', {})).json().detail).toMatch(/names no https address/)
    expect((await post('device/poll', { device_code: 'x' })).statusCode).toBe(400)
    expect((await post('device/poll', {})).statusCode).toBe(422)
  })

  it('who is no member is told so, and what is stored shows neither code', async () => {
    await configure({ new_members: null })
    const begun = await begin()
    const [row] = await t.server.database.db.selectFrom('device_sign_ins').selectAll().execute()
    expect(JSON.stringify({ ...row, secret_sealed: '' })).not.toContain(begun.device_code)
    expect(Buffer.from(row?.secret_sealed ?? []).toString('latin1')).not.toContain('deviceCode')
    await provider.decideDevice(begun.verification_uri, begun.user_code, true)
    const stranger = await poll(begun)
    expect([stranger.statusCode, stranger.json().detail, sessionIn(stranger)]).toEqual([
      403,
      'ann@example.com is not a member of this tenant. Ask an administrator to invite you.',
      '',
    ])
  })
})
