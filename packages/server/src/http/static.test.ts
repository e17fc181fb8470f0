import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'

const PAGE = '<!doctype html><title>console</title><script>first()</script><script type="module" src="/x.js"></script>'
/** SHA-256 of `first()`, as a browser computes it. */
const HASH = `'sha256-${createHash('sha256').update('first()').digest('base64')}'`
const SCRIPT = 'export const long = 1\n'.repeat(200)

describe('what is not the API', () => {
  let folder: string
  let t: TestServer
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lictor-console-'))
    mkdirSync(join(folder, 'assets'))
    writeFileSync(join(folder, 'index.html'), PAGE)
    writeFileSync(join(folder, 'assets', 'app-1a2b.css'), 'body{}')
    writeFileSync(join(folder, 'assets', 'app-1a2b.js'), 'void 0')
    writeFileSync(join(folder, 'secret.txt'), 'secret')
    writeFileSync(join(folder, 'assets', 'long-1a2b.js'), SCRIPT)
    writeFileSync(join(folder, 'assets', 'long-1a2b.js.br'), brotliCompressSync(SCRIPT))
    writeFileSync(join(folder, 'assets', 'long-1a2b.js.gz'), gzipSync(SCRIPT))
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  afterEach(() => t.close())
  const built = async (environment: Record<string, string> = {}) => {
    t = await startTestServer({ environment, overrides: { consoleDir: folder } })
  }
  const get = (url: string) => t.request({ method: 'GET', url })

  it('any other path leads to the console', async () => {
    await built()
    for (const url of ['/', '/login', '/foo/bar?x=1', '/assets/app-1a2b.js', '/apis']) {
      const answer = await get(url)
      expect([url, answer.statusCode, answer.headers.location]).toEqual([url, 302, '/dashboard'])
    }
    const bare = await get('/dashboard')
    expect([bare.statusCode, bare.headers.location]).toEqual([307, '/dashboard/'])
  })

  it('every page of the console is its index, which is not kept', async () => {
    await built()
    for (const url of [
      '/dashboard/',
      '/dashboard/login',
      '/dashboard/agents/a%2Fb',
      '/dashboard/contracts?tab=library',
    ]) {
      const answer = await get(url)
      expect([answer.statusCode, answer.body]).toEqual([200, PAGE])
      expect(answer.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
    }
  })

  it('assets come with their own type and may be kept', async () => {
    await built()
    const [css, script] = [await get('/dashboard/assets/app-1a2b.css'), await get('/dashboard/assets/app-1a2b.js')]
    expect([css.statusCode, css.body, css.headers['content-type']]).toEqual([
      200,
      'body{}',
      expect.stringMatching(/^text\/css/),
    ])
    expect(script.headers['content-type']).toMatch(/^(text|application)\/javascript/)
    expect(css.headers['cache-control']).toContain('immutable')
  })

  it('an asset is sent as it was compressed when it was built, as the client accepts', async () => {
    await built()
    const ask = (encoding: string) =>
      t.request({ method: 'GET', url: '/dashboard/assets/long-1a2b.js', headers: { 'accept-encoding': encoding } })
    const [brotli, gzip, plain] = [await ask('gzip, deflate, br'), await ask('gzip'), await ask('identity')]
    expect([brotli, gzip, plain].map(({ headers }) => headers['content-encoding'])).toEqual(['br', 'gzip', undefined])
    expect(brotliDecompressSync(brotli.rawPayload).toString()).toBe(SCRIPT)
    expect(brotli.rawPayload).toEqual(brotliCompressSync(SCRIPT))
    expect(gunzipSync(gzip.rawPayload).toString()).toBe(SCRIPT)
    expect(plain.body).toBe(SCRIPT)
    for (const answer of [brotli, gzip, plain]) {
      expect(answer.headers['content-type']).toMatch(/^(text|application)\/javascript/)
      expect(answer.headers['cache-control']).toContain('immutable')
      expect(String(answer.headers.vary).toLowerCase()).toContain('accept-encoding')
    }
  })

  it('the scripts inside a page may run by their hashes, and no other may', async () => {
    await built()
    const policyOf = async (url: string) => String((await get(url)).headers['content-security-policy'])
    expect(await policyOf('/dashboard/')).toContain(`script-src 'self' ${HASH};`)
    expect(await policyOf('/docs')).toMatch(/script-src 'self' 'sha256-[\w+/]+=';/)
    for (const url of ['/dashboard/', '/docs', '/api/v1/health', '/dashboard/assets/app-1a2b.js'])
      expect((await policyOf(url)).match(/script-src[^;]*/)?.[0]).not.toContain('unsafe')
  })

  it('an asset that is missing, and a file beside the assets, is never a page', async () => {
    await built()
    for (const name of ['gone.js', 'deeper/app-1a2b.js', '..%2Fsecret.txt', '..%5Csecret.txt', '', 'app-1a2b.js/']) {
      const answer = await get(`/dashboard/assets/${name}`)
      expect([name, answer.statusCode === 200, answer.body.includes('secret')]).toEqual([name, false, false])
    }
  })

  it('a console that is not built is told as such', async () => {
    t = await startTestServer({ overrides: { consoleDir: null } })
    const answer = await get('/dashboard/')
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8'])
    expect(answer.body).toContain('not built')
  })

  it('the API reference is there in development and not in production', async () => {
    await built()
    expect((await get('/docs')).statusCode).toBe(200)
    expect((await get('/openapi.json')).json().openapi).toBe('3.1.0')
    await t.close()
    await built({ LICTOR_ENV_NAME: 'production' })
    for (const url of ['/docs', '/docs/swagger-ui.css', '/openapi.json', '/redoc'])
      expect([url, (await get(url)).headers.location]).toEqual([url, '/dashboard'])
  })
})
