import type { Random } from '../ports/random.ts'
import { digestOf, digestsEqual } from './opaque-tokens.ts'

/** Who may make the first administrator of a fresh server: who is at its machine, at its public address, or holds the link it printed. */
export interface SetupGate {
  /** Path and query of the one-time link; it is of no use once there is an administrator. */
  readonly linkPath: string
  /** @param host as the request names it, with or without port. @param offered the link's token, if any. */
  permits(host: string, offered: string | undefined): boolean
}

export function createSetupGate(deps: { readonly random: Random; readonly baseUrl: string }): SetupGate {
  const token = Buffer.from(deps.random.bytes(24)).toString('base64url')
  const expected = digestOf(token)
  const publicHost = deps.baseUrl === '' ? null : new URL(deps.baseUrl).hostname
  return {
    linkPath: `/dashboard/setup?token=${token}`,
    permits(host, offered) {
      if (offered !== undefined && digestsEqual(digestOf(offered), expected)) return true
      const address = `http://${host}`
      // A page of another site can make its own name lead to this machine, but not change the name that the browser sends.
      if (!URL.canParse(address)) return false
      const { hostname } = new URL(address)
      return hostname === publicHost || isLoopback(hostname)
    },
  }
}

/** @param hostname as the URL parser writes it: lower case, IPv4 in four numbers, IPv6 in brackets. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d+){3}$/.test(hostname)
  )
}
