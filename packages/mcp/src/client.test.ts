import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { connect, type McpClient, type McpClientOptions } from './client.ts'
import type { McpClock } from './clock.ts'
import { McpDisconnected, McpError, McpSessionLost, McpTimeout, McpUnsupported } from './errors.ts'
import { httpTransport } from './http.ts'
import { createLineReader, LineTooLong } from './lines.ts'
import { stdioTransport } from './stdio.ts'

const clock: McpClock = {
  now: () => Date.now(),
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds)
    return () => clearTimeout(timer)
  },
}
const home = mkdtempSync(join(tmpdir(), 'lictor-mcp-'))
const running = new Set<ChildProcess>()
const clients: McpClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  for (const child of running) child.kill('SIGKILL')
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** A process as the package takes it. */
const processOf = (command: string, args: readonly string[]) =>
  stdioTransport({
    largestMessage: 1024 * 1024,
    async start() {
      const child = spawn(command, args, { stdio: 'pipe' })
      running.add(child)
      const exited = new Promise<string>((resolve) =>
        child.once('exit', (code, signal) => {
          running.delete(child)
          resolve(signal ?? `exit code ${code}`)
        }),
      )
      return {
        stdin: child.stdin,
        stdout: child.stdout,
        stderr: child.stderr,
        exited,
        async end() {
          child.kill('SIGKILL')
          await exited
        },
      }
    },
  })

async function connected(open: McpClientOptions['open'], over: Partial<McpClientOptions> = {}): Promise<McpClient> {
  const client = await connect({ open, clock, name: 'test', version: '1', connectMs: 20_000, ...over })
  clients.push(client)
  return client
}

/** A server of a test's own: `answer` is the body of a function of the message. */
let scripts = 0
function raw(answer: string): McpClientOptions['open'] {
  const file = join(home, `server-${scripts++}.mjs`)
  writeFileSync(
    file,
    `import { createInterface } from 'node:readline'
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const hello = (id) => say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'raw', version: '1' } } })
const seen = []
createInterface({ input: process.stdin }).on('line', async (line) => {
  const message = JSON.parse(line)
  seen.push(message)
  const { id, method, params } = message
  ${answer}
})
`,
  )
  return processOf(process.execPath, [file])
}

describe('a connection to a process', () => {
  it('lists every page of tools as they are described, and calls them', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') hello(id)
      if (method === 'tools/list' && !params.cursor) say({ id, result: { tools: [{ name: 'a', annotations: { category: 'x' }, _meta: { y: 1 } }], nextCursor: '2' } })
      if (method === 'tools/list' && params.cursor === '2') say({ id, result: { tools: [{ name: 'b' }, { name: 'a' }, { noName: 1 }], nextCursor: '2' } })
      if (method === 'tools/call') say({ id, result: { content: [{ type: 'text', text: JSON.stringify(params) }], foo: 1 } })`),
    )
    expect(client.era).toBe('legacy')
    expect(client.server).toMatchObject({ serverInfo: { name: 'raw' } })
    expect(await client.listTools()).toEqual([
      { name: 'a', annotations: { category: 'x' }, _meta: { y: 1 } },
      { name: 'b' },
    ])
    expect(await client.callTool('a', { x: [1] })).toEqual({
      content: [{ type: 'text', text: '{"name":"a","arguments":{"x":[1]}}' }],
      foo: 1,
    })
  })

  it('tells answers apart that come out of order, twice, late, or under no id', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') hello(id)
      if (method === 'tools/call') {
        globalThis.calls ??= []
        calls.push(message)
        if (calls.length === 3)
          for (const one of [...calls].reverse()) {
            say({ id: one.id, result: one.params.name })
            say({ id: one.id, result: 'again' })
            say({ id: null, error: { code: 0, message: 'nobody' } })
            say({ id: 9999, result: 'nobody' })
          }
      }`),
    )
    expect(await Promise.all(['x', 'y', 'z'].map((name) => client.callTool(name, {})))).toEqual(['x', 'y', 'z'])
  })

  it('errors come with their code, whatever it is', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') hello(id)
      if (method === 'tools/call') say({ id, error: { code: 0, message: 'duplicate', data: { a: 1 } } })`),
    )
    const failed = await client.callTool('x', {}).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(McpError)
    expect(failed).toMatchObject({ code: 0, message: 'duplicate', data: { a: 1 } })
  })

  it('banners, notifications before the handshake, and requests of the server harm nothing', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') {
        process.stdout.write('Welcome!\\r\\n[1,2]\\n\\n')
        say({ method: 'notifications/message', params: {} })
        say({ id: 0, method: 'ping' })
        say({ id: 'r', method: 'roots/list' })
        hello(id)
      }
      if (method === 'tools/call') say({ id, result: seen.filter((one) => !one.method) })`),
    )
    expect(await client.callTool('x', {})).toEqual([
      { jsonrpc: '2.0', id: 0, result: {} },
      { jsonrpc: '2.0', id: 'r', error: { code: -32_601, message: "This client does not do 'roots/list'." } },
    ])
  })

  it('a call that nobody waits for any more is cancelled at the server; its late answer is dropped', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') hello(id)
      if (method === 'tools/call' && params.name === 'slow') globalThis.slow = id
      if (method === 'notifications/cancelled') { globalThis.cancelled = params; say({ id: slow, result: 'late' }) }
      if (method === 'tools/call' && params.name === 'ask') say({ id, result: globalThis.cancelled ?? null })`),
    )
    const given = new AbortController()
    const slow = client.callTool('slow', {}, { signal: given.signal })
    given.abort(new Error('not wanted'))
    await expect(slow).rejects.toThrow('not wanted')
    expect(await client.callTool('ask', {})).toMatchObject({ reason: 'not wanted' })
    await expect(client.callTool('slow', {}, { timeoutMs: 20 })).rejects.toBeInstanceOf(McpTimeout)
  })

  it('a server that dies in the middle of a call ends the call, with what it last said', async () => {
    let closed = ''
    const client = await connected(
      raw(`
      if (method === 'initialize') hello(id)
      if (method === 'tools/call') { process.stderr.write('x'.repeat(1_000_000) + 'out of cheese'); process.exitCode = 3; process.stderr.end(() => process.exit(3)) }`),
      { onClosed: (reason) => (closed = reason) },
    )
    const failed = await client.callTool('x', {}).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(McpDisconnected)
    expect((failed as Error).message).toMatch(/exit code 3.*out of cheese\.$/s)
    expect(closed.length).toBeLessThan(5000)
    await expect(client.callTool('x', {})).rejects.toBeInstanceOf(McpDisconnected)
  })

  it('a server that never answers the handshake is given up in time, and ended', async () => {
    await expect(connected(raw(''), { connectMs: 300 })).rejects.toThrow('not ready within 0.3 seconds')
    expect(running.size).toBe(0)
    const given = new AbortController()
    const waiting = connected(raw(''), { signal: given.signal })
    given.abort(new Error('stopping'))
    await expect(waiting).rejects.toThrow('stopping')
  })

  it('a server that floods its standard error goes on', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') { for (let i = 0; i < 200; i++) process.stderr.write('x'.repeat(65536)); hello(id) }
      if (method === 'tools/call') say({ id, result: 'there' })`),
    )
    expect(await client.callTool('x', {})).toBe('there')
  })

  it('a message beyond all measure ends the connection, and names the measure', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') hello(id)
      if (method === 'tools/call') say({ id, result: 'x'.repeat(2 * 1024 * 1024) })`),
    )
    await expect(client.callTool('x', {})).rejects.toThrow('more than 1048576 bytes')
  })

  it('a server without sessions is spoken to without them', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') say({ id, error: { code: -32601, message: 'Method not found' } })
      if (method === 'server/discover') say({ id, result: { supportedVersions: ['2026-07-28'], resultType: 'complete' } })
      if (method === 'tools/call' && params.name === 'ask') say({ id, result: { resultType: 'input_required', inputRequests: {} } })
      else if (method === 'tools/call') say({ id, result: params })`),
    )
    expect(client.era).toBe('modern')
    expect(await client.callTool('x', { a: 1 })).toMatchObject({
      name: 'x',
      arguments: { a: 1 },
      _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' },
    })
    await expect(client.callTool('ask', {})).rejects.toBeInstanceOf(McpUnsupported)
  })

  it('a server that knows neither says why', async () => {
    const neither = raw(`say({ id, error: { code: -32601, message: 'Only Klingon: ' + method } })`)
    await expect(connected(neither)).rejects.toThrow('Only Klingon: initialize')
  })

  it('a program that is none is named', async () => {
    await expect(connected(processOf(process.execPath, ['-e', 'process.exit(7)']))).rejects.toThrow('exit code 7')
  })

  it('progress reaches whoever asked for it', async () => {
    const client = await connected(
      raw(`
      if (method === 'initialize') hello(id)
      if (method === 'tools/call') { say({ method: 'notifications/progress', params: { progressToken: params._meta.progressToken, progress: 1 } }); say({ id, result: 'done' }) }`),
    )
    const heard: unknown[] = []
    await client.callTool('x', {}, { onProgress: (progress) => heard.push(progress) })
    expect(heard).toEqual([expect.objectContaining({ progress: 1 })])
  })
})

const everything = join(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json'),
  '../dist/index.js',
)

describe('a real server', () => {
  it('over its standard streams', async () => {
    const client = await connected(processOf(process.execPath, [everything, 'stdio']))
    const tools = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('echo')
    expect(tools.find(({ name }) => name === 'echo')?.inputSchema).toMatchObject({
      type: 'object',
      required: ['message'],
    })
    expect(await client.callTool('echo', { message: 'Grün' })).toMatchObject({
      content: [{ type: 'text', text: 'Echo: Grün' }],
    })
    expect(await client.callTool('no-such-tool', {})).toMatchObject({ isError: true })
    expect(await client.request('ping')).toEqual({})
  })
})

describe('a connection over HTTP', () => {
  let server: Server | null = null
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
    server = null
  })
  interface Asked {
    method: string
    headers: Record<string, unknown>
    message: { id?: number; method?: string; params?: Record<string, unknown> }
  }
  /** A server that answers as `answer` says: what to send, and with which type. */
  async function serve(answer: (asked: Asked) => { status?: number; headers?: Record<string, string>; body?: string }) {
    const seen: Asked[] = []
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        const asked = {
          method: request.method ?? '',
          headers: request.headers,
          message: body === '' ? {} : JSON.parse(body),
        }
        seen.push(asked)
        const { status = 200, headers = {}, body: text = '' } = answer(asked)
        response.writeHead(status, headers).end(text)
      })
    })
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
    const http = { protocolVersion: null, isModern: false }
    const open = httpTransport(
      { url, headers: { 'x-key': 'k' }, fetch: globalThis.fetch, largestMessage: 1024 * 1024 },
      http,
    )
    return { seen, client: () => connected(open, { http }) }
  }
  const json = { 'content-type': 'application/json' }
  const sse = { 'content-type': 'text/event-stream' }
  const hello = { protocolVersion: '2025-11-25', capabilities: {} }
  const said = (id: unknown, result: unknown) => JSON.stringify({ jsonrpc: '2.0', id, result })

  it('with a session: its id and the version go with every message, answers come as JSON or as events', async () => {
    const { seen, client } = await serve(({ method, message }) => {
      if (method === 'DELETE') return { status: 200 }
      if (message.method === 'initialize')
        return {
          headers: { ...sse, 'mcp-session-id': 's1' },
          body: `id: 1\ndata: \n\ndata: ${said(message.id, hello)}\n\n`,
        }
      if (message.id === undefined) return { status: 202 }
      return { headers: json, body: said(message.id, 'there') }
    })
    const one = await client()
    expect(await one.callTool('x', {})).toBe('there')
    await one.close()
    expect(seen.map(({ method, message }) => message.method ?? method)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/call',
      'DELETE',
    ])
    expect(seen[2]?.headers).toMatchObject({
      'x-key': 'k',
      'mcp-session-id': 's1',
      'mcp-protocol-version': '2025-11-25',
      accept: 'application/json, text/event-stream',
    })
  })

  it.each([
    [404, 'Not Found'],
    [
      404,
      (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_001, message: 'Session not found' } }),
    ],
    [400, 'No valid session'],
    [
      400,
      (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_000, message: 'No valid session ID' } }),
    ],
    [400, JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32_600, message: 'Unknown session' } })],
  ])('a session that the server has forgotten (%i, %s) took nothing of what is sent', async (status, body) => {
    const { client, seen } = await serve(({ message }) => {
      if (message.method === 'initialize')
        return { headers: { ...json, 'mcp-session-id': 's1' }, body: said(message.id, hello) }
      if (message.id === undefined) return { status: 202 }
      return { status, body: typeof body === 'string' ? body : body(message.id) }
    })
    const one = await client()
    await expect(one.callTool('x', {})).rejects.toBeInstanceOf(McpSessionLost)
    // Nothing more is sent under it, also no farewell.
    const sent = seen.length
    await expect(one.callTool('x', {})).rejects.toBeInstanceOf(McpSessionLost)
    await one.close()
    expect(seen).toHaveLength(sent)
  })

  it('an error of a request is no lost session, whatever it speaks of', async () => {
    const { client } = await serve(({ message }) => {
      if (message.method === 'initialize')
        return { headers: { ...json, 'mcp-session-id': 's1' }, body: said(message.id, hello) }
      if (message.id === undefined) return { status: 202 }
      const error = { code: -32_602, message: 'The session of training must be a number' }
      return { status: 400, body: JSON.stringify({ jsonrpc: '2.0', id: message.id, error }) }
    })
    await expect((await client()).callTool('x', {})).rejects.toBeInstanceOf(McpError)
  })

  it.each([
    ['as events', sse, ': nothing more\n\n'],
    ['as JSON', json, ''],
    ['accepted, like a notification', {}, ''],
  ])('an answer without one to the request (%s) is an answer that did not come', async (_how, headers, body) => {
    const { client } = await serve(({ message }) => {
      if (message.method === 'initialize') return { headers: json, body: said(message.id, hello) }
      return message.id === undefined ? { status: 202 } : { headers, body }
    })
    const failed = await (await client()).callTool('x', {}).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(McpDisconnected)
    expect(String(failed)).toContain('without one to this request')
  })

  it('without sessions: what the body says, the headers say as well', async () => {
    const { seen, client } = await serve(({ message }) => {
      if (message.method === 'initialize')
        return {
          status: 404,
          headers: json,
          body: JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32_601, message: 'no' } }),
        }
      return { headers: json, body: said(message.id, { resultType: 'complete' }) }
    })
    const one = await client()
    expect(one.era).toBe('modern')
    await one.callTool('x', {})
    expect(seen.at(-1)?.headers).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'x',
    })
  })

  it.each([
    [401, 'nope', 'answered 401: nope'],
    [500, '', 'answered 500'],
  ])('a refusal %i is told', async (status, body, told) => {
    const { client } = await serve(() => ({ status, body }))
    await expect(client()).rejects.toThrow(told)
  })

  it('an answer that breaks off is an answer that did not come', async () => {
    const { client } = await serve(({ message }) => {
      if (message.method === 'initialize') return { headers: json, body: said(message.id, hello) }
      if (message.id === undefined) return { status: 202 }
      return { headers: { ...sse, 'content-length': '1000' }, body: 'data: {"jsonrpc"' }
    })
    const one = await client()
    const call = one.callTool('x', {}, { timeoutMs: 5000 })
    server?.closeAllConnections()
    await expect(call).rejects.toThrow()
  })
})

describe('lines', () => {
  it('are the same however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((one) => one.replace(/[\r\n]/g, ''))),
        fc.array(fc.nat(7)),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\r\n`).join(''))
          const reader = createLineReader(1_000_000)
          const read: string[] = []
          let at = 0
          for (const cut of [...cuts, bytes.length]) {
            read.push(...reader.push(bytes.subarray(at, at + cut)))
            at += cut
          }
          expect(read).toEqual(lines.filter((line) => line !== ''))
        },
      ),
    )
  })
  it('that are too long are no lines', () => {
    const reader = createLineReader(10)
    expect(reader.push(Buffer.from('0123456789\n'))).toEqual(['0123456789'])
    expect(() => reader.push(Buffer.from('0123456789a'))).toThrow(LineTooLong)
  })
})
