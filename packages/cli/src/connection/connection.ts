import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { jsonObjectIn } from '@lictor/wire'
import { CliError } from '../errors.ts'
import { keptSignIn } from './kept-sign-ins.ts'

/** How the command line reaches a server, and as whom. */
export interface Connection {
  readonly url: string
  /** `fetch` that carries the credentials, for clients of this server. */
  readonly fetch: typeof fetch
  /** One JSON exchange. @throws CliError naming the server, the status and its reason. */
  request<T>(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<T>
  /** An open answer (event streams, downloads). */
  open(path: string, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>
}

export interface RequestOptions {
  readonly contentType?: string
  readonly signal?: AbortSignal
  /** Statuses besides 2xx that are answers, not failures. */
  readonly accept?: readonly number[]
}

export interface ConnectionOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  /** `--url`; else `LICTOR_URL`; else the server of the data folder. */
  readonly url?: string
  readonly fetch?: typeof fetch
}

interface LocalAccess {
  readonly url: string
  readonly secret: string
}

/**
 * Sign in and return the connection. In this order: `LICTOR_TOKEN` (a bearer token), `LICTOR_EMAIL` and `LICTOR_PASSWORD`, the
 * session of `lictor login`, else, on the server's own machine, the secret in its data folder.
 */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const { environment } = options
  const doFetch = options.fetch ?? fetch
  const local = readLocalAccess(options)
  const url = serverOf(options, local)
  const credentials = await signIn(url, environment, local, doFetch)

  async function send(method: string, path: string, init: RequestInit): Promise<Response> {
    const headers = { 'x-requested-with': 'lictor-cli', ...credentials, ...(init.headers as Record<string, string>) }
    return reach(url, () => doFetch(`${url}${path}`, { ...init, method, headers }))
  }

  return {
    url,
    fetch: (input, init) => {
      const headers = new Headers(input instanceof Request ? input.headers : init?.headers)
      headers.delete('authorization')
      for (const [name, value] of Object.entries({ 'x-requested-with': 'lictor-cli', ...credentials }))
        headers.set(name, value)
      return doFetch(input, { ...init, headers }).catch((error: unknown) => {
        throw error instanceof TypeError ? new ServerAway(url, error) : error
      })
    },
    async request<T>(
      method: string,
      path: string,
      body?: unknown,
      { contentType, signal, accept = [] }: RequestOptions = {},
    ) {
      const raw = contentType !== undefined && typeof body === 'string'
      const answer = await send(method, path, {
        ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
        headers: body === undefined ? {} : { 'content-type': contentType ?? 'application/json' },
        ...(signal ? { signal } : {}),
      })
      if (!answer.ok && !accept.includes(answer.status)) throw await refusal(answer, method, path)
      const text = await answer.text()
      return (text === '' ? null : JSON.parse(text)) as T
    },
    async open(path, headers = {}, signal) {
      const answer = await send('GET', path, { headers, ...(signal ? { signal } : {}) })
      if (!answer.ok) throw await refusal(answer, 'GET', path)
      return answer
    },
  }
}

/**
 * Nothing answered a client of this server. It is of the type that `fetch` throws, so that a client that tries again knows it, and
 * says in the end what a person is told.
 */
class ServerAway extends TypeError {
  readonly told: CliError
  constructor(url: string, { message, cause = null }: TypeError) {
    super(message, { cause })
    this.told = unreachable(url, this)
  }
}

/** What a person is told when a client gave up because its server was away; null for any other error. */
export function awayIn(error: unknown): CliError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof ServerAway) return cause.told
  return null
}

/** Does anything answer at this address? */
export async function isServerUp(url: string, doFetch: typeof fetch = fetch): Promise<boolean> {
  try {
    return (await doFetch(`${url}/api/v1/health/live`, { signal: AbortSignal.timeout(3000) })).ok
  } catch {
    return false
  }
}

export function readLocalAccess(
  options: Pick<ConnectionOptions, 'environment' | 'workingDirectory'>,
): LocalAccess | null {
  const folder = resolve(options.workingDirectory, options.environment.LICTOR_DATA_DIR ?? './data')
  try {
    return JSON.parse(readFileSync(join(folder, 'local-access.json'), 'utf8')) as LocalAccess
  } catch {
    return null
  }
}

/** The address of the server that is meant, without a slash at its end. */
export const serverOf = (options: ConnectionOptions, local = readLocalAccess(options)): string =>
  (options.url ?? options.environment.LICTOR_URL ?? local?.url ?? 'http://localhost:8000').replace(/\/+$/, '')

async function signIn(
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
  local: LocalAccess | null,
  doFetch: typeof fetch,
): Promise<Record<string, string>> {
  if (environment.LICTOR_TOKEN) return { authorization: `Bearer ${environment.LICTOR_TOKEN}` }
  const { LICTOR_EMAIL: email, LICTOR_PASSWORD: password } = environment
  if (email && password) return openSession(url, '/api/v1/auth/login', { email, password }, doFetch)
  const kept = keptSignIn(environment, url)
  if (kept !== null && (await openKept(url, kept, doFetch)) !== null) return { cookie: kept }
  if (local && sameServer(local.url, url))
    return openSession(url, '/api/v1/auth/local', { secret: local.secret }, doFetch)
  if (!(await isServerUp(url, doFetch))) throw unreachable(url)
  if (kept !== null)
    throw new CliError('signed_out', `Your session at ${url} is over.`, { hint: 'Sign in again: lictor login' })
  throw new CliError('no_credentials', `Nothing says who you are at ${url}.`, {
    hint: 'Run this where the server runs (LICTOR_DATA_DIR names its data folder), sign in with `lictor login`, or set LICTOR_EMAIL and LICTOR_PASSWORD, or LICTOR_TOKEN.',
  })
}

async function openSession(
  url: string,
  path: string,
  body: object,
  doFetch: typeof fetch,
): Promise<Record<string, string>> {
  return { cookie: cookieIn(await exchange(url, path, body, {}, [], doFetch)) }
}

/** One exchange without a connection. @param accept statuses besides 2xx that are answers @throws CliError */
export async function exchange(
  url: string,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
  accept: readonly number[] = [],
  doFetch: typeof fetch = fetch,
): Promise<Response> {
  const answer = await reach(url, () =>
    doFetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-requested-with': 'lictor-cli', ...headers },
      body: JSON.stringify(body),
    }),
  )
  if (!answer.ok && !accept.includes(answer.status)) throw await refusal(answer, 'POST', path)
  return answer
}

/** The session that an answer opens. */
export const cookieIn = (answer: Response): string =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')

/** Whose session a cookie is; null where it is over. @throws CliError */
export async function openKept(
  url: string,
  cookie: string,
  doFetch: typeof fetch = fetch,
): Promise<{ readonly email: string; readonly role: string; readonly tenant_id: string } | null> {
  const path = '/api/v1/auth/me'
  const answer = await reach(url, () => doFetch(`${url}${path}`, { headers: { cookie } }))
  if (answer.status === 401) return null
  if (!answer.ok) throw await refusal(answer, 'GET', path)
  return (await answer.json()) as { email: string; role: string; tenant_id: string }
}

async function reach(url: string, exchange: () => Promise<Response>): Promise<Response> {
  try {
    return await exchange()
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'AbortError') throw cause
    throw unreachable(url, cause)
  }
}

const unreachable = (url: string, cause?: unknown) =>
  new CliError('server_unreachable', `No Lictor server answers at ${url}.`, {
    hint: 'Start one with `npm start` (or `lictor up`), or name another with --url.',
    cause,
  })

async function refusal(answer: Response, method: string, path: string): Promise<CliError> {
  const text = await answer.text()
  return new CliError(
    `http_${answer.status}`,
    `${reasonIn(text) || answer.statusText} (${answer.status} for ${method} ${path})`,
  )
}

interface Problem {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly line?: number
  readonly column?: number
}

interface Refusal {
  readonly detail?: unknown
  readonly issues?: unknown
  readonly message?: unknown
  readonly error?: unknown
  /** How an approval ended that somebody decides too late. */
  readonly decision?: { readonly status: string; readonly decided_by: string | null }
}

function endOf({ status, decided_by }: NonNullable<Refusal['decision']>): string {
  if (status === 'timeout') return 'Its time ran out before anybody decided.'
  return `It was ${status}${decided_by === null ? '' : ` by ${decided_by}`}.`
}

/** Where it is wrong: the line in a file, else the field by its name. */
function placeOf({ line, column, loc }: Problem): string {
  if (line) return `line ${line}, column ${column}: `
  const field = loc.slice(1).join('.')
  return field === '' ? '' : `${field}: `
}

function reasonIn(text: string): string {
  const body = jsonObjectIn(text) as Refusal | null
  if (body === null) return text.slice(0, 500)
  // Where the API promises a text as detail, the places of what is wrong stand beside it.
  const problems = Array.isArray(body.detail) ? body.detail : body.issues
  if (Array.isArray(problems)) {
    return (problems as Problem[]).map((problem) => `${placeOf(problem)}${problem.msg}`).join('\n')
  }
  const reason = String(body.detail ?? body.message ?? body.error ?? '')
  return body.decision ? `${reason} ${endOf(body.decision)}` : reason
}

const loopback = /^(localhost|127\.0\.0\.1|\[::1\])$/

function sameServer(a: string, b: string): boolean {
  const [left, right] = [new URL(a), new URL(b)]
  const host = (url: URL) => (loopback.test(url.hostname) ? 'loopback' : url.hostname)
  return host(left) === host(right) && left.port === right.port
}
