import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { createSamlProvider, type Wrongs } from '../../../test/saml-provider.ts'
import { selfSigned, selfSignedRsa } from '../../../test/self-signed.ts'
import { readCertificates } from './certificates.ts'
import { readProviderMetadata } from './provider-metadata.ts'

type Headers = Record<string, string>
type Answer = { headers: object; statusCode: number }
/** Behind a proxy that ends TLS, below a path. */
const BASE = 'https://console.example.com/lictor'
const AT = '/api/v1/auth/saml'
const ACS = `${BASE}${AT}/default/acs`
const ANN = { nameId: 'ann@example.com', email: 'ann@example.com' }

onEachDatabase('single sign-on by SAML', (start) => {
  let t: TestServer
  const provider = createSamlProvider()
  beforeEach(async () => {
    t = await start({ environment: { LICTOR_BASE_URL: BASE } })
    // Of a machine of today: the provider's certificate is.
    t.clock.set(Date.now())
  })
  afterEach(() => t?.close())

  const configure = async (more: object = {}, headers?: Headers) =>
    t.request({
      method: 'PUT',
      url: '/api/v1/sso/saml',
      headers: headers ?? (await t.admin()),
      payload: {
        entity_id: provider.entityId,
        sso_url: provider.ssoUrl,
        certificate: provider.certificate,
        label: 'Example',
        ...more,
      },
    })
  const get = (url: string, headers: Headers = {}) => t.request({ method: 'GET', url, headers })
  const locationOf = (answer: { headers: object }) => String((answer.headers as { location?: string }).location)
  const cookieNamed = (answer: { headers: object }, name: string) =>
    [(answer.headers as { 'set-cookie'?: string | string[] })['set-cookie'] ?? []]
      .flat()
      .find((one) => one.startsWith(`${name}=`) && !one.startsWith(`${name}=;`))
      ?.split(';')[0]
  const problemOf = (answer: { headers: object }) => new URL(locationOf(answer)).searchParams.get('problem')
  const metadata = async (tenant = 'default') => (await get(`${AT}/${tenant}/metadata`)).body

  async function goAway(tenant = 'default', next = '') {
    const sent = await get(`${AT}/start?tenant=${tenant}${next && `&next=${encodeURIComponent(next)}`}`)
    return { url: locationOf(sent), cookie: cookieNamed(sent, 'lictor_sign_in') ?? '', sent }
  }
  /** What the provider's page lets a browser post: of another site, so without any cookie. */
  const post = (samlResponse: string, tenant = 'default', more: Record<string, string> = {}) =>
    t.request({
      method: 'POST',
      url: `${AT}/${tenant}/acs`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://idp.example.com' },
      payload: new URLSearchParams({ SAMLResponse: samlResponse, ...more }).toString(),
    })
  /** The redirect after it, in the browser that has this cookie. */
  const follow = (answer: Answer, cookie: string) =>
    answer.statusCode === 303 && locationOf(answer).includes('/complete?')
      ? get(locationOf(answer).slice(BASE.length), cookie ? { cookie } : {})
      : answer
  async function signIn(person: { nameId: string; email?: string } = ANN, wrongs: Wrongs = {}, tenant = 'default') {
    const { url, cookie } = await goAway(tenant)
    const answer = await provider.answer(url, await metadata(tenant), person, { at: t.clock.now(), ...wrongs })
    return follow(await post(answer, tenant), cookie)
  }
  const me = async (answer: { headers: object }) =>
    (await get('/api/v1/auth/me', { cookie: cookieNamed(answer, 'edictum_session') ?? '' })).json()
  const invite = async (email: string, role = 'member') =>
    t.request({
      method: 'POST',
      url: '/api/v1/auth/invitation/accept',
      headers: { 'x-requested-with': 'test' },
      payload: {
        token: (
          await t.request({
            method: 'POST',
            url: '/api/v1/invitations',
            headers: await t.admin(),
            payload: { email, role },
          })
        )
          .json<{ link: string }>()
          .link.split('#')[1],
        password: 'a long enough password',
      },
    })

  it('an owner sets the provider up, sees what it is to know, and nobody else does', async () => {
    expect((await get('/api/v1/sso/saml', await t.admin())).json()).toEqual({
      provider: null,
      sp_entity_id: `${BASE}${AT}/default/metadata`,
      acs_url: ACS,
      metadata_url: `${BASE}${AT}/default/metadata`,
    })
    const set = await configure({ new_members: 'viewer' })
    expect([set.statusCode, set.json()]).toMatchObject([
      200,
      {
        provider: {
          entity_id: provider.entityId,
          sso_url: provider.ssoUrl,
          certificate: provider.certificate,
          certificates: [
            {
              subject: 'CN=idp.example.com',
              fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}/),
              expires_at: '2049-12-31T23:59:59.000Z',
              is_expired: false,
            },
          ],
          label: 'Example',
          new_members: 'viewer',
        },
        acs_url: ACS,
      },
    ])
    expect((await get('/api/v1/auth/sso')).json()).toEqual({
      oidc: null,
      saml: { label: 'Example', start: `${BASE}${AT}/start?tenant=default` },
    })
    const nobody = (await get('/api/v1/auth/sso?tenant=nobody')).json()
    expect(nobody).toEqual({ oidc: null, saml: null })
    expect(problemOf((await goAway('nobody')).sent)).toBe('There is no single sign-on for this tenant.')
    // Of a tenant that is none, the same is told as of any other.
    expect(await metadata('nobody')).toBe((await metadata()).replaceAll('/default/', '/nobody/'))
    for (const role of ['viewer', 'member', 'admin'] as const)
      for (const answer of [
        await configure({}, await t.member(role)),
        await get('/api/v1/sso/saml', await t.member(role)),
        await get('/v1/colony/saml', await t.member(role)),
      ])
        expect(answer.statusCode).toBe(403)
    const acts = (await get('/api/v1/administration/acts', await t.admin())).json()
    expect(JSON.stringify(acts)).toContain(provider.entityId)
    const remove = async () =>
      (await t.request({ method: 'DELETE', url: '/api/v1/sso/saml', headers: await t.admin() })).statusCode
    expect([await remove(), await remove()]).toEqual([204, 404])
    expect((await get('/api/v1/auth/sso')).json()).toEqual({ oidc: null, saml: null })
  })

  it('the provider is given a request that is good for ten minutes, from the public address', async () => {
    await configure()
    const { url } = await goAway()
    expect(url.startsWith(`${provider.ssoUrl}&SAMLRequest=`)).toBe(true)
    expect(provider.requestIn(url)).toMatch(/^_[\w-]{43}$/)
    const described = await get(`${AT}/default/metadata`)
    expect(described.headers['content-type']).toMatch(/^application\/samlmetadata\+xml/)
    expect(described.body).toContain(`Location="${ACS}"`)
    expect(described.body).toContain('WantAssertionsSigned="true"')
    const answer = await provider.answer(url, described.body, ANN, { at: t.clock.now() })
    t.clock.set(t.clock.now() + 600_000)
    expect(problemOf(await post(answer))).toMatch(/took too long/)
  })

  it('metadata of the provider is enough to set it up', async () => {
    const none = { entity_id: null, sso_url: null, certificate: null }
    expect((await configure({ ...none, metadata: provider.metadata })).json()).toMatchObject({
      provider: { entity_id: provider.entityId, sso_url: provider.ssoUrl, certificate: provider.certificate },
    })
    await invite(ANN.email)
    expect(await me(await signIn())).toMatchObject({ email: ANN.email, role: 'member' })
  })

  it('a member comes in as who they are, to the page they asked for, and is found again by the name the provider gives', async () => {
    await configure()
    await invite(ANN.email, 'viewer')
    const { url, cookie } = await goAway('default', '/approvals?id=1')
    const answer = await provider.answer(url, await metadata(), ANN, { at: t.clock.now() })
    // What the provider sends back beside the answer decides nothing.
    const back = await follow(await post(answer, 'default', { RelayState: 'https://evil.example/' }), cookie)
    expect([back.statusCode, locationOf(back)]).toEqual([302, `${BASE}/dashboard/approvals?id=1`])
    expect(await me(back)).toMatchObject({ email: ANN.email, role: 'viewer' })
    expect(await me(await signIn({ nameId: ANN.nameId, email: 'other@example.com' }))).toMatchObject({
      email: ANN.email,
    })
    const elsewhere = await goAway('default', '//evil.example/')
    const there = await provider.answer(elsewhere.url, await metadata(), ANN, { at: t.clock.now() })
    expect(locationOf(await follow(await post(there), elsewhere.cookie))).toBe(`${BASE}/dashboard/`)
    // The session stays in its tenant, and changes nothing of the account.
    const headers = { cookie: cookieNamed(back, 'edictum_session') ?? '', 'x-requested-with': 'test' }
    expect((await t.request({ method: 'DELETE', url: '/api/v1/auth/sessions', headers })).json()).toEqual({
      detail: expect.stringMatching(/provider/),
    })
  })

  it('who is no member stays out, unless new members are welcome; who has an account elsewhere is not taken over', async () => {
    await configure()
    expect(problemOf(await signIn())).toBe(
      'ann@example.com is not a member of this tenant. Ask an administrator to invite you.',
    )
    await configure({ new_members: 'viewer' })
    expect(await me(await signIn())).toMatchObject({ email: ANN.email, role: 'viewer', is_admin: false })
    const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified'
    expect(problemOf(await signIn({ nameId: 'bob@example.com' }, { tags: { NameIDFormat: unspecified } }))).toMatch(
      /does not vouch for an e-mail address of yours \(a name id of the format emailAddress/,
    )
    expect(await me(await signIn({ nameId: 'bob@example.com' }))).toMatchObject({ email: 'bob@example.com' })

    const post = async (url: string, payload: object, headers?: Headers) =>
      t.request({ method: 'POST', url, headers: headers ?? (await t.admin()), payload })
    await post('/v1/admin/tenants', { slug: 'acme', display_name: 'Acme' })
    const { link } = (await post('/v1/admin/tenants/acme/invitations', { email: 'dora@example.com' })).json()
    const joined = await post(
      '/api/v1/auth/invitation/accept',
      { token: String(link).split('#')[1], password: 'a long enough password' },
      { 'x-requested-with': 'test' },
    )
    const dora = { cookie: cookieNamed(joined, 'edictum_session') ?? '', 'x-requested-with': 'test' }
    expect((await configure({ new_members: 'member' }, dora)).statusCode).toBe(200)
    expect(problemOf(await signIn({ nameId: ADMIN.email }, {}, 'acme'))).toMatch(
      /^There is an account admin@example\.com already/,
    )
  })

  it('a name of one kind of provider is nobody of another, whatever both call themselves', async () => {
    await configure({ new_members: 'viewer' })
    await invite(ANN.email, 'admin')
    const { db } = t.server.database
    const ann = await db.selectFrom('users').selectAll().where('email', '=', ANN.email).executeTakeFirstOrThrow()
    const openIdConnect = { tenant_id: ann.tenant_id, issuer: provider.entityId, subject: 'the-id-of-ann' }
    await db
      .insertInto('external_identities')
      .values({ ...openIdConnect, user_id: ann.id, created_at: 0 })
      .execute()
    expect(await me(await signIn({ nameId: 'the-id-of-ann', email: 'eve@example.com' }))).toMatchObject({
      email: 'eve@example.com',
      role: 'viewer',
    })
  })

  it('an answer counts once, for one request, in the browser that began, whichever server takes it', async () => {
    await configure({ new_members: 'viewer' })
    const first = await goAway()
    const answer = await provider.answer(first.url, await metadata(), ANN, { at: t.clock.now() })
    // Requests are the database's: the server that sent somebody away may be gone.
    await t.restart()
    const [one, other] = await Promise.all([post(answer), post(answer)])
    const taken = [one, other].filter((each) => locationOf(each).includes('/complete?'))
    expect(taken).toHaveLength(1)
    const ticket = locationOf(taken[0] as Answer).slice(BASE.length)
    const stranger = await goAway()
    expect(problemOf(await get(ticket, { cookie: stranger.cookie }))).toBe('This sign-in was begun in another browser.')
    expect(problemOf(await get(ticket, { cookie: first.cookie }))).toMatch(/was finished already/)
    expect(problemOf(await post(answer))).toMatch(/was finished already/)

    const second = await goAway()
    const late = await post(await provider.answer(second.url, await metadata(), ANN, { at: t.clock.now() }))
    t.clock.set(t.clock.now() + 60_000)
    expect(problemOf(await follow(late, second.cookie))).toMatch(/took too long/)
    const third = await goAway()
    const whole = await post(await provider.answer(third.url, await metadata(), ANN, { at: t.clock.now() }))
    expect(problemOf(await follow(whole, ''))).toBe('This sign-in was begun in another browser.')
    // The assertion of one request does not fit another one, which its answer names beside it.
    const fourth = await goAway()
    const fifth = await goAway()
    const moved = await provider.answer(fourth.url, await metadata(), ANN, {
      at: t.clock.now(),
      after: (xml) => xml.replace(/(<samlp:Response[^>]* InResponseTo=")[^"]+/, `$1${provider.requestIn(fifth.url)}`),
    })
    expect(problemOf(await post(moved))).toMatch(/InResponseTo does not match/)
  })

  it('what was not asked for is refused, and so is what no request of this tenant began', async () => {
    await configure({ new_members: 'viewer' })
    const unsolicited = { template: (xml: string) => xml.replaceAll(/ InResponseTo="[^"]*"/g, '') }
    expect(problemOf(await signIn(ANN, unsolicited))).toMatch(/^This answer was not asked for/)
    expect(problemOf(await signIn(ANN, { tags: { InResponseTo: '_another' } }))).toMatch(/was not begun here/)
    await t.request({
      method: 'POST',
      url: '/v1/admin/tenants',
      headers: await t.admin(),
      payload: { slug: 'acme', display_name: 'Acme' },
    })
    const { db } = t.server.database
    const acme = await db.selectFrom('tenants').select('id').where('slug', '=', 'acme').executeTakeFirstOrThrow()
    const own = await db.selectFrom('identity_providers').selectAll().executeTakeFirstOrThrow()
    await db
      .insertInto('identity_providers')
      .values({ ...own, tenant_id: acme.id })
      .execute()
    const { url } = await goAway()
    const answer = await provider.answer(url, await metadata('acme'), ANN, { at: t.clock.now() })
    expect(problemOf(await post(answer, 'acme'))).toBe('This sign-in was begun for another tenant.')
  })

  describe('an answer in which one thing is wrong is refused', () => {
    const ago = (ms: number) => new Date(t.clock.now() - ms).toISOString()
    const wrapped = (xml: string) => {
      const signed = /<saml:Assertion.*<\/saml:Assertion>/s.exec(xml)?.[0] ?? ''
      const forged = signed
        .replace(/<ds:Signature.*<\/ds:Signature>/s, '')
        .replace(/ ID="[^"]+"/, ' ID="_forged"')
        .replaceAll('ann@example.com', ADMIN.email)
      return { signed, forged }
    }
    const cases: Readonly<Record<string, readonly [() => Wrongs, RegExp]>> = {
      'not signed at all': [() => ({ signed: 'none' }), /not signed with a key of the certificates/],
      'signed around the assertion alone': [() => ({ signed: 'answer' }), /not signed with a key/],
      'signed by somebody else': [() => ({ by: selfSignedRsa('idp.example.com') }), /not signed with a key/],
      'changed after it was signed': [
        () => ({ after: (xml) => xml.replaceAll('ann@example.com', ADMIN.email) }),
        /not signed with a key/,
      ],
      'signed twice': [
        () => ({ after: (xml) => xml.replace(/(<ds:Signature.*?<\/ds:Signature>)/s, '$1$1') }),
        /Too many signatures/,
      ],
      'with a second assertion before the signed one': [
        () => ({ after: (xml) => xml.replace('<saml:Assertion', `${wrapped(xml).forged}<saml:Assertion`) }),
        /multiple assertions/,
      ],
      'with the signed assertion inside a forged one': [
        () => ({
          after: (xml) => {
            const { signed, forged } = wrapped(xml)
            return xml.replace(signed, forged.replace('</saml:Assertion>', `${signed}</saml:Assertion>`))
          },
        }),
        /not signed with a key/,
      ],
      'with the signed assertion inside the signature of a forged one': [
        () => ({
          after: (xml) => {
            const { signed, forged } = wrapped(xml)
            const signature = /<ds:Signature.*<\/ds:Signature>/s.exec(signed)?.[0] ?? ''
            const around = signature.replace(
              '</ds:Signature>',
              `<ds:Object>${signed.replace(signature, '')}</ds:Object></ds:Signature>`,
            )
            return xml.replace(signed, forged.replace('</saml:Issuer>', `</saml:Issuer>${around}`))
          },
        }),
        /Referenced node|not signed with a key/,
      ],
      'with the name of the signed assertion twice': [
        () => ({
          after: (xml) => {
            const { signed, forged } = wrapped(xml)
            const id = / ID="([^"]+)"/.exec(signed)?.[1]
            return xml.replace(
              '<samlp:Status>',
              `<samlp:Extensions>${forged.replace('_forged', String(id))}</samlp:Extensions><samlp:Status>`,
            )
          },
        }),
        /more than one element/,
      ],
      'over long ago (subject)': [
        () => ({ tags: { SubjectConfirmationDataNotOnOrAfter: ago(60_000) } }),
        /has expired, at/,
      ],
      'over long ago (conditions)': [() => ({ tags: { ConditionsNotOnOrAfter: ago(60_000) } }), /has expired, at/],
      'not yet': [() => ({ tags: { ConditionsNotBefore: ago(-61_000) } }), /holds only from/],
      'for another audience': [
        () => ({ tags: { Audience: 'https://other.example.com' } }),
        /audience mismatch.*https:\/\/other\.example\.com/,
      ],
      'for no audience': [
        () => ({ template: (xml) => xml.replace(/<saml:AudienceRestriction>.*<\/saml:AudienceRestriction>/s, '') }),
        /AudienceRestriction/,
      ],
      'without conditions': [
        () => ({ template: (xml) => xml.replace(/<saml:Conditions.*<\/saml:Conditions>/s, '') }),
        /is not right/,
      ],
      'for another recipient': [
        () => ({ tags: { SubjectRecipient: 'https://other.example.com/acs' } }),
        /for 'https:\/\/other\.example\.com\/acs'/,
      ],
      'for another destination': [
        () => ({ tags: { Destination: 'https://other.example.com/acs' } }),
        /sent to 'https:\/\/other\.example\.com\/acs'/,
      ],
      'of another issuer': [() => ({ tags: { Issuer: 'https://other.example.com' } }), /other\.example\.com/],
      'around which another issuer stands': [
        () => ({ after: (xml) => xml.replace(/<saml:Issuer>[^<]*/, '<saml:Issuer>https://other.example.com') }),
        /it is of 'https:\/\/other\.example\.com'/,
      ],
      'without who confirms it': [
        () => ({ template: (xml) => xml.replace(/<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/s, '') }),
        /does not say that it answers this request/,
      ],
      'confirmed for whoever holds a key': [
        () => ({ template: (xml) => xml.replace('cm:bearer', 'cm:holder-of-key') }),
        /does not say that it answers this request/,
      ],
      'without an end': [
        () => ({ template: (xml) => xml.replace(/(<saml:SubjectConfirmationData) NotOnOrAfter="[^"]*"/, '$1') }),
        /NotOnOrAfter/,
      ],
      'whose end is no instant': [
        () => ({ tags: { SubjectConfirmationDataNotOnOrAfter: 'tomorrow' } }),
        /'tomorrow' is not a valid date/,
      ],
      'in which the answer to this request is not in the assertion': [
        () => ({ template: (xml) => xml.replace(/(<saml:SubjectConfirmationData.*?) InResponseTo="[^"]*"/, '$1') }),
        /does not say that it answers this request/,
      ],
      'of a session that is over': [
        () => ({
          template: (xml) =>
            xml.replace('<saml:AuthnStatement', `<saml:AuthnStatement SessionNotOnOrAfter="${ago(60_000)}"`),
        }),
        /has expired/,
      ],
      'that calls somebody by another name each time': [
        () => ({ tags: { NameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' } }),
        /a transient NameID/,
      ],
      'that names nobody': [() => ({ tags: { NameID: '' } }), /names nobody/],
      'that says no': [
        () => ({
          tags: { StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Responder' },
          after: (xml) => xml.replace(/<saml:Assertion.*<\/saml:Assertion>/s, ''),
        }),
        /^The provider refused: returned Responder/,
      ],
      'with a document type': [() => ({ after: (xml) => `<!DOCTYPE x [<!ENTITY a "b">]>${xml}` }), /document type/],
      encrypted: [
        () => ({
          signed: 'answer',
          template: (xml) =>
            xml.replace(
              /<saml:Assertion.*<\/saml:Assertion>/s,
              '<saml:EncryptedAssertion><x xmlns="http://www.w3.org/2001/04/xmlenc#"/></saml:EncryptedAssertion>',
            ),
        }),
        /encrypts its assertions/,
      ],
    }
    for (const [name, [wrongs, problem]] of Object.entries(cases))
      it(name, async () => {
        await configure({ new_members: 'viewer' })
        const answer = await signIn(ANN, wrongs())
        expect(problemOf(answer)).toMatch(problem)
        expect(cookieNamed(answer, 'edictum_session')).toBeUndefined()
      })
  })

  it('a signature around the assertion’s own is looked at, too', async () => {
    await configure({ new_members: 'viewer' })
    expect(await me(await signIn(ANN, { signed: 'both' }))).toMatchObject({ email: ANN.email })
  })

  it('a comment in a name makes nobody of somebody else', async () => {
    await configure({ new_members: 'viewer' })
    // The provider signed somebody of another domain; a comment, which signatures do not see, would cut the name short.
    const eve = { nameId: `${ADMIN.email}.evil.example.com` }
    const cut = (xml: string) => xml.replaceAll(eve.nameId, `${ADMIN.email}<!-- -->.evil.example.com`)
    for (const wrongs of [{ after: cut }, { template: cut }])
      expect(problemOf(await signIn(eve, wrongs))).toMatch(/a comment/)
    expect(await me(await signIn(eve))).toMatchObject({ email: eve.nameId, role: 'viewer' })
  })

  it('what is no answer is refused in words', async () => {
    await configure({ new_members: 'viewer' })
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const deep = `${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}`
    for (const nothing of [
      '',
      'x',
      '%%%',
      base64('text'),
      ...['<a', '<a/>', '<a></b>', '<a/><a/>', '<a x=1/>'].map(base64),
    ])
      expect(problemOf(await post(nothing)), nothing).toMatch(
        /^(What was posted is no answer|The answer of the provider|This answer)/,
      )
    expect((await post(base64(deep))).statusCode).toBe(413)
    // Each costs the parser minutes, or seconds: who may post is anybody.
    const names = Array.from({ length: 5000 }, (_, at) => `<a xmlns:n${at}="u">`).join('')
    const slow = [deep.slice(0, 120_000), names, `<a>${'<a/>'.repeat(30_000)}</a>`, `<a>${'<a></b>'.repeat(9000)}`]
    for (const costly of slow) expect(problemOf(await post(base64(costly)))).toMatch(/is not right/)
    const empty = await t.request({ method: 'POST', url: `${AT}/default/acs` })
    expect(problemOf(empty)).toMatch(/^What was posted is no answer/)
    expect(problemOf(await post('x', 'nobody'))).toBe('There is no single sign-on for this tenant.')
    expect(new URL(locationOf(empty)).searchParams.get('tenant')).toBe('default')
    const ticket = await get(`${AT}/complete?ticket=x`)
    expect(problemOf(ticket)).toMatch(/was not begun here/)
  })

  it('while a provider changes its key both sign; a certificate that expired counts no more', async () => {
    const next = selfSignedRsa('idp.example.com')
    const short = selfSignedRsa('idp.example.com', stamp(t.clock.now() + 3_600_000))
    await configure({ new_members: 'viewer', certificate: `${short.cert}\n${next.cert}${provider.certificate}` })
    for (const by of [undefined, next, short])
      expect(await me(await signIn(ANN, by ? { by } : {}))).toMatchObject({ email: ANN.email })
    t.clock.set(t.clock.now() + 3_700_000)
    expect(problemOf(await signIn(ANN, { by: short }))).toMatch(/not signed with a key/)
    expect(await me(await signIn(ANN, { by: next }))).toMatchObject({ email: ANN.email })
    const { certificates } = (await get('/api/v1/sso/saml', await t.admin())).json().provider
    expect(certificates.map((one: { is_expired: boolean }) => one.is_expired)).toEqual([true, false, false])

    const only = selfSignedRsa('idp.example.com', stamp(t.clock.now() + 3_600_000))
    await configure({ new_members: 'viewer', certificate: only.cert })
    t.clock.set(t.clock.now() + 3_700_000)
    expect(problemOf(await signIn(ANN, { by: only }))).toMatch(/^The certificate of the provider has expired/)
  })

  it('who is removed stays out, and so is everybody of a suspended tenant', async () => {
    await configure({ new_members: 'viewer' })
    const { user_id } = await me(await signIn())
    await t.request({ method: 'DELETE', url: `/api/v1/members/${user_id}`, headers: await t.admin() })
    expect(problemOf(await signIn())).toBe('You are not a member of this tenant any more.')
    const { url, cookie } = await goAway()
    const posted = await post(await provider.answer(url, await metadata(), ANN, { at: t.clock.now() }))
    await configure({ entity_id: 'https://other.example.com' })
    expect(problemOf(await follow(posted, cookie))).toBe('Single sign-on of this tenant was removed meanwhile.')
    const away = await goAway()
    await t.server.database.db.updateTable('tenants').set({ status: 'suspended' }).execute()
    const answer = await provider.answer(away.url, await metadata(), ANN, { at: t.clock.now() })
    expect(problemOf(await post(answer))).toBe('There is no single sign-on for this tenant.')
  })

  it('settings that cannot work are refused, and the field is named', async () => {
    const ec = selfSigned('idp.example.com').cert
    const expired = selfSignedRsa('idp.example.com', '210101000000Z').cert
    const small = selfSignedRsa('idp.example.com', undefined, 1024).cert
    const cases: readonly (readonly [object, string, RegExp])[] = [
      [{ entity_id: ' ' }, 'entity_id', /is needed/],
      [{ entity_id: 'with space' }, 'entity_id', /at most 1024/],
      [{ sso_url: 'http://idp.example.com/sso' }, 'sso_url', /must be https/],
      [{ sso_url: 'javascript:alert(1)' }, 'sso_url', /must be https/],
      [{ sso_url: 'nowhere' }, 'sso_url', /must be https/],
      [{ certificate: '' }, 'certificate', /is needed/],
      [{ certificate: 'bm90aGluZw==' }, 'certificate', /this is no X\.509 certificate/],
      [{ certificate: `${provider.certificate}${ec}` }, 'certificate', /certificate 2 has a key of the kind ec/],
      [{ certificate: provider.certificate.slice(0, 200) }, 'certificate', /no whole certificate/],
      [{ certificate: '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----' }, 'certificate', /no whole cert/],
      [{ certificate: expired }, 'certificate', /has expired, on 2021-01-01/],
      [{ certificate: small }, 'certificate', /1024 bits; 2048 are the least/],
      [{ metadata: 'x' }, 'metadata', /no XML/],
      [{ metadata: '<a><b></a>' }, 'metadata', /no XML/],
      [{ metadata: '<EntityDescriptor/>' }, 'metadata', /begins with <EntityDescriptor>/],
      [{ metadata: await metadata() }, 'metadata', /describes no identity provider/],
      [{ metadata: provider.metadata.replaceAll('HTTP-Redirect', 'SOAP') }, 'metadata', /no SingleSignOnService/],
      [{ metadata: `<!DOCTYPE x>${provider.metadata}` }, 'metadata', /document type/],
      [
        { metadata: provider.metadata.replaceAll('https://idp.example.com/sso', 'ftp://x/') },
        'metadata',
        /must be https/,
      ],
    ]
    for (const [more, field, problem] of cases) {
      const answer = await configure(more)
      expect(answer.statusCode, JSON.stringify(more)).toBe(422)
      const [{ loc, msg }] = answer.json().detail
      expect([loc, msg]).toEqual([['body', field], expect.stringMatching(problem)])
    }
    // In bare base64, as metadata carries it, and with an expired one beside.
    const bare = provider.certificate.replace(/-----.*?-----/g, '')
    expect((await configure({ certificate: bare })).json().provider.certificate).toBe(provider.certificate)
    expect(
      (await configure({ certificate: expired + provider.certificate })).json().provider.certificates,
    ).toMatchObject([{ is_expired: true, expires_at: '2021-01-01T00:00:00.000Z' }, { is_expired: false }])
  })

  it('where tiers limit tenants, SAML takes enterprise', async () => {
    const limited = await start({ environment: { LICTOR_LIMITS: 'on' } })
    try {
      const headers = await limited.admin()
      const set = () =>
        limited.request({
          method: 'PUT',
          url: '/v1/colony/saml',
          headers,
          payload: { entity_id: 'e', sso_url: 'https://idp.example.com', certificate: provider.certificate },
        })
      await limited.server.database.db.updateTable('tenants').set({ tier: 'pro' }).execute()
      expect([(await set()).statusCode, (await set()).json().error]).toEqual([403, 'enterprise_only'])
      await limited.server.database.db.updateTable('tenants').set({ tier: 'enterprise' }).execute()
      expect((await set()).json()).toMatchObject({ status: 'configured', configured: true, entity_id: 'e' })
    } finally {
      await limited.close()
    }
  })
})

/** An instant as certificates write it. */
const stamp = (at: number) => `${new Date(at).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`

describe('what an owner pastes', () => {
  it('metadata with several keys, and one to encrypt, gives those that sign', async () => {
    const { metadata, certificate } = createSamlProvider()
    const key = (use: string, value: string) =>
      `<KeyDescriptor${use}><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${value}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`
    const more = metadata.replace(
      /<\/KeyDescriptor>/,
      `</KeyDescriptor>${key('', 'Zmlyc3Q=')}${key(' use="encryption"', 'c2Vjb25k')}`,
    )
    const { certificates, ssoUrl } = await readProviderMetadata(more)
    expect(certificates).toHaveLength(2)
    expect(certificates).toContain('Zmlyc3Q=')
    expect(ssoUrl).toBe('https://idp.example.com/sso?idpid=1')
    expect(readCertificates(certificate + certificate, 'certificate', 0)).toHaveLength(1)
  })
})
