import { isIPv4, isIPv6 } from 'node:net'

/** A range of addresses, for example `10.0.0.0/8`. */
export interface Network {
  readonly text: string
  readonly bytes: Uint8Array
  readonly prefix: number
}

/**
 * What is not the public internet: every row of IANA's registries of special-purpose addresses whose column "Globally
 * Reachable" does not say true, and multicast. Rows within a blocked one that are reachable stand in `reachable`.
 */
const blocked: readonly Network[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '255.255.255.255/32',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '64:ff9b:1::/48',
  '100::/64',
  '100:0:0:1::/64',
  '2001::/23',
  '2001:db8::/32',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
].map((text) => parseNetwork(text) as Network)

const reachable: readonly Network[] = [
  '192.0.0.9/32',
  '192.0.0.10/32',
  '2001:1::1/128',
  '2001:1::2/128',
  '2001:1::3/128',
  '2001:3::/32',
  '2001:4:112::/48',
  '2001:20::/28',
  '2001:30::/28',
].map((text) => parseNetwork(text) as Network)

/** IPv6 ranges that carry an IPv4 address, and where it stands in them: mapped, compatible, NAT64, 6to4. */
const carriers: readonly { readonly network: Network; readonly offset: number }[] = [
  { network: parseNetwork('::ffff:0:0/96') as Network, offset: 12 },
  { network: parseNetwork('64:ff9b::/96') as Network, offset: 12 },
  { network: parseNetwork('2002::/16') as Network, offset: 2 },
  { network: parseNetwork('::/96') as Network, offset: 12 },
]

/** The blocked network that `address` lies in, by itself or by the IPv4 address it carries; null when it may be called. */
export function blockedNetworkOf(address: string, allowed: readonly Network[] = []): string | null {
  const bytes = parseAddress(address)
  if (!bytes) return address
  const forms = [bytes, ...carriedIn(bytes)]
  if (forms.some((form) => allowed.some((network) => contains(network, form)))) return null
  for (const form of forms) {
    const network = blocked.find((candidate) => contains(candidate, form))
    if (network && !reachable.some((exception) => contains(exception, form))) return network.text
  }
  return null
}

/** A network from its text, `address/prefix` or a single address; null when it is none. */
export function parseNetwork(text: string): Network | null {
  const [address = '', length, ...rest] = text.trim().split('/')
  const bytes = parseAddress(address)
  if (!bytes || rest.length > 0) return null
  const prefix = length === undefined ? bytes.length * 8 : Number(length)
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || prefix > bytes.length * 8)) return null
  return { text: text.trim(), bytes, prefix }
}

function contains({ bytes, prefix }: Network, address: Uint8Array): boolean {
  if (bytes.length !== address.length) return false
  for (let bit = 0; bit < prefix; bit += 8) {
    const mask = prefix - bit >= 8 ? 0xff : (0xff << (8 - (prefix - bit))) & 0xff
    if (((bytes[bit / 8] ?? 0) & mask) !== ((address[bit / 8] ?? 0) & mask)) return false
  }
  return true
}

function carriedIn(address: Uint8Array): Uint8Array[] {
  if (address.length !== 16) return []
  return carriers
    .filter(({ network }) => contains(network, address))
    .map(({ offset }) => address.subarray(offset, offset + 4))
}

function parseAddress(text: string): Uint8Array | null {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  const [address = ''] = text.split('%')
  if (!isIPv6(address)) return null
  const [head = '', tail] = address.split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const groups = [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))
}

/** 16-bit groups; an IPv4 address at the end counts as two. */
function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}
