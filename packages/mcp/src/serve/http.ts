import type { IncomingMessage, ServerResponse } from 'node:http'
import { MODERN_VERSION } from '../client.ts'
import { AmbiguousText } from '../gateway/json-text.ts'
import {
  answerText,
  INVALID_PARAMS,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  type Message,
  NoMessage,
  PARSE_ERROR,
  paramsOf,
  type RpcFailure,
  readLine,
} from '../gateway/message.ts'
import { isModernRequest, VERSION_OF_REQUEST } from '../gateway/open-request.ts'
import { isKnownMethod, type Reply, rawIdOf, UNKEPT } from './session.ts'
import { type Caller, type Held, mark, type Sessions } from './sessions.ts'
import type { EventStream, Sink } from './streams.ts'

/** Versions with sessions that are served, newest first. */
export const SESSION_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26']
/** From here on the first event of a stream is empty: older clients cannot read that. */
const PRIMED_SINCE = '2025-11-25'

/** Codes of the protocol for what is wrong with a request over HTTP. */
const HEADER_MISMATCH = -32_020
const UNSUPPORTED_VERSION = -32_022
const NO_SESSION = -32_001

/** A caller who is not let in: the HTTP answer that says so. */
export class NotLetIn extends Error {
  override readonly name = 'NotLetIn'
  readonly status: 401 | 403 | 503
  /** The value of `WWW-Authenticate`; null for none. */
  readonly challenge: string | null
  constructor(status: 401 | 403 | 503, message: string, challenge: string | null) {
    super(message)
    this.status = status
    this.challenge = challenge
  }
}

export interface McpHttpDeps<C extends Caller> {
  readonly sessions: Sessions<C>
  /** @throws NotLetIn */
  readonly authenticate: (authorization: string | undefined) => Promise<C>
  /** Where the endpoint is, such as `/mcp`. */
  readonly path: string
  /** Documents that anybody may read, by their paths. */
  readonly documents: ReadonlyMap<string, object>
  /** Whether a request that names this host is meant for this server, and whether pages of this origin may call it. */
  readonly isHost: (host: string) => boolean
  readonly isOrigin: (origin: string) => boolean
  /** Bytes that a message of a client may have. */
  readonly largestBody: number
  /** Requests of one session that may be under way. */
  readonly mostUnderWay: number
  readonly server: { readonly name: string; readonly version: string }
  readonly clock: { after(milliseconds: number, task: () => void): () => void }
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void
}

/** A comment keeps what stands between from ending a stream on which nothing is said. */
const KEEP_ALIVE_MS = 25_000
/** Bytes that wait for a client that does not read; then its connection ends, and it may ask for what it missed. */
const MOST_UNREAD = 32 * 1024 * 1024

/** Ends the handling of a request with an answer. */
class Answered extends Error {
  readonly status: number
  readonly failure: RpcFailure
  readonly headers: Readonly<Record<string, string>>
  /** Whoever reads the id of a request that is still under way would take this for its answer. */
  readonly isWithoutId: boolean
  constructor(
    status: number,
    failure: RpcFailure,
    { headers = {}, isWithoutId = false }: { headers?: Readonly<Record<string, string>>; isWithoutId?: boolean } = {},
  ) {
    super(failure.message)
    this.status = status
    this.failure = failure
    this.headers = headers
    this.isWithoutId = isWithoutId
  }
}

const refuse = (status: number, code: number, message: string, headers?: Readonly<Record<string, string>>) =>
  new Answered(status, { code, message }, headers === undefined ? {} : { headers })

/** MCP over Streamable HTTP, as a server: with sessions up to 2025-11-25, and without from 2026-07-28 on. */
export function createMcpHttp<C extends Caller>(
  deps: McpHttpDeps<C>,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { sessions, log } = deps

  async function handle(request: IncomingMessage, response: ServerResponse) {
    const { host = '' } = request.headers
    if (!deps.isHost(host))
      throw refuse(403, INVALID_REQUEST, `The host ${JSON.stringify(host)} is not one of this server.`)
    const { origin } = request.headers
    if (origin !== undefined) {
      if (!deps.isOrigin(origin))
        throw refuse(403, INVALID_REQUEST, `Pages of ${JSON.stringify(origin)} may not call this server.`)
      response.setHeader('access-control-allow-origin', origin)
      response.setHeader('access-control-expose-headers', 'mcp-session-id, www-authenticate')
      response.setHeader('vary', 'origin')
    }
    response.setHeader('cache-control', 'no-store')
    const [path = ''] = (request.url ?? '').split('?')
    const document = deps.documents.get(path)
    if (document !== undefined && (request.method === 'GET' || request.method === 'HEAD'))
      return json(response, 200, JSON.stringify(document))
    if (path !== deps.path)
      throw refuse(404, INVALID_REQUEST, `There is nothing at ${path}: the endpoint is ${deps.path}.`)
    if (request.method === 'OPTIONS' && origin !== undefined) return preflight(response)
    const { method } = request
    if (method !== 'POST' && method !== 'GET' && method !== 'DELETE')
      throw refuse(405, INVALID_REQUEST, `${method} is not answered here.`, { allow: 'GET, POST, DELETE' })
    const caller = await deps.authenticate(request.headers.authorization)
    if (method === 'POST') return post(request, response, caller)
    const held = sessionOf(request, caller)
    checkVersion(request)
    if (method === 'GET') return listen(request, response, held)
    await sessions.end(held, 'The client ended the session.')
    response.writeHead(204).end()
  }

  function preflight(response: ServerResponse): void {
    response
      .writeHead(204, {
        'access-control-allow-methods': 'GET, POST, DELETE',
        'access-control-allow-headers':
          'authorization, content-type, accept, last-event-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name',
        'access-control-max-age': '600',
      })
      .end()
  }

  function sessionOf(request: IncomingMessage, caller: C): Held<C> {
    const id = headerOf(request, 'mcp-session-id')
    if (id === undefined)
      throw refuse(400, INVALID_REQUEST, "There is no session: send 'initialize' first, then its Mcp-Session-Id.")
    const held = sessions.find(id, caller)
    if (held === null) throw refuse(404, NO_SESSION, "There is no such session: send 'initialize' to begin one.")
    sessions.touch(held)
    return held
  }

  function checkVersion(request: IncomingMessage): void {
    const version = headerOf(request, 'mcp-protocol-version')
    if (version !== undefined && !SESSION_VERSIONS.includes(version)) {
      const known = [MODERN_VERSION, ...SESSION_VERSIONS].join(', ')
      throw refuse(400, INVALID_REQUEST, `The version ${JSON.stringify(version)} is not served: ${known}.`)
    }
  }

  async function post(request: IncomingMessage, response: ServerResponse, caller: C) {
    const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
    if (type !== 'application/json' || request.headers['content-encoding'] !== undefined)
      throw refuse(415, INVALID_REQUEST, 'A message is sent as application/json, and not compressed.')
    if (!accepts(request, 'application/json') || !accepts(request, 'text/event-stream'))
      throw refuse(406, INVALID_REQUEST, 'Accept both application/json and text/event-stream.')
    const message = messageIn(await bodyOf(request, deps.largestBody))
    try {
      const isModern = isModernRequest(message) || headerOf(request, 'mcp-protocol-version') === MODERN_VERSION
      if (isModern) return modern(request, response, caller, message)
      if (message.kind === 'request' && message.method === 'initialize')
        return await initialize(request, response, caller, message)
      const held = sessionOf(request, caller)
      checkVersion(request)
      if (message.kind === 'request') return take(response, held, message)
      held.session.hear(message)
      response.writeHead(202).end()
    } catch (error) {
      const answered =
        error instanceof AmbiguousText
          ? refuse(400, INVALID_REQUEST, error.message)
          : error instanceof Answered
            ? error
            : null
      if (answered === null) throw error
      answerWith(
        request,
        response,
        answered,
        message.kind === 'request' && !answered.isWithoutId ? rawIdOf(message) : 'null',
      )
    }
  }

  async function initialize(request: IncomingMessage, response: ServerResponse, caller: C, message: Message) {
    if (headerOf(request, 'mcp-session-id') !== undefined) {
      sessionOf(request, caller)
      throw refuse(400, INVALID_REQUEST, 'This session is initialized already.')
    }
    const params = paramsOf(message)
    const asked = String(params.protocolVersion)
    const version = SESSION_VERSIONS.includes(asked) ? asked : (SESSION_VERSIONS[0] as string)
    const held = sessions.begin(caller, params, version)
    if (held === null) throw tooMany()
    await held.session.ready
    // Nobody has heard of the session.
    if (response.destroyed) return sessions.end(held, 'The client went away before the session began.')
    const result = { protocolVersion: version, ...held.session.introduction(), serverInfo: deps.server }
    response.setHeader('mcp-session-id', held.id)
    json(response, 200, answerText(rawIdOf(message), { result }))
  }

  /** A request of a session: answered by a stream, which the client may go on with by another connection. */
  function take(response: ServerResponse, held: Held<C>, message: Message) {
    const refusal = held.session.refusalOf(message)
    if (refusal !== null) {
      if (refusal.code === METHOD_NOT_FOUND)
        return json(response, 200, answerText(rawIdOf(message), { error: refusal }))
      throw new Answered(400, refusal, { isWithoutId: true })
    }
    if (held.session.underWay() >= deps.mostUnderWay)
      throw refuse(429, INVALID_REQUEST, `At most ${deps.mostUnderWay} requests of a session are under way.`, {
        'retry-after': '1',
      })
    const stream = held.streams.open(held.version >= PRIMED_SINCE)
    connect(response, stream, held)
    held.session.request(message, {
      message: (text) => stream.send(text),
      answer(text) {
        stream.send(text)
        stream.finish()
      },
      end: () => stream.finish(),
    })
  }

  function listen(request: IncomingMessage, response: ServerResponse, held: Held<C>) {
    if (!accepts(request, 'text/event-stream')) throw refuse(406, INVALID_REQUEST, 'Accept text/event-stream.')
    const last = headerOf(request, 'last-event-id')
    const found = last === undefined ? { stream: held.standing, after: undefined } : held.streams.find(last)
    if (found === null) throw refuse(400, INVALID_REQUEST, `There is no event ${JSON.stringify(last)} to go on from.`)
    if (found.stream.isAttached()) throw refuse(409, INVALID_REQUEST, 'This stream has a connection already.')
    connect(response, found.stream, held, found.after)
  }

  function connect(response: ServerResponse, stream: EventStream, held: Held<C>, after?: number): void {
    let cancel = () => {}
    let isOpen = false
    const open = () => {
      if (isOpen) return
      isOpen = true
      response.writeHead(200, { ...SSE, 'mcp-session-id': held.id })
      response.flushHeaders()
    }
    const sink: Sink = {
      write(event) {
        open()
        response.write(event)
        if (response.writableLength <= MOST_UNREAD) return
        log('slow_client', { session: mark(held.id), unread: response.writableLength })
        stream.detach(sink)
        response.destroy()
      },
      end() {
        open()
        cancel()
        response.end()
      },
    }
    response.once('close', () => {
      cancel()
      stream.detach(sink)
      sessions.touch(held)
    })
    if (!stream.attach(sink, after))
      throw refuse(400, INVALID_REQUEST, 'What this stream had after that event is kept no more.')
    open()
    const beat = () => {
      cancel = deps.clock.after(KEEP_ALIVE_MS, () => {
        response.write(': \n\n')
        beat()
      })
    }
    if (!response.writableEnded) beat()
  }

  // The era without sessions

  function modern(request: IncomingMessage, response: ServerResponse, caller: C, message: Message) {
    if (message.kind !== 'request') {
      response.writeHead(202).end()
      return
    }
    checkModern(request, message)
    const { _meta } = paramsOf(message) as { _meta: Readonly<Record<string, unknown>> }
    const client = { capabilities: {}, clientInfo: _meta['io.modelcontextprotocol/clientInfo'] ?? NAMELESS }
    const held = sessions.shared(caller, client, MODERN_VERSION)
    if (held === null) throw tooMany()
    sessions.touch(held)
    if (held.session.underWay() >= deps.mostUnderWay)
      throw refuse(429, INVALID_REQUEST, `At most ${deps.mostUnderWay} requests of a caller are under way.`, {
        'retry-after': '1',
      })
    let cancel = () => {}
    response.once('close', () => {
      if (!response.writableEnded) cancel()
    })
    void held.session.ready.then(() => {
      if (response.destroyed) return
      const reply = plainReply(response)
      if (message.method !== 'server/discover') {
        cancel = held.session.request(message, reply)
        return
      }
      const about = { supportedVersions: [MODERN_VERSION], ...held.session.introduction() }
      const result = {
        ...about,
        resultType: 'complete',
        ...UNKEPT,
        _meta: { 'io.modelcontextprotocol/serverInfo': deps.server },
      }
      reply.answer(answerText(rawIdOf(message), { result }))
    })
  }

  /** The headers say what the body says, for those that stand between; the body is what holds. */
  function checkModern(request: IncomingMessage, message: Message): void {
    const params = paramsOf(message)
    if (!isModernRequest(message))
      throw refuse(400, INVALID_PARAMS, `Every request of ${MODERN_VERSION} says '_meta' with '${VERSION_OF_REQUEST}'.`)
    const version = (params._meta as Readonly<Record<string, unknown>>)[VERSION_OF_REQUEST] as string
    const { name, uri } = params
    const expected: readonly [string, unknown][] = [
      ['mcp-protocol-version', version],
      ['mcp-method', message.method],
      ...(message.method === 'tools/call' || message.method === 'prompts/get'
        ? [['mcp-name', name] as [string, unknown]]
        : []),
      ...(message.method === 'resources/read' ? [['mcp-name', uri] as [string, unknown]] : []),
    ]
    for (const [header, value] of expected)
      if (decoded(headerOf(request, header)) !== value)
        throw refuse(400, HEADER_MISMATCH, `The header ${header} does not say what the body says.`)
    if (version !== MODERN_VERSION)
      throw new Answered(400, {
        code: UNSUPPORTED_VERSION,
        message: `The version ${JSON.stringify(version)} is not served.`,
        data: { supported: [MODERN_VERSION], requested: version },
      })
    if (message.method !== 'server/discover' && (!isKnownMethod(message.method) || OF_SESSIONS.has(message.method)))
      throw refuse(404, METHOD_NOT_FOUND, `The gateway does not know '${message.method}'.`)
  }

  return async (request, response) => {
    try {
      await handle(request, response)
    } catch (error) {
      answerFailure(request, response, error)
    }
  }

  function answerWith(request: IncomingMessage, response: ServerResponse, answered: Answered, id: string) {
    const { status, headers, failure } = answered
    log('request_refused', { method: request.method, status, reason: failure.message })
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    // Who still sends hears the answer only when all was taken; who sends very much is cut off.
    if (Number(request.headers['content-length'] ?? 0) > MOST_DRAINED) response.setHeader('connection', 'close')
    else request.resume()
    json(response, status, answerText(id, { error: failure }))
  }

  function answerFailure(request: IncomingMessage, response: ServerResponse, error: unknown) {
    const { method } = request
    if (error instanceof NotLetIn) {
      log('caller_refused', { status: error.status, reason: error.message, from: request.socket.remoteAddress })
      if (error.challenge !== null) response.setHeader('www-authenticate', error.challenge)
      if (error.status === 503) response.setHeader('retry-after', '5')
      return json(
        response,
        error.status,
        answerText('null', { error: { code: INVALID_REQUEST, message: error.message } }),
      )
    }
    if (error instanceof Answered) return answerWith(request, response, error, 'null')
    // A client that went away while it was sending is no fault, and hears no answer.
    if (request.errored !== null) return
    log('fault', { method, error: (error as Error).stack ?? String(error) })
    if (response.headersSent) response.destroy()
    else json(response, 500, answerText('null', { error: { code: -32_603, message: 'A fault of the gateway.' } }))
  }
}

/** Bytes of a body that is refused which are read all the same. */
const MOST_DRAINED = 64 * 1024 * 1024
const NAMELESS = { name: 'unnamed', version: '0' }
/** What the era without sessions has no more. */
const OF_SESSIONS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
])
const SSE = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

const tooMany = () =>
  refuse(503, INVALID_REQUEST, 'There are too many sessions: end one, or try again later.', { 'retry-after': '60' })

function json(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}

/** JSON, unless something is to be said before the answer. */
function plainReply(response: ServerResponse): Reply {
  let isStream = false
  const event = (text: string) => {
    if (!isStream) response.writeHead(200, SSE)
    isStream = true
    response.write(`event: message\ndata: ${text}\n\n`)
  }
  return {
    message: event,
    answer(text) {
      if (!isStream) return json(response, 200, text)
      event(text)
      response.end()
    },
    end: () => response.end(),
  }
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** A header holds plain letters alone: any other text stands there in base64. */
function decoded(value: string | undefined): string | undefined {
  const encoded = value === undefined ? null : /^=\?base64\?([A-Za-z0-9+/=]*)\?=$/.exec(value)
  return encoded === null ? value : Buffer.from(encoded[1] as string, 'base64').toString('utf8')
}

function accepts(request: IncomingMessage, type: string): boolean {
  const [group] = type.split('/')
  return (request.headers.accept ?? '')
    .split(',')
    .map((one) => one.split(';')[0]?.trim().toLowerCase())
    .some((one) => one === type || one === '*/*' || one === `${group}/*`)
}

async function bodyOf(request: IncomingMessage, largest: number): Promise<string> {
  const tooLarge = () =>
    refuse(413, INVALID_REQUEST, `A message may have ${largest} bytes; this one has more, and was not read.`)
  if (Number(request.headers['content-length'] ?? 0) > largest) throw tooLarge()
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > largest) throw tooLarge()
    chunks.push(chunk as Buffer)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw refuse(400, PARSE_ERROR, 'This is no UTF-8.')
  }
}

function messageIn(text: string): Message {
  try {
    return readLine(text.replaceAll('\n', ' '))
  } catch (error) {
    if (!(error instanceof NoMessage)) throw error
    throw refuse(400, error.code, error.message)
  }
}
