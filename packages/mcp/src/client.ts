import type { McpClock } from './clock.ts'
import { McpDisconnected, McpError, McpTimeout, McpUnsupported } from './errors.ts'
import { BROKEN_OFF, type HttpState } from './http.ts'
import { METHOD_NOT_FOUND, type RequestId, readMessage } from './messages.ts'
import type { OpenTransport, Transport } from './transport.ts'

/** The newest version with sessions: offered to every server. */
export const LEGACY_VERSION = '2025-11-25'
/** The version without sessions. */
export const MODERN_VERSION = '2026-07-28'
const MOST_PAGES = 64

/** A tool as its server describes it, member for member. */
export type McpTool = Readonly<Record<string, unknown>> & { readonly name: string }

export interface McpClientOptions {
  readonly open: OpenTransport
  readonly clock: McpClock
  readonly name: string
  readonly version: string
  /** Milliseconds that connecting may take: some servers wait for others when they start. */
  readonly connectMs: number
  /** Gives connecting up. */
  readonly signal?: AbortSignal
  /** Told, by the transport over HTTP, what was agreed upon. */
  readonly http?: HttpState
  /** The list of tools is another one now. */
  onToolsChanged?(): void
  /** Once: nothing comes any more. */
  onClosed?(reason: string): void
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Milliseconds; without, nobody ends the call but its signal and the end of the connection. */
  readonly timeoutMs?: number
  onProgress?(progress: unknown): void
}

/** A connection to one server: from the first message to the last. */
export interface McpClient {
  readonly era: 'legacy' | 'modern'
  /** What the server said of itself. */
  readonly server: Readonly<Record<string, unknown>>
  /** Every page of its list. @throws McpError, McpDisconnected, McpSessionLost, McpTimeout */
  listTools(options?: CallOptions): Promise<McpTool[]>
  /** The result as it came. @throws McpError, McpDisconnected, McpSessionLost, McpTimeout, McpUnsupported, the signal's reason */
  callTool(name: string, args: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<unknown>
  /** One request of any kind, for example `ping`. */
  request(method: string, params?: object, options?: CallOptions): Promise<unknown>
  close(): Promise<void>
}

interface Pending {
  resolve(result: unknown): void
  reject(error: Error): void
  progress(progress: unknown): void
}

/**
 * Connect to a server, in whichever era it speaks: the handshake with sessions is offered first, and what a server without
 * sessions answers to it is an error.
 * @throws McpError, McpDisconnected, McpTimeout, McpUnsupported; nothing is left open then
 */
export async function connect(options: McpClientOptions): Promise<McpClient> {
  const { clock } = options
  const pending = new Map<RequestId, Pending>()
  let nextId = 1
  let isClosed = false
  let closedBecause = ''
  let isModern = false
  let transport: Transport | null = null
  let ending: ((error: Error) => void) | null = null

  const events = {
    message(text: string) {
      const message = readMessage(text)
      // A line that is no message, an answer that nobody waits for any more: neither harms.
      if (message === null) return
      switch (message.kind) {
        case 'result':
          return settle(message.id, (one) => one.resolve(message.result))
        case 'failure':
          return settle(message.id, (one) =>
            one.reject(
              message.error.code === BROKEN_OFF
                ? new McpDisconnected(message.error.message)
                : new McpError(message.error),
            ),
          )
        case 'request':
          return answer(message.id, message.method)
        case 'notification':
          return heard(message.method, message.params)
      }
    },
    closed(reason: string) {
      if (isClosed) return
      isClosed = true
      closedBecause = reason
      const error = new McpDisconnected(`${reason}.`)
      ending?.(error)
      for (const one of pending.values()) one.reject(error)
      pending.clear()
      options.onClosed?.(reason)
    },
  }

  function settle(id: RequestId | null, act: (one: Pending) => void): void {
    const one = id === null ? undefined : pending.get(id)
    if (id === null || one === undefined) return
    pending.delete(id)
    act(one)
  }

  /** A client of tools does nothing for its servers but to say that it is there. */
  function answer(id: RequestId, method: string): void {
    const said =
      method === 'ping'
        ? { result: {} }
        : { error: { code: METHOD_NOT_FOUND, message: `This client does not do '${method}'.` } }
    void transport?.send(JSON.stringify({ jsonrpc: '2.0', id, ...said }), { method }).catch(() => {})
  }

  function heard(method: string, params: unknown): void {
    if (method === 'notifications/tools/list_changed') options.onToolsChanged?.()
    if (method !== 'notifications/progress') return
    const { progressToken } = (params ?? {}) as { progressToken?: unknown }
    if (typeof progressToken === 'number') pending.get(progressToken)?.progress(params)
  }

  async function notify(method: string, params: object): Promise<void> {
    await transport?.send(JSON.stringify({ jsonrpc: '2.0', method, params }), { method })
  }

  async function request(method: string, params: object = {}, call: CallOptions = {}): Promise<unknown> {
    if (isClosed || transport === null)
      throw new McpDisconnected(closedBecause === '' ? 'There is no connection.' : `${closedBecause}.`)
    const { signal, timeoutMs, onProgress } = call
    signal?.throwIfAborted()
    const id = nextId++
    const ends = new AbortController()
    let cancelTimer = () => {}
    const onAbort = () => giveUp(id, ends, signal?.reason as Error)
    const answered = new Promise<unknown>((resolve, reject) => {
      pending.set(id, { resolve, reject, progress: (progress) => onProgress?.(progress) })
      if (timeoutMs !== undefined)
        cancelTimer = clock.after(timeoutMs, () =>
          giveUp(id, ends, new McpTimeout(`The server did not answer '${method}' within ${timeoutMs / 1000} seconds.`)),
        )
      signal?.addEventListener('abort', onAbort, { once: true })
    })
    try {
      const { name } = params as { name?: unknown }
      const sent = transport.send(
        JSON.stringify({ jsonrpc: '2.0', id, method, params: withMeta(params, onProgress === undefined ? null : id) }),
        { method, ...(typeof name === 'string' ? { name } : {}), signal: ends.signal },
      )
      // What keeps a message from being sent is the answer to it.
      sent.catch((error: Error) => settle(id, (one) => one.reject(error)))
      return await answered
    } finally {
      cancelTimer()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Nobody waits any more: the server is told, and what it answers all the same is dropped. */
  function giveUp(id: number, ends: AbortController, error: Error): void {
    settle(id, (one) => {
      one.reject(error)
      if (isModern) ends.abort()
      else void notify('notifications/cancelled', { requestId: id, reason: error.message }).catch(() => {})
    })
  }

  function withMeta(params: object, progressToken: number | null): object {
    const meta = {
      ...(isModern
        ? {
            'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
            'io.modelcontextprotocol/clientInfo': clientInfo,
            'io.modelcontextprotocol/clientCapabilities': {},
          }
        : {}),
      ...(progressToken === null ? {} : { progressToken }),
    }
    return Object.keys(meta).length === 0 ? params : { ...params, _meta: meta }
  }

  const clientInfo = { name: options.name, version: options.version }

  async function initialize(): Promise<Readonly<Record<string, unknown>>> {
    const said = objectOf(
      await request('initialize', { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo }),
      'initialize',
    )
    if (options.http) options.http.protocolVersion = String(said.protocolVersion ?? LEGACY_VERSION)
    await notify('notifications/initialized', {})
    return said
  }

  async function discover(refused: McpError): Promise<Readonly<Record<string, unknown>>> {
    isModern = true
    if (options.http) Object.assign(options.http, { protocolVersion: MODERN_VERSION, isModern: true })
    try {
      return objectOf(await request('server/discover'), 'server/discover')
    } catch (error) {
      // It knows neither: what it said first is what it has to say.
      throw error instanceof McpError ? refused : error
    }
  }

  let opening: Promise<Transport> | null = null

  async function handshake(): Promise<Readonly<Record<string, unknown>>> {
    opening = options.open(events)
    transport = await opening
    // It was given up meanwhile.
    if (isClosed) throw new McpDisconnected(`${closedBecause}.`)
    try {
      return await initialize()
    } catch (error) {
      if (!(error instanceof McpError)) throw error
      return discover(error)
    }
  }

  async function close(): Promise<void> {
    const open = transport
    events.closed('The connection was closed')
    await open?.close()
  }

  let cancel = () => {}
  const overdue = new Promise<never>((_resolve, reject) => {
    ending = reject
    options.signal?.addEventListener('abort', () => reject(options.signal?.reason), { once: true })
    if (options.signal?.aborted) reject(options.signal.reason)
    cancel = clock.after(options.connectMs, () =>
      reject(new McpTimeout(`The server was not ready within ${options.connectMs / 1000} seconds.`)),
    )
  })
  const shaken = handshake()
  let server: Readonly<Record<string, unknown>>
  try {
    server = await Promise.race([shaken, overdue])
  } catch (error) {
    shaken.catch(() => {})
    await close()
    // A transport that opens after all is closed as well.
    await (opening as Promise<Transport> | null)?.then(
      (opened) => opened.close(),
      () => {},
    )
    throw error
  } finally {
    cancel()
    ending = null
    overdue.catch(() => {})
  }

  return {
    era: isModern ? 'modern' : 'legacy',
    server,
    request,
    close,
    async listTools(call) {
      const tools = new Map<string, McpTool>()
      const seen = new Set<unknown>()
      let cursor: unknown
      for (let page = 0; page < MOST_PAGES; page++) {
        const listed = objectOf(await request('tools/list', cursor === undefined ? {} : { cursor }, call), 'tools/list')
        for (const tool of Array.isArray(listed.tools) ? listed.tools : []) {
          const name: unknown = (tool as { name?: unknown } | null)?.name
          if (typeof name === 'string' && name !== '' && !tools.has(name)) tools.set(name, tool as McpTool)
        }
        cursor = listed.nextCursor
        if (typeof cursor !== 'string' || seen.has(cursor)) break
        seen.add(cursor)
      }
      return [...tools.values()]
    },
    async callTool(name, args, call) {
      const result = await request('tools/call', { name, arguments: args }, call)
      if ((result as { resultType?: unknown } | null)?.resultType === 'input_required')
        throw new McpUnsupported(`The tool '${name}' asks for input, which nobody is there to give.`)
      return result
    },
  }
}

function objectOf(result: unknown, method: string): Readonly<Record<string, unknown>> {
  if (typeof result === 'object' && result !== null && !Array.isArray(result)) return result as Record<string, unknown>
  throw new McpUnsupported(`The server answered '${method}' with what is no object.`)
}
