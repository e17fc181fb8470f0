import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { UPSTREAM_NAME } from '@lictor/mcp/serve'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { CliError } from '../errors.ts'

/** What is kept out of the file: where it stands instead. */
export type Secret = { readonly env: string } | { readonly file: string }

export interface TokenConfig {
  readonly name: string
  readonly secret: Secret
  readonly role: string | null
}

export interface OAuthConfig {
  readonly issuer: string
  readonly jwksUrl: string
  readonly audience: string
  /** The public address of the endpoint, as clients know it. */
  readonly resource: string
  /** All of these are needed. */
  readonly scopes: readonly string[]
}

export type UpstreamConfig = {
  readonly name: string
  readonly roots: 'forward' | 'hide'
  readonly connectSeconds: number
} & (
  | {
      readonly kind: 'process'
      readonly command: readonly string[]
      readonly workingDirectory: string
      readonly environment: Readonly<Record<string, string>>
    }
  | { readonly kind: 'http'; readonly url: string; readonly headers: Readonly<Record<string, string | Secret>> }
)

export interface ServeConfig {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly tokens: readonly TokenConfig[]
  readonly oauth: OAuthConfig | null
  readonly limits: {
    readonly bodyBytes: number
    readonly sessions: number
    readonly sessionsPerCaller: number
    readonly idleSeconds: number
    readonly requestsPerSession: number
  }
  readonly upstreams: readonly UpstreamConfig[]
}

/** Where in the file, and what is wrong there. */
interface Fault {
  readonly path: readonly string[]
  readonly message: string
}

const MOST_UPSTREAMS = 64
const LOOPBACK = ['127.0.0.1', '::1', 'localhost']

/**
 * @param path of a YAML file; what it names by relative paths is beside it
 * @throws CliError with the path and the line of what is wrong
 */
export function readServeConfig(path: string): ServeConfig {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new CliError('config_unreadable', `${path} cannot be read: ${(cause as Error).message}`, {
      exitCode: 2,
      cause,
    })
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' })
  const at = (offset: number) => `${path}:${Math.max(lines.linePos(offset).line, 1)}`
  const [broken] = document.errors
  if (broken) throw invalid(`${at(broken.pos[0])}: ${broken.message}`)
  const lineOf = (where: readonly string[]): string => {
    for (let length = where.length; length > 0; length--) {
      const keys = where.slice(0, length).map((key) => (/^\d+$/.test(key) ? Number(key) : key))
      const node = document.getIn(keys, true)
      if (isNode(node) && node.range) return at(node.range[0])
    }
    return at(0)
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw invalid(`${path}: ${(error as Error).message}`)
  }
  const faults: Fault[] = []
  const config = readConfig(value, dirname(path), (where, message) => faults.push({ path: where, message }))
  const [first] = faults
  if (first === undefined) return config
  const told = faults.map(({ path: where, message }) => `${lineOf(where)}: ${where.join('.') || 'The file'} ${message}`)
  throw new CliError('config_invalid', told.join('\n'), { exitCode: 2, hint: 'docs/mcp.md describes the file.' })
}

const invalid = (message: string) => new CliError('config_invalid', message, { exitCode: 2 })

type Say = (path: readonly string[], message: string) => void
type Members = Readonly<Record<string, unknown>>

function readConfig(value: unknown, folder: string, say: Say): ServeConfig {
  const root = membersOf(value, [], ['listen', 'callers', 'limits', 'upstreams'], say)
  const listen = membersOf(
    root.listen ?? {},
    ['listen'],
    ['host', 'port', 'path', 'allowed_hosts', 'allowed_origins'],
    say,
  )
  const callers = membersOf(root.callers ?? {}, ['callers'], ['tokens', 'oauth'], say)
  const tokens = readTokens(callers.tokens, folder, say)
  const oauth = callers.oauth === undefined ? null : readOAuth(callers.oauth, say)
  const host = textOf(listen.host ?? '127.0.0.1', ['listen', 'host'], say)
  if (tokens.length === 0 && oauth === null && !LOOPBACK.includes(host))
    say(
      ['listen', 'host'],
      `is ${host}, and nothing says who may call: without 'callers' it is one of ${LOOPBACK.join(', ')}`,
    )
  const path = textOf(listen.path ?? '/mcp', ['listen', 'path'], say)
  if (!/^\/[\w./-]*$/.test(path))
    say(['listen', 'path'], "begins with '/', and has letters, digits, '.', '_', '-' and '/'")
  const limits = membersOf(
    root.limits ?? {},
    ['limits'],
    ['body_bytes', 'sessions', 'sessions_per_caller', 'idle_seconds', 'requests_per_session'],
    say,
  )
  const limit = (name: string, usual: number, least: number, most: number) =>
    numberOf(limits[name] ?? usual, ['limits', name], least, most, say)
  return {
    host,
    port: numberOf(listen.port ?? 3333, ['listen', 'port'], 0, 65_535, say),
    path,
    allowedHosts: textsOf(listen.allowed_hosts ?? [], ['listen', 'allowed_hosts'], say),
    allowedOrigins: textsOf(listen.allowed_origins ?? [], ['listen', 'allowed_origins'], say),
    tokens,
    oauth,
    limits: {
      bodyBytes: limit('body_bytes', 9_000_000, 1024, 9_000_000),
      sessions: limit('sessions', 100, 1, 10_000),
      sessionsPerCaller: limit('sessions_per_caller', 20, 1, 10_000),
      idleSeconds: limit('idle_seconds', 1800, 1, 604_800),
      requestsPerSession: limit('requests_per_session', 256, 1, 10_000),
    },
    upstreams: readUpstreams(root.upstreams, folder, say),
  }
}

function readTokens(value: unknown, folder: string, say: Say): TokenConfig[] {
  const names = new Set<string>()
  return listOf(value ?? [], ['callers', 'tokens'], say).map((one, index) => {
    const path = ['callers', 'tokens', String(index)]
    const { name, role, ...secret } = membersOf(one, path, ['name', 'role', 'env', 'file'], say)
    const known = textOf(name, [...path, 'name'], say)
    if (names.has(known)) say([...path, 'name'], `'${known}' is there twice`)
    names.add(known)
    return {
      name: known,
      role: role === undefined ? null : textOf(role, [...path, 'role'], say),
      secret: secretOf(secret, path, folder, say),
    }
  })
}

function readOAuth(value: unknown, say: Say): OAuthConfig {
  const path = ['callers', 'oauth']
  const members = membersOf(value, path, ['issuer', 'jwks_url', 'audience', 'resource', 'scopes'], say)
  const resource = urlOf(members.resource, [...path, 'resource'], say)
  return {
    issuer: textOf(members.issuer, [...path, 'issuer'], say),
    jwksUrl: urlOf(members.jwks_url, [...path, 'jwks_url'], say),
    audience: textOf(members.audience ?? resource, [...path, 'audience'], say),
    resource,
    scopes: textsOf(members.scopes ?? [], [...path, 'scopes'], say),
  }
}

function readUpstreams(value: unknown, folder: string, say: Say): UpstreamConfig[] {
  const named = Object.entries(membersOf(value, ['upstreams'], null, say))
  if (named.length === 0 && isObject(value)) say(['upstreams'], 'names no server')
  if (named.length > MOST_UPSTREAMS) say(['upstreams'], `names ${named.length} servers, of ${MOST_UPSTREAMS} at most`)
  return named.map(([name, one]) => {
    const path = ['upstreams', name]
    if (!UPSTREAM_NAME.test(name))
      say(path, 'begins with a small letter, and has small letters, digits and -, at most 32')
    const members = membersOf(one, path, ['command', 'cwd', 'env', 'url', 'headers', 'roots', 'connect_seconds'], say)
    const shared = {
      name,
      roots: choiceOf(members.roots ?? 'hide', [...path, 'roots'], ['hide', 'forward'] as const, say),
      connectSeconds: numberOf(members.connect_seconds ?? 120, [...path, 'connect_seconds'], 1, 600, say),
    }
    if ((members.command === undefined) === (members.url === undefined)) say(path, "says either 'command' or 'url'")
    if (members.url === undefined) {
      if (members.headers !== undefined) say([...path, 'headers'], "belongs to a server with 'url'")
      const command = members.command === undefined ? [''] : textsOf(members.command, [...path, 'command'], say)
      if (Array.isArray(members.command) && command.length === 0)
        say([...path, 'command'], 'is a list: the program, then what it is given')
      return {
        ...shared,
        kind: 'process',
        command,
        workingDirectory: resolve(folder, members.cwd === undefined ? '.' : textOf(members.cwd, [...path, 'cwd'], say)),
        environment: Object.fromEntries(
          Object.entries(membersOf(members.env ?? {}, [...path, 'env'], null, say)).map(([variable, text]) => [
            variable,
            textOf(text, [...path, 'env', variable], say),
          ]),
        ),
      }
    }
    for (const other of ['cwd', 'env'])
      if (members[other] !== undefined) say([...path, other], "belongs to a server with 'command'")
    return {
      ...shared,
      kind: 'http',
      url: urlOf(members.url, [...path, 'url'], say),
      headers: Object.fromEntries(
        Object.entries(membersOf(members.headers ?? {}, [...path, 'headers'], null, say)).map(([header, text]) => {
          const where = [...path, 'headers', header]
          if (!/^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$/.test(header)) say(where, 'is no name of a header')
          return [
            header,
            typeof text === 'string'
              ? text
              : secretOf(membersOf(text, where, ['env', 'file'], say), where, folder, say),
          ]
        }),
      ),
    }
  })
}

function secretOf({ env, file }: Members, path: readonly string[], folder: string, say: Say): Secret {
  if ((env === undefined) === (file === undefined)) say(path, "says either 'env' or 'file'")
  if (env !== undefined) return { env: textOf(env, [...path, 'env'], say) }
  const name = file === undefined ? '' : textOf(file, [...path, 'file'], say)
  return { file: isAbsolute(name) ? name : resolve(folder, name) }
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function membersOf(value: unknown, path: readonly string[], known: readonly string[] | null, say: Say): Members {
  if (!isObject(value)) {
    say(path, value === undefined ? 'is missing' : 'is no object')
    return {}
  }
  for (const name of Object.keys(value))
    if (known !== null && !known.includes(name)) say([...path, name], `is not known here: ${known.join(', ')}`)
  return value
}

function listOf(value: unknown, path: readonly string[], say: Say): readonly unknown[] {
  if (Array.isArray(value)) return value
  say(path, 'is no list')
  return []
}

function textOf(value: unknown, path: readonly string[], say: Say): string {
  if (typeof value === 'string' && value !== '') return value
  say(path, value === undefined ? 'is missing' : 'is no text')
  return ''
}

function textsOf(value: unknown, path: readonly string[], say: Say): string[] {
  return listOf(value, path, say).map((one, index) => textOf(one, [...path, String(index)], say))
}

function numberOf(value: unknown, path: readonly string[], least: number, most: number, say: Say): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  say(path, `is a whole number from ${least} to ${most}`)
  return least
}

function choiceOf<Choice extends string>(
  value: unknown,
  path: readonly string[],
  choices: readonly Choice[],
  say: Say,
): Choice {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) say(path, `is one of ${choices.join(', ')}`)
  return found ?? (choices[0] as Choice)
}

function urlOf(value: unknown, path: readonly string[], say: Say): string {
  const text = textOf(value, path, say)
  if (text === '') return text
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) say(path, 'is no address of http or https')
  else if (url.username !== '' || url.password !== '') say(path, 'has a password in it: send a header instead')
  return text
}
