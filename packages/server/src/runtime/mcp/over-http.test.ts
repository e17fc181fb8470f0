import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { startTestServer, type TestServer } from '../../../test/harness.ts'
import { type EverythingServer, startEverything } from '../../../test/mcp-over-http.ts'
import {
  allEvents,
  call,
  deployAgent,
  scriptEnvironment,
  serviceHeaders,
  startExecution,
  until,
} from '../../../test/runtime.ts'
import { systemClock } from '../../adapters/clock/system.ts'
import { openMcpProcesses } from '../../adapters/mcp/processes.ts'
import { readConfig } from '../../config.ts'
import { createMcpServer, type McpServer } from './server.ts'

// Each test of the real server starts it, and most a second time.
vi.setConfig({ testTimeout: 180_000 })

const home = mkdtempSync(join(tmpdir(), 'lictor-mcp-http-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
let files = 0
function settingsFile(url: string): string {
  const path = join(home, `${files++}.yaml`)
  writeFileSync(path, stringify({ mcp_servers: [{ name: 'ev', url, capabilities: ['web.*'] }] }))
  return path
}
const never = new AbortController().signal

const servers: McpServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})
async function connected(url: string): Promise<McpServer> {
  const [settings] = readConfig({
    LICTOR_DATA_DIR: mkdtempSync(join(home, 'data-')),
    LICTOR_MCP_SERVERS: settingsFile(url),
  }).mcpServers
  if (!settings) throw new Error('no server')
  const logger = pino({ level: 'silent' })
  const server = createMcpServer(settings, {
    processes: openMcpProcesses({ owner: `http-${process.pid}`, clock: systemClock, logger }),
    fetch: globalThis.fetch,
    clock: systemClock,
    logger,
    readSecret: async () => '',
    record: async () => {},
  })
  servers.push(server)
  server.start()
  await until(async () => server.state().status === 'running')
  return server
}

describe('a real MCP server over Streamable HTTP', () => {
  let real: EverythingServer
  afterEach(() => real.stop())
  const made = (method: string) => real.passed.filter((one) => one.method === method && one.status < 300).length

  it('its tools are called by agents, also after it was started anew and knows no session any more', async () => {
    real = await startEverything()
    const t: TestServer = await startTestServer({
      environment: {
        ...scriptEnvironment([
          call('web.echo', { message: 'Grün' }),
          call('web.get-sum', { a: 2, b: 40 }),
          call('web.echo', {}),
          { text: 'Done.' },
        ]),
        LICTOR_SANDBOX: 'process',
        LICTOR_MCP_SERVERS: settingsFile(real.url),
      },
    })
    try {
      const address = await t.listen()
      const headers = await serviceHeaders(t)
      const shown = async () =>
        (await t.request({ method: 'GET', url: '/v1/tools/servers', headers })).json().servers[0]
      await until(async () => (await shown()).status === 'running')
      const agent = await deployAgent(t, headers, { tools: ['web.echo', 'web.get-sum'] })
      const run = async () => {
        const events = await allEvents(address, headers, await startExecution(t, headers, agent))
        expect(events.at(-1)).toMatchObject({ type: 'execution_completed', final_output: 'Done.' })
        const told = events.filter(({ type }) => type === 'llm_interaction').map(({ prompt }) => String(prompt))
        expect(told.slice(1, 3).map((one) => JSON.parse(one).content)).toEqual([
          [{ type: 'text', text: 'Echo: Grün' }],
          [{ type: 'text', text: 'The sum of 2 and 40 is 42.' }],
        ])
        expect(told[3]).toContain("required field 'message' is missing or null for tool 'web.echo'")
      }
      await run()
      expect(made('tools/call')).toBe(2)
      await real.restart()
      await run()
      expect(made('tools/call')).toBe(4)
      expect(made('initialize')).toBe(2)
      expect(await shown()).toMatchObject({ status: 'running', error: null, era: 'legacy' })
    } finally {
      await t.close()
    }
    // The session is given back.
    expect(real.passed.filter(({ httpMethod }) => httpMethod === 'DELETE')).toEqual([
      { httpMethod: 'DELETE', method: '', status: 200 },
    ])
  })

  it('of twenty calls that find the session lost each is made once, under one new session', async () => {
    real = await startEverything()
    const server = await connected(real.url)
    await real.restart()
    const said = await Promise.all(
      Array.from({ length: 20 }, (_, index) => server.call('echo', { message: String(index) }, never)),
    )
    expect(said).toEqual(
      Array.from({ length: 20 }, (_, index) => ({ content: [{ type: 'text', text: `Echo: ${index}` }] })),
    )
    expect([made('tools/call'), made('initialize')]).toEqual([20, 2])
  })

  it('a call that was taken and not answered is not made again, and its outcome is said to be unknown', async () => {
    real = await startEverything()
    const server = await connected(real.url)
    const long = server.call('trigger-long-running-operation', { duration: 3600, steps: 1 }, never)
    const failed = expect(long).rejects.toThrow(/Whether the call was carried out is not known/)
    await until(async () => made('tools/call') === 1)
    await real.restart()
    await failed
    expect(await server.call('echo', { message: 'x' }, never)).toMatchObject({
      content: [{ type: 'text', text: 'Echo: x' }],
    })
    expect(made('tools/call')).toBe(2)
  })
})

describe('a server that loses sessions', () => {
  let http: Server
  afterEach(() => {
    http.closeAllConnections()
    http.close()
  })
  interface Asked {
    readonly session: string | undefined
    readonly id: number
    readonly method: string
    readonly name: string
    readonly httpMethod: string
  }
  /** One that answers calls as `onCall` says, where it says anything. */
  async function serve(onCall: (asked: Asked, response: ServerResponse) => void) {
    const seen: Asked[] = []
    let sessions = 0
    http = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { id, method = '', params } = body === '' ? {} : JSON.parse(body)
      const session = request.headers['mcp-session-id'] as string | undefined
      const asked = { session, id, method, name: params?.name ?? '', httpMethod: request.method ?? '' }
      seen.push(asked)
      const answer = (result: unknown, headers = {}) =>
        response
          .writeHead(200, { 'content-type': 'application/json', ...headers })
          .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
      if (method === 'initialize') answer({ protocolVersion: '2025-11-25' }, { 'mcp-session-id': `s${++sessions}` })
      else if (method === 'tools/list') answer({ tools: [{ name: 'do', inputSchema: { type: 'object' } }] })
      else if (method === 'tools/call') onCall(asked, response)
      else response.writeHead(202).end()
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, seen }
  }
  const say = (response: ServerResponse, id: number, result: unknown) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }))

  it('what is out under the old session may still be answered; the session is not said farewell to', async () => {
    const held: { response: ServerResponse; id: number }[] = []
    const { url, seen } = await serve(({ session, id, name }, response) => {
      if (name === 'slow') held.push({ response, id })
      else if (session === 's1') response.writeHead(404).end()
      else say(response, id, session)
    })
    const server = await connected(url)
    const slow = server.call('slow', {}, never)
    await until(async () => held.length === 1)
    expect(await server.call('do', {}, never)).toBe('s2')
    for (const { response, id } of held) say(response, id, 'late')
    expect(await slow).toBe('late')
    expect(await server.call('do', {}, never)).toBe('s2')
    await server.stop()
    expect(seen.filter(({ httpMethod }) => httpMethod === 'DELETE').map(({ session }) => session)).toEqual(['s2'])
  })

  it('one that forgets each at once is not asked without end', async () => {
    const { url, seen } = await serve((_asked, response) => response.writeHead(404).end('Session not found'))
    const server = await connected(url)
    await expect(server.call('do', {}, never)).rejects.toThrow('The server answered 404: Session not found')
    expect(seen.filter(({ method }) => method === 'tools/call').map(({ session }) => session)).toEqual(['s1', 's2'])
  })
})
