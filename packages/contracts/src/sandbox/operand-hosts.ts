import { UNKNOWN } from './expansion.ts'
import type { HostForm, OperandKind } from './programs.ts'

/** A text of a command that names a machine, or that a machine is named by something nobody here can read. */
export interface NamedHost {
  /** For `unknown`, why it is not known. */
  readonly text: string
  readonly form: 'address' | 'machine' | 'remote' | 'command' | 'unknown'
}

type OperandReader = (operands: readonly string[], flags: ReadonlySet<string>) => readonly NamedHost[]

export const address = (text: string): NamedHost => ({ text, form: 'address' })
export const machine = (text: string): NamedHost => ({ text, form: 'machine' })
const remote = (text: string): NamedHost => ({ text, form: 'remote' })
const command = (text: string): NamedHost => ({ text, form: 'command' })

/** A host that stands in a variable. */
export const IN_VARIABLE: NamedHost = {
  text: 'the command takes a host from a variable, and what that holds is not known before it runs',
  form: 'unknown',
}
/** A host that stands in a file or comes from another command. */
export const ELSEWHERE: NamedHost = {
  text: 'the command takes hosts from a file or from its input, and what that holds is not known before it runs',
  form: 'unknown',
}

/** How the operands of each kind of program are read. */
export const OPERANDS: Readonly<Record<OperandKind, OperandReader>> = {
  none: () => [],
  listener: () => [],
  addresses: (operands) => operands.filter(isNoCount).map(address),
  'first-address': (operands) => operands.slice(0, 1).map(address),
  machines: (operands) => operands.filter(isNoCount).map(machine),
  'first-machine': (operands) => operands.filter(isNoCount).slice(0, 1).map(machine),
  remotes: (operands) => operands.map(remote),
  conninfo: (operands) => operands.flatMap(inConnectionText),
  dig: (operands) => operands.filter((text) => isNoCount(text) && !IS_QUERY_WORD.test(text)).map(server),
  git: ([subcommand, ...operands]) => (subcommand === undefined ? [] : ofGit(subcommand, operands)),
  httpie: ([first, second]) => {
    const url = first !== undefined && /^[A-Z]+$/.test(first) ? second : first
    return url === undefined || url.startsWith(':') ? [] : [address(url)]
  },
  images: ([subcommand, ...operands]) => (subcommand === undefined ? [] : ofImages(subcommand, operands)),
  mongo: (operands) =>
    operands.filter((text) => (/[.:/]/.test(text) || text.includes(UNKNOWN)) && !text.endsWith('.js')).map(address),
  netcat: (operands, flags) =>
    LISTENING.some((flag) => flags.has(flag)) ? [] : operands.filter(isNoCount).slice(0, 1).map(machine),
  openssl: ([subcommand = '', first]) =>
    /^s_(?:client|time)$/.test(subcommand) && first !== undefined ? [machine(first)] : [],
  query: ([subcommand = '', ...operands]) => (NAME_QUERIES.test(subcommand) ? operands.map(machine) : []),
  redis: ([, ...operands], flags) =>
    flags.has('--cluster') ? operands.filter((text) => text.includes(':')).map(machine) : [],
  socat: (operands) => operands.flatMap((text) => text.split('!!').flatMap(ofSocat)),
}

/** What the value of an option names. */
export function namedBy(form: HostForm, value: string): readonly NamedHost[] {
  switch (form) {
    case 'address':
    case 'machine':
    case 'remote':
    case 'command':
      return [{ text: value, form }]
    case 'machines':
      return value.split(',').map(machine)
    case 'resolve': {
      const addresses = /^[+-]?[^:]*:[^:]*:(.*)$/s.exec(value)?.[1]
      return addresses === undefined ? variableIn(value) : addresses.split(',').map(machine)
    }
    case 'connect-to': {
      const host = /^(?:\[[^\]]*\]|[^:]*):[^:]*:(\[[^\]]*\]|[^:]*)/s.exec(value)?.[1]
      return host === undefined ? variableIn(value) : host === '' ? [] : [machine(host)]
    }
    case 'forward':
      return forwarded(value)
    case 'setting':
      return ofSetting(value)
    case 'conninfo':
      return inConnectionText(value)
    case 'elsewhere':
      return value === '/dev/null' || value === 'none' ? [] : [ELSEWHERE]
  }
}

function variableIn(text: string): readonly NamedHost[] {
  return text.includes(UNKNOWN) ? [IN_VARIABLE] : []
}

/** A count, a port or seconds. As an address such a number would lie in 0.0.0.0/8, where no other machine is. */
function isNoCount(text: string): boolean {
  return !/^(?:\d{1,5}|0?\.\d{1,3})$/.test(text) || Number(text) > 65_535
}

const IS_QUERY_WORD =
  /^(?:\+.*|in|ch|hs|any|axfr|ixfr(?:=.*)?|a|aaaa|caa|cname|dnskey|ds|hinfo|https|loc|mx|naptr|ns|nsec3?|opt|ptr|rrsig|soa|spf|srv|sshfp|svcb|tlsa|txt|uri)$/i

function server(text: string): NamedHost {
  return machine(text.startsWith('@') ? text.slice(1) : text)
}

const LISTENING = ['-l', '-U', '--listen', '--unixsock']
const NAME_QUERIES = /^(?:hosts|ahosts|ahostsv4|ahostsv6|query)$/

/** `host=a.test dbname=x`. A variable in it may hold another `host=`. */
function inConnectionText(text: string): readonly NamedHost[] {
  if (text.includes(UNKNOWN)) return [IN_VARIABLE]
  if (/(?:^|[\s?&])service\s*=/.test(text)) return [ELSEWHERE]
  const hosts = text.matchAll(/(?:^|[\s?&])host(?:addr)?\s*=\s*(?:'([^']*)'|([^\s'&]+))/g)
  return [...hosts].flatMap(([, quoted, bare]) => (quoted ?? bare ?? '').split(',').map(machine))
}

/** `8080:a.test:80`, `127.0.0.1:8080:a.test:80`: the machine is the last but one. */
function forwarded(value: string): readonly NamedHost[] {
  const parts = value.match(/\[[^\][]*\]|[^:\s]+/g) ?? []
  const host = parts.length >= 3 ? parts.at(-2) : undefined
  return host === undefined ? variableIn(value) : [machine(host)]
}

const RUNS_COMMAND = /^(?:proxycommand|localcommand|knownhostscommand|core\.sshcommand|core\.gitproxy)$/

function ofSetting(setting: string): readonly NamedHost[] {
  const match = /^\s*([^=\s]+)\s*[=\s]\s*(.*)$/s.exec(setting)
  if (match === null) return variableIn(setting)
  const key = (match[1] as string).toLowerCase()
  const value = match[2] as string
  if (key.includes(UNKNOWN)) return [IN_VARIABLE]
  if (value.toLowerCase() === 'none' || value === '') return []
  if (key === 'hostname') return [machine(value)]
  if (key === 'proxyjump') return namedBy('machines', value)
  if (/^(?:local|remote)forward$/.test(key)) return forwarded(value.trim().replace(/\s+/, ':'))
  if (RUNS_COMMAND.test(key)) return [command(value)]
  if (value.startsWith('!')) return [command(value.slice(1))]
  if (key === 'input') return [ELSEWHERE]
  if (key === 'base' || (key.endsWith('proxy') && !/^(?:use|no)_?proxy$/.test(key))) return [address(value)]
  if (/\.(?:url|pushurl)$/.test(key)) return [remote(value)]
  const base = /^url\.(.*)\.(?:push)?insteadof$/s.exec(key)?.[1]
  return base === undefined ? [] : [remote(base)]
}

function ofGit(subcommand: string, operands: readonly string[]): readonly NamedHost[] {
  switch (subcommand) {
    case 'clone':
    case 'ls-remote':
    case 'fetch':
    case 'pull':
    case 'push':
      return operands.slice(0, 1).map(remote)
    case 'remote':
      return /^(?:add|set-url)$/.test(operands[0] ?? '') ? operands.slice(2).map(remote) : []
    case 'submodule':
    case 'subtree':
    case 'request-pull':
      return operands.slice(1, 2).map(remote)
    case 'config': {
      const from = operands[0] === 'set' ? 1 : 0
      const [key, value] = operands.slice(from)
      return value === undefined ? [] : ofSetting(`${key}=${value}`)
    }
    default:
      return variableIn(subcommand)
  }
}

const FROM_REGISTRY = /^(?:pull|push|run|create)$/

function ofImages(subcommand: string, operands: readonly string[]): readonly NamedHost[] {
  const [first] = operands
  if (subcommand === 'image' || subcommand === 'container') return first ? ofImages(first, operands.slice(1)) : []
  if (first === undefined) return []
  if (subcommand === 'login') return [address(first)]
  if (!FROM_REGISTRY.test(subcommand)) return variableIn(subcommand)
  const registry = first.slice(0, first.search(/\/|$/))
  if (registry.includes(UNKNOWN)) return [IN_VARIABLE]
  return first.includes('/') && (/[.:]/.test(registry) || registry === 'localhost') ? [address(registry)] : []
}

/** Kinds of socat's addresses that lead to no other machine. */
const LOCAL_SOCAT =
  /^(?:-|file|open|gopen|create|stdio|stdin|stdout|stderr|fd|pipe|fifo|pty|readline|tun|interface|local|\d+|unix.*|abstract.*|vsock.*|.*-(?:listen|recv|recvfrom)|(?:tcp|udp|sctp|ssl|openssl)[46]?-l)$/i

function ofSocat(text: string): readonly NamedHost[] {
  if (text.startsWith('/') || text.startsWith('.')) return []
  const colon = text.indexOf(':')
  const kind = (colon === -1 ? text : text.slice(0, colon)).replace(/,.*$/s, '')
  if (kind.includes(UNKNOWN)) return [IN_VARIABLE]
  if (colon === -1 || LOCAL_SOCAT.test(kind)) return []
  const rest = text.slice(colon + 1)
  if (/^(?:exec|system|shell)$/i.test(kind)) return [command(rest)]
  const hosts = rest.match(/\[[^\][]*\]|[^:,]+/g) ?? []
  return hosts.slice(0, /^(?:socks|proxy)/i.test(kind) ? 2 : 1).map(machine)
}
