import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from './harness.ts'

const HEALTH = '/api/v1/health'
const SMUGGLED = `GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n`

/** Bytes to the socket of a real server; what comes back until it closes, or until it is silent with the connection kept open. */
describe('bytes that two readers would cut apart differently', () => {
  let t: TestServer
  let address = ''
  let cookie = ''
  beforeAll(async () => {
    t = await startTestServer()
    cookie = (await t.admin()).cookie ?? ''
    address = await t.listen()
  })
  afterAll(() => t.close())

  /**
   * Everything that comes back. `isOver`: nothing more will be sent, so that a server that waits for the rest gives up; otherwise the
   * last request asks to close.
   */
  function exchange(bytes: string, { isOver = false } = {}): Promise<string> {
    const { hostname, port } = new URL(address)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(Buffer.from(bytes, 'latin1'))
        if (isOver) socket.end()
      })
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
      })
      socket.on('close', () => resolve(text))
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' ? resolve(text) : reject(error),
      )
    })
  }
  const statuses = (text: string): number[] =>
    [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code))
  const login = '{"email":"a@example.com","password":"x"}'
  const head = (...lines: string[]) =>
    `POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
  const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`

  it.each([
    ['a length beside chunks', head(`Content-Length: ${login.length}`, 'Transfer-Encoding: chunked') + chunked(login)],
    ['chunks beside a length', head('Transfer-Encoding: chunked', 'Content-Length: 4') + chunked(login)],
    ['two lengths that differ', head('Content-Length: 40', 'Content-Length: 0') + login],
    ['two lengths that agree', head(`Content-Length: ${login.length}`, `Content-Length: ${login.length}`) + login],
    ['a list of lengths', head('Content-Length: 40, 40') + login],
    ['a length with a sign', head(`Content-Length: +${login.length}`) + login],
    ['a length in hex', head('Content-Length: 0x28') + login],
    ['a length that is negative', head('Content-Length: -1') + login],
    ['a length beyond all numbers', head('Content-Length: 99999999999999999999') + login],
    ['a length with a space inside', head('Content-Length: 4 0') + login],
    ['a space before the colon', head('Content-Length : 40') + login],
    ['a folded header', head('Transfer-Encoding:\r\n chunked') + chunked(login)],
    ['a folded length', head(`Content-Length:\r\n\t${login.length}`, 'X: y') + login],
    ['an unknown coding', head('Transfer-Encoding: xchunked') + chunked(login)],
    ['chunked that is not last', head('Transfer-Encoding: chunked, identity') + chunked(login)],
    ['chunked in quotes', head('Transfer-Encoding: "chunked"') + chunked(login)],
    ['chunked after a vertical tab', head('Transfer-Encoding: \x0bchunked') + chunked(login)],
    ['two codings', head('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + chunked(login)],
    ['a chunk size that is negative', `${head('Transfer-Encoding: chunked')}-1\r\n${login}\r\n0\r\n\r\n`],
    ['a chunk size with a prefix', `${head('Transfer-Encoding: chunked')}0x28\r\n${login}\r\n0\r\n\r\n`],
    [
      'a chunk size beyond all numbers',
      `${head('Transfer-Encoding: chunked')}fffffffffffffffff\r\n${login}\r\n0\r\n\r\n`,
    ],
    ['a chunk that is longer than it says', `${head('Transfer-Encoding: chunked')}2\r\n${login}\r\n0\r\n\r\n`],
    ['a chunk that ends in a bare line feed', `${head('Transfer-Encoding: chunked')}28\r\n${login}\n0\r\n\r\n`],
    ['a chunk size that ends in a bare line feed', `${head('Transfer-Encoding: chunked')}28\n${login}\r\n0\r\n\r\n`],
    [
      'a chunk extension with a bare line feed',
      `${head('Transfer-Encoding: chunked')}28;x=\n\r\n${login}\r\n0\r\n\r\n`,
    ],
    ['headers that end in bare line feeds', head(`Content-Length: ${login.length}`).replaceAll('\r\n', '\n') + login],
    ['a header that ends in a bare line feed', `GET ${HEALTH} HTTP/1.1\nHost: x\r\n\r\n`],
    ['a header that ends in a bare carriage return', `GET ${HEALTH} HTTP/1.1\r\nHost: x\rX: y\r\n\r\n`],
    ['a NUL in a header', `GET ${HEALTH} HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n`],
    ['a NUL in the address', `GET ${HEALTH}\0 HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['no host', `GET ${HEALTH} HTTP/1.1\r\n\r\n`],
    ['two hosts', `GET ${HEALTH} HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n`],
    ['a version there is not', `GET ${HEALTH} HTTP/9.9\r\nHost: x\r\n\r\n`],
    ['a space before the first header', `GET ${HEALTH} HTTP/1.1\r\n Host: x\r\n\r\n`],
    ['a space in the address', `GET ${HEALTH} x HTTP/1.1\r\nHost: x\r\n\r\n`],
  ])('%s: nothing is done, and what follows is never read as a request', async (_what, bytes) => {
    const answered = statuses(await exchange(bytes + SMUGGLED, { isOver: true }))
    expect(answered.length).toBeLessThanOrEqual(1)
    for (const status of answered) expect([400, 413, 417, 501, 505]).toContain(status)
  })

  it.each([
    ['chunks', head('Transfer-Encoding: chunked') + chunked(login)],
    ['chunks, in capitals', head('TRANSFER-ENCODING: Chunked') + chunked(login)],
    ['chunks with extensions', `${head('Transfer-Encoding: chunked')}28;a=b;c="d"\r\n${login}\r\n0\r\n\r\n`],
    ['chunks with a trailer', `${head('Transfer-Encoding: chunked')}28\r\n${login}\r\n0\r\nCookie: ${'x'}=1\r\n\r\n`],
    ['a length', head(`Content-Length: ${login.length}`) + login],
    ['a length with zeros before it', head(`Content-Length: 000${login.length}`) + login],
  ])('%s: read to its end, and what follows is the next request', async (_what, bytes) => {
    expect(login).toHaveLength(40)
    const last = `GET ${HEALTH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    expect(statuses(await exchange(bytes + last))).toEqual([401, 200])
  })

  it('a trailer is no header: credentials in it count for nothing', async () => {
    const bytes = `POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nX-Requested-With: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: Cookie\r\nConnection: close\r\n\r\n16\r\n{"env": "production"} \r\n0\r\nCookie: ${cookie}\r\n\r\n`
    expect(statuses(await exchange(bytes))).toEqual([401])
  })

  it('a body on a request that has none is skipped, not read as a request', async () => {
    const bytes = `GET ${HEALTH} HTTP/1.1\r\nHost: x\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}GET ${HEALTH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    const text = await exchange(bytes)
    expect(statuses(text)).toEqual([200, 200])
    expect(text).not.toContain('lictor_http_request_seconds')
  })

  it('an address of another host in the request line is answered as an address of this one', async () => {
    const bytes = `GET http://evil.example/dashboard HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`
    const text = await exchange(bytes)
    expect(text).not.toMatch(/location: .*evil/i)
    expect(statuses(text)[0]).toBeLessThan(500)
  })

  it('old clients may not send chunks', async () => {
    const bytes = `POST /api/v1/auth/login HTTP/1.0\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(login)}${SMUGGLED}`
    expect(await exchange(bytes, { isOver: true })).not.toContain('lictor_http_request_seconds')
  })

  it('an expectation that cannot be met is refused; one that can is met', async () => {
    expect(
      statuses(
        await exchange(`${head(`Content-Length: ${login.length}`, 'Expect: 200-ok', 'Connection: close')}${login}`),
      )[0],
    ).toBe(417)
    const met = head(`Content-Length: ${login.length}`, 'Expect: 100-continue', 'Connection: close') + login
    expect(statuses(await exchange(met))).toEqual([100, 401])
  })
})
