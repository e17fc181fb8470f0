import { createWatch, jsonIn, type RetryRules, retry, systemClock, type Watch } from '@lictor/wire'
import {
  AegisApiError,
  AegisConnectionError,
  AegisProtocolError,
  AegisTimeoutError,
  AegisUsageError,
  apiError,
} from './errors.ts'
import { type AegisClientOptions, type Environment, type RequestOptions, systemEnvironment } from './options.ts'
import { askedBy, backOff, mayRepeat } from './retry.ts'
import { type TokenSource, tokenSource } from './token.ts'

const defaultTimeoutMs = 60_000
const defaultMaxRetries = 2

/** A file on its way to the server. */
export interface UploadBody {
  /** A Blob can be sent again; anything else cannot. */
  readonly content: Blob | AsyncIterable<Uint8Array>
  readonly onProgress?: (sentBytes: number) => void
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From the root of the server, values encoded, with the query. */
  readonly path: string
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly text?: { readonly content: string; readonly type: string }
  /** Sent as bytes. */
  readonly upload?: UploadBody
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer whose body is still on its way. `release` must be called once it is not wanted any more. */
export interface OpenResponse {
  readonly response: Response
  /** Ends when the caller, the client or the time-out does. */
  readonly watch: Watch
}

/** Sends requests: token, retries, time-outs, errors. Resources are built on it and know nothing of these. */
export interface Transport {
  readonly environment: Environment
  /** Retries a call of these options gets. */
  retries(options?: RequestOptions): number
  /** The JSON object of a successful answer. */
  json<T>(request: ApiRequest, options?: RequestOptions): Promise<T>
  bytes(request: ApiRequest, options?: RequestOptions): Promise<Uint8Array>
  /** A successful answer as soon as its headers are there. */
  open(request: ApiRequest, options?: RequestOptions): Promise<OpenResponse>
  /** End everything under way; later calls are refused. */
  close(): void
}

/** What a failure of an attempt means to the caller. */
export function explain(watch: Watch, error: unknown, call: string): unknown {
  const failure = watch.failureOf(error)
  switch (failure.kind) {
    case 'stopped':
      return failure.reason
    case 'timeout':
      return new AegisTimeoutError(`${call}: no answer within ${failure.afterMs} ms`, { cause: error })
    case 'connection':
      return new AegisConnectionError(`${call}: the connection failed: ${failure.message}`, { cause: error })
    case 'other':
      return failure.error
  }
}

/** @throws AegisUsageError for options that cannot work */
export function createTransport(options: AegisClientOptions): Transport {
  const baseUrl = readBaseUrl(options.baseUrl)
  const environment: Environment = { ...systemEnvironment, ...options.environment }
  const send = options.fetch ?? globalThis.fetch
  const closing = new AbortController()

  const watch = (call?: RequestOptions): Watch =>
    createWatch(systemClock, call?.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs, [
      closing.signal,
      ...(call?.signal ? [call.signal] : []),
    ])
  const retries = (call?: RequestOptions): number => call?.maxRetries ?? options.maxRetries ?? defaultMaxRetries

  const rules = (call?: RequestOptions): RetryRules => ({
    attempts: retries(call) + 1,
    backOff,
    random: environment.random,
    sleep: (ms) => environment.sleep(ms, AbortSignal.any([closing.signal, ...(call?.signal ? [call.signal] : [])])),
  })

  /** Make attempts until one succeeds, may not be repeated, or the retries are used up. */
  const persist = <T>(method: string, call: RequestOptions | undefined, attempt: () => Promise<T>): Promise<T> =>
    retry(rules(call), () =>
      attempt().then(
        (value) => ({ value }),
        (error) => ({ error, again: mayRepeat(method, error), askedMs: askedBy(error, environment.now()) }),
      ),
    )

  const tokens: TokenSource = tokenSource(options, environment.now, (url, form) =>
    persist('GET', undefined, async () => {
      const watching = watch()
      try {
        const response = await send(url, { method: 'POST', body: form, redirect: 'manual', signal: watching.signal })
        const text = await response.text()
        if (response.status === 429 || response.status >= 500) {
          throw apiError({ status: response.status, body: text, headers: response.headers, call: `POST ${url}` })
        }
        return { status: response.status, text }
      } catch (error) {
        throw explain(watching, error, `POST ${url}`)
      } finally {
        watching.release()
      }
    }).catch((error: unknown) => {
      if (error instanceof AegisApiError) return { status: error.status, text: String(error.body) }
      throw error
    }),
  )

  async function attempt(request: ApiRequest, call?: RequestOptions, isRepeated = false): Promise<OpenResponse> {
    const token = await tokens.get()
    const watching = watch(call)
    const name = nameOf(request)
    try {
      const response = await send(baseUrl + request.path, {
        method: request.method,
        headers: headersOf(request, token, options, call),
        ...bodyOf(request),
        redirect: 'manual',
        signal: watching.signal,
      })
      if (response.ok) return { response, watch: watching }
      const body = readErrorBody(await response.text())
      // A token of client credentials may have been revoked before its time: replaced once.
      if (response.status !== 401 || isRepeated || token === undefined || !tokens.refused(token)) {
        throw apiError({ status: response.status, body, headers: response.headers, call: name })
      }
    } catch (error) {
      watching.release()
      throw explain(watching, error, name)
    }
    watching.release()
    return attempt(request, call, true)
  }

  /** A POST carries one key over all its attempts, by which the server knows it again. */
  const identified = (request: ApiRequest): ApiRequest =>
    request.method === 'POST'
      ? { ...request, headers: { 'idempotency-key': crypto.randomUUID(), ...request.headers } }
      : request

  function whole<T>(request: ApiRequest, call: RequestOptions | undefined, read: (response: Response) => Promise<T>) {
    const sent = identified(request)
    // What comes bit by bit is gone after the first attempt.
    const isOnce = request.upload !== undefined && !(request.upload.content instanceof Blob)
    return persist(request.method, isOnce ? { ...call, maxRetries: 0 } : call, async () => {
      const opened = await attempt(sent, call)
      try {
        return await read(opened.response)
      } catch (error) {
        throw explain(opened.watch, error, nameOf(request))
      } finally {
        opened.watch.release()
      }
    })
  }

  return {
    environment,
    retries,
    json: <T>(request: ApiRequest, call?: RequestOptions) =>
      whole(request, call, async (response) => readJson(await response.text(), nameOf(request)) as T),
    bytes: (request, call) => whole(request, call, async (response) => new Uint8Array(await response.arrayBuffer())),
    open: (request, call) => persist(request.method, call, () => attempt(request, call)),
    close: () => closing.abort(new AegisUsageError('the client is closed')),
  }
}

/** What fetch is given; a body that comes bit by bit has to say that nothing is read before it has gone. */
function bodyOf({ text, json, upload }: ApiRequest): RequestInit {
  if (upload === undefined) return { body: text?.content ?? (json === undefined ? undefined : JSON.stringify(json)) }
  const { content, onProgress } = upload
  // Of a known length, and sent without a detour.
  if (content instanceof Blob && onProgress === undefined) return { body: content }
  return { body: streamOf(content, onProgress), duplex: 'half' } as RequestInit
}

function streamOf(content: UploadBody['content'], onProgress: UploadBody['onProgress']): ReadableStream<Uint8Array> {
  const chunks = (content instanceof Blob ? content.stream() : content) as AsyncIterable<Uint8Array>
  const iterator = chunks[Symbol.asyncIterator]()
  let sent = 0
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done) return controller.close()
      sent += value.length
      onProgress?.(sent)
      controller.enqueue(value)
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}

const nameOf = ({ method, path }: ApiRequest): string => `${method} ${path.split('?')[0]}`

/** Trailing slashes removed. @throws AegisUsageError */
function readBaseUrl(baseUrl: string): string {
  const url = URL.parse(baseUrl)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new AegisUsageError(
      `baseUrl must be an http or https address such as http://localhost:8000, not '${baseUrl}'`,
    )
  }
  return baseUrl.replace(/\/+$/, '')
}

function headersOf(
  request: ApiRequest,
  token: string | undefined,
  options: AegisClientOptions,
  call: RequestOptions | undefined,
): Headers {
  const headers = new Headers({ accept: request.accept ?? 'application/json' })
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  const type =
    request.text?.type ??
    (request.upload ? 'application/octet-stream' : request.json === undefined ? undefined : 'application/json')
  if (type !== undefined) headers.set('content-type', type)
  for (const given of [request.headers, options.headers, call?.headers]) {
    for (const [name, value] of Object.entries(given ?? {})) headers.set(name, value)
  }
  return headers
}

const readErrorBody = (text: string): unknown => jsonIn(text) ?? text

function readJson(text: string, call: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AegisProtocolError(`${call}: the answer is not JSON: ${text.slice(0, 200)}`, { cause })
  }
}
