import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'

const refusal = { detail: 'Missing CSRF header.' }

/** A change that rides on a cookie needs a header that no other site can send. */
describe('changes that another page could send with a person’s cookie', () => {
  let t: TestServer
  let cookie: string
  beforeAll(async () => {
    t = await startTestServer()
    cookie = (await t.admin()).cookie ?? ''
  })
  afterAll(() => t.close())

  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    headers: Record<string, string> = {},
  ) => t.request({ method, url, headers, ...(method === 'GET' ? {} : { payload: {} }) })

  it.each([
    ['POST', '/api/v1/keys'],
    ['PUT', '/api/v1/settings/ai'],
    ['PATCH', '/api/v1/agent-registrations/a'],
    ['DELETE', '/api/v1/settings/ai'],
    ['POST', '/api/v1/auth/logout'],
    ['POST', '/api/v1/auth/local'],
    ['POST', '/api/ai/assist'],
  ] as const)('%s %s needs X-Requested-With, before any credential is looked at', async (method, url) => {
    for (const headers of [{}, { cookie }, { cookie, 'x-requested-with': '' }] as Record<string, string>[]) {
      const answer = await send(method, url, headers)
      expect([answer.statusCode, answer.json()]).toEqual([403, refusal])
    }
    expect((await send(method, url, { 'x-requested-with': 'anything' })).json()).not.toEqual(refusal)
  })

  it.each([
    '/api/v1/auth/login',
    '/api/v1/setup',
    '/api/v1/telegram/webhook/x',
    '/api/v1/discord/interactions',
    '/api/v1/slack/interactions',
    '/api/v1/health',
    '/api/v1/nothing',
  ])('%s needs none', async (url) => {
    expect((await send('POST', url)).body).not.toContain('CSRF')
  })

  it('a call with an API key needs none; the beginning of a key alone is none', async () => {
    const url = '/api/v1/sessions/batch'
    expect((await send('POST', url, { authorization: 'Bearer edk_' })).json()).toEqual(refusal)
    expect((await send('POST', url, { authorization: 'Bearer edk' })).json()).toEqual(refusal)
    expect((await send('POST', url, { authorization: 'Basic edk_production_x' })).json()).toEqual(refusal)
    expect((await send('POST', url, { authorization: 'bearer edk_production_x' })).json()).toEqual(refusal)
    expect((await send('POST', url, { authorization: 'Bearer edk_x' })).json()).toEqual({
      detail: 'Invalid or revoked API key.',
    })
  })

  it('reading needs none', async () => {
    expect((await send('GET', '/api/v1/auth/me', { cookie })).statusCode).toBe(200)
  })

  it('an API key or a token beside the cookie excuses nothing', async () => {
    for (const authorization of ['Bearer edk_production_x', 'Bearer eyJhbGciOiJub25lIn0.e30.x'])
      for (const url of ['/api/v1/settings/rotate-signing-key', '/v1/executions'])
        expect((await send('POST', url, { cookie, authorization })).statusCode).toBe(403)
  })

  it.each([
    ['origin', 'https://evil.example'],
    ['origin', 'null'],
    ['sec-fetch-site', 'cross-site'],
  ])('what a browser says comes from another site is refused, header or not: %s %s', async (name, value) => {
    const foreign = { [name]: value }
    const headers = { cookie, 'x-requested-with': 'x', ...foreign }
    expect((await send('POST', '/api/v1/keys', headers)).json().detail).toContain('another site')
    expect((await send('POST', '/api/v1/auth/login', foreign)).statusCode).toBe(403)
    expect((await send('GET', '/api/v1/auth/me', headers)).statusCode).toBe(200)
  })

  it('a page of this server may send it', async () => {
    const own = { cookie, 'x-requested-with': 'x', origin: 'http://localhost:80', host: 'localhost:80' }
    expect((await send('PUT', '/api/v1/settings/ai', { ...own, 'sec-fetch-site': 'same-origin' })).statusCode).toBe(422)
  })

  const spellings: readonly (readonly [name: string, spell: (path: string) => string])[] = [
    ['a letter percent-encoded', (path) => path.replace(/[a-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)],
    [
      'the first letter percent-encoded',
      (path) => path.replace(/^\/(.)/, (_, letter: string) => `/%${letter.charCodeAt(0).toString(16)}`),
    ],
    ['with a host of its own', (path) => `http://evil.example${path}`],
    ['a host and a letter', (path) => `http://evil.example${path.replace(/v1/, '%761')}`],
    ['slashes doubled', (path) => path.replace(/\//g, '//')],
    ['a dot segment', (path) => path.replace(/^\//, '/x/../')],
    ['a trailing slash', (path) => `${path}/`],
    ['a query that looks like an exempt path', (path) => `${path}?next=/api/v1/auth/login`],
    ['letters in capitals', (path) => path.toUpperCase()],
  ]

  it.each(spellings)('no route changes anything for a page of another site, spelled with %s', async (_name, spell) => {
    const exempt = (config: { access?: string; ignoresSession?: true }) =>
      config.ignoresSession || ['webhook', 'dispatch', 'seal'].includes(config.access ?? '')
    const changing = t.server.http.declaredRoutes.filter(
      ({ method, config }) => ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method) && !exempt(config),
    )
    expect(changing.length).toBeGreaterThan(40)
    const passed: string[] = []
    for (const { method, url } of changing) {
      const path = spell(url.replace(/:[a-z_]+/gi, '00000000-0000-4000-8000-000000000000').replace('*', 'x'))
      const answer = await send(method as 'POST', path, { cookie })
      // 403 where a route took it; no route otherwise.
      if (![403, 404, 405, 307, 400].includes(answer.statusCode)) passed.push(`${method} ${path}: ${answer.statusCode}`)
    }
    expect(passed).toEqual([])
  })
})
