import pino from 'pino'
import { afterEach, expect, it } from 'vitest'
import { ADMIN, onEachDatabase, type TestServer } from '../../test/harness.ts'
import { createServer } from '../app.ts'
import { readConfig } from '../config.ts'

const CREDENTIALS = { LICTOR_ADMIN_EMAIL: 'first@example.com', LICTOR_ADMIN_PASSWORD: 'correct horse battery' }

/** The first user, from the environment or by the API. */
onEachDatabase('the first administrator', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const setup = (payload: object | string, headers: Record<string, string> = {}) =>
    t.request({ method: 'POST', url: '/api/v1/setup', headers, payload })
  const rows = async () => {
    const { db } = t.server.database
    return {
      users: await db.selectFrom('users').selectAll().execute(),
      tenants: (await db.selectFrom('tenants').selectAll().execute()).map(({ name }) => name),
      keys: (await db.selectFrom('signing_keys').selectAll().execute()).map(({ active }) => active),
    }
  }
  const login = async (email: string) =>
    (
      await t.request({
        method: 'POST',
        url: '/api/v1/auth/login',
        payload: { email, password: CREDENTIALS.LICTOR_ADMIN_PASSWORD },
      })
    ).statusCode
  const isSetUp = async () =>
    (await t.request({ method: 'GET', url: '/api/v1/health' })).json<{ bootstrap_complete: boolean }>()
      .bootstrap_complete
  /** Start once more on the same data and listen to what is logged. */
  async function saidBy(environment: Record<string, string>): Promise<string[]> {
    await t.server.close()
    const said: string[] = []
    const logger = pino({ level: 'info' }, { write: (line) => void said.push(line) })
    const other = await createServer(readConfig({ ...t.environment, ...environment }), logger, {
      passwordCost: 16,
      consoleDir: null,
    })
    await other.close()
    await t.restart()
    return said
      .map((line) => JSON.parse(line) as { level: number; msg: string })
      .map(({ level, msg }) => `${level} ${msg}`)
  }

  it('by the API: tenant, administrator and signing key, and no session', async () => {
    t = await start()
    expect(await isSetUp()).toBe(false)
    const answer = await setup({ ...ADMIN, tenant_name: 'Acme' })
    expect([answer.statusCode, answer.json(), answer.headers['set-cookie']]).toEqual([
      201,
      { message: 'Admin created', user_id: expect.any(String), tenant_id: expect.any(String) },
      undefined,
    ])
    const { users, tenants, keys } = await rows()
    expect(users).toMatchObject([
      { id: answer.json().user_id, tenant_id: answer.json().tenant_id, email: ADMIN.email, is_admin: 1 },
    ])
    expect(users[0]?.password_hash).not.toContain(ADMIN.password)
    expect([tenants, keys]).toEqual([['Acme'], [1]])
    expect(await isSetUp()).toBe(true)
  })

  it('the tenant is called Default when nobody names it', async () => {
    t = await start()
    await setup({ ...ADMIN, tenant_name: null })
    expect((await rows()).tenants).toEqual(['Default'])
  })

  it('needs JSON and no further header; what is wrong is named', async () => {
    t = await start()
    for (const [payload, field, msg] of [
      [{ ...ADMIN, password: 'x'.repeat(11) }, 'password', 'Value error, Password must be at least 12 characters'],
      [{ ...ADMIN, password: `${'x'.repeat(12)}\u0000` }, 'password', 'Value error, Null bytes are not allowed'],
      [{ ...ADMIN, password: 'x'.repeat(1025) }, 'password', expect.any(String)],
      [{ ...ADMIN, email: 'nobody' }, 'email', expect.any(String)],
      [{ ...ADMIN, email: 'a b@example.com' }, 'email', expect.any(String)],
      [{ ...ADMIN, email: undefined }, 'email', 'Field required'],
      [{ ...ADMIN, tenant_name: 5 }, 'tenant_name', expect.any(String)],
    ] as const) {
      const answer = await setup(payload)
      expect([answer.statusCode, answer.json().detail]).toEqual([422, [{ loc: ['body', field], msg }]])
    }
    expect((await setup(JSON.stringify(ADMIN), { 'content-type': 'text/plain' })).statusCode).toBe(422)
    expect((await rows()).users).toEqual([])
    expect((await setup({ ...ADMIN, password: 'x'.repeat(1024) })).statusCode).toBe(201)
  })

  it('from the environment, when there is no user yet', async () => {
    t = await start({ environment: CREDENTIALS })
    const { users, tenants, keys } = await rows()
    expect(users).toMatchObject([{ email: 'first@example.com', is_admin: 1 }])
    expect([tenants, keys]).toEqual([['default'], [1]])
    expect(await login('first@example.com')).toBe(200)
    expect((await setup(ADMIN)).statusCode).toBe(409)
  })

  it('from the environment never a second one, and without a word', async () => {
    t = await start({ environment: CREDENTIALS })
    const said = await saidBy({ LICTOR_ADMIN_EMAIL: 'second@example.com' })
    expect(said.filter((line) => /administrator/.test(line))).toEqual([])
    expect((await rows()).users.map(({ email }) => email)).toEqual(['first@example.com'])
  })

  it('with a short password in the environment nobody is created, and the operator is told what to do', async () => {
    t = await start({ environment: { ...CREDENTIALS, LICTOR_ADMIN_PASSWORD: 'x'.repeat(11) } })
    expect((await rows()).users).toEqual([])
    expect(await saidBy({})).toContain(
      '50 No administrator was created: LICTOR_ADMIN_PASSWORD is shorter than 12 characters. Set a longer one and start again, or open the address of this server and create one there. Until then nobody can sign in.',
    )
    expect((await setup(ADMIN)).statusCode).toBe(201)
  })

  it('without the variables, or with one of them, nobody is created; who leaves the door open to others is warned', async () => {
    t = await start()
    expect(await saidBy({})).not.toContainEqual(expect.stringContaining('There is no administrator'))
    expect(await saidBy({ LICTOR_HOST: '0.0.0.0', LICTOR_BASE_URL: 'https://lictor.example.com' })).toContainEqual(
      expect.stringMatching(/^40 There is no administrator.*at the address in LICTOR_BASE_URL or with the link/),
    )
    expect(await saidBy({ LICTOR_ADMIN_EMAIL: 'a@example.com' })).toContainEqual(
      expect.stringMatching(/^40 LICTOR_ADMIN_EMAIL is set without LICTOR_ADMIN_PASSWORD/),
    )
    expect((await rows()).users).toEqual([])
  })

  it('two servers that start at once on one database create one administrator', async (context) => {
    t = await start()
    if (!t.environment.DATABASE_URL) return context.skip('SQLite has one server')
    const config = readConfig({ ...t.environment, ...CREDENTIALS })
    const logger = pino({ level: 'silent' })
    const servers = await Promise.all(
      [1, 2, 3].map(() => createServer(config, logger, { passwordCost: 16, consoleDir: null })),
    )
    for (const server of servers) await server.close()
    expect((await rows()).users).toHaveLength(1)
  })
})
