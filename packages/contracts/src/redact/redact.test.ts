import { describe, expect, it } from 'vitest'
import { EdictumConfigError } from '../errors.ts'
import { looksLikeSecret, redactText } from './patterns.ts'
import { RedactionPolicy, redactArgs } from './policy.ts'

describe('sensitive keys', () => {
  const policy = new RedactionPolicy()
  it.each([
    'password',
    'PASSWORD',
    'api-key',
    'apiKey',
    'api_key',
    'x-api-key',
    'X-Auth-Token',
    'my_key_id',
    'my_max_tokens',
    'Tokens',
    'accessToken',
    'privateKey',
    'APIKey',
    'db-password',
    'clientSecret',
    'userCredentials',
    'authorization',
  ])('%s is hidden', (key) => {
    expect(policy.isSensitiveKey(key)).toBe(true)
  })

  it.each([
    'max_tokens',
    'max-tokens',
    'maxTokens',
    'inputTokens',
    'monkey',
    'tokenizer',
    'author',
    'passwd',
    'csrf.token',
    'sort_keys',
    'name',
    '',
    'keyboard',
  ])('%j is shown', (key) => {
    expect(policy.isSensitiveKey(key)).toBe(false)
  })

  it('keys of the user win over the safe list, which can be extended', () => {
    const own = new RedactionPolicy({ sensitiveKeys: ['Max-Tokens', 'iban'], safeCompoundKeys: ['primary_key'] })
    expect(own.isSensitiveKey('max_tokens')).toBe(true)
    expect(own.isSensitiveKey('maxTokens')).toBe(true)
    expect(own.isSensitiveKey('IBAN')).toBe(true)
    expect(own.isSensitiveKey('primary-key')).toBe(false)
  })
})

describe('arguments', () => {
  it('lose sensitive values whatever their type, at any depth', () => {
    expect(redactArgs({ a: { password: { deep: 1 }, list: [{ token: null }] }, b: 1, c: null, d: true })).toEqual({
      a: { password: '[REDACTED]', list: [{ token: '[REDACTED]' }] },
      b: 1,
      c: null,
      d: true,
    })
  })

  it('lose values that look like secrets under any key', () => {
    expect(redactArgs({ max_tokens: `sk-${'a'.repeat(24)}`, note: 'sk-short' })).toEqual({
      max_tokens: '[REDACTED]',
      note: 'sk-short',
    })
  })

  it('lose secrets inside texts, unless detection is off', () => {
    const args = { url: 'https://u:pw@h/x', cmd: 'export API_KEY=v; ls' }
    expect(redactArgs(args)).toEqual({ url: 'https://u:[REDACTED]@h/x', cmd: 'export API_KEY=[REDACTED]; ls' })
    expect(new RedactionPolicy({ detectSecretValues: false }).redactArgs(args)).toEqual(args)
  })

  it('are cut at 1000 characters', () => {
    expect(redactArgs('x'.repeat(1001))).toBe(`${'x'.repeat(997)}...`)
    expect(redactArgs('x'.repeat(1000))).toBe('x'.repeat(1000))
    expect(new RedactionPolicy({ detectSecretValues: false }).redactArgs('x'.repeat(1001))).toHaveLength(1000)
  })

  it('may be cyclic, unreadable or endlessly deep', () => {
    const cycle: Record<string, unknown> = { a: 1 }
    cycle.self = cycle
    expect(redactArgs(cycle)).toEqual({ a: 1, self: '[circular]' })
    expect(
      redactArgs({
        get bad() {
          throw new Error('no')
        },
      }),
    ).toEqual({ bad: '[unreadable]' })
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(redactArgs({ proxy })).toEqual({ proxy: '[unreadable]' })
    let deep: unknown = 1
    for (let i = 0; i < 50_000; i++) deep = [deep]
    expect(() => redactArgs(deep)).not.toThrow()
    const shared = { a: 1 }
    expect(redactArgs([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
  })

  it('keep an own __proto__ key a key', () => {
    const copy = redactArgs(JSON.parse('{"__proto__":{"x":1}}')) as object
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"x":1}}')
  })
})

describe('texts', () => {
  it.each([
    ['export API_KEY=abc next', 'export API_KEY=[REDACTED] next'],
    ['export  MY_SECRET_X=abc', 'export  MY_SECRET_X=[REDACTED]'],
    ['export PATH=/bin', 'export PATH=/bin'],
    ['export api_key=x', 'export api_key=[REDACTED]'],
    ['mysql -p hunter2', 'mysql -p [REDACTED]'],
    ['mysql -phunter2', 'mysql -p[REDACTED]'],
    ['-p x', '-p x'],
    ['foo-path bar', 'foo-path bar'],
    ['x --password=abc', 'x --password=[REDACTED]'],
    ['x --password abc y', 'x --password [REDACTED] y'],
    ['postgres://u:p@h/db', 'postgres://u:[REDACTED]@h/db'],
    ['a://u:p@x@y b://v:q@z', 'a://u:[REDACTED]@y b://v:[REDACTED]@z'],
    ['a://u:p@x b://c:d', 'a://u:[REDACTED]@x b://c:d'],
    ['http://host:80/x', 'http://host:80/x'],
    ['http://:p@h', 'http://:[REDACTED]@h'],
    ['http://host:80/x@y', 'http://host:80/x@y'],
    ['http://u:p@h/x@y', 'http://u:[REDACTED]@h/x@y'],
    ['a://u:p/q@h', 'a://u:[REDACTED]@h'],
    ['http://u:@h', 'http://u:@h'],
    ['plain', 'plain'],
  ])('%j becomes %j', (text, expected) => {
    expect(redactText(text)).toBe(expected)
  })

  it.each([
    '://a:'.repeat(200_000),
    `export ${'KEY'.repeat(300_000)}`,
    ` -p${' '.repeat(500_000)}`,
    `x@ ${'://u:p '.repeat(100_000)}`,
  ])('a hostile text of many characters ends in linear time (%#)', (text) => {
    expect(redactText(text)).toBe(text)
  })

  it('custom patterns come first; text beyond their reach does not pass', () => {
    const policy = new RedactionPolicy({
      customPatterns: [
        [/ACME-\d+/, 'ACME-#'],
        ['x{3}', 'y'],
      ],
    })
    expect(policy.redactArgs('ACME-1 ACME-2 xxx')).toBe('ACME-# ACME-# y')
    expect(policy.redactBashCommand(`${'z'.repeat(10_000)} ACME-1`)).toBe(`${'z'.repeat(10_000)} ACME-#`)
    expect(policy.redactBashCommand(`${'z'.repeat(1_048_576)} ACME-1`)).toBe(`${'z'.repeat(1_048_576)}...`)
  })

  it('refuses a custom pattern that does not compile', () => {
    expect(() => new RedactionPolicy({ customPatterns: [['(', 'x']] })).toThrow(EdictumConfigError)
  })

  it('results are cut to their maximum', () => {
    expect(new RedactionPolicy().redactResult('x'.repeat(600))).toBe(`${'x'.repeat(497)}...`)
    expect(new RedactionPolicy().redactResult('abcdef', 5)).toBe('ab...')
  })
})

describe('secret-looking values', () => {
  it.each([
    [`sk-${'a'.repeat(20)}`, true],
    [`sk-${'a'.repeat(19)}`, false],
    [` sk-${'a'.repeat(20)}`, false],
    [`AKIA${'A'.repeat(16)}`, true],
    [`eyJ${'a'.repeat(20)}.x`, true],
    [`eyJ${'a'.repeat(20)}`, false],
    [`ghp_${'a'.repeat(36)}`, true],
    ['xoxb-1234567890', true],
    ['xox-1234567890', false],
  ])('%j: %j', (text, expected) => {
    expect(looksLikeSecret(text)).toBe(expected)
  })
})

describe('the payload cap', () => {
  it('leaves a payload of 32,768 characters and replaces a larger one', () => {
    const policy = new RedactionPolicy()
    const base = { tool_args: { a: '' }, result_summary: 'r' }
    const room = 32_768 - JSON.stringify(base).length
    const fits = { tool_args: { a: 'x'.repeat(room) }, result_summary: 'r' }
    expect(policy.capPayload(fits)).toBe(fits)
    expect(policy.capPayload({ tool_args: { a: 'x'.repeat(room + 1) }, result_summary: 'r', name: 'n' })).toEqual({
      name: 'n',
      _truncated: true,
      tool_args: { _redacted: 'payload exceeded 32KB' },
    })
  })
})

it('a secret that an argument list gives apart from its option is hidden, and only it', () => {
  const policy = new RedactionPolicy()
  expect(
    policy.redactArgs({
      args: ['deploy', '--token', 'Zq7Kp2Xw', '--name', 'web', '-password', 'hunter2hunter2', '--token'],
    }),
  ).toEqual({ args: ['deploy', '--token', '[REDACTED]', '--name', 'web', '-password', '[REDACTED]', '--token'] })
  expect(policy.redactArgs({ args: ['mkdir', '-p', '/srv/x', '--token-count', '3'] })).toEqual({
    args: ['mkdir', '-p', '/srv/x', '--token-count', '3'],
  })
})

it.each([
  'PGPASSWORD=Zq7Kp2Xw9Lm4 psql',
  'Cookie: session=Zq7Kp2Xw9Lm4Nv8R',
  'set-cookie: sid=Zq7Kp2Xw9Lm4Nv8R; Path=/',
])('%s hides its value', (text) => {
  expect(JSON.stringify(new RedactionPolicy().redactArgs({ text }))).not.toContain('Zq7Kp2Xw9Lm4')
})
