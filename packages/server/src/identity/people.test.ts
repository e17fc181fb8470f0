import { TOTP } from 'otpauth'
import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../test/harness.ts'
import { serviceHeaders } from '../../test/runtime.ts'
import type { MailMessage } from '../ports/mail.ts'

const PASSWORD = 'a long enough password'
type Headers = Record<string, string>

onEachDatabase('people of a tenant', (start) => {
  let t: TestServer
  afterEach(() => t?.close())

  const post = (url: string, payload: object, headers: Headers = { 'x-requested-with': 'test' }) =>
    t.request({ method: 'POST', url, headers, payload })
  const get = (url: string, headers: Headers) => t.request({ method: 'GET', url, headers })
  const cookieOf = (answer: { headers: object }): Headers => ({
    cookie: String((answer.headers as Record<string, unknown>)['set-cookie']).split(';')[0] ?? '',
    'x-requested-with': 'test',
  })
  const tokenIn = (link: string) => link.split('#')[1] ?? ''
  const invite = async (email: string, role = 'member', headers?: Headers) =>
    (await post('/api/v1/invitations', { email, role }, headers ?? (await t.admin()))).json<{
      id: string
      link: string
      mail: string
    }>()
  const accept = (link: string, more: object = { password: PASSWORD }, headers?: Headers) =>
    post('/api/v1/auth/invitation/accept', { token: tokenIn(link), ...more }, headers)
  /** Somebody new in the tenant. */
  async function join(email: string, role = 'member'): Promise<{ id: string; headers: Headers }> {
    const answer = await accept((await invite(email, role)).link)
    expect(answer.statusCode).toBe(200)
    const headers = cookieOf(answer)
    return { id: (await get('/api/v1/auth/me', headers)).json<{ user_id: string }>().user_id, headers }
  }
  const setRole = async (id: string, role: string, headers?: Headers) =>
    t.request({ method: 'PUT', url: `/api/v1/members/${id}`, headers: headers ?? (await t.admin()), payload: { role } })
  const remove = async (id: string, headers?: Headers) =>
    t.request({ method: 'DELETE', url: `/api/v1/members/${id}`, headers: headers ?? (await t.admin()) })
  const me = async (headers: Headers) => (await get('/api/v1/auth/me', headers)).json()
  async function makeTenant(slug: string, owner: string): Promise<{ id: string; headers: Headers; userId: string }> {
    const made = await post('/v1/admin/tenants', { slug, display_name: slug }, await t.admin())
    expect(made.statusCode).toBe(201)
    const sent = await post(`/v1/admin/tenants/${slug}/invitations`, { email: owner }, await t.admin())
    const answer = await accept(sent.json().link)
    expect(answer.statusCode).toBe(200)
    const headers = cookieOf(answer)
    return { id: made.json().id, headers, userId: (await me(headers)).user_id }
  }

  it('an invitation lets in the invited person, once, with the role that was given', async () => {
    t = await start()
    const { link, mail } = await invite('bob@example.com', 'viewer')
    expect(mail).toBe('off')
    const looked = await post('/api/v1/auth/invitation', { token: tokenIn(link) })
    expect(looked.json()).toMatchObject({ email: 'bob@example.com', role: 'viewer', has_account: false })
    // Whoever only looks, such as a scanner of mails, uses nothing up.
    await post('/api/v1/auth/invitation', { token: tokenIn(link) })
    const answers = await Promise.all([accept(link), accept(link), accept(link)])
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409, 409])
    const won = answers.find(({ statusCode }) => statusCode === 200)
    expect(await me(cookieOf(won ?? { headers: {} }))).toMatchObject({
      email: 'bob@example.com',
      role: 'viewer',
      is_admin: false,
    })
    const members = (await get('/api/v1/members', await t.admin())).json<{ email: string; role: string }[]>()
    expect(members.map(({ email, role }) => [email, role]).toSorted()).toEqual([
      [ADMIN.email, 'owner'],
      ['bob@example.com', 'viewer'],
    ])
    expect((await post('/api/v1/auth/login', { email: 'bob@example.com', password: PASSWORD })).statusCode).toBe(200)
  })

  it('an invitation is for nobody else: who is signed in as another is told so, and it stays good', async () => {
    t = await start()
    const { link } = await invite('bob@example.com')
    const refused = await accept(link, {}, await t.admin())
    expect([refused.statusCode, refused.json().detail]).toEqual([
      403,
      `This invitation is for bob@example.com, and you are signed in as ${ADMIN.email}. Sign out and open the link again.`,
    ])
    expect((await accept(link, {})).statusCode).toBe(401)
    expect((await accept(link, { password: 'short' })).statusCode).toBe(422)
    expect((await accept(link)).statusCode).toBe(200)
  })

  it('an invitation that ran out, was taken back or was sent again opens nothing; the same address can be invited again', async () => {
    t = await start()
    const first = await invite('bob@example.com')
    const second = await invite('Bob@example.com')
    expect((await accept(first.link)).statusCode).toBe(409)
    await t.request({ method: 'DELETE', url: `/api/v1/invitations/${second.id}`, headers: await t.admin() })
    expect((await accept(second.link)).statusCode).toBe(409)
    const third = await invite('bob@example.com')
    t.clock.set(t.clock.now() + 7 * 86_400_000)
    expect((await accept(third.link)).statusCode).toBe(410)
    const admin = cookieOf(await post('/api/v1/auth/login', ADMIN))
    expect((await accept((await invite('bob@example.com', 'member', admin)).link)).statusCode).toBe(200)
    expect((await accept(`/dashboard/invitation#${'A'.repeat(43)}`)).statusCode).toBe(404)
    const again = await post('/api/v1/invitations', { email: 'bob@example.com' }, admin)
    expect(again.statusCode).toBe(409)
  })

  it('no more than five invitations an hour go to one address, and a person of no right sends none', async () => {
    t = await start()
    const { headers } = await join('bob@example.com')
    expect((await post('/api/v1/invitations', { email: 'x@example.com' }, headers)).statusCode).toBe(403)
    for (let count = 0; count < 5; count++) await invite('carol@example.com')
    const refused = await post('/api/v1/invitations', { email: 'carol@example.com' }, await t.admin())
    expect([refused.statusCode, Number(refused.headers['retry-after']) > 0]).toEqual([429, true])
  })

  it('the mail carries the link, and a mail server that refuses leaves the link to be handed over', async () => {
    const sent: MailMessage[] = []
    let isAway = false
    t = await start({
      environment: {
        LICTOR_SMTP_HOST: 'mail.example.com',
        LICTOR_SMTP_FROM: 'lictor@example.com',
        LICTOR_BASE_URL: 'https://lictor.example.com/below',
      },
      overrides: {
        mail: {
          send: async (_server, message) => {
            if (isAway) throw new Error('away')
            sent.push(message)
          },
        },
      },
    })
    const { link, mail } = await invite('bob@example.com')
    expect(link).toMatch(/^https:\/\/lictor\.example\.com\/below\/dashboard\/invitation#/)
    expect(mail).toBe('sent')
    expect(sent[0]).toMatchObject({ to: ['bob@example.com'], from: 'lictor@example.com' })
    expect(sent[0]?.text).toContain(link)
    isAway = true
    expect((await invite('carol@example.com')).mail).toBe('failed')
  })

  it('of two owners who make each other members at once, one stays an owner', async () => {
    t = await start()
    const bob = await join('bob@example.com', 'owner')
    const own = (await me(await t.admin())).user_id
    const answers = await Promise.all([setRole(own, 'member', bob.headers), setRole(bob.id, 'member')])
    expect(answers.map(({ statusCode }) => statusCode).filter((status) => status === 200)).toHaveLength(1)
    const members = (await get('/api/v1/members', bob.headers)).json<{ role: string }[]>()
    expect(members.filter(({ role }) => role === 'owner')).toHaveLength(1)
  })

  it('the last owner cannot leave, be removed or be lowered, by anybody', async () => {
    t = await start()
    const own = (await me(await t.admin())).user_id
    const bob = await join('bob@example.com', 'admin')
    expect((await remove(own)).statusCode).toBe(409)
    expect((await setRole(own, 'admin')).statusCode).toBe(409)
    expect((await post('/api/v1/auth/tenant/leave', {}, await t.admin())).statusCode).toBe(409)
    for (const answer of [await remove(own, bob.headers), await setRole(own, 'viewer', bob.headers)])
      expect(answer.statusCode).toBe(403)
    expect((await setRole(bob.id, 'owner', bob.headers)).statusCode).toBe(403)
    const made = await post('/api/v1/invitations', { email: 'x@example.com', role: 'owner' }, bob.headers)
    expect(made.statusCode).toBe(403)
    expect((await setRole(bob.id, 'owner')).statusCode).toBe(200)
    expect((await post('/api/v1/auth/tenant/leave', {}, await t.admin())).statusCode).toBe(204)
  })

  it('a role that is taken away while a request is under way changes nothing any more', async () => {
    t = await start()
    const bob = await join('bob@example.com', 'admin')
    const carol = await join('carol@example.com')
    // Both are let in as administrators; whichever comes second finds what the first left.
    const [lowered, changed] = await Promise.all([setRole(bob.id, 'viewer'), setRole(carol.id, 'admin', bob.headers)])
    expect(lowered.statusCode).toBe(200)
    const role = (await get('/api/v1/members', await t.admin()))
      .json<{ user_id: string; role: string }[]>()
      .find(({ user_id }) => user_id === carol.id)?.role
    expect([changed.statusCode, role]).toEqual(changed.statusCode === 200 ? [200, 'admin'] : [403, 'member'])
    expect((await setRole(carol.id, 'owner', bob.headers)).statusCode).toBe(403)
  })

  it('who is removed is out at once, with sessions and keys, and stays in tenants of others', async () => {
    t = await start()
    const acme = await makeTenant('acme', 'dora@example.com')
    const invited = await invite('dora@example.com')
    expect((await accept(invited.link, {}, acme.headers)).statusCode).toBe(200)
    const home = (await get('/api/v1/auth/tenants', acme.headers)).json<{ tenant_id: string; slug: string }[]>()
    expect(home.map(({ slug }) => slug).sort()).toEqual(['acme', 'default'])
    const there = home.find(({ slug }) => slug === 'default')?.tenant_id
    const other = cookieOf(await post('/api/v1/auth/login', { email: 'dora@example.com', password: PASSWORD }))
    const moved = await t.request({
      method: 'PUT',
      url: '/api/v1/auth/tenant',
      headers: other,
      payload: { tenant_id: there },
    })
    expect(moved.json()).toMatchObject({ slug: 'default', role: 'member' })
    const { key } = (await post('/v1/api-keys', { name: 'mine' }, other)).json<{ key: string }>()
    const bearer = { authorization: `Bearer ${key}` }
    expect((await get('/v1/agents', bearer)).statusCode).toBe(200)
    expect((await remove(acme.userId)).statusCode).toBe(204)
    expect((await get('/v1/agents', bearer)).statusCode).toBe(401)
    expect((await get('/api/v1/auth/me', other)).statusCode).toBe(401)
    expect(await me(acme.headers)).toMatchObject({ tenant_id: acme.id, role: 'owner', is_operator: false })
  })

  it('a suspended tenant is refused everywhere, and goes on when it is resumed', async () => {
    t = await start()
    const acme = await makeTenant('acme', 'dora@example.com')
    const agentKey = (await post('/api/v1/keys', { env: 'production' }, acme.headers)).json<{ key: string }>().key
    const runtimeKey = (await post('/v1/api-keys', { name: 'mine' }, acme.headers)).json<{ key: string }>().key
    const account = (await post('/api/v1/service-accounts', { name: 'ci' }, acme.headers)).json()
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: account.client_id,
      client_secret: account.client_secret,
    }).toString()
    const token = () =>
      t.request({
        method: 'POST',
        url: '/realms/acme/protocol/openid-connect/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: form,
      })
    const bearer = (await token()).json<{ access_token: string }>().access_token
    const asked = async () => {
      const answers = [
        await get('/api/v1/bundles', acme.headers),
        await t.request({
          method: 'POST',
          url: '/api/v1/events',
          headers: { authorization: `Bearer ${agentKey}` },
          payload: { events: [] },
        }),
        await get('/v1/agents', { authorization: `Bearer ${runtimeKey}` }),
        await get('/v1/agents', { authorization: `Bearer ${bearer}` }),
        await get('/v1/agents', acme.headers),
        await token(),
      ]
      return answers.map(({ statusCode }) => statusCode)
    }
    expect(await asked()).toEqual(
      [200, 422, 200, 200, 200, 200].map((status, index) => (index === 1 ? expect.any(Number) : status)),
    )
    const suspend = async () => post('/v1/admin/tenants/acme/suspend', {}, await t.admin())
    expect((await suspend()).json()).toEqual({ status: 'suspended', slug: 'acme' })
    expect((await suspend()).json()).toEqual({ status: 'suspended', slug: 'acme' })
    expect(await asked()).toEqual([403, 403, 403, 403, 403, 403])
    expect((await get('/v1/agents', acme.headers)).json()).toMatchObject({ error: 'tenant_suspended' })
    expect(await me(acme.headers)).toMatchObject({ tenant_id: acme.id })
    await post('/v1/admin/tenants/acme/resume', {}, await t.admin())
    expect((await asked()).filter((status) => status === 403)).toEqual([])
    await t.request({ method: 'DELETE', url: '/v1/admin/tenants/acme', headers: await t.admin() })
    expect((await asked()).every((status) => status === 401)).toBe(true)
    const list = (await get('/v1/admin/tenants', await t.admin())).json<{ tenants: { slug: string }[] }>()
    expect(list.tenants.map(({ slug }) => slug)).toEqual(['default'])
  })

  it('only who looks after the installation sees and changes tenants', async () => {
    t = await start()
    const acme = await makeTenant('acme', 'dora@example.com')
    const account = (await post('/api/v1/service-accounts', { name: 'x', role: 'aegis:admin' }, acme.headers)).json()
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: account.client_id,
      client_secret: account.client_secret,
    })
    const token = await t.request({
      method: 'POST',
      url: '/realms/acme/protocol/openid-connect/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: form.toString(),
    })
    const foreign = { authorization: `Bearer ${token.json().access_token}` }
    for (const headers of [acme.headers, foreign, await t.member('viewer'), await t.member()]) {
      for (const [method, url] of [
        ['GET', '/v1/admin/tenants'],
        ['GET', '/v1/admin/tenants/default'],
        ['POST', '/v1/admin/tenants/default/suspend'],
        ['DELETE', '/v1/admin/tenants/acme'],
        ['POST', '/v1/seal/keys/rotate'],
      ] as const)
        expect([
          url,
          (await t.request({ method, url, headers, ...(method === 'POST' ? { payload: {} } : {}) })).statusCode,
        ]).toEqual([url, 403])
    }
    const own = await serviceHeaders(t, { role: 'aegis:admin' })
    expect((await get('/v1/admin/tenants', own)).json<{ count: number }>().count).toBe(2)
    for (const action of ['suspend', 'delete'])
      expect(
        (
          await (action === 'suspend'
            ? post('/v1/admin/tenants/default/suspend', {}, await t.admin())
            : t.request({ method: 'DELETE', url: '/v1/admin/tenants/default', headers: await t.admin() }))
        ).statusCode,
      ).toBe(409)
  })

  it('a tenant that cannot be is refused by name', async () => {
    t = await start()
    await t.admin()
    const make = async (body: object) => post('/v1/admin/tenants', body, await t.admin())
    for (const slug of ['', 'Acme', '-a', 'a-', 'a_b', 'x'.repeat(64), 'aegis-system'])
      expect([slug, (await make({ slug, display_name: 'x' })).json().error]).toEqual([
        slug,
        `Invalid tenant slug: ${slug}`,
      ])
    expect((await make({ slug: 'a', display_name: 'x', tier: 'gold' })).json().error).toBe('Invalid tier: gold')
    expect((await make({ slug: 'a', display_name: ' ' })).statusCode).toBe(400)
    expect((await make({ slug: 'a', display_name: 'Same' })).json()).toMatchObject({
      slug: 'a',
      tier: 'enterprise',
      keycloak_realm: 'tenant-a',
      quotas: { max_agents: 500 },
    })
    expect((await make({ slug: 'b', display_name: 'Same' })).statusCode).toBe(201)
    const again = await make({ slug: 'a', display_name: 'x' })
    expect([again.statusCode, again.json().error]).toEqual([409, 'Tenant slug already exists: a'])
    const personal = await make({ slug: 'u-1', display_name: 'One' })
    expect(personal.json().kind).toBe('personal')
    const owner = (
      await post('/v1/admin/tenants/u-1/invitations', { email: 'dora@example.com' }, await t.admin())
    ).json()
    const headers = cookieOf(await accept(owner.link))
    expect((await post('/api/v1/invitations', { email: 'x@example.com' }, headers)).statusCode).toBe(400)
  })

  it('an owner deletes the tenant by its name, and nobody else does', async () => {
    t = await start()
    const acme = await makeTenant('acme', 'dora@example.com')
    const end = (slug: string, headers: Headers) =>
      t.request({ method: 'DELETE', url: '/api/v1/tenant', headers, payload: { slug } })
    expect((await end('default', await t.admin())).statusCode).toBe(409)
    expect((await end('default', await t.member('admin'))).statusCode).toBe(403)
    expect((await end('wrong', acme.headers)).statusCode).toBe(400)
    expect((await end('acme', acme.headers)).statusCode).toBe(204)
    expect((await get('/api/v1/auth/me', acme.headers)).statusCode).toBe(401)
    const login = await post('/api/v1/auth/login', { email: 'dora@example.com', password: PASSWORD })
    expect(login.statusCode).toBe(403)
  })

  it('every administrative act is written down, with who and what, and no secret', async () => {
    t = await start()
    const bob = await join('bob@example.com')
    await setRole(bob.id, 'admin')
    await post('/api/v1/keys', { env: 'staging' }, bob.headers)
    await post('/api/v1/service-accounts', { name: 'ci' }, await t.admin())
    await setRole(bob.id, 'king')
    await post('/api/v1/keys', { env: 'nowhere' }, bob.headers)
    const acts = (await get('/api/v1/administration/acts', await t.admin())).json<
      { actor: string; action: string; target: string; details: object; status: number }[]
    >()
    expect(acts.map(({ actor, action, status }) => [actor, action, status]).toSorted()).toEqual([
      [ADMIN.email, 'POST /api/v1/invitations', 201],
      [ADMIN.email, 'POST /api/v1/service-accounts', 201],
      [ADMIN.email, 'PUT /api/v1/members/:user_id', 200],
      ['bob@example.com', 'POST /api/v1/keys', 201],
    ])
    expect(acts.find(({ action }) => action.startsWith('PUT'))).toMatchObject({
      target: bob.id,
      details: { role: 'admin' },
    })
    const rows = await t.server.database.db.selectFrom('administrative_acts').selectAll().execute()
    expect(JSON.stringify(rows)).not.toMatch(/edk_|secret|token/)
    expect((await get('/api/v1/administration/acts', await t.member())).statusCode).toBe(403)
  })

  it('sessions are listed, and ended one by one or all others', async () => {
    t = await start()
    const admin = await t.admin()
    const other = cookieOf(
      await post('/api/v1/auth/login', ADMIN, { 'user-agent': 'Other/1', 'x-requested-with': 'test' }),
    )
    const third = cookieOf(await post('/api/v1/auth/login', ADMIN))
    const list = (await get('/api/v1/auth/sessions', admin)).json<
      { id: string; current: boolean; user_agent: string }[]
    >()
    expect(list.filter(({ current }) => current)).toHaveLength(1)
    const id = list.find(({ user_agent }) => user_agent === 'Other/1')?.id ?? ''
    expect(JSON.stringify(list)).not.toContain(other.cookie?.split('=')[1])
    await t.request({ method: 'DELETE', url: `/api/v1/auth/sessions/${id}`, headers: admin })
    expect((await get('/api/v1/auth/me', other)).statusCode).toBe(401)
    const member = await t.member()
    expect(
      (await t.request({ method: 'DELETE', url: `/api/v1/auth/sessions/${list[0]?.id}`, headers: member })).statusCode,
    ).toBe(404)
    const ended = await t.request({ method: 'DELETE', url: '/api/v1/auth/sessions', headers: admin })
    expect(ended.json()).toEqual({ ended: 1 })
    expect((await get('/api/v1/auth/me', third)).statusCode).toBe(401)
    expect((await get('/api/v1/auth/me', admin)).statusCode).toBe(200)
  })

  it('a new password ends every other session, and takes the present one', async () => {
    t = await start()
    const admin = await t.admin()
    const other = cookieOf(await post('/api/v1/auth/login', ADMIN))
    const change = (present_password: string, password: string) =>
      t.request({
        method: 'PUT',
        url: '/api/v1/auth/password',
        headers: admin,
        payload: { present_password, password },
      })
    expect((await change('wrong', PASSWORD)).statusCode).toBe(401)
    expect((await change(ADMIN.password, 'short')).statusCode).toBe(422)
    expect((await change(ADMIN.password, PASSWORD)).statusCode).toBe(204)
    expect((await get('/api/v1/auth/me', other)).statusCode).toBe(401)
    expect((await get('/api/v1/auth/me', admin)).statusCode).toBe(200)
    expect((await post('/api/v1/auth/login', ADMIN)).statusCode).toBe(401)
  })

  it('a lost password is set anew by a mailed link, once, within the hour, whoever asks told nothing', async () => {
    const sent: MailMessage[] = []
    t = await start({
      environment: { LICTOR_SMTP_HOST: 'mail.example.com' },
      overrides: { mail: { send: async (_server, message) => void sent.push(message) } },
    })
    const admin = await t.admin()
    const known = await post('/api/v1/auth/password-reset', { email: ADMIN.email })
    const unknown = await post('/api/v1/auth/password-reset', { email: 'nobody@example.com' })
    expect([known.statusCode, known.body]).toEqual([unknown.statusCode, unknown.body])
    await expect.poll(() => sent.length, { timeout: 15_000 }).toBe(1)
    const link = /https?:\S+/.exec(sent[0]?.text ?? '')?.[0] ?? ''
    const complete = (password = PASSWORD) =>
      post('/api/v1/auth/password-reset/complete', { token: tokenIn(link), password })
    expect((await complete('short')).statusCode).toBe(422)
    const answers = await Promise.all([complete(), complete()])
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 410])
    expect((await get('/api/v1/auth/me', admin)).statusCode).toBe(401)
    expect((await post('/api/v1/auth/login', { ...ADMIN, password: PASSWORD })).statusCode).toBe(200)
    await post('/api/v1/auth/password-reset', { email: ADMIN.email })
    await expect.poll(() => sent.length, { timeout: 15_000 }).toBe(2)
    t.clock.set(t.clock.now() + 3_600_000)
    const late = /https?:\S+/.exec(sent[1]?.text ?? '')?.[0] ?? ''
    expect(
      (await post('/api/v1/auth/password-reset/complete', { token: tokenIn(late), password: PASSWORD })).statusCode,
    ).toBe(410)
  })

  it('a link for a new password opens nothing once the password was changed, or its person joined another tenant', async () => {
    t = await start()
    const acme = await makeTenant('acme', 'dora@example.com')
    const inAcme = (await post('/api/v1/invitations', { email: 'bob@example.com' }, acme.headers)).json<{
      link: string
    }>()
    const bob = cookieOf(await accept(inAcme.link))
    const bobId = (await me(bob)).user_id
    const links = async () =>
      Promise.all(
        [1, 2].map(async () =>
          (await post(`/api/v1/members/${bobId}/password-reset`, {}, acme.headers)).json<{ link: string }>(),
        ),
      )
    const open = async (given: readonly { link: string }[]) =>
      Promise.all(
        given.map(
          async ({ link }) =>
            (await post('/api/v1/auth/password-reset/complete', { token: tokenIn(link), password: 'taken over' }))
              .statusCode,
        ),
      )
    const before = await links()
    const changed = await t.request({
      method: 'PUT',
      url: '/api/v1/auth/password',
      headers: bob,
      payload: { present_password: PASSWORD, password: 'a password of my own' },
    })
    expect(changed.statusCode).toBe(204)
    expect(await open(before)).toEqual([410, 410])
    // Who looks after acme may change how members of acme alone sign in: bob is one no longer, whenever the link was made.
    const handed = await links()
    expect((await accept((await invite('bob@example.com', 'admin')).link, {}, bob)).statusCode).toBe(200)
    expect(await open(handed)).toEqual([410, 410])
    expect((await me(bob)).user_id).toBe(bobId)
  })

  it('without a mail server an administrator hands a link over, but not to somebody who is elsewhere more', async () => {
    t = await start()
    expect((await post('/api/v1/auth/password-reset', { email: ADMIN.email })).statusCode).toBe(501)
    const acme = await makeTenant('acme', 'dora@example.com')
    const inAcme = (await post('/api/v1/invitations', { email: 'bob@example.com' }, acme.headers)).json<{
      link: string
    }>()
    const bob = cookieOf(await accept(inAcme.link))
    const bobId = (await me(bob)).user_id
    const linkFor = (id: string, headers: Headers) => post(`/api/v1/members/${id}/password-reset`, {}, headers)
    expect((await linkFor(bobId, acme.headers)).statusCode).toBe(201)
    expect((await linkFor(bobId, await t.admin())).statusCode).toBe(404)
    expect((await accept((await invite('bob@example.com', 'admin')).link, {}, bob)).statusCode).toBe(200)
    expect((await linkFor(bobId, acme.headers)).statusCode).toBe(403)
    const byOperator = await linkFor(bobId, await t.admin())
    expect(byOperator.statusCode).toBe(201)
    const complete = await post('/api/v1/auth/password-reset/complete', {
      token: tokenIn(byOperator.json().link),
      password: 'another password',
    })
    expect(complete.statusCode).toBe(200)
  })

  it('a second factor: no password lets in without a code, no code twice, and a lost device is no end', async () => {
    t = await start()
    const admin = await t.admin()
    const begun = (await post('/api/v1/auth/second-factor', {}, admin)).json<{ secret: string; uri: string }>()
    expect(begun.uri).toMatch(/^otpauth:\/\/totp\/Lictor:admin%40example\.com\?/)
    const code = () => new TOTP({ secret: begun.secret }).generate({ timestamp: t.clock.now() })
    const login = (more: object) => post('/api/v1/auth/login', { ...ADMIN, ...more })
    // Not in force before it is confirmed.
    expect((await login({})).statusCode).toBe(200)
    expect((await post('/api/v1/auth/second-factor/confirm', { code: '000000' }, admin)).statusCode).toBe(401)
    const confirmed = await post('/api/v1/auth/second-factor/confirm', { code: code() }, admin)
    const codes = confirmed.json<{ recovery_codes: string[] }>().recovery_codes
    expect(new Set(codes).size).toBe(10)
    const bare = await login({})
    expect([bare.statusCode, bare.json().detail]).toEqual([401, 'Enter the code of your second factor.'])
    expect((await login({ code: code() })).statusCode).toBe(401)
    t.clock.set(t.clock.now() + 30_000)
    const answers = await Promise.all([login({ code: code() }), login({ code: code() })])
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 401])
    t.clock.set(t.clock.now() + 600_000)
    const byRecovery = await Promise.all([
      login({ code: codes[0] }),
      login({ code: codes[0]?.toLowerCase().replaceAll('-', '') }),
    ])
    expect(byRecovery.map(({ statusCode }) => statusCode).sort()).toEqual([200, 401])
    expect((await post('/api/v1/auth/second-factor', {}, admin)).statusCode).toBe(409)
    expect((await get('/api/v1/auth/second-factor', admin)).json()).toEqual({ enabled: true, recovery_codes_left: 9 })
    const row = await t.server.database.db.selectFrom('users').select('totp_sealed').executeTakeFirstOrThrow()
    expect(Buffer.from(row.totp_sealed ?? []).toString('latin1')).not.toContain(begun.secret)
    expect((await post('/api/v1/auth/second-factor/remove', { code: codes[1] }, admin)).statusCode).toBe(204)
    expect((await login({})).statusCode).toBe(200)
  })

  it('who guesses codes is stopped', async () => {
    t = await start({ environment: { LICTOR_LOGIN_ATTEMPTS: '1000' } })
    const admin = await t.admin()
    const { secret } = (await post('/api/v1/auth/second-factor', {}, admin)).json<{ secret: string }>()
    const right = () => new TOTP({ secret }).generate({ timestamp: t.clock.now() })
    await post('/api/v1/auth/second-factor/confirm', { code: right() }, admin)
    t.clock.set(t.clock.now() + 1_000_000)
    const wrong = right() === '111111' ? '222222' : '111111'
    for (let count = 0; count < 10; count++)
      expect((await post('/api/v1/auth/login', { ...ADMIN, code: wrong })).statusCode).toBe(401)
    expect((await post('/api/v1/auth/login', { ...ADMIN, code: right() })).statusCode).toBe(429)
  })

  it('an administrator removes the second factor of somebody who lost it', async () => {
    t = await start()
    const bob = await join('bob@example.com')
    const { secret } = (await post('/api/v1/auth/second-factor', {}, bob.headers)).json<{ secret: string }>()
    await post(
      '/api/v1/auth/second-factor/confirm',
      { code: new TOTP({ secret }).generate({ timestamp: t.clock.now() }) },
      bob.headers,
    )
    const lift = (headers: Headers) =>
      t.request({ method: 'DELETE', url: `/api/v1/members/${bob.id}/second-factor`, headers })
    expect((await lift(bob.headers)).statusCode).toBe(403)
    expect((await lift(await t.admin())).statusCode).toBe(204)
    expect((await post('/api/v1/auth/login', { email: 'bob@example.com', password: PASSWORD })).statusCode).toBe(200)
  })
})
