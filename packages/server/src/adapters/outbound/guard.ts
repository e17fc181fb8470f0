import { isIP } from 'node:net'
import { StartupError } from '../../errors.ts'
import { AddressRefused, HostNotFound } from '../../ports/outbound.ts'
import { blockedNetworkOf, type Network, parseNetwork } from './networks.ts'

/** An address that was checked and may be connected to. */
export interface CheckedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** All addresses of a host name. @throws when there are none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

export interface Guard {
  /** The parsed address of a request, scheme and host judged. @throws AddressRefused. */
  parse(url: string): URL
  /** The addresses of a host, all of them allowed: one that is not refuses the host. @throws AddressRefused. */
  resolve(hostname: string): Promise<readonly CheckedAddress[]>
}

/**
 * Keeps requests to configured hosts out of private networks.
 *
 * @param allowed networks that may be called although they are private, as the operator wrote them
 * @param setting where they are written
 * @throws StartupError when one of them is no network
 */
export function createAddressGuard(deps: {
  resolve: Resolve
  allowed: readonly string[]
  setting?: 'LICTOR_OUTBOUND_ALLOW' | 'LICTOR_EGRESS_ALLOW'
}): Guard {
  const { setting = 'LICTOR_OUTBOUND_ALLOW' } = deps
  const allowed = deps.allowed.map((text) => requireNetwork(text, setting))
  return {
    parse(text) {
      if (text.trim() === '') throw new AddressRefused('URL cannot be empty')
      const scheme = /^\s*([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase() ?? ''
      if (scheme !== 'http' && scheme !== 'https')
        throw new AddressRefused(`URL scheme '${scheme}' not allowed. Only HTTP/HTTPS are permitted.`)
      // The parser would take the next segment of `http:///path` for the host.
      if (!/^\s*https?:\/\/[^/\\?#]/i.test(text) || !URL.canParse(text))
        throw new AddressRefused('URL must include a hostname')
      return new URL(text)
    },
    async resolve(hostname) {
      const host = hostname.replace(/^\[(.*)\]$/, '$1')
      if (host === '') throw new AddressRefused('URL must include a hostname')
      const addresses = isIP(host) === 0 ? await lookUp(host) : [host]
      for (const address of addresses) {
        const network = blockedNetworkOf(address, allowed)
        if (network !== null)
          throw new AddressRefused(
            `URL resolves to blocked address ${address} (network ${network}). Name a host outside private and local networks.`,
          )
      }
      return addresses.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }))
    },
  }

  async function lookUp(host: string): Promise<readonly string[]> {
    let found: readonly string[]
    try {
      found = await deps.resolve(host)
    } catch (cause) {
      throw new HostNotFound(`Cannot resolve hostname '${host}': ${(cause as Error).message}`, { cause })
    }
    if (found.length === 0) throw new HostNotFound(`Cannot resolve hostname '${host}': it has no address`)
    return found
  }
}

function requireNetwork(text: string, setting: string): Network {
  const network = parseNetwork(text)
  if (network) return network
  throw new StartupError(
    'setting',
    `${setting} names '${text}', which is no network; it takes a comma-separated list such as 10.1.0.0/16,192.168.7.4.`,
  )
}
