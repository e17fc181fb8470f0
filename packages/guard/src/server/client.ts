import { type Clock, type NewId, randomId, sleep, systemClock } from '../clock.ts'
import { configError } from '../errors.ts'
import { consoleLogger, errorText, type Logger } from '../logger.ts'
import { EdictumConnectionError, EdictumServerError } from './errors.ts'
import { checkApiKey, checkBaseUrl, checkIdentifier, checkTags } from './identifiers.ts'
import { openBackgroundStream } from './open-stream.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface EdictumServerClientOptions {
  readonly baseUrl: string
  readonly apiKey: string
  readonly agentId?: string
  readonly env?: string
  readonly bundleName?: string | null
  readonly tags?: Readonly<Record<string, string>> | null
  /** Milliseconds one request may take, default 30,000. */
  readonly timeout?: number
  /** Attempts in total, default 3. */
  readonly maxRetries?: number
  readonly allowInsecure?: boolean
  readonly logger?: Logger
  readonly clock?: Clock
  readonly newId?: NewId
  readonly fetch?: Fetch
}

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number>>
  readonly signal?: AbortSignal
  /** Milliseconds this request may take, instead of the client's. */
  readonly timeout?: number
}

/** A body that is JSON text already. */
export interface JsonText {
  readonly jsonText: string
}

const MAX_RESPONSE_BYTES = 10 * 1024 * 1024
const FIRST_RETRY_DELAY_MS = 500

/**
 * Speaks to the console as one agent (edictum-sdk §14.2). A 4xx is thrown at once; a 5xx, a lost connection and a
 * time-out are tried again after 0.5 s, 1 s, 2 s, … A POST keeps its `Idempotency-Key` over all its attempts.
 */
export class EdictumServerClient {
  readonly baseUrl: string
  readonly agentId: string
  readonly env: string
  readonly tags: Readonly<Record<string, string>> | null
  readonly timeout: number
  readonly maxRetries: number
  /** The bundle this agent runs; set by an assignment once its bundle is in force. */
  bundleName: string | null
  readonly #apiKey: string
  readonly #clock: Clock
  readonly #newId: NewId
  readonly #fetch: Fetch
  readonly #ownFetch: Fetch | null
  readonly #closing = new AbortController()

  constructor(options: EdictumServerClientOptions) {
    const { agentId = 'default', env = 'production', bundleName = null, tags = null } = options
    const { timeout = 30_000, maxRetries = 3, allowInsecure = false, logger = consoleLogger } = options
    checkIdentifier(agentId, 'agentId')
    checkIdentifier(env, 'env')
    if (bundleName !== null) checkIdentifier(bundleName, 'bundleName')
    if (tags !== null) checkTags(tags)
    checkApiKey(options.apiKey)
    if (!(timeout > 0)) throw configError(`timeout must be more than 0 milliseconds, not ${timeout}.`)
    if (!Number.isInteger(maxRetries) || maxRetries < 1) {
      throw configError(`maxRetries must be an integer of at least 1, not ${maxRetries}.`)
    }
    this.baseUrl = checkBaseUrl(options.baseUrl, allowInsecure, logger)
    this.agentId = agentId
    this.env = env
    this.bundleName = bundleName
    this.tags = tags
    this.timeout = timeout
    this.maxRetries = maxRetries
    this.#apiKey = options.apiKey
    this.#clock = options.clock ?? systemClock
    this.#newId = options.newId ?? randomId
    this.#ownFetch = options.fetch ?? null
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init))
  }

  get(path: string, options?: RequestOptions): Promise<Record<string, unknown>> {
    return this.#request('GET', path, undefined, options)
  }

  post(path: string, body: object | JsonText, options?: RequestOptions): Promise<Record<string, unknown>> {
    return this.#request('POST', path, body, options)
  }

  put(path: string, body: object | JsonText, options?: RequestOptions): Promise<Record<string, unknown>> {
    return this.#request('PUT', path, body, options)
  }

  delete(path: string, options?: RequestOptions): Promise<Record<string, unknown>> {
    return this.#request('DELETE', path, undefined, options)
  }

  /** Opens an event stream; one attempt, no time limit. The caller reads, watches and aborts it. */
  async openStream(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
    lastEventId?: string,
  ): Promise<Response> {
    const headers: Record<string, string> = {
      ...this.#headers(),
      Accept: 'text/event-stream',
      'Cache-Control': 'no-store',
      ...(lastEventId ? { 'Last-Event-ID': lastEventId } : {}),
    }
    const url = this.#url(path, query)
    const stopped = AbortSignal.any([signal, this.#closing.signal])
    return await (this.#ownFetch
      ? this.#ownFetch(url, { method: 'GET', headers, redirect: 'manual', signal: stopped })
      : openBackgroundStream(url, headers, stopped))
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Ends every request in flight and refuses new ones. */
  close(): void {
    this.#closing.abort(new EdictumConnectionError('The Edictum client was closed.', undefined))
  }

  #headers(): Record<string, string> {
    return {
      Authorization: `Bearer ${this.#apiKey}`,
      'X-Edictum-Agent-Id': this.agentId,
      'Content-Type': 'application/json',
    }
  }

  #url(path: string, query: Readonly<Record<string, string | number>> = {}): string {
    const search = Object.entries(query).map(
      ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`,
    )
    return `${this.baseUrl}${path}${search.length > 0 ? `?${search.join('&')}` : ''}`
  }

  async #request(
    method: string,
    path: string,
    body: object | JsonText | undefined,
    options: RequestOptions = {},
  ): Promise<Record<string, unknown>> {
    const url = this.#url(path, options.query)
    const headers = this.#headers()
    if (method === 'POST') headers['Idempotency-Key'] = this.#newId()
    const text = body === undefined ? undefined : 'jsonText' in body ? body.jsonText : JSON.stringify(body)
    const signals = options.signal ? [options.signal, this.#closing.signal] : [this.#closing.signal]
    const stopped = AbortSignal.any(signals)
    for (let attempt = 0; ; attempt++) {
      stopped.throwIfAborted()
      const outcome = await this.#attempt(method, url, headers, text, options.timeout ?? this.timeout, stopped)
      if ('value' in outcome) return outcome.value
      stopped.throwIfAborted()
      if (!outcome.retry || attempt + 1 >= this.maxRetries) throw outcome.error
      await sleep(this.#clock, FIRST_RETRY_DELAY_MS * 2 ** attempt, stopped)
    }
  }

  async #attempt(
    method: string,
    url: string,
    headers: Record<string, string>,
    body: string | undefined,
    timeout: number,
    stopped: AbortSignal,
  ): Promise<{ value: Record<string, unknown> } | { error: unknown; retry: boolean }> {
    const limit = new AbortController()
    const timer = this.#clock.setTimer(
      () => limit.abort(new Error(`no complete answer within ${timeout} ms`)),
      timeout,
      { background: true },
    )
    try {
      const init: RequestInit = {
        method,
        headers,
        redirect: 'manual',
        signal: AbortSignal.any([stopped, limit.signal]),
      }
      if (body !== undefined) init.body = body
      const response = await this.#fetch(url, init)
      const text = await readText(response)
      if (response.status >= 500) return { error: new EdictumServerError(response.status, text), retry: true }
      if (response.status < 200 || response.status >= 300) {
        return { error: new EdictumServerError(response.status, text), retry: false }
      }
      return { value: parseObject(text) }
    } catch (error) {
      if (error instanceof ResponseTooLarge)
        return { error: new EdictumConnectionError(error.message, undefined), retry: false }
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      const message = `No answer from ${new URL(url).origin} to ${method} ${new URL(url).pathname}: ${errorText(cause)}`
      return { error: new EdictumConnectionError(message, error), retry: true }
    } finally {
      timer.cancel()
    }
  }
}

class ResponseTooLarge extends Error {}

/** The body as text, up to 10 MiB. */
async function readText(response: Response): Promise<string> {
  if (response.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > MAX_RESPONSE_BYTES)
      throw new ResponseTooLarge(`The answer of ${response.url} exceeds ${MAX_RESPONSE_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** An empty or non-JSON body of a success is an empty object: some servers answer 204, and the tool has run by then. */
function parseObject(text: string): Record<string, unknown> {
  if (text === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {}
  } catch {
    return {}
  }
}
