import { generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64, fromHex, toBase64, toHex } from './bytes.ts'
import {
  createCanonicalMessage,
  createSealEnvelope,
  Ed25519Key,
  encodeSealEnvelope,
  MemoryReplayStore,
  parsePublicKey,
  parseSealEnvelope,
  SEALError,
  stableStringify,
  verifySealEnvelope,
} from './index.ts'
import { compareCodePoints } from './json/canonical.ts'
import { parseJson } from './json/parse.ts'
import { toValue } from './json/value.ts'

const NOW = 1_800_000_000_000
const now = () => NOW
const key = Ed25519Key.fromSeed(new Uint8Array(32).fill(3))
const publicKey = key.getPublicKeyBytes()
const call = (args: object) => ({
  jsonrpc: '2.0',
  id: 'r',
  method: 'tools/call',
  params: { name: 't', arguments: args },
})
const reasonOf = (work: () => unknown) => {
  try {
    work()
    return 'accepted'
  } catch (error) {
    if (error instanceof SEALError) return error.reason
    throw error
  }
}
const verified = (envelope: unknown, options: object = {}) =>
  verifySealEnvelope(envelope, publicKey, { now, ...options })

describe('an envelope', () => {
  it('of any value passes as text, bytes and object, and carries the value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.string({ minLength: 1 }), (value, token) => {
        // Whole numbers beyond 2^53 come back as bigint, which has a test of its own.
        fc.pre(!/\d{16}/.test(JSON.stringify(value)))
        const payload = { method: 'm', params: { value } }
        const envelope = createSealEnvelope(token, payload, key, { now })
        const text = encodeSealEnvelope(envelope)
        // JSON has no -0.
        const plain = JSON.parse(JSON.stringify(payload)) as unknown
        expect(verified(text)).toEqual(plain)
        expect(verified(new TextEncoder().encode(text))).toEqual(plain)
        expect(verified(envelope)).toEqual(plain)
        expect(verified(JSON.stringify(envelope, null, 2))).toEqual(plain)
      }),
    )
  })

  it('with any one byte of it changed passes nowhere, or says the same', () => {
    const text = encodeSealEnvelope(createSealEnvelope('a.b.c', call({ path: 'x', n: 1 }), key, { now }))
    const bytes = new TextEncoder().encode(text)
    const payload = verified(text)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (place, by) => {
        const changed = Uint8Array.from(bytes)
        changed[place] = (changed[place] ?? 0) ^ by
        // Only the fraction of the second is unsigned.
        if (reasonOf(() => verified(changed)) === 'accepted') {
          expect(verified(changed)).toEqual(payload)
          expect(String.fromCharCode(changed[place] ?? 0)).toMatch(/\d/)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('never makes the verifier throw anything but a SEALError, whatever comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uint8Array(), fc.json(), fc.anything()), (anything) => {
        expect(reasonOf(() => verified(anything))).toBe('malformed_envelope')
      }),
    )
    const parts = fc.record(
      {
        protocol: fc.oneof(fc.constant('seal/v1'), fc.anything()),
        security_token: fc.anything(),
        signature: fc.oneof(fc.base64String(), fc.anything()),
        payload: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.anything()),
        timestamp: fc.oneof(fc.constant(NOW / 1000), fc.anything()),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(parts, (envelope) => {
        expect(reasonOf(() => verified(envelope))).not.toBe('accepted')
      }),
    )
  })

  it('drops, converts and refuses as JSON does, once, so that what is signed is what is sent', () => {
    let asked = 0
    const payload = {
      when: new Date(NOW),
      missing: undefined,
      list: [undefined, () => 0],
      big: 12345678901234567890n,
      get counted() {
        return ++asked
      },
    }
    const envelope = createSealEnvelope('t', payload, key, { now })
    expect(asked).toBe(1)
    expect(envelope.payload).toEqual({
      big: 12345678901234567890n,
      counted: 1,
      list: [null, null],
      when: new Date(NOW).toISOString(),
    })
    expect(verified(encodeSealEnvelope(envelope))).toEqual(envelope.payload)
    const loop: Record<string, unknown> = {}
    loop.self = loop
    for (const bad of [{ n: Number.NaN }, { n: -Infinity }, loop, {}, [], null, 'x'])
      expect(() => createSealEnvelope('t', bad, key, { now })).toThrow(TypeError)
  })

  it('signs by code points and goes out in the order that is signed', () => {
    const envelope = createSealEnvelope('t', { b: 1, a: { z: 1, y: [{ d: 1, c: 2 }] } }, key, { now })
    expect(JSON.stringify(envelope.payload)).toBe('{"a":{"y":[{"c":2,"d":1}],"z":1},"b":1}')
    expect(encodeSealEnvelope(createSealEnvelope('t', { 9: 1, 10: 2 }, key, { now }))).toContain('{"10":2,"9":1}')
  })

  it.each([
    ['a name twice', (text: string) => text.replace('"method":"tools/call"', '"method":"a","method":"tools/call"')],
    ['a name twice in the envelope itself', (text: string) => text.replace('{', '{"signature":"x",')],
    ['something behind it', (text: string) => `${text}{}`],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
    ['a comma too many', (text: string) => text.replace(/}$/, ',}')],
    ['a control character', (text: string) => text.replace('tools', 'to\u0001ols')],
    ['a number that no double holds', (text: string) => text.replace('"id":"r"', '"id":1e999')],
    ['NaN', (text: string) => text.replace('"id":"r"', '"id":NaN')],
    ['too many levels', (text: string) => text.replace('"id":"r"', `"id":${'['.repeat(200)}${']'.repeat(200)}`)],
  ])('with %s is malformed', (_what, change) => {
    const text = encodeSealEnvelope(createSealEnvelope('t', call({}), key, { now }))
    expect(change(text)).not.toBe(text)
    expect(reasonOf(() => verified(change(text)))).toBe('malformed_envelope')
  })

  it('that is no UTF-8 is malformed', () => {
    expect(reasonOf(() => verified(new Uint8Array([0x7b, 0xff, 0x7d])))).toBe('malformed_envelope')
  })

  it('is as old as is allowed, and no second older or newer', () => {
    const envelope = createSealEnvelope('t', call({}), key, { now })
    const at = (seconds: number, maxAgeSeconds: number) =>
      reasonOf(() => verified(envelope, { now: () => NOW + seconds * 1000, maxAgeSeconds }))
    expect([at(30, 30), at(31, 30), at(30.999, 30), at(-30, 30), at(-31, 30), at(-30.001, 30)]).toEqual([
      'accepted',
      'stale_timestamp',
      'accepted',
      'accepted',
      'future_timestamp',
      'future_timestamp',
    ])
    expect([at(0, 0), at(0.999, 0), at(1, 0), at(0, -1)]).toEqual([
      'accepted',
      'accepted',
      'stale_timestamp',
      'stale_timestamp',
    ])
    expect(() => verified(envelope, { maxAgeSeconds: Number.NaN })).toThrow(RangeError)
    expect(() => verified(envelope, { now: () => Number.NaN })).toThrow(RangeError)
    expect(reasonOf(() => verifySealEnvelope(envelope, publicKey))).toMatch(/_timestamp$/)
  })

  it('says nothing of its token, signature or key in what is thrown', () => {
    const envelope = createSealEnvelope('the-token', call({ password: 'hunter2' }), key, { now })
    const other = Ed25519Key.generate().getPublicKeyBytes()
    try {
      verifySealEnvelope(envelope, other, { now })
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).toBe('Ed25519 signature verification failed.')
    }
  })
})

describe('a replay', () => {
  const envelope = createSealEnvelope('t', call({ n: 1 }), key, { now })

  it('is refused from the first acceptance to the last second in which it could pass as fresh', () => {
    const replayStore = new MemoryReplayStore()
    const at = (seconds: number) => reasonOf(() => verified(envelope, { now: () => NOW + seconds * 1000, replayStore }))
    expect([at(-30), at(-30), at(0), at(30), at(30.999), at(31)]).toEqual([
      'accepted',
      ...Array<string>(4).fill('replay_detected'),
      'stale_timestamp',
    ])
  })

  it('is refused when the clock steps back to where it was fresh', () => {
    const replayStore = new MemoryReplayStore()
    expect(reasonOf(() => verified(envelope, { replayStore }))).toBe('accepted')
    for (let index = 0; index < 3000; index++) replayStore.seen(String(index), NOW + 1e6, NOW + 900_000)
    expect(reasonOf(() => verified(envelope, { replayStore }))).toBe('replay_detected')
  })

  it('is not remembered of a forged envelope', () => {
    const replayStore = new MemoryReplayStore()
    const forged = { ...envelope, payload: call({ n: 2 }) }
    expect(reasonOf(() => verified(forged, { replayStore }))).toBe('invalid_signature')
    expect(replayStore.size).toBe(0)
  })

  it('is told by a promise where the store answers by one; a store that fails lets nothing pass', async () => {
    const seen = new Set<string>()
    const replayStore = {
      seen: async (signature: string) => seen.has(signature) || !seen.add(signature),
    }
    await expect(verifySealEnvelope(envelope, publicKey, { now, replayStore })).resolves.toEqual(envelope.payload)
    await expect(verifySealEnvelope(envelope, publicKey, { now, replayStore })).rejects.toMatchObject({
      reason: 'replay_detected',
    })
    const broken = { seen: () => Promise.reject(new Error('away')) }
    await expect(verifySealEnvelope(envelope, publicKey, { now, replayStore: broken })).rejects.toThrow('away')
  })

  it('of what is no longer fresh is forgotten', () => {
    const replayStore = new MemoryReplayStore()
    for (let index = 0; index < 20_000; index++) replayStore.seen(String(index), NOW + index + 10, NOW + index)
    expect(replayStore.size).toBeLessThan(3000)
  })
})

describe('a key', () => {
  it('signs what the platform verifies, and the reverse', () => {
    const pair = generateKeyPairSync('ed25519')
    const { d = '' } = pair.privateKey.export({ format: 'jwk' })
    const own = Ed25519Key.fromSeed(new Uint8Array(Buffer.from(d, 'base64url')))
    expect(verify(null, Buffer.from('x'), pair.publicKey, own.sign('x'))).toBe(true)
    expect(toHex(own.sign('x'))).toBe(sign(null, Buffer.from('x'), pair.privateKey).toString('hex'))
  })

  it('is read in every spelling, and only as 32 sound bytes', () => {
    const pair = generateKeyPairSync('ed25519')
    const spki = pair.publicKey.export({ format: 'der', type: 'spki' })
    const raw = spki.subarray(12)
    const pem = String(pair.publicKey.export({ format: 'pem', type: 'spki' }))
    for (const text of [
      raw.toString('base64'),
      raw.toString('base64url'),
      raw.toString('hex'),
      raw.toString('hex').toUpperCase(),
      spki.toString('base64'),
      spki.toString('base64url'),
      pem,
      pem.replaceAll('\n', '\r\n'),
    ])
      expect(toHex(parsePublicKey(text))).toBe(raw.toString('hex'))
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
    for (const text of [
      '',
      'x',
      raw.toString('base64').slice(0, -2),
      ` ${raw.toString('base64')}`,
      raw.subarray(1).toString('base64'),
      Buffer.concat([raw, raw]).toString('base64'),
      spki.toString('base64').replace('MCow', 'MCox'),
      String(rsa.export({ format: 'pem', type: 'spki' })),
      toBase64(new Uint8Array(32).fill(0xff)),
    ])
      expect(
        reasonOf(() => parsePublicKey(text)),
        text,
      ).toBe('invalid_public_key')
  })

  it.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('of low order is weak in both spellings of its sign: %s', (hex) => {
    const weak = fromHex(hex) ?? new Uint8Array()
    const other = Uint8Array.from(weak)
    other[31] = (other[31] ?? 0) | 0x80
    const envelope = createSealEnvelope('t', call({}), key, { now })
    for (const one of [weak, other]) {
      expect(reasonOf(() => verifySealEnvelope(envelope, one, { now }))).toBe('weak_public_key')
      expect(reasonOf(() => parsePublicKey(toBase64(one)))).toBe('weak_public_key')
    }
  })

  it('that is a point passes, and half of all bytes are none', () => {
    for (let index = 0; index < 50; index++)
      expect(reasonOf(() => parsePublicKey(Ed25519Key.generate().getPublicKeyBase64()))).toBe('accepted')
    const random = Array.from({ length: 200 }, (_, index) =>
      reasonOf(() => parsePublicKey(toBase64(Ed25519Key.fromSeed(new Uint8Array(32).fill(index)).sign('x').slice(32)))),
    )
    expect(random.filter((reason) => reason === 'invalid_public_key').length).toBeGreaterThan(50)
  })

  it('is gone once erased, and gives out copies alone', () => {
    const own = Ed25519Key.generate()
    own.getPublicKeyBytes().fill(0)
    expect(own.getPublicKeyBytes().some((byte) => byte !== 0)).toBe(true)
    const seed = new Uint8Array(32).fill(1)
    const made = Ed25519Key.fromSeed(seed)
    seed.fill(0)
    expect(made.sign('x')).toHaveLength(64)
    own.erase()
    own.erase()
    expect(() => own.sign('x')).toThrow('Private key has been erased')
    expect(() => own.getPublicKeyBase64()).toThrow('Public key has been erased')
    expect(() => Ed25519Key.fromSeed(new Uint8Array(31))).toThrow(RangeError)
  })
})

describe('canonical JSON', () => {
  it('is the same for the same value, whatever the order of its members, and reads back as it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        expect(stableStringify(reversed)).toBe(stableStringify(value))
        expect(JSON.parse(stableStringify(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('orders names by code points', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const order = Buffer.compare(Buffer.from(a), Buffer.from(b))
        expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(order))
      }),
    )
  })

  it('reads what JSON.parse reads, and refuses what it refuses', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string(), fc.string({ unit: fc.constantFrom(...'[]{}",:\\u0e1.-+ ntf') })),
        (text) => {
          let native: unknown
          try {
            native = JSON.parse(text)
          } catch {
            expect(() => parseJson(text)).toThrow('at character')
            return
          }
          let own: unknown
          try {
            own = toValue(parseJson(text))
          } catch (error) {
            // Names twice and numbers beyond a double: JSON.parse takes the last, and Infinity.
            expect((error as Error).message).toMatch(/a second time|larger than a double/)
            return
          }
          if (!/\d{16}/.test(text)) expect(own).toEqual(native)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('writes lone surrogates as escapes in lower case, and U+2028 raw', () => {
    const message = createCanonicalMessage('t', { s: '\ud800\u2028', '\udfff': 1 }, 5)
    expect(new TextDecoder().decode(message)).toBe(
      '{"payload":{"s":"\\ud800\u2028","\\udfff":1},"security_token":"t","timestamp":5}',
    )
  })
})

it.each([
  ['9007199254740993', 9007199254740993n],
  ['9007199254740993.0', 9007199254740993n],
  ['-9007199254740993.00', -9007199254740993n],
  ['9007199254740993e0', 9007199254740993n],
  ['900719925474099.3e1', 9007199254740993n],
  ['90071992547409930E-1', 9007199254740993n],
  ['1.00000000000000000001e30', 1000000000000000000010000000000n],
  // What clients write from a double is that double.
  ['1e16', 1e16],
  ['1E+16', 1e16],
  ['1e+22', 1e22],
  ['1.2345678901234567e+30', 1.2345678901234567e30],
  ['1.7976931348623157e308', Number.MAX_VALUE],
  ['10000000000000000.0', 1e16],
  ['9007199254740991.0', Number.MAX_SAFE_INTEGER],
  ['0.1', 0.1],
  ['-0', -0],
  ['5e-324', 5e-324],
])('a number that is written %s is never rounded to another whole one', (written, value) => {
  const envelope = `{"protocol":"seal/v1","security_token":"t","signature":"s","payload":{"n":${written}},"timestamp":1}`
  expect(parseSealEnvelope(envelope).payload.n).toStrictEqual(value)
})

it.each(['9'.repeat(309), `-${'9'.repeat(2_000_000)}`, '1e309', `${'9'.repeat(309)}.5`])(
  'a number that no double holds is malformed, however many digits it has',
  (written) => {
    const envelope = `{"protocol":"seal/v1","security_token":"t","signature":"s","payload":{"n":${written}},"timestamp":1}`
    expect(() => parseSealEnvelope(envelope)).toThrow(/is larger than a double holds/)
  },
)

it('base64 is read in the one spelling that writing gives', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string({ unit: fc.constantFrom(...'ABCDwxyz0189+/=-_ ') }), (bytes, text) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      expect(fromBase64(toBase64(bytes))).toEqual(Uint8Array.from(bytes))
      const read = fromBase64(text)
      if (read) expect(toBase64(read)).toBe(text)
      else expect(Buffer.from(text, 'base64').toString('base64')).not.toBe(text)
    }),
  )
})

it('a parsed envelope is verified without being parsed again', () => {
  const parsed = parseSealEnvelope(encodeSealEnvelope(createSealEnvelope('t', call({}), key, { now })))
  expect(parsed).toMatchObject({ securityToken: 't', timestampUnix: NOW / 1000 })
  expect(verified(parsed)).toBe(parsed.payload)
})
