import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../test/harness.ts'
import { digestOf } from './opaque-tokens.ts'
import { createPasswords } from './passwords.ts'

type Headers = Record<string, string>

/** Signing in and out, and what a session is worth. */
onEachDatabase('signing in', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const login = (payload: object, headers: Headers = {}) =>
    t.request({ method: 'POST', url: '/api/v1/auth/login', headers, payload })
  const me = async (cookie: string | null) => {
    const answer = await t.request({
      method: 'GET',
      url: '/api/v1/auth/me',
      ...(cookie === null ? {} : { headers: { cookie } }),
    })
    return [answer.statusCode, answer.json()]
  }
  const signIn = async () => {
    await t.admin()
    return String((await login(ADMIN)).headers['set-cookie']).split(';')[0] ?? ''
  }
  const sessions = () => t.server.database.db.selectFrom('user_sessions').selectAll().execute()
  const invalid = [401, { detail: 'Session expired or invalid.' }]

  it('a good login sets a cookie that scripts cannot read, for the life of the session', async () => {
    t = await start()
    await t.admin()
    const answer = await login(ADMIN)
    expect([answer.statusCode, answer.json()]).toEqual([200, { message: 'Logged in.' }])
    const [pair, ...attributes] = String(answer.headers['set-cookie']).split('; ')
    expect(pair).toMatch(/^edictum_session=[A-Za-z0-9_-]{43}$/)
    expect(attributes.map((one) => one.toLowerCase()).sort()).toEqual([
      'httponly',
      'max-age=86400',
      'path=/',
      'samesite=lax',
    ])
  })

  it('the cookie goes over https only where the public address is https, and lives as long as is set', async () => {
    t = await start({ environment: { LICTOR_BASE_URL: 'https://lictor.example.com', LICTOR_SESSION_TTL_HOURS: '2' } })
    await t.admin()
    const cookie = String((await login(ADMIN)).headers['set-cookie'])
    expect(cookie).toMatch(/; Secure/)
    expect(cookie).toMatch(/; Max-Age=7200/)
  })

  it('who is signed in is told, with tenant and role', async () => {
    t = await start()
    const cookie = await signIn()
    const [user] = await t.server.database.db.selectFrom('users').selectAll().execute()
    expect(await me(cookie)).toEqual([
      200,
      {
        user_id: user?.id,
        tenant_id: user?.tenant_id,
        email: ADMIN.email,
        is_admin: true,
        role: 'owner',
        is_operator: true,
      },
    ])
  })

  it('without a cookie, with an empty, a made-up or a hostile one nobody is signed in', async () => {
    t = await start()
    await t.admin()
    expect(await me(null)).toEqual([401, { detail: 'Not authenticated.' }])
    expect(await me('edictum_session=')).toEqual([401, { detail: 'Not authenticated.' }])
    for (const value of [
      'random-string',
      'A'.repeat(43),
      "' OR '1'='1",
      '%27%3B%20drop%20table%20users%3B--',
      'x'.repeat(8_000),
      'a:b:c',
      '{"user_id":"x","is_admin":true}',
    ])
      expect(await me(`edictum_session=${value}`)).toEqual(invalid)
  })

  it('what is stored of a session opens none: neither its digest nor a row that somebody wrote', async () => {
    t = await start()
    const cookie = await signIn()
    const token = cookie.slice('edictum_session='.length)
    const digest = digestOf(token)
    expect((await sessions()).map((row) => row.token_hash)).toContain(digest)
    expect(await me(`edictum_session=${digest}`)).toEqual(invalid)
    // A session without its digest, as a legacy one would be; one whose digest is of something else.
    for (const token_hash of [token, digestOf(`${token}x`)]) {
      await t.server.database.db.deleteFrom('user_sessions').where('token_hash', '!=', digest).execute()
      await t.server.database.db.updateTable('user_sessions').set({ token_hash }).execute()
      expect(await me(cookie)).toEqual(invalid)
      await t.server.database.db.updateTable('user_sessions').set({ token_hash: digest }).execute()
    }
    expect((await me(cookie))[0]).toBe(200)
  })

  it('a session that was deleted is over', async () => {
    t = await start()
    const cookie = await signIn()
    await t.server.database.db.deleteFrom('user_sessions').execute()
    expect(await me(cookie)).toEqual(invalid)
  })

  it('signing out ends the session and clears the cookie, also without one', async () => {
    t = await start()
    const cookie = await signIn()
    const logout = (headers: Headers) =>
      t.request({ method: 'POST', url: '/api/v1/auth/logout', headers: { 'x-requested-with': 'x', ...headers } })
    const answer = await logout({ cookie })
    expect([answer.statusCode, answer.json()]).toEqual([200, { message: 'Logged out.' }])
    expect(String(answer.headers['set-cookie']).split('; ').sort()).toEqual([
      'HttpOnly',
      'Max-Age=0',
      'Path=/',
      'SameSite=Lax',
      'edictum_session=',
    ])
    expect(await me(cookie)).toEqual(invalid)
    for (const headers of [{}, { cookie }, { cookie: 'edictum_session=unknown' }] as Headers[])
      expect((await logout(headers)).json()).toEqual({ message: 'Logged out.' })
  })

  it('each use keeps a session alive; seven days after the login it ends with a reason, and is gone', async () => {
    t = await start()
    const cookie = await signIn()
    const hours = (count: number) => t.clock.set(t.clock.now() + count * 3_600_000)
    for (let count = 0; count < 8; count++) {
      hours(20)
      expect((await me(cookie))[0]).toBe(200)
    }
    hours(8)
    const before = (await sessions()).length
    expect(await me(cookie)).toEqual([401, { detail: 'Session expired. Please log in again.' }])
    expect((await sessions()).length).toBe(before - 1)
    expect(await me(cookie)).toEqual(invalid)
  })

  it('a session has the role that its user has now', async () => {
    t = await start()
    const cookie = await signIn()
    await t.server.database.db.updateTable('members').set({ role: 'member' }).execute()
    expect((await me(cookie))[1]).toMatchObject({ is_admin: false })
    await t.server.database.db.updateTable('members').set({ role: 'owner' }).execute()
    expect((await me(cookie))[1]).toMatchObject({ is_admin: true })
  })

  it('the e-mail is compared exactly, and texts beyond their limits are refused by name', async () => {
    t = await start()
    await t.admin()
    expect((await login({ ...ADMIN, email: ADMIN.email.toUpperCase() })).statusCode).toBe(401)
    expect((await login({ ...ADMIN, email: 'x'.repeat(255) })).statusCode).toBe(401)
    expect((await login({ ...ADMIN, password: 'x'.repeat(1024) })).statusCode).toBe(401)
    for (const [payload, field, msg] of [
      [{ ...ADMIN, email: 'x'.repeat(256) }, 'email', /255/],
      [{ ...ADMIN, password: 'x'.repeat(1025) }, 'password', /1024/],
      [{ ...ADMIN, password: 'a\u0000b' }, 'password', /^Value error, Null bytes are not allowed$/],
      [{ email: ADMIN.email }, 'password', /^Field required$/],
      [{ password: ADMIN.password }, 'email', /^Field required$/],
    ] as const) {
      const answer = await login(payload)
      expect([answer.statusCode, answer.json().detail]).toEqual([
        422,
        [{ loc: ['body', field], msg: expect.stringMatching(msg) }],
      ])
    }
  })

  it('a burst of logins is stopped: good ones count too, the right password no longer helps, another address may', async () => {
    t = await start({
      environment: { LICTOR_LOGIN_ATTEMPTS: '5', LICTOR_LOGIN_WINDOW_SECONDS: '60', LICTOR_TRUSTED_PROXIES: '*' },
    })
    await t.admin()
    const from = (address: string, password = 'wrong password here') =>
      login({ ...ADMIN, password }, { 'x-forwarded-for': address })
    const statuses: number[] = []
    for (let attempt = 0; attempt < 8; attempt++)
      statuses.push((await from('203.0.113.7', attempt === 0 ? ADMIN.password : undefined)).statusCode)
    expect(statuses).toEqual([200, 401, 401, 401, 401, 429, 429, 429])
    const refused = await from('203.0.113.7', ADMIN.password)
    expect([refused.statusCode, refused.json(), refused.headers['retry-after']]).toEqual([
      429,
      { detail: 'Too many login attempts. Please try again later.' },
      '61',
    ])
    expect((await from('203.0.113.8', ADMIN.password)).statusCode).toBe(200)
    t.clock.set(t.clock.now() + 60_000)
    expect((await from('203.0.113.7', ADMIN.password)).statusCode).toBe(200)
  })

  it('a login from nowhere is refused: its attempts could not be counted', async () => {
    t = await start()
    await t.admin()
    const folder = mkdtempSync(join(tmpdir(), 'lictor-socket-'))
    const socketPath = join(folder, 's')
    await t.server.http.listen({ path: socketPath })
    const answer = await new Promise<[number | undefined, string]>((resolve, reject) => {
      const outgoing = request(
        { socketPath, method: 'POST', path: '/api/v1/auth/login', headers: { 'content-type': 'application/json' } },
        (incoming) => {
          let body = ''
          incoming.on('data', (chunk) => (body += chunk))
          incoming.on('end', () => resolve([incoming.statusCode, body]))
        },
      )
      outgoing.on('error', reject)
      outgoing.end(JSON.stringify(ADMIN))
    })
    rmSync(folder, { recursive: true })
    expect(answer).toEqual([400, '{"detail":"Cannot determine client address."}'])
  })

  it('only the proxies that are named are believed about whom they speak for', async () => {
    t = await start({ environment: { LICTOR_LOGIN_ATTEMPTS: '1', LICTOR_TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16' } })
    const from = async (remoteAddress: string, forwarded: string) =>
      (
        await t.request({
          method: 'POST',
          url: '/api/v1/auth/login',
          remoteAddress,
          headers: { 'x-forwarded-for': forwarded },
          payload: ADMIN,
        })
      ).statusCode
    for (const proxy of ['10.0.0.1', '10.1.2.3'])
      expect([
        await from(proxy, `198.51.100.${proxy.at(-1)}`),
        await from(proxy, `198.51.100.${proxy.at(-1)}`),
      ]).toEqual([401, 429])
    // Of a stranger its own address counts, whatever it claims.
    expect([await from('203.0.113.9', '198.51.100.50'), await from('203.0.113.9', '198.51.100.51')]).toEqual([401, 429])
    // What a client put before the proxy's own word is not believed either.
    expect([
      await from('10.0.0.1', '1.1.1.1, 198.51.100.60'),
      await from('10.0.0.1', '2.2.2.2, 198.51.100.60'),
    ]).toEqual([401, 429])
  })

  it('an address that a client makes up moves no limit unless its sender is trusted', async () => {
    t = await start({ environment: { LICTOR_LOGIN_ATTEMPTS: '2' } })
    await t.server.isSetUp()
    const statuses: number[] = []
    for (let attempt = 0; attempt < 3; attempt++)
      statuses.push((await login(ADMIN, { 'x-forwarded-for': `203.0.113.${attempt}` })).statusCode)
    expect(statuses).toEqual([401, 401, 429])
  })
})

it('a password is stored with a salt of its own, and only itself verifies', async () => {
  const { hash, verify } = createPasswords(16)
  const [one, two] = [await hash('correct horse battery'), await hash('correct horse battery')]
  expect(one).not.toBe(two)
  expect(one).not.toContain('correct')
  expect(await verify('correct horse battery', one)).toBe(true)
  expect(await verify('correct horse batterx', one)).toBe(false)
  expect(await verify('', one)).toBe(false)
  expect(await verify('correct horse battery', undefined)).toBe(false)
  // Longer than what older hashes would look at.
  const long = 'x'.repeat(100)
  expect(await verify(`${long}y`, await hash(`${long}z`))).toBe(false)
})
