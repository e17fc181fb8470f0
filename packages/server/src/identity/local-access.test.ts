import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../test/harness.ts'

onEachDatabase('signing in from the machine of the server', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const file = () => join(t.environment.LICTOR_DATA_DIR ?? '', 'local-access.json')
  const published = () => JSON.parse(readFileSync(file(), 'utf8')) as { url: string; secret: string }
  const enter = async (secret: unknown) => {
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/auth/local',
      headers: { 'x-requested-with': 'cli' },
      payload: { secret },
    })
    return { status: answer.statusCode, body: answer.json(), cookie: String(answer.headers['set-cookie'] ?? '') }
  }

  it('who can read the file acts as the first administrator', async () => {
    t = await start()
    await t.otherTenant()
    await t.server.database.db
      .updateTable('users')
      .set((e) => ({ created_at: e('created_at', '+', 1) }))
      .where('email', '!=', ADMIN.email)
      .execute()
    const address = await t.listen()
    expect(published().url).toBe(address)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    const { status, body, cookie } = await enter(published().secret)
    expect([status, body]).toEqual([200, { message: 'Logged in.' }])
    expect(cookie).toMatch(/^edictum_session=[\w-]{43};.*HttpOnly/)
    const me = await t.request({
      method: 'GET',
      url: '/api/v1/auth/me',
      headers: { cookie: cookie.split(';')[0] ?? '' },
    })
    expect(me.json()).toMatchObject({ email: ADMIN.email, is_admin: true })
  })

  it('before there is an administrator, it says so', async () => {
    t = await start()
    await t.listen()
    const { status, body, cookie } = await enter(published().secret)
    expect([status, body.detail, cookie]).toEqual([404, expect.stringContaining('no administrator yet'), ''])
  })

  it('the secret is new at each start: one that is old, made up or empty opens nothing, and few are tried', async () => {
    t = await start()
    await t.admin()
    await t.listen()
    const old = published().secret
    await t.restart()
    await t.listen()
    expect(published().secret).not.toBe(old)
    for (const secret of [old, '', published().url, 'x'.repeat(200)]) {
      const { status, cookie } = await enter(secret)
      expect([secret, status, cookie]).toEqual([secret, 401, ''])
    }
    for (const secret of ['x'.repeat(201), 7, null, undefined]) expect((await enter(secret)).status).toBe(422)
    for (let attempt = 4; attempt < 10; attempt++) expect((await enter('wrong')).status).toBe(401)
    expect((await enter('wrong')).status).toBe(429)
    // Who has the right one is not kept out by those who have not.
    expect((await enter(published().secret)).status).toBe(200)
  })
})
