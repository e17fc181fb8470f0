import { describe, expect, test } from 'vitest'
import { blockedNetworkOf } from './networks.ts'

/**
 * IANA's registries of special-purpose addresses, IPv4 and IPv6, row by row: the block, an address at its beginning and
 * one at its end, and what the registry's column "Globally Reachable" says (null where it says neither).
 */
const rows: readonly (readonly [block: string, first: string, last: string, reachable: boolean | null])[] = [
  ['0.0.0.0/8', '0.0.0.0', '0.255.255.255', false],
  ['10.0.0.0/8', '10.0.0.0', '10.255.255.255', false],
  ['100.64.0.0/10', '100.64.0.0', '100.127.255.255', false],
  ['127.0.0.0/8', '127.0.0.0', '127.255.255.255', false],
  ['169.254.0.0/16', '169.254.0.0', '169.254.255.255', false],
  ['172.16.0.0/12', '172.16.0.0', '172.31.255.255', false],
  ['192.0.0.0/24', '192.0.0.0', '192.0.0.255', false],
  ['192.0.0.0/29', '192.0.0.0', '192.0.0.7', false],
  ['192.0.0.8/32', '192.0.0.8', '192.0.0.8', false],
  ['192.0.0.9/32', '192.0.0.9', '192.0.0.9', true],
  ['192.0.0.10/32', '192.0.0.10', '192.0.0.10', true],
  ['192.0.0.170/32', '192.0.0.170', '192.0.0.170', false],
  ['192.0.0.171/32', '192.0.0.171', '192.0.0.171', false],
  ['192.0.2.0/24', '192.0.2.0', '192.0.2.255', false],
  ['192.31.196.0/24', '192.31.196.0', '192.31.196.255', true],
  ['192.52.193.0/24', '192.52.193.0', '192.52.193.255', true],
  ['192.88.99.0/24', '192.88.99.0', '192.88.99.255', null],
  ['192.168.0.0/16', '192.168.0.0', '192.168.255.255', false],
  ['192.175.48.0/24', '192.175.48.0', '192.175.48.255', true],
  ['198.18.0.0/15', '198.18.0.0', '198.19.255.255', false],
  ['198.51.100.0/24', '198.51.100.0', '198.51.100.255', false],
  ['203.0.113.0/24', '203.0.113.0', '203.0.113.255', false],
  ['240.0.0.0/4', '240.0.0.0', '255.255.255.254', false],
  ['255.255.255.255/32', '255.255.255.255', '255.255.255.255', false],
  ['::1/128', '::1', '::1', false],
  ['::/128', '::', '::', false],
  ['::ffff:0:0/96', '::ffff:10.0.0.1', '::ffff:127.0.0.1', false],
  ['64:ff9b::/96', '64:ff9b::8.8.8.8', '64:ff9b::1.1.1.1', true],
  ['64:ff9b:1::/48', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', false],
  ['100::/64', '100::', '100::ffff:ffff:ffff:ffff', false],
  ['100:0:0:1::/64', '100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff', false],
  ['2001::/23', '2001:100::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', false],
  ['2001::/32', '2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['2001:1::1/128', '2001:1::1', '2001:1::1', true],
  ['2001:1::2/128', '2001:1::2', '2001:1::2', true],
  ['2001:1::3/128', '2001:1::3', '2001:1::3', true],
  ['2001:2::/48', '2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff', false],
  ['2001:3::/32', '2001:3::', '2001:3:ffff:ffff:ffff:ffff:ffff:ffff', true],
  ['2001:4:112::/48', '2001:4:112::', '2001:4:112:ffff:ffff:ffff:ffff:ffff', true],
  ['2001:10::/28', '2001:10::', '2001:1f:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['2001:20::/28', '2001:20::', '2001:2f:ffff:ffff:ffff:ffff:ffff:ffff', true],
  ['2001:30::/28', '2001:30::', '2001:3f:ffff:ffff:ffff:ffff:ffff:ffff', true],
  ['2001:db8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', false],
  ['2002::/16', '2002:7f00:1::', '2002:c0a8:1::', null],
  ['2620:4f:8000::/48', '2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff', true],
  ['3fff::/20', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', false],
  ['5f00::/16', '5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', false],
  ['fc00::/7', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', false],
  ['fe80::/10', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', false],
]

describe('each special-purpose block of the registries', () => {
  test.each(rows.filter(([, , , reachable]) => reachable !== true))('%s is not called', (_block, first, last) => {
    expect(blockedNetworkOf(first)).not.toBeNull()
    expect(blockedNetworkOf(last)).not.toBeNull()
  })

  test.each(rows.filter(([, , , reachable]) => reachable === true))('%s may be called', (_block, first, last) => {
    expect(blockedNetworkOf(first)).toBeNull()
    expect(blockedNetworkOf(last)).toBeNull()
  })

  test('the IPv6 form of an IPv4 row is judged like the row', () => {
    for (const [, first, last, reachable] of rows)
      for (const address of [first, last].filter((one) => /^[\d.]+$/.test(one)))
        expect([address, blockedNetworkOf(`::ffff:${address}`) === null]).toEqual([address, reachable === true])
  })
})
