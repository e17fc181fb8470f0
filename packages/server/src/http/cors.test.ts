import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'
import { corsOrigins } from './cors.ts'

const ORIGIN = 'https://console.example.com'
let t: TestServer | undefined
afterEach(async () => {
  await t?.close()
  t = undefined
})

const preflight = (headers: Record<string, string>) =>
  t?.request({
    method: 'OPTIONS',
    url: '/api/v1/keys',
    headers: { origin: ORIGIN, 'access-control-request-method': 'POST', ...headers },
  })

describe('cross-origin calls', () => {
  it('a page of an allowed origin may call with the cookie; the answer says so and nothing more', async () => {
    t = await startTestServer({ environment: { LICTOR_CORS_ORIGINS: `${ORIGIN}, https://two.example.com` } })
    const answer = await t.request({ method: 'GET', url: '/api/v1/health', headers: { origin: ORIGIN } })
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    })
    for (const origin of [
      'https://evil.example.com',
      `${ORIGIN}.evil.com`,
      'https://CONSOLE.example.com',
      'null',
      '*',
    ]) {
      const refused = await t.request({ method: 'GET', url: '/api/v1/health', headers: { origin } })
      expect(refused.headers).not.toHaveProperty('access-control-allow-origin')
      expect(refused.headers).not.toHaveProperty('access-control-allow-credentials')
    }
  })

  it('a preflight is answered by origin, method and headers', async () => {
    t = await startTestServer({ environment: { LICTOR_CORS_ORIGINS: ORIGIN } })
    const allowed = await preflight({ 'access-control-request-headers': 'content-type, X-Requested-With' })
    expect(allowed?.statusCode).toBe(200)
    expect(allowed?.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
      'access-control-allow-headers': 'Content-Type, X-Requested-With, Authorization, X-Edictum-Agent-Id',
      'access-control-max-age': '600',
    })
    for (const headers of [
      { origin: 'https://evil.example.com' },
      { 'access-control-request-method': 'TRACE' },
      { 'access-control-request-headers': 'x-evil' },
    ] as Record<string, string>[])
      expect((await preflight(headers))?.statusCode).toBe(400)
  })

  it('without the setting no origin may call', async () => {
    t = await startTestServer()
    expect((await preflight({}))?.statusCode).toBe(400)
  })

  it('every origin at once, and what is no origin, is refused at the start', async () => {
    for (const LICTOR_CORS_ORIGINS of ['*', `${ORIGIN},*`, 'example.com', `${ORIGIN}/`, `${ORIGIN}/path`])
      await expect(startTestServer({ environment: { LICTOR_CORS_ORIGINS } })).rejects.toThrow('LICTOR_CORS_ORIGINS')
  })

  it('a public server leaves out the origins of its own machine, aloud', () => {
    const said: string[] = []
    const local = ['http://localhost:3000', 'http://127.0.0.1:8000', ORIGIN]
    expect([...corsOrigins(local, 'https://lictor.example.com', (line) => said.push(line))]).toEqual([ORIGIN])
    expect(said).toHaveLength(2)
    expect([...corsOrigins(local, 'http://localhost:8000', () => {})]).toEqual(local)
  })
})
