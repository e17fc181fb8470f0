import { describe, expect, it } from 'vitest'
import { blockedNetworkOf, parseNetwork } from './networks.ts'

describe('private networks', () => {
  it.each([
    ['10.0.0.5', '10.0.0.0/8'],
    ['172.16.0.1', '172.16.0.0/12'],
    ['172.31.255.255', '172.16.0.0/12'],
    ['192.168.1.1', '192.168.0.0/16'],
    ['127.0.0.1', '127.0.0.0/8'],
    ['127.255.255.254', '127.0.0.0/8'],
    ['169.254.169.254', '169.254.0.0/16'],
    ['0.0.0.0', '0.0.0.0/8'],
    ['100.64.0.1', '100.64.0.0/10'],
    ['100.127.255.255', '100.64.0.0/10'],
    ['224.0.0.1', '224.0.0.0/4'],
    ['240.0.0.1', '240.0.0.0/4'],
    ['255.255.255.255', '255.255.255.255/32'],
    ['::', '::/128'],
    ['::1', '::1/128'],
    ['fe80::1', 'fe80::/10'],
    ['fe80::1%eth0', 'fe80::/10'],
    ['fd12:3456::1', 'fc00::/7'],
    ['ff02::1', 'ff00::/8'],
    ['::ffff:127.0.0.1', '127.0.0.0/8'],
    ['::ffff:a00:5', '10.0.0.0/8'],
    ['::10.0.0.5', '10.0.0.0/8'],
    ['64:ff9b::169.254.169.254', '169.254.0.0/16'],
    ['2002:7f00:1::', '127.0.0.0/8'],
    ['not an address', 'not an address'],
  ])('%s is refused as %s', (address, network) => {
    expect(blockedNetworkOf(address)).toBe(network)
  })

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '172.15.255.255',
    '100.63.255.255',
    '100.128.0.1',
    '192.167.1.1',
    '223.255.255.255',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ])('%s may be called', (address) => {
    expect(blockedNetworkOf(address)).toBeNull()
  })

  it('an operator opens exactly the network that was named', () => {
    const allowed = [parseNetwork('10.1.0.0/16'), parseNetwork('fd00::7')].filter((network) => network !== null)
    expect(blockedNetworkOf('10.1.2.3', allowed)).toBeNull()
    expect(blockedNetworkOf('::ffff:10.1.2.3', allowed)).toBeNull()
    expect(blockedNetworkOf('fd00::7', allowed)).toBeNull()
    expect(blockedNetworkOf('10.2.0.1', allowed)).toBe('10.0.0.0/8')
    expect(blockedNetworkOf('fd00::8', allowed)).toBe('fc00::/7')
  })

  it('what is no network is none', () => {
    for (const text of ['', 'ten', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '10.0.0/8'])
      expect([text, parseNetwork(text)]).toEqual([text, null])
  })
})
