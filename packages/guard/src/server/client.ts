import {
  AnswerTooLargeError,
  createWatch,
  type Failure,
  jsonObjectIn,
  type Outcome,
  readText,
  retry,
  retryAfterMs,
} from '@lictor/wire'
import { type Clock, type NewId, randomId, sleep, systemClock } from '../clock.ts'
import { checkDuration } from '../durations.ts'
import { configError } from '../errors.ts'
import { consoleLogger, errorText, type Logger } from '../logger.ts'
import { EdictumConnectionError, EdictumServerError } from './errors.ts'
import { checkApiKey, checkBaseUrl, checkIdentifier, checkTags } from './identifiers.ts'
import { keyPrefixOf } from './key-prefix.ts'
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
  /** Numbers from 0 up to 1 that spread the retries of many agents. */
  readonly random?: () => number
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
/** The stated pauses are the least; a quarter more keeps a fleet from coming back in one moment. */
const BACK_OFF = { firstMs: 500, longestMs: 60_000, jitter: 0.25 }

/**
 * Speaks to the console as one agent. A 4xx is thrown at once; a 5xx, a lost connection and a time-out are tried again
 * after 0.5 s, 1 s, 2 s, …, or after what the server asks for by `Retry-After`. A POST keeps its `Idempotency-Key` over
 * all its attempts.
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
  readonly #random: () => number
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
    checkDuration('timeout', timeout, 1)
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
    this.#random = options.random ?? Math.random
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

  /** As the console shows it. */
  get keyPrefix(): string {
    return keyPrefixOf(this.#apiKey, this.env)
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
    const rules = {
      attempts: this.maxRetries,
      backOff: BACK_OFF,
      sleep: (ms: number) => sleep(this.#clock, ms, { signal: stopped }),
      random: this.#random,
    }
    return retry(rules, () => this.#attempt(method, url, headers, text, options.timeout ?? this.timeout, stopped))
  }

  async #attempt(
    method: string,
    url: string,
    headers: Record<string, string>,
    body: string | undefined,
    timeout: number,
    stopped: AbortSignal,
  ): Promise<Outcome<Record<string, unknown>>> {
    stopped.throwIfAborted()
    const watch = createWatch(this.#clock, timeout, [stopped])
    try {
      const init: RequestInit = { method, headers, redirect: 'manual', signal: watch.signal }
      if (body !== undefined) init.body = body
      const response = await this.#fetch(url, init)
      const text = await readText(response, MAX_RESPONSE_BYTES)
      // A success that is empty or no JSON is an empty object: some servers answer 204, and the tool has run by then.
      if (response.status >= 200 && response.status < 300) return { value: jsonObjectIn(text) ?? {} }
      const askedMs = retryAfterMs(response.headers.get('retry-after'), this.#clock.now())
      const error = new EdictumServerError(response.status, text, askedMs === undefined ? null : askedMs / 1000)
      return { error, again: response.status >= 500, askedMs }
    } catch (error) {
      if (error instanceof AnswerTooLargeError) {
        return { error: new EdictumConnectionError(`${method} ${pathOf(url)}: ${error.message}`, error), again: false }
      }
      const failure = watch.failureOf(error)
      if (failure.kind === 'stopped') return { error: failure.reason, again: false }
      const message = `No answer from ${new URL(url).origin} to ${method} ${pathOf(url)}: ${reasonOf(failure)}`
      return { error: new EdictumConnectionError(message, error), again: true }
    } finally {
      watch.release()
    }
  }
}

const pathOf = (url: string): string => new URL(url).pathname

function reasonOf(failure: Exclude<Failure, { kind: 'stopped' }>): string {
  switch (failure.kind) {
    case 'timeout':
      return `no complete answer within ${failure.afterMs} ms`
    case 'connection':
      return failure.message
    case 'other':
      return errorText(failure.error)
  }
}
