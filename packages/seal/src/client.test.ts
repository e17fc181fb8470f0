import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import * as browser from './browser.ts'
import * as node from './index.ts'
import { SEALClient, verifySealEnvelope } from './index.ts'

interface Seen {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}
type Answer = { status?: number; headers?: Record<string, string>; body?: unknown }

describe.each([
  ['node', node],
  ['browser', browser],
] as const)('the client of the %s entry', (_name, entry) => {
  let server: Server | undefined
  afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())))

  async function gateway(answer: (seen: Seen, request: IncomingMessage) => Answer) {
    const seen: Seen[] = []
    server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const one = { path: request.url ?? '', authorization: request.headers.authorization, body }
      seen.push(one)
      const { status = 200, headers = {}, body: told = {} } = answer(one, request)
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers })
      response.end(typeof told === 'string' ? told : JSON.stringify(told))
    })
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x/prefix//`
    return { seen, client: new entry.SEALClient(url, 'wl-7', 'default') }
  }
  const attested = { status: 'success', security_token: 'a.b.c', expires_at: '2026-05-01T13:00:00Z', session_id: 's' }
  const answers = (invoke: Answer) => (seen: Seen) => (seen.path.endsWith('attest') ? { body: attested } : invoke)

  it('attests with three members and no credential, and signs calls that its public key verifies', async () => {
    const result = { exit_code: 0 }
    const { seen, client } = await gateway(answers({ body: { status: 'success', payload: { result } } }))
    expect(await client.attest()).toEqual({
      security_token: 'a.b.c',
      expires_at: '2026-05-01T13:00:00Z',
      session_id: 's',
    })
    expect(await client.callTool('fs.read', { path: 'é', big: 12345678901234567890n })).toEqual(result)
    const [attest, invoke] = seen
    expect([attest?.path, invoke?.path]).toEqual(['/x/prefix/v1/seal/attest', '/x/prefix/v1/seal/invoke'])
    expect(attest?.authorization).toBeUndefined()
    const { public_key, ...rest } = JSON.parse(attest?.body ?? '') as { public_key: string }
    expect(rest).toEqual({ workload_id: 'wl-7', security_context: 'default' })
    const payload = verifySealEnvelope(invoke?.body, public_key)
    expect(payload).toMatchObject({
      jsonrpc: '2.0',
      id: expect.stringMatching(/^req-[0-9a-f]{16}$/),
      method: 'tools/call',
      params: { name: 'fs.read', arguments: { path: 'é', big: 12345678901234567890n } },
    })
  })

  it('makes a new key with each attestation', async () => {
    const { seen, client } = await gateway(answers({}))
    await client.attest()
    await client.attest()
    expect(new Set(seen.map(({ body }) => (JSON.parse(body) as { public_key: string }).public_key)).size).toBe(2)
  })

  it('calls nothing before it has attested and after it was erased', async () => {
    const { seen, client } = await gateway(answers({}))
    await expect(client.callTool('t')).rejects.toMatchObject({ reason: 'not_attested', message: /attest\(\)/ })
    await client.attest()
    const before = seen.length
    client.dispose()
    client.erase()
    await expect(client.callTool('t')).rejects.toThrow('Must call attest() first')
    expect(seen).toHaveLength(before)
  })

  it('an attestation that was overtaken by erase() leaves no session', async () => {
    const { client } = await gateway(answers({}))
    const attesting = client.attest()
    client.erase()
    await expect(attesting).rejects.toMatchObject({ reason: 'attestation_failed' })
    await expect(client.callTool('t')).rejects.toThrow('attest()')
  })

  it.each<[string, Answer, object]>([
    [
      'an error object',
      { status: 403, body: { status: 'error', error: { code: 2002, message: 'outside' } } },
      { message: 'SEAL Gateway Rejected: outside', code: 2002, httpStatus: 403, reason: 'gateway_rejected' },
    ],
    [
      'an error text',
      { status: 401, body: { error: 'unauthorized' } },
      { message: 'SEAL Gateway Rejected: unauthorized' },
    ],
    ['no JSON', { status: 502, body: '<html>' }, { message: 'SEAL Gateway Rejected: HTTP 502', httpStatus: 502 }],
    ['an array', { status: 500, body: [] }, { message: 'SEAL Gateway Rejected: HTTP 500' }],
    [
      'an error of status 200',
      { body: { status: 'error', error: { message: 'no' } } },
      { message: 'SEAL Gateway Error: no', reason: 'gateway_error' },
    ],
    ['an error without words', { body: { status: 'error' } }, { reason: 'gateway_error' }],
    ['no JSON of status 200', { body: 'hello' }, { reason: 'gateway_error' }],
    [
      'a tool that failed',
      { body: { status: 'success', payload: { error: { code: -32000, message: 'boom' } } } },
      { message: 'MCP Tool Error: boom', reason: 'tool_error', code: -32000 },
    ],
    ['a tool that failed with a text', { body: { payload: { error: 'boom' } } }, { message: 'MCP Tool Error: boom' }],
  ])('a call that is answered with %s throws', async (_what, answer, error) => {
    const { client } = await gateway(answers(answer))
    await client.attest()
    await expect(client.callTool('t')).rejects.toMatchObject(error)
  })

  it('takes no result for an empty one', async () => {
    const { client } = await gateway(answers({ body: { status: 'success', payload: null } }))
    await client.attest()
    expect(await client.callTool('t')).toEqual({})
  })

  it('sends no envelope on to where a redirect points', async () => {
    const { seen, client } = await gateway(answers({ status: 307, headers: { location: '/elsewhere' } }))
    await client.attest()
    await expect(client.callTool('t')).rejects.toThrow('redirects are not followed')
    expect(seen).toHaveLength(2)
  })

  it.each<[string, Answer, object]>([
    [
      'message',
      { status: 401, body: { message: 'unknown workload', error_code: 3000 } },
      { code: 3000, httpStatus: 401 },
    ],
    ['no words', { status: 503, body: 'x' }, { message: 'Attestation failed: HTTP 503' }],
    ['status error', { body: { status: 'error', message: 'no' } }, { message: 'Attestation failed: no' }],
    ['no token', { body: { status: 'success', expires_at: 'x' } }, { reason: 'attestation_failed' }],
    ['no expiry', { body: { status: 'success', security_token: 'x' } }, { reason: 'attestation_failed' }],
  ])('an attestation that is answered with %s throws', async (_what, answer, error) => {
    const { client } = await gateway(() => answer)
    await expect(client.attest()).rejects.toMatchObject({ message: /^Attestation failed: /, ...error })
  })

  it('a gateway that is not there is told', async () => {
    const client = new entry.SEALClient('http://127.0.0.1:1', 'w', 'default')
    await expect(client.attest()).rejects.toMatchObject({ reason: 'attestation_failed' })
  })

  it('lists the tools of its context', async () => {
    const { seen, client } = await gateway(() => ({ body: { tools: [{ name: 'fs.read' }, 7] } }))
    expect(await client.listTools()).toEqual([{ name: 'fs.read' }])
    expect(seen[0]?.path).toBe('/x/prefix/v1/seal/tools?security_context=default')
  })
})

it('an address over which others read is refused, unless it is said', () => {
  expect(() => new SEALClient('http://gateway:8700', 'w', 's')).toThrow('https:')
  expect(new SEALClient('http://gateway:8700', 'w', 's', { allowInsecureHttp: true })).toBeDefined()
  for (const here of ['http://localhost:1', 'http://[::1]:1', 'http://127.0.0.2', 'https://gateway'])
    expect(new SEALClient(here, 'w', 's')).toBeDefined()
  for (const bad of ['gateway', 'ftp://x', 'https://x/?a=1', 'http://localhost.evil.com', 'http://127.0.0.1.evil.com'])
    expect(() => new SEALClient(bad, 'w', 's')).toThrow(TypeError)
})
