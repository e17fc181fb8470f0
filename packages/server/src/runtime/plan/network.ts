import { isIPv6 } from 'node:net'
import type { AgentManifestDocument } from '@lictor/aegis'
import type { EgressPolicy } from '../../ports/egress.ts'

/** What an agent may reach beside the dispatch gateway. */
export interface NetworkPlan {
  /** Null: nothing. */
  readonly policy: EgressPolicy | null
  /** The manifest restricts the network in so many words: an agent of it may not run where that does not hold. */
  readonly isDemanded: boolean
}

/** An entry of a list of hosts that is none. */
export class InvalidHost extends Error {
  override readonly name = 'InvalidHost'
  readonly path: readonly string[]
  constructor(path: readonly string[], message: string) {
    super(message)
    this.path = path
  }
}

interface HostPattern {
  /** Null: every host. */
  readonly host: string | null
  /** Every name below `host`, and not `host` itself. */
  readonly isBelow: boolean
  /** Null: every port. */
  readonly port: number | null
}

type NetworkSpec = NonNullable<NonNullable<AgentManifestDocument['spec']['security']>['network']>

const WHERE = ['spec', 'security', 'network'] as const

/**
 * `mode: allow` (the default) reaches what `allowlist` names, an empty one nothing; `mode: deny` reaches all but what `denylist`
 * names; `mode: none` reaches nothing. A denied host stays denied also when both lists name it.
 * @throws InvalidHost naming the entry
 */
export function networkOf({ mode = 'allow', allowlist = [], denylist = [] }: NetworkSpec = {}): NetworkPlan {
  const allowed = allowlist.map((entry, index) => patternOf(entry, 'allowlist', index))
  const denied = denylist.map((entry, index) => patternOf(entry, 'denylist', index))
  const isRestricted = allowed.length > 0 && !allowed.some(({ host, port }) => host === null && port === null)
  switch (mode) {
    case 'none':
      return { policy: null, isDemanded: true }
    case 'deny':
      return { policy: policyOf(null, denied), isDemanded: denied.length > 0 }
    case 'allow':
      return {
        policy: allowed.length === 0 ? null : policyOf(allowed, denied),
        isDemanded: isRestricted || denied.length > 0,
      }
  }
}

function policyOf(allowed: readonly HostPattern[] | null, denied: readonly HostPattern[]): EgressPolicy {
  return {
    refusal(asked, port) {
      const host = canonicalHost(asked)
      if (host === null) return `'${asked}' is no host name.`
      const named = `${host}:${port}`
      if (denied.some((pattern) => matches(pattern, host, port)))
        return `spec.security.network.denylist of this agent names ${named}.`
      if (allowed && !allowed.some((pattern) => matches(pattern, host, port)))
        return `spec.security.network.allowlist of this agent does not name ${named}.`
      return null
    },
  }
}

function matches(pattern: HostPattern, host: string, port: number): boolean {
  if (pattern.port !== null && pattern.port !== port) return false
  if (pattern.host === null) return true
  return pattern.isBelow ? host.endsWith(`.${pattern.host}`) : host === pattern.host
}

/** `a.example`, `*.a.example`, `*`, an address; each with a `:port` behind it, if only that port is meant. */
function patternOf(text: string, list: 'allowlist' | 'denylist', index: number): HostPattern {
  const entry = text.trim()
  const bare = isIPv6(entry) ? `[${entry}]` : entry
  const match = /^(\*\.)?(\*|\[[^\]\s]+\]|[^\s:/\\?#@[\]*]+)(?::(\d{1,5}))?$/.exec(bare)
  const [, below, name = '', portText] = match ?? []
  const host = name === '*' ? null : canonicalHost(name)
  const port = portText === undefined ? null : Number(portText)
  if (!match || (name !== '*' && host === null) || (name === '*' && below) || port === 0 || (port ?? 0) > 65_535)
    throw new InvalidHost(
      [...WHERE, list, String(index)],
      `spec.security.network.${list}[${index}] '${text}' names no host. Write a host such as api.example.com, *.example.com for every name below it, an address, or *; with :443 behind it for that port alone. No scheme and no path.`,
    )
  return { host, isBelow: below !== undefined, port }
}

/** Characters of a host that any resolver takes. */
const LONGEST_HOST = 255

/** A host in the one spelling that is compared; null when it is none. */
function canonicalHost(text: string): string | null {
  if (text.length > LONGEST_HOST) return null
  const name = text.replace(/\.+$/, '')
  if (name === '' || !URL.canParse(`http://${name}/`)) return null
  const host = new URL(`http://${name}/`).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.+$/, '')
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host)
  if (!mapped) return host
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
