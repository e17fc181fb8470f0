import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AuthorizationServer, CLIENT, startAuthorizationServer } from '../../../test/authorization-server.ts'
import { ADMIN, onEachDatabase, type TestServer } from '../../../test/harness.ts'

type Headers = Record<string, string>
const BASE = 'https://console.example.com'
const CALLBACK = `${BASE}/api/v1/auth/oidc/callback`

onEachDatabase('single sign-on by OpenID Connect', (start) => {
  let t: TestServer
  let provider: AuthorizationServer
  let claims: Record<string, unknown>
  beforeEach(async () => {
    claims = { email: 'ann@example.com', email_verified: true }
    provider = await startAuthorizationServer({ redirectUri: CALLBACK, claims: () => claims })
    t = await start({ environment: { LICTOR_BASE_URL: BASE, LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8' } })
    // Of a machine of today: the provider's tokens are.
    t.clock.set(Date.now())
  })
  afterEach(async () => {
    await t?.close()
    await provider?.close()
  })

  const configure = async (more: object = {}, headers?: Headers) =>
    t.request({
      method: 'PUT',
      url: '/api/v1/sso/oidc',
      headers: headers ?? (await t.admin()),
      payload: {
        issuer: provider.issuer,
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        label: 'Example',
        ...more,
      },
    })
  const get = (url: string, headers: Headers = {}) => t.request({ method: 'GET', url, headers })
  const cookiesOf = (answer: { headers: object }): string[] =>
    [(answer.headers as { 'set-cookie'?: string | string[] })['set-cookie'] ?? []].flat()
  const cookieNamed = (answer: { headers: object }, name: string) =>
    cookiesOf(answer)
      .find((one) => one.startsWith(`${name}=`) && !one.startsWith(`${name}=;`))
      ?.split(';')[0]
  const problemOf = (answer: { headers: object }) =>
    new URL(String((answer.headers as { location?: string }).location)).searchParams.get('problem')

  async function goAway(tenant = 'default', next = '') {
    const sent = await get(`/api/v1/auth/oidc/start?tenant=${tenant}${next && `&next=${encodeURIComponent(next)}`}`)
    return { url: String(sent.headers.location), cookie: cookieNamed(sent, 'lictor_sign_in') ?? '', sent }
  }
  async function comeBack({ url, cookie }: { url: string; cookie: string }) {
    expect(url).toContain(provider.issuer)
    const answer = await provider.signIn(url)
    return get(`/api/v1/auth/oidc/callback?${answer}`, { cookie })
  }
  const signIn = async (tenant?: string, next?: string) => comeBack(await goAway(tenant, next))
  const me = async (answer: { headers: object }) =>
    (await get('/api/v1/auth/me', { cookie: cookieNamed(answer, 'edictum_session') ?? '' })).json()
  const invite = async (email: string, role = 'member') => {
    const sent = await t.request({
      method: 'POST',
      url: '/api/v1/invitations',
      headers: await t.admin(),
      payload: { email, role },
    })
    return sent.json<{ link: string }>().link.split('#')[1] ?? ''
  }
  const accept = (token: string) =>
    t.request({
      method: 'POST',
      url: '/api/v1/auth/invitation/accept',
      headers: { 'x-requested-with': 'test' },
      payload: { token, password: 'a long enough password' },
    })

  it('the login page is told what is configured, and nothing where nothing is', async () => {
    await t.admin()
    expect((await get('/api/v1/auth/sso')).json()).toEqual({ oidc: null, saml: null })
    expect((await configure()).json()).toEqual({
      issuer: provider.issuer,
      client_id: CLIENT.id,
      label: 'Example',
      new_members: null,
      redirect_uri: CALLBACK,
    })
    expect((await get('/api/v1/auth/sso?tenant=default')).json()).toEqual({
      oidc: { label: 'Example', start: `${BASE}/api/v1/auth/oidc/start?tenant=default` },
      saml: null,
    })
    expect((await get('/api/v1/auth/sso?tenant=nobody')).json()).toEqual({ oidc: null, saml: null })
    expect(problemOf((await goAway('nobody')).sent)).toBe('There is no single sign-on for this tenant.')
    const rows = await t.server.database.db.selectFrom('identity_providers').selectAll().execute()
    expect(Buffer.from(rows[0]?.settings_sealed ?? []).toString('latin1')).not.toContain(CLIENT.secret)
    expect((await get('/api/v1/sso/oidc', await t.admin())).body).not.toContain(CLIENT.secret)
    for (const role of ['viewer', 'member', 'admin'] as const)
      expect((await configure({}, await t.member(role))).statusCode).toBe(403)
  })

  it('a member comes in as who they are, to the page they asked for, and is found again by the provider’s own id', async () => {
    await configure()
    await accept(await invite('ann@example.com', 'viewer'))
    const back = await signIn('default', '/approvals?id=1')
    expect([back.statusCode, back.headers.location]).toEqual([302, `${BASE}/dashboard/approvals?id=1`])
    expect(await me(back)).toMatchObject({ email: 'ann@example.com', role: 'viewer' })
    // Another address at the provider is the same person; an unverified one says nothing.
    claims = { email: 'other@example.com', email_verified: false }
    expect(await me(await signIn())).toMatchObject({ email: 'ann@example.com' })
  })

  it('who is no member stays out, unless new members are welcome', async () => {
    await configure()
    expect(problemOf(await signIn())).toBe(
      'ann@example.com is not a member of this tenant. Ask an administrator to invite you.',
    )
    await configure({ new_members: 'viewer' })
    claims = { email: 'ann@example.com', email_verified: false }
    expect(problemOf(await signIn())).toMatch(/does not vouch for an e-mail address/)
    claims = { email: 'ann@example.com', email_verified: true }
    expect(await me(await signIn())).toMatchObject({ email: 'ann@example.com', role: 'viewer', is_admin: false })
    // Without a password, none lets them in.
    const login = await t.request({
      method: 'POST',
      url: '/api/v1/auth/login',
      payload: { email: 'ann@example.com', password: '' },
    })
    expect(login.statusCode).toBe(401)
  })

  it('a provider of one tenant makes nobody who has an account elsewhere, and its sessions stay in its tenant', async () => {
    const admin = await t.admin()
    const post = (url: string, payload: object) => t.request({ method: 'POST', url, headers: admin, payload })
    await post('/v1/admin/tenants', { slug: 'acme', display_name: 'Acme' })
    const invited = (await post('/v1/admin/tenants/acme/invitations', { email: 'dora@example.com' })).json<{
      link: string
    }>()
    const joined = await accept(invited.link.split('#')[1] ?? '')
    const dora = { cookie: cookieNamed(joined, 'edictum_session') ?? '', 'x-requested-with': 'test' }
    expect((await configure({ new_members: 'member' }, dora)).statusCode).toBe(200)
    claims = { email: ADMIN.email, email_verified: true }
    expect(problemOf(await signIn('acme'))).toMatch(/^There is an account admin@example\.com already/)

    const own = (await post('/v1/admin/tenants/acme/invitations', { email: ADMIN.email, role: 'member' })).json<{
      link: string
    }>()
    await t.request({
      method: 'POST',
      url: '/api/v1/auth/invitation/accept',
      headers: admin,
      payload: { token: own.link.split('#')[1] },
    })
    const back = await signIn('acme')
    expect(await me(back)).toMatchObject({ email: ADMIN.email, role: 'member', is_operator: false })
    const session = { cookie: cookieNamed(back, 'edictum_session') ?? '', 'x-requested-with': 'test' }
    const tenants = (await get('/api/v1/auth/tenants', session)).json<{ tenant_id: string; slug: string }[]>()
    const home = tenants.find(({ slug }) => slug === 'default')?.tenant_id
    const change = (method: 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) =>
      t.request({ method, url, headers: session, ...(payload ? { payload } : {}) })
    // The provider speaks for its tenant, not for the account: that takes the password.
    for (const answer of [
      await change('PUT', '/api/v1/auth/tenant', { tenant_id: home }),
      await change('POST', '/api/v1/auth/second-factor'),
      await change('DELETE', '/api/v1/auth/sessions'),
      await change('PUT', '/api/v1/auth/password', { present_password: 'x', password: 'a long enough password' }),
    ])
      expect([answer.statusCode, answer.json().detail]).toEqual([403, expect.stringMatching(/provider/)])
    expect((await get('/api/v1/auth/me', admin)).statusCode).toBe(200)
  })

  it('an answer is taken once, from the browser that asked, within its time', async () => {
    await configure({ new_members: 'viewer' })
    const first = await goAway()
    const answer = await provider.signIn(first.url)
    const callback = `/api/v1/auth/oidc/callback?${answer}`
    const other = await goAway()
    expect(problemOf(await get(callback, { cookie: other.cookie }))).toBe('This sign-in was begun in another browser.')
    expect(problemOf(await get(callback, { cookie: first.cookie }))).toMatch(/was finished already/)
    const second = await goAway()
    const twice = `/api/v1/auth/oidc/callback?${await provider.signIn(second.url)}`
    const answers = await Promise.all([0, 1].map(() => get(twice, { cookie: second.cookie })))
    expect(answers.filter((one) => cookieNamed(one, 'edictum_session')).length).toBe(1)
    const late = await goAway()
    const tooLate = `/api/v1/auth/oidc/callback?${await provider.signIn(late.url)}`
    t.clock.set(t.clock.now() + 600_000)
    expect(problemOf(await get(tooLate, { cookie: late.cookie }))).toMatch(/took too long/)
    expect(problemOf(await get('/api/v1/auth/oidc/callback?state=x&code=y'))).toMatch(/was not begun here/)
    const denied = await goAway()
    const state = new URL(denied.url).searchParams.get('state')
    const refusal = `/api/v1/auth/oidc/callback?error=access_denied&error_description=No&state=${state}&iss=${encodeURIComponent(provider.issuer)}`
    expect(problemOf(await get(refusal, { cookie: denied.cookie }))).toBe('The provider refused: No')
  })

  it('who is removed at the tenant stays out, and a page of another place is never returned to', async () => {
    await configure({ new_members: 'viewer' })
    const back = await signIn('default', '//evil.example/')
    expect(back.headers.location).toBe(`${BASE}/dashboard/`)
    const { user_id } = await me(back)
    await t.request({ method: 'DELETE', url: `/api/v1/members/${user_id}`, headers: await t.admin() })
    expect(problemOf(await signIn())).toBe('You are not a member of this tenant any more.')
  })

  it('a provider that is away, or another one than was configured, is said on the login page', async () => {
    await configure({ issuer: `${provider.issuer}/another` })
    expect(problemOf((await goAway()).sent)).toMatch(/^What came from the provider is not right/)
    await configure({ issuer: 'http://127.0.0.1:1' })
    expect(problemOf((await goAway()).sent)).toBe('The provider does not answer. Try again shortly.')
    expect((await configure({ issuer: 'nowhere' })).statusCode).toBe(422)
    await configure({ client_secret: 'wrong' })
    expect(problemOf(await signIn())).toMatch(/^The provider refused/)
  })
})
