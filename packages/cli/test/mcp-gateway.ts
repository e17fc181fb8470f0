import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type ServeOptions, serve } from '../src/mcp/serve.ts'

export interface RunningGateway {
  readonly url: string
  /** What it wrote of itself, read. */
  readonly log: Record<string, unknown>[]
  /** The first line of its log, past or to come, that is one of these. */
  until(isIt: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  /** Resolves with the exit code. */
  stop(): Promise<number>
}

/** A folder for a test's files, and gateways that are served from it in this process. */
export function gatewayBench() {
  const folder = mkdtempSync(join(tmpdir(), 'lictor-mcp-serve-'))
  const running = new Set<RunningGateway>()
  const servers = new Set<ReturnType<typeof createServer>>()
  let count = 0

  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  async function start(
    config: object | string,
    contracts: string,
    { environment = {}, ...options }: Partial<ServeOptions> & { environment?: Record<string, string> } = {},
  ): Promise<RunningGateway> {
    const text = typeof config === 'string' ? config : stringify({ listen: { port: 0 }, ...config })
    const interrupted = Promise.withResolvers<void>()
    const log: Record<string, unknown>[] = []
    const waiting = new Set<() => void>()
    const ended = serve(
      {
        config: write(`serve-${count++}.yaml`, text),
        contracts: [contracts],
        env: 'production',
        // Tests name different servers alike.
        pins: join(folder, `pins-${count}`),
        patience: 50,
        ...options,
      },
      {
        environment: { ...process.env, ...environment },
        workingDirectory: folder,
        isInteractive: false,
        print: () => {},
        note(line) {
          log.push(JSON.parse(line) as Record<string, unknown>)
          for (const look of waiting) look()
        },
        readInput: async () => '',
        interrupted: interrupted.promise,
        pause: () => interrupted.promise,
      },
    )
    const until: RunningGateway['until'] = (isIt) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = log.find(isIt)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        ended.then(() => reject(new Error(`It ended before that came: ${JSON.stringify(log)}`)), reject)
        look()
      })
    const { url } = await until(({ event }) => event === 'listening')
    const gateway: RunningGateway = {
      url: String(url),
      log,
      until,
      stop() {
        running.delete(gateway)
        interrupted.resolve()
        return ended
      },
    }
    running.add(gateway)
    return gateway
  }

  return {
    folder,
    write,
    start,
    /** A server over HTTP, of this process. */
    async listen(
      answer: (request: IncomingMessage, response: ServerResponse, body: string) => unknown,
    ): Promise<string> {
      const server = createServer(async (request, response) => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        await answer(request, response, Buffer.concat(chunks).toString('utf8'))
      })
      servers.add(server)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    async stopAll() {
      await Promise.all([...running].map((gateway) => gateway.stop()))
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      servers.clear()
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** The messages of its body, whether JSON or a stream. */
  readonly messages: Record<string, unknown>[]
  readonly message: Record<string, unknown>
  readonly text: string
}

export const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

/** One request, read to the end of its answer. Header values that are empty are left out. */
export async function post(
  url: string,
  body: object | string,
  headers: Record<string, string> = {},
  method = 'POST',
): Promise<Answer> {
  const sent = Object.fromEntries(Object.entries({ ...HEADERS, ...headers }).filter(([, value]) => value !== ''))
  const response = await fetch(url, {
    method,
    headers: sent,
    ...(method === 'POST'
      ? { body: typeof body === 'string' ? body : JSON.stringify({ jsonrpc: '2.0', ...body }) }
      : {}),
  })
  const text = await response.text()
  const isStream = response.headers.get('content-type') === 'text/event-stream'
  const texts = isStream
    ? text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [line.slice(6)] : []))
    : text === ''
      ? []
      : [text]
  const messages = texts.map((one) => JSON.parse(one) as Record<string, unknown>)
  return { status: response.status, headers: response.headers, messages, message: messages.at(-1) ?? {}, text }
}

export interface RawSession {
  readonly headers: Record<string, string>
  readonly begun: Answer
  request(method: string, params?: object, id?: number | string): Promise<Answer>
  call(name: string, args?: object, more?: object): Promise<Answer>
}

/** A client without any SDK, from the first message to tools that may be called. */
export async function beginSession(
  url: string,
  own: Record<string, string> = {},
  capabilities: object = {},
): Promise<RawSession> {
  const begun = await post(
    url,
    {
      id: 'begin',
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'raw', version: '1' } },
    },
    own,
  )
  const headers = { ...own, 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
  await post(url, { method: 'notifications/initialized' }, headers)
  let nextId = 1
  const request: RawSession['request'] = (method, params, id = nextId++) =>
    post(url, { id, method, ...(params === undefined ? {} : { params }) }, headers)
  return {
    headers,
    begun,
    request,
    call: (name, args = {}, more = {}) => request('tools/call', { name, arguments: args, ...more }),
  }
}
