import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from './manual-clock.ts'

/** One request as the console received it. */
export interface Seen {
  readonly method: string
  /** Path as sent, still percent-encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into bodies of every shape
  readonly body: any
}

export interface Reply {
  readonly status?: number
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Record<string, string>
}

export interface OpenStream {
  readonly seen: Seen
  readonly closed: boolean
  send(event: string, data: unknown, id?: string): void
  write(bytes: string | Uint8Array): void
  end(): void
}

/** A console on a free loopback port that answers as a test tells it and remembers what it was asked. */
export class FakeConsole {
  readonly requests: Seen[] = []
  readonly streams: OpenStream[] = []
  /** Answers everything but the stream; null is a 404. */
  answer: (seen: Seen) => Reply | Promise<Reply | null> | null = () => null
  /** Answers the stream instead of opening it. */
  answerStream: ((seen: Seen) => Reply | null) | null = null
  readonly #server: Server
  readonly #responses = new Set<ServerResponse>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(port = 0): Promise<FakeConsole> {
    const server = createServer()
    const fake = new FakeConsole(server)
    server.on('request', (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const [path = '', search = ''] = (request.url ?? '').split('?')
        const text = Buffer.concat(chunks).toString('utf8')
        const seen: Seen = {
          method: request.method ?? '',
          path,
          query: new URLSearchParams(search),
          headers: request.headers,
          body: text === '' ? undefined : JSON.parse(text),
        }
        fake.#responses.add(response)
        response.on('close', () => fake.#responses.delete(response))
        void fake.#respond(seen, response)
      })
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return fake
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Requests to a path that begins so. */
  to(path: string, method?: string): Seen[] {
    return this.requests.filter(
      (seen) => seen.path.startsWith(path) && (method === undefined || seen.method === method),
    )
  }

  async streamNumber(count: number): Promise<OpenStream> {
    await until(() => this.streams.length >= count, `stream ${count} was opened`)
    return this.streams[count - 1] as OpenStream
  }

  /** Cuts every open connection, as a crash would. */
  dropStreams(): void {
    for (const response of this.#responses) response.destroy()
  }

  async close(): Promise<void> {
    for (const response of this.#responses) response.destroy()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #respond(seen: Seen, response: ServerResponse): Promise<void> {
    this.requests.push(seen)
    let reply: Reply | null
    if (seen.path === '/api/v1/stream') {
      reply = this.answerStream?.(seen) ?? null
      if (reply === null) {
        this.#openStream(seen, response)
        return
      }
    } else {
      reply = (await this.answer(seen)) ?? { status: 404, json: { detail: 'not found' } }
    }
    const body = reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json))
    response.writeHead(reply.status ?? 200, { 'Content-Type': 'application/json', ...reply.headers })
    response.end(body)
  }

  #openStream(seen: Seen, response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
    response.write(': connected\n\n')
    this.streams.push({
      seen,
      get closed() {
        return response.destroyed || response.writableEnded
      },
      send: (event, data, id) => {
        const text = typeof data === 'string' ? data : JSON.stringify(data)
        response.write(`${id ? `id: ${id}\n` : ''}event: ${event}\ndata: ${text}\n\n`)
      },
      write: (bytes) => response.write(bytes),
      end: () => response.end(),
    })
  }
}

/** A bundle as the console delivers it. */
export function delivered(name: string, yaml: string, extra: object = {}): Record<string, unknown> {
  return {
    type: 'contract_update',
    bundle_name: name,
    version: 1,
    revision_hash: sha256(yaml),
    yaml_bytes: Buffer.from(yaml, 'utf8').toString('base64'),
    ...extra,
  }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

export interface TestSigner {
  readonly publicKeyHex: string
  sign(text: string): Buffer
}

export function newSigner(): TestSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    publicKeyHex: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex'),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), privateKey),
  }
}

/** A bundle that denies `read_file` of paths that contain `fragment`. */
export function denyBundle(fragment: string, message = `{args.path} holds ${fragment}.`, name = 'main'): string {
  return [
    'apiVersion: edictum/v1',
    'kind: ContractBundle',
    'metadata:',
    `  name: ${name}`,
    'defaults:',
    '  mode: enforce',
    'contracts:',
    '  - id: no-secrets',
    '    type: pre',
    '    tool: read_file',
    '    when:',
    `      args.path: { contains: "${fragment}" }`,
    '    then:',
    '      effect: deny',
    `      message: "${message}"`,
    '',
  ].join('\n')
}
