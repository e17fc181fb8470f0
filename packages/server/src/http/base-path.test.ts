import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ADMIN, startTestServer, type TestServer } from '../../test/harness.ts'
import { basePathOf, withinBasePath } from './base-path.ts'

let t: TestServer
afterEach(() => t?.close())

it.each([
  ['', ''],
  ['https://x.example', ''],
  ['https://x.example/', ''],
  ['https://x.example/lictor', '/lictor'],
  ['https://x.example/a/b/', '/a/b'],
])('the path of "%s" is "%s"', (baseUrl, path) => {
  expect(basePathOf(baseUrl)).toBe(path)
})

it.each([
  ['/lictor/api/v1/health', '/api/v1/health'],
  ['/api/v1/health', '/api/v1/health'],
  ['/lictor', '/'],
  ['/lictor?x=1', '/?x=1'],
  ['/lictorious/api', '/lictorious/api'],
  ['/lictor/lictor/api', '/lictor/api'],
])('%s is asked for as %s', (url, within) => {
  expect(withinBasePath(url, '/lictor')).toBe(within)
})

it('served below a path, everything it says leads below it: console, cookie, redirects, reference', async () => {
  const consoleDir = mkdtempSync(join(tmpdir(), 'lictor-console-'))
  mkdirSync(join(consoleDir, 'assets'))
  writeFileSync(join(consoleDir, 'assets', 'index-a1.js'), 'export {}')
  writeFileSync(join(consoleDir, 'index.html'), '<script type="module" src="./assets/index-a1.js"></script>')
  t = await startTestServer({
    environment: { LICTOR_BASE_URL: 'https://x.example/lictor/' },
    overrides: { consoleDir },
  })
  const get = (url: string) => t.request({ method: 'GET', url })
  for (const prefix of ['/lictor', '']) {
    expect((await get(`${prefix}/api/v1/health`)).statusCode).toBe(200)
    expect((await get(`${prefix}/dashboard`)).headers.location).toBe('/lictor/dashboard/')
    expect((await get(`${prefix}/`)).headers.location).toBe('/lictor/dashboard')
    expect((await get(`${prefix}/api/v1/health/`)).headers.location).toBe('/lictor/api/v1/health')
    expect((await get(`${prefix}/dashboard/approvals/x`)).body).toContain('src="/lictor/dashboard/assets/index-a1.js"')
    expect((await get(`${prefix}/dashboard/assets/index-a1.js`)).statusCode).toBe(200)
    expect((await get(`${prefix}/docs`)).body).toContain("url: '/lictor/openapi.json'")
    expect((await get(`${prefix}/openapi.json`)).json().servers[0].url).toBe('/lictor')
  }
  await t.admin()
  const login = await t.request({ method: 'POST', url: '/lictor/api/v1/auth/login', payload: ADMIN })
  expect(String(login.headers['set-cookie'])).toMatch(/; Path=\/lictor;/)
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
  const change = await t.request({ method: 'POST', url: '/lictor/api/v1/keys', headers: { cookie }, payload: {} })
  expect([change.statusCode, change.json()]).toEqual([403, { detail: 'Missing CSRF header.' }])
})
