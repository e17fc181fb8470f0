import { describe, expect, it } from 'vitest'
import { InvalidHost, networkOf } from './network.ts'

const reaches = (network: Parameters<typeof networkOf>[0], host: string, port = 443) => {
  const { policy } = networkOf(network)
  return policy !== null && policy.refusal(host, port) === null
}

describe('what a manifest lets an agent reach', () => {
  it.each([
    ['a host that is listed', ['api.example.com'], 'api.example.com', true],
    ['in another spelling', ['API.Example.com.'], 'api.example.com.', true],
    ['a name below it', ['example.com'], 'api.example.com', false],
    ['a name that ends alike', ['example.com'], 'badexample.com', false],
    ['by a wildcard, a name below', ['*.example.com'], 'a.b.example.com', true],
    ['by a wildcard, not the name itself', ['*.example.com'], 'example.com', false],
    ['by a wildcard, not a name that ends alike', ['*.example.com'], 'badexample.com', false],
    ['everything by *', ['*'], 'anything.example', true],
    ['an address by *', ['*'], '93.184.216.34', true],
    ['an address that is not listed', ['example.com'], '93.184.216.34', false],
    ['an address that is listed', ['93.184.216.34'], '93.184.216.34', true],
    ['the same address in hexadecimal', ['93.184.216.34'], '0x5d.184.216.34', true],
    ['the same address within IPv6', ['93.184.216.34'], '[::ffff:5db8:d822]', true],
    ['an address of IPv6', ['2606:2800::1'], '[2606:2800:0:0::1]', true],
    ['another address of IPv6', ['2606:2800::1'], '[2606:2800::2]', false],
    ['a name of another alphabet', ['bücher.example'], 'xn--bcher-kva.example', true],
    ['a port that is listed', ['example.com:443'], 'example.com', true],
    ['another port than the listed one', ['example.com:8443'], 'example.com', false],
    ['every host on one port', ['*:443'], 'example.com', true],
    ['no host on another port', ['*:80'], 'example.com', false],
  ])('%s', (_what, allowlist, host, expected) => {
    expect(reaches({ mode: 'allow', allowlist }, host)).toBe(expected)
  })

  it('an empty list of hosts is no list of all hosts', () => {
    expect(networkOf({ mode: 'allow', allowlist: [] }).policy).toBeNull()
    expect(networkOf(undefined).policy).toBeNull()
    expect(networkOf({}).policy).toBeNull()
  })

  it('mode none reaches nothing, whatever is listed', () => {
    expect(networkOf({ mode: 'none', allowlist: ['*'] })).toEqual({ policy: null, isDemanded: true })
  })

  it('mode deny reaches all but what is listed', () => {
    const network = { mode: 'deny', denylist: ['bad.example', '*.worse.example'] } as const
    const spec = { ...network, denylist: [...network.denylist] }
    expect(reaches(spec, 'good.example')).toBe(true)
    expect(reaches(spec, 'BAD.example.')).toBe(false)
    expect(reaches(spec, 'a.worse.example')).toBe(false)
    expect(reaches(spec, 'worse.example')).toBe(true)
  })

  it('what both lists name is denied', () => {
    const spec = { mode: 'allow' as const, allowlist: ['*.example.com'], denylist: ['secret.example.com'] }
    expect(reaches(spec, 'open.example.com')).toBe(true)
    expect(reaches(spec, 'secret.example.com')).toBe(false)
  })

  it.each([
    [{ mode: 'none' as const }, true],
    [{ mode: 'allow' as const, allowlist: ['a.example'] }, true],
    [{ mode: 'allow' as const, allowlist: ['*'] }, false],
    [{ mode: 'allow' as const, allowlist: ['*'], denylist: ['a.example'] }, true],
    [{ mode: 'allow' as const }, false],
    [{ mode: 'deny' as const, denylist: ['a.example'] }, true],
    [{ mode: 'deny' as const }, false],
    [undefined, false],
  ])('a restriction in so many words is demanded: %j', (spec, expected) => {
    expect(networkOf(spec).isDemanded).toBe(expected)
  })

  it.each([
    'https://a.example',
    'a.example/path',
    '',
    'a b',
    '*.',
    '*.*',
    'a.*',
    'a.example:0',
    'a.example:99999',
    'u@a.example',
    '10.0.0.0/8',
  ])("an entry that names no host is told with its place: '%s'", (entry) => {
    const read = () => networkOf({ mode: 'allow', allowlist: ['fine.example', entry] })
    expect(read).toThrow(InvalidHost)
    expect(read).toThrow(`spec.security.network.allowlist[1] '${entry}' names no host.`)
  })
})
