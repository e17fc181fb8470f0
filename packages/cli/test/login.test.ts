import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuthorizationServer, CLIENT, startAuthorizationServer } from '../../server/test/authorization-server.ts'
import { type ManualClock, manualClock } from '../../server/test/manual-clock.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

const EMAIL = 'admin@example.com'
const PASSWORD = 'correct horse battery'

describe('lictor login', () => {
  let server: Awaited<ReturnType<typeof createServer>>
  let provider: AuthorizationServer
  let clock: ManualClock
  let folder = ''
  let url = ''
  /** On another machine: no data folder, and a home of its own. */
  let cli: Workbench
  /** What the person does while the terminal waits, one after the other; and how long it waited, in milliseconds. */
  let meanwhile: (() => Promise<void>)[]
  let waited: number[]

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lictor-cli-login-'))
    clock = manualClock(Date.now())
    meanwhile = []
    waited = []
    provider = await startAuthorizationServer({ claims: () => ({ email: EMAIL, email_verified: true }) })
    const settings = {
      LICTOR_DATA_DIR: folder,
      LICTOR_PORT: '0',
      LICTOR_ADMIN_EMAIL: EMAIL,
      LICTOR_ADMIN_PASSWORD: PASSWORD,
      LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
    }
    server = await createServer(readConfig(settings), pino({ level: 'silent' }), {
      consoleDir: null,
      passwordCost: 16,
      clock,
    })
    url = await server.listen()
    cli = createWorkbench({}, { LICTOR_URL: url, HOME: join(folder, 'home') }, async (milliseconds) => {
      waited.push(milliseconds)
      clock.set(clock.now() + milliseconds)
      await meanwhile.shift()?.()
    })
  })
  afterEach(async () => {
    cli?.close()
    await server?.close()
    await provider?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const send = (path: string, method: string, body: object, cookie = '') =>
    fetch(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-requested-with': 'test', cookie },
      body: JSON.stringify(body),
    })
  async function configure() {
    const login = await send('/api/v1/auth/login', 'POST', { email: EMAIL, password: PASSWORD })
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const { issuer } = provider
    const answer = await send(
      '/api/v1/sso/oidc',
      'PUT',
      { issuer, client_id: CLIENT.id, client_secret: CLIENT.secret },
      cookie,
    )
    expect(answer.status).toBe(200)
  }
  /** The person types the newest code in that the provider gave. */
  const decides = (isAllowed: boolean) => async () => {
    await provider.decideDevice(`${provider.issuer}/device`, lastCode, isAllowed)
  }
  let lastCode = ''
  const watchCode = () =>
    provider.intercept('/device/auth', (_request, response) => {
      const end = response.end.bind(response)
      response.end = ((body: unknown, ...rest: never[]) => {
        lastCode = (JSON.parse(String(body)) as { user_code: string }).user_code
        return end(body as string, ...rest)
      }) as typeof response.end
      return false
    })
  const kept = () => join(folder, 'home', '.lictor', 'sign-ins.json')

  it('shows address and code, waits, and is from then on who said yes; logout ends it at the server too', async () => {
    await configure()
    watchCode()
    meanwhile = [async () => {}, decides(true)]
    const signedIn = await cli.run('login')
    expect([signedIn.code, signedIn.out]).toEqual([0, `Signed in at ${url} as ${EMAIL} (owner).`])
    expect(signedIn.err).toContain(`Open ${provider.issuer}/device and type ${lastCode}.`)
    expect(waited).toEqual([5000, 5000])
    expect([statSync(kept()).mode & 0o777, statSync(join(kept(), '..')).mode & 0o777]).toEqual([0o600, 0o700])
    expect((await cli.run('agent', 'list')).code).toBe(0)
    expect((await cli.run('key', 'list')).code).toBe(0)

    const cookie = (JSON.parse(readFileSync(kept(), 'utf8')) as Record<string, string>)[url] ?? ''
    expect((await cli.run('logout')).out).toBe(`Signed out of ${url}.`)
    expect((await fetch(`${url}/api/v1/auth/me`, { headers: { cookie } })).status).toBe(401)
    expect(JSON.parse(readFileSync(kept(), 'utf8'))).toEqual({})
    expect((await cli.run('logout', '--json')).json()).toEqual({ url, signed_out: false })
    const nobody = await cli.run('key', 'list')
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('sign in with `lictor login`')])
  })

  it('a session that is over is said to be, with what to do', async () => {
    await configure()
    watchCode()
    meanwhile = [decides(true)]
    const signedIn = await cli.run('login', '--json')
    expect(signedIn.json()).toEqual({ url, email: EMAIL, role: 'owner', tenant_id: expect.any(String) })
    clock.set(clock.now() + 8 * 24 * 3_600_000)
    const late = await cli.run('key', 'list')
    expect([late.code, late.err]).toEqual([1, expect.stringContaining(`Your session at ${url} is over.`)])
    expect(late.err).toContain('lictor login')
  })

  it('no, a code that ran out, a provider that is away, and a tenant without one are told apart', async () => {
    const none = await cli.run('login', '--json')
    expect([none.code, none.json()]).toMatchObject([1, { code: 'no_single_sign_on' }])
    await configure()
    expect((await cli.run('login', '--tenant', 'acme')).err).toContain("members of 'acme'")
    watchCode()
    meanwhile = [decides(false)]
    const denied = await cli.run('login', '--json')
    expect([denied.code, denied.json()]).toMatchObject([1, { code: 'denied' }])
    waited = []
    provider.intercept('/token', (_request, response) => {
      response.writeHead(503).end()
      return true
    })
    meanwhile = []
    const late = await cli.run('login', '--json')
    expect([late.code, late.json()]).toMatchObject([
      1,
      { code: 'expired', hint: expect.stringContaining('lictor login') },
    ])
    expect(waited).toEqual(Array.from({ length: 120 }, () => 5000))
    expect(existsSync(kept())).toBe(false)
  })
})
