import { BASE_PATH } from './base-path.ts'
import { learnServerTime } from './clock.ts'
import type { EarlierDecision, Problem } from './types.ts'

/** Every path of the console's API begins so; the console is served by the same origin. */
export const API = `${BASE_PATH}/api/v1`

/** Where a path of either half is: those of the runtime begin with `/v1/`, all others are the console's. */
export const addressOf = (path: string): string => (path.startsWith('/v1/') ? `${BASE_PATH}${path}` : `${API}${path}`)

/** A refusal by the server: its status, its words, and for a 422 each problem with its place. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly problems: readonly Problem[]
  /** Seconds the server asks to wait, from `Retry-After`; null when it does not. */
  readonly retryAfter: number | null
  readonly requestId: string | null
  /** With a 409 to a decision that came too late: how the approval ended. */
  readonly decision: EarlierDecision | null

  constructor(
    status: number,
    message: string,
    about: {
      problems?: readonly Problem[]
      retryAfter?: number | null
      requestId?: string | null
      decision?: EarlierDecision | null
    } = {},
  ) {
    super(message)
    this.status = status
    this.problems = about.problems ?? []
    this.retryAfter = about.retryAfter ?? null
    this.requestId = about.requestId ?? null
    this.decision = about.decision ?? null
  }
}

/** No answer at all: the server is down, or the network between. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
  constructor(cause: unknown) {
    super('The server does not answer.', { cause })
  }
}

interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
  /** A manifest, sent as it is instead of a body of JSON. */
  readonly yaml?: string
  readonly signal?: AbortSignal
  readonly as?: 'json' | 'text'
  /** Sent to its end even when the page is closed meanwhile. */
  readonly keepalive?: boolean
}

/**
 * One call to the API with the session cookie. A path of the runtime's half begins with `/v1/`.
 * @throws ApiError when the server refuses, UnreachableError when nothing answers.
 */
export async function request<T>(path: string, init: Request = {}): Promise<T> {
  return (await requestWithHeaders<T>(path, init)).body
}

/** As `request`, with the headers of the answer, where a list says in them how it goes on. */
export async function requestWithHeaders<T>(path: string, init: Request = {}): Promise<{ body: T; headers: Headers }> {
  const response = await send(path, init)
  if (!response.ok) throw await errorOf(response)
  const { headers } = response
  if (init.as === 'text') return { body: (await response.text()) as T, headers }
  return { body: (response.status === 204 ? undefined : await response.json()) as T, headers }
}

async function send(path: string, init: Request): Promise<Response> {
  const headers: Record<string, string> = {
    'X-Requested-With': 'lictor-console',
    Accept: 'application/json, */*;q=0.5',
  }
  if (init.body !== undefined) headers['Content-Type'] = 'application/json'
  if (init.yaml !== undefined) headers['Content-Type'] = 'application/yaml'
  try {
    const response = await fetch(`${addressOf(path)}${queryString(init.query)}`, {
      method: init.method ?? 'GET',
      headers,
      credentials: 'same-origin',
      keepalive: init.keepalive ?? false,
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      ...(init.yaml === undefined ? {} : { body: init.yaml }),
      ...signalOf(init),
    })
    learnServerTime(response.headers.get('date'))
    return response
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new UnreachableError(error)
  }
}

/** Milliseconds after which a read without an answer counts as none: a network can swallow a request. */
const PATIENCE = 30_000

/** A read ends when it takes too long; a write never, because nobody could say whether it was done. */
function signalOf({ method, signal }: Request): { signal?: AbortSignal } {
  if (method && method !== 'GET') return signal ? { signal } : {}
  const patience = AbortSignal.timeout(PATIENCE)
  return { signal: signal ? AbortSignal.any([signal, patience]) : patience }
}

/** Undefined and empty values are left out: a cleared filter is no filter. */
export function queryString(query: Request['query'] = {}): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') params.set(name, String(value))
  const text = params.toString()
  return text ? `?${text}` : ''
}

/** What the server refused, as an error. */
export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  const retryAfter = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
  const about = {
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : null,
    requestId: response.headers.get('x-request-id'),
  }
  const { detail, issues, message: words, problems: places, decision = null } = refusalIn(text)
  // Where the API promises a text as detail, the places of what is wrong stand beside it.
  const list = Array.isArray(detail) ? detail : (issues ?? places)
  const problems = Array.isArray(list) ? (list as readonly Problem[]) : []
  const message =
    typeof detail === 'string'
      ? detail
      : typeof words === 'string'
        ? words
        : problems.map(readableProblem).join('\n') || `The server answered ${response.status}.`
  return new ApiError(response.status, message, { ...about, problems, decision })
}

interface Refusal {
  readonly detail?: unknown
  readonly issues?: unknown
  /** The words of the runtime's half, and the places of what is wrong. */
  readonly message?: unknown
  readonly problems?: unknown
  readonly decision?: EarlierDecision
}

function refusalIn(text: string): Refusal {
  try {
    return (JSON.parse(text) ?? {}) as Refusal
  } catch {
    return {}
  }
}

/** `Value error, ` is the wire's prefix for rules beyond types; a person has no use for it. */
export function readableProblem(problem: Problem): string {
  return problem.msg.replace(/^Value error, /, '')
}
