import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** The largest bodies, with the larger limit of events. */
describe('the size of a body', () => {
  let t: TestServer
  let address: string
  let admin: Record<string, string>
  let agent: Record<string, string>
  beforeAll(async () => {
    t = await startTestServer({ environment: { LICTOR_LOGIN_ATTEMPTS: '1000' } })
    admin = await t.admin()
    agent = await t.agent()
    address = await t.listen()
  })
  afterAll(() => t.close())

  type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  const credentials = (url: string) => (/sessions|events|approvals$/.test(url) ? agent : admin)
  /** A JSON document of exactly so many bytes. */
  const document = (bytes: number) => `{"x":"${'a'.repeat(bytes - 8)}"}`
  const send = async (method: Method, url: string, bytes: number) => {
    const headers = { ...credentials(url), 'content-type': 'application/json' }
    return t.request({ method, url, headers, payload: document(bytes) })
  }
  /** Without a length that is told beforehand: the server has to count. */
  async function sendChunked(method: Method, url: string, bytes: number): Promise<{ status: number; body: string }> {
    const { hostname, port } = new URL(address)
    const headers = Object.entries({ ...credentials(url), 'content-type': 'application/json' })
    const head = `${method} ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n`
    const parts = document(bytes).match(/.{1,65536}/g) ?? []
    const body = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const text = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname)
      let received = ''
      socket.on('data', (chunk) => (received += chunk.toString()))
      // Who refuses may hang up on what is still on its way; the answer is here by then.
      socket.on('error', () => {})
      socket.on('close', () => resolve(received))
      socket.write(`${head}${lines}\r\n${body}0\r\n\r\n`)
    })
    return { status: Number(text.slice(9, 12)), body: text.slice(text.indexOf('\r\n\r\n') + 4) }
  }
  const refusal = (name: string) => ({ detail: `Request body too large. Maximum allowed: ${name}.` })

  it.each<[Method, string, number, string]>([
    ['POST', '/api/v1/auth/login', 4 * KIB, '4KB'],
    ['POST', '/api/v1/auth/logout', 4 * KIB, '4KB'],
    ['POST', '/api/v1/setup', 4 * KIB, '4KB'],
    ['POST', '/api/v1/keys', MIB, '1MB'],
    ['POST', '/api/v1/approvals', MIB, '1MB'],
    ['PUT', '/api/v1/sessions/k', MIB, '1MB'],
    ['PUT', '/api/v1/settings/ai', MIB, '1MB'],
    ['PATCH', '/api/v1/agent-registrations/a', MIB, '1MB'],
    ['DELETE', '/api/v1/keys/00000000-0000-4000-8000-000000000000', MIB, '1MB'],
    ['POST', '/api/v1/bundles', 5 * MIB, '5MB'],
    ['POST', '/api/v1/bundles/evaluate', 5 * MIB, '5MB'],
    ['POST', '/api/v1/contracts', 5 * MIB, '5MB'],
    ['POST', '/api/v1/contracts/import', 5 * MIB, '5MB'],
    ['PUT', '/api/v1/contracts/c', 5 * MIB, '5MB'],
    ['POST', '/api/v1/compositions', 5 * MIB, '5MB'],
    ['PUT', '/api/v1/compositions/c', 5 * MIB, '5MB'],
    ['POST', '/api/v1/events', 16 * MIB, '16MB'],
  ])('%s %s takes %i bytes and not one more', async (method, url, limit, name) => {
    expect((await send(method, url, limit)).statusCode).not.toBe(413)
    const answer = await send(method, url, limit + 1)
    expect([answer.statusCode, answer.json()]).toEqual([413, refusal(name)])
    expect(answer.headers['content-type']).toContain('application/json')
  })

  it.each<[Method, string, number, string]>([
    ['POST', '/api/v1/auth/login', 4 * KIB, '4KB'],
    ['POST', '/api/v1/approvals', MIB, '1MB'],
    ['DELETE', '/api/v1/settings/ai', MIB, '1MB'],
  ])('%s %s counts to %i bytes while it reads a body of unknown length', async (method, url, limit, name) => {
    expect((await sendChunked(method, url, limit)).status).not.toBe(413)
    const answer = await sendChunked(method, url, limit + 1)
    expect([answer.status, answer.body]).toEqual([413, JSON.stringify(refusal(name))])
  })

  it('ordinary logins and set-ups, the longest password included, are not too large', async () => {
    const long = { email: 'a@example.com', password: 'p'.repeat(1024) }
    for (const url of ['/api/v1/auth/login', '/api/v1/setup']) {
      const answer = await t.request({ method: 'POST', url, payload: long })
      expect([401, 409]).toContain(answer.statusCode)
    }
  })

  it('methods that carry no body are not measured, nor is what is no API', async () => {
    const headers = { ...admin, 'content-length': String(10 * MIB) }
    for (const [method, url] of [
      ['GET', '/api/v1/bundles'],
      ['OPTIONS', '/api/v1/bundles'],
      ['GET', '/dashboard/'],
    ] as const)
      expect((await t.request({ method, url, headers })).statusCode).not.toBe(413)
    expect((await t.request({ method: 'POST', url: '/dashboard/', headers })).statusCode).not.toBe(413)
  })

  it('a length that is announced too large is refused before anything of it is read', async () => {
    const { hostname, port } = new URL(address)
    const text = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () =>
        socket.write(
          `POST /api/v1/setup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${10 * MIB}\r\n\r\n`,
        ),
      )
      let received = ''
      socket.on('data', (chunk) => {
        received += chunk.toString()
        if (received.includes('}')) socket.destroy()
      })
      socket.on('close', () => resolve(received))
    })
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(text).toContain('Maximum allowed: 4KB.')
  })
})
