import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'
import { openSse } from '../../test/sse-client.ts'

describe('compression', () => {
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer()
  })
  afterAll(() => t.close())
  const ask = (url: string, encoding: string) =>
    t.request({ method: 'GET', url, headers: { 'accept-encoding': encoding } })

  it('JSON above 1 KiB comes compressed as the client accepts, and is the same', async () => {
    const [plain, brotli, gzip] = [
      await ask('/openapi.json', 'identity'),
      await ask('/openapi.json', 'gzip, deflate, br'),
      await ask('/openapi.json', 'gzip'),
    ]
    expect([plain, brotli, gzip].map(({ headers }) => headers['content-encoding'])).toEqual([undefined, 'br', 'gzip'])
    expect(brotliDecompressSync(brotli.rawPayload).toString()).toBe(plain.body)
    expect(gunzipSync(gzip.rawPayload).toString()).toBe(plain.body)
    expect(brotli.rawPayload.length).toBeLessThan(plain.rawPayload.length / 4)
    for (const answer of [brotli, gzip]) expect(String(answer.headers.vary).toLowerCase()).toContain('accept-encoding')
  })

  it('a small answer is sent as it is', async () => {
    const answer = await ask('/api/v1/health', 'br, gzip')
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.json().status).toBe('ok')
  })

  it('an event stream is never compressed, whatever the client accepts', async () => {
    const stream = await openSse(`${await t.listen()}/api/v1/stream/dashboard`, {
      ...(await t.admin()),
      'accept-encoding': 'br, gzip',
    })
    expect(stream.status).toBe(200)
    expect(stream.headers['content-encoding']).toBeUndefined()
    await t.request({ method: 'POST', url: '/api/v1/keys', headers: await t.admin(), payload: { env: 'production' } })
    expect((await stream.next()).type).toBe('api_key_created')
    stream.close()
  })
})
