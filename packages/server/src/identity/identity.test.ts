import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../test/harness.ts'

onEachDatabase('identity', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  it('only the first setup makes an administrator', async () => {
    t = await start()
    const setup = () => t.request({ method: 'POST', url: '/api/v1/setup', payload: ADMIN })
    const answers = await Promise.all([setup(), setup(), setup()])
    expect(answers.map((answer) => answer.statusCode).sort()).toEqual([201, 409, 409])
    expect((await setup()).json()).toEqual({ detail: 'Server is already set up.' })
  })

  it('a short password and a bad e-mail are named', async () => {
    t = await start()
    const short = await t.request({
      method: 'POST',
      url: '/api/v1/setup',
      payload: { email: 'a@b.co', password: 'short' },
    })
    expect(short.statusCode).toBe(422)
    expect(short.json()).toEqual({
      detail: [{ loc: ['body', 'password'], msg: 'Value error, Password must be at least 12 characters' }],
    })
    const email = await t.request({ method: 'POST', url: '/api/v1/setup', payload: { ...ADMIN, email: 'nobody' } })
    expect(email.json().detail[0].loc).toEqual(['body', 'email'])
  })

  it('wrong e-mail and wrong password answer alike', async () => {
    t = await start()
    await t.admin()
    const login = (payload: object) => t.request({ method: 'POST', url: '/api/v1/auth/login', payload })
    const wrong = [
      await login({ ...ADMIN, password: 'not this one at all' }),
      await login({ ...ADMIN, email: 'nobody@example.com' }),
    ]
    for (const answer of wrong) {
      expect(answer.statusCode).toBe(401)
      expect(answer.json()).toEqual({ detail: 'Invalid email or password.' })
    }
  })

  it('the login limit is exact under concurrency', async () => {
    t = await start({ environment: { LICTOR_LOGIN_ATTEMPTS: '3' } })
    const login = () => t.request({ method: 'POST', url: '/api/v1/auth/login', payload: ADMIN })
    const answers = await Promise.all(Array.from({ length: 8 }, login))
    expect(answers.filter((answer) => answer.statusCode === 429)).toHaveLength(5)
    expect(answers.at(-1)?.headers['retry-after']).toBe('301')
    await t.clock.advance(300_000)
    expect((await login()).statusCode).toBe(401)
  })

  it('a session ends when idle for its time to live, and after seven days whatever happens', async () => {
    t = await start()
    const headers = await t.admin()
    const me = async () => (await t.request({ method: 'GET', url: '/api/v1/auth/me', headers })).statusCode
    // Jumps: the workers' turns of a week are not what is proven here.
    const later = (hours: number) => t.clock.set(t.clock.now() + hours * 3_600_000)
    for (let day = 0; day < 7; day++) {
      later(23)
      expect(await me()).toBe(200)
    }
    later(23)
    expect(await me()).toBe(401)
  })

  it('a revoked key stops working at once, and only its own tenant can revoke it', async () => {
    t = await start()
    const headers = await t.admin()
    const created = (
      await t.request({ method: 'POST', url: '/api/v1/keys', headers, payload: { env: 'staging', label: 'ci' } })
    ).json()
    expect(created.key).toMatch(/^edk_staging_[\w-]{43}$/)
    expect(created.prefix).toBe(created.key.slice(0, 'edk_staging_'.length + 8))
    const other = await t.otherTenant()
    const revoke = (as: Record<string, string>) =>
      t.request({ method: 'DELETE', url: `/api/v1/keys/${created.id}`, headers: as })
    expect((await revoke(other)).statusCode).toBe(404)
    expect((await revoke(headers)).statusCode).toBe(204)
    expect((await revoke(headers)).json()).toEqual({ detail: 'API key not found or already revoked.' })
    expect((await t.request({ method: 'GET', url: '/api/v1/keys', headers })).json()).toEqual([])
  })

  it('keys and sessions survive a restart', async () => {
    t = await start()
    const headers = await t.admin()
    await t.agent()
    await t.restart()
    expect((await t.request({ method: 'GET', url: '/api/v1/keys', headers })).json()).toHaveLength(1)
  })

  it('a change by cookie without the CSRF header is refused before anything else', async () => {
    t = await start()
    const answer = await t.request({ method: 'POST', url: '/api/v1/keys', payload: { env: 'production' } })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toEqual({ detail: 'Missing CSRF header.' })
  })

  it('malformed JSON, an oversized body, a wrong method and a trailing slash are answered as specified', async () => {
    t = await start()
    const headers = { ...(await t.admin()), 'content-type': 'application/json' }
    const malformed = await t.request({ method: 'POST', url: '/api/v1/keys', headers, payload: '{"env": "prod' })
    expect([malformed.statusCode, malformed.json().detail[0].msg]).toEqual([422, 'JSON decode error'])
    const large = await t.request({
      method: 'POST',
      url: '/api/v1/auth/login',
      headers,
      payload: `{"email":"${'x'.repeat(4097)}"}`,
    })
    expect([large.statusCode, large.json()]).toEqual([413, { detail: 'Request body too large. Maximum allowed: 4KB.' }])
    const method = await t.request({ method: 'PUT', url: '/api/v1/keys', headers, payload: '{}' })
    expect([method.statusCode, method.headers.allow]).toEqual([405, 'GET, POST'])
    const slash = await t.request({ method: 'GET', url: '/api/v1/keys/', headers })
    expect([slash.statusCode, slash.headers.location]).toEqual([307, '/api/v1/keys'])
  })
})
