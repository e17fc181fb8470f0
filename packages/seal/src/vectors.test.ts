import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as browser from './browser.ts'
import { fromHex } from './bytes.ts'
import * as node from './index.ts'
import { createCanonicalMessage, Ed25519Key, MemoryReplayStore, SEALError } from './index.ts'

interface EnvelopeVector {
  readonly id: string
  readonly signer_seed_hex: string
  readonly public_key_hex: string
  readonly public_key_base64: string
  readonly security_token: string
  readonly timestamp_unix: number
  readonly signed_message_hex: string
  readonly signature_base64: string
  readonly envelope_json: string
  readonly key_order?: string
  readonly signed_like?: string
  readonly verify: {
    readonly public_key_hex: string
    readonly now_unix: number
    readonly max_age_seconds: number
    readonly already_accepted?: readonly { readonly id: string; readonly at_unix: number }[]
  }
  readonly expected: {
    readonly verdict: 'accept' | 'reject'
    readonly parsed_object_verdict: 'accept' | 'reject'
    readonly reason?: string
    readonly wire_code?: number
    readonly http_status?: number
  }
}

interface TokenVector {
  readonly id: string
  readonly token: string
  readonly verify: {
    readonly key: 'rsa' | 'ed25519'
    readonly issuer: string
    readonly audience: string
    readonly now_unix: number
  }
  readonly expected: { readonly verdict: 'accept' | 'reject'; readonly reason?: string; readonly wire_code?: number }
}

interface Vectors {
  readonly issuer: { readonly rsa_public_key_pem: string; readonly ed25519_public_key_pem: string }
  readonly envelopes: readonly EnvelopeVector[]
  readonly tokens: readonly TokenVector[]
}

const files = ['../test/vectors.json', '../../../../shared/vectors/seal.json']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .filter((path) => existsSync(path))

const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array()

/** What became of it: `accept`, or the error. */
async function outcome(work: () => unknown): Promise<'accept' | SEALError> {
  try {
    await work()
    return 'accept'
  } catch (error) {
    if (error instanceof SEALError) return error
    throw error
  }
}

describe.each(files)('vectors of %s', (file) => {
  const { envelopes, tokens, issuer } = JSON.parse(readFileSync(file, 'utf8')) as Vectors

  describe.each([
    ['node', node],
    ['browser', browser],
  ] as const)('in the %s entry', (_name, entry) => {
    const verify = (vector: EnvelopeVector, envelope: unknown) => async () => {
      const { public_key_hex, now_unix, max_age_seconds, already_accepted = [] } = vector.verify
      const replayStore = new MemoryReplayStore()
      const at = (unix: number) => ({ maxAgeSeconds: max_age_seconds, now: () => unix * 1000, replayStore })
      for (const { id, at_unix } of already_accepted) {
        const accepted = envelopes.find((one) => one.id === id)
        await entry.verifySealEnvelope(accepted!.envelope_json, bytes(public_key_hex), at(at_unix))
      }
      return entry.verifySealEnvelope(envelope, bytes(public_key_hex), at(now_unix))
    }

    it.each(envelopes)('$id: as text and as bytes', async (vector) => {
      const { verdict, reason, wire_code, http_status } = vector.expected
      for (const envelope of [vector.envelope_json, new TextEncoder().encode(vector.envelope_json)]) {
        const became = await outcome(verify(vector, envelope))
        if (verdict === 'accept') expect(became).toBe('accept')
        else expect(became).toMatchObject({ reason, code: wire_code, httpStatus: http_status })
      }
    })

    it.each(envelopes)('$id: as an object', async (vector) => {
      const became = await outcome(verify(vector, JSON.parse(vector.envelope_json)))
      expect(became === 'accept' ? 'accept' : 'reject').toBe(vector.expected.parsed_object_verdict)
    })

    it.each(envelopes)('$id: is signed to the same signature', async (vector) => {
      const key = await entry.Ed25519Key.fromSeed(bytes(vector.signer_seed_hex))
      if (vector.expected.verdict === 'accept') expect(key.getPublicKeyBase64()).toBe(vector.public_key_base64)
      expect(await key.signBase64(bytes(vector.signed_message_hex))).toBe(vector.signature_base64)
    })

    it.each(tokens)('$id', async ({ token, verify: asked, expected }) => {
      const became = await outcome(() =>
        entry.verifySecurityToken(token, {
          key: asked.key === 'rsa' ? issuer.rsa_public_key_pem : issuer.ed25519_public_key_pem,
          algorithm: asked.key === 'rsa' ? 'RS256' : 'EdDSA',
          issuer: asked.issuer,
          audience: asked.audience,
          now: () => asked.now_unix * 1000,
        }),
      )
      if (expected.verdict === 'accept') expect(became).toBe('accept')
      else expect(became).toMatchObject({ reason: expected.reason, code: expected.wire_code })
    })
  })

  it('what clients of this language sign is what the canonical message says', () => {
    const plain = envelopes.filter(
      ({ expected, key_order, signed_like }) => expected.verdict === 'accept' && !key_order && !signed_like,
    )
    expect(plain.length).toBeGreaterThan(3)
    for (const { id, security_token, envelope_json, timestamp_unix, signed_message_hex } of plain) {
      const { payload } = JSON.parse(envelope_json) as { payload: unknown }
      const message = createCanonicalMessage(security_token, payload, timestamp_unix)
      expect(Buffer.from(message).toString('hex'), id).toBe(signed_message_hex)
    }
  })

  it('a key object of Node verifies tokens as its PEM does', () => {
    const vector = tokens.find(({ expected, verify }) => expected.verdict === 'accept' && verify.key === 'rsa')
    const { issuer: iss, audience, now_unix } = vector!.verify
    const { claims } = node.verifySecurityToken(vector!.token, {
      key: createPublicKey(issuer.rsa_public_key_pem),
      algorithm: 'RS256',
      issuer: iss,
      audience,
      now: () => now_unix * 1000,
    })
    expect(claims.tenant_id).toBe('acme')
  })
})

it('the two entries differ in promises alone', () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
  expect(Ed25519Key.fromSeed(new Uint8Array(32).fill(7)).sign('x')).toHaveLength(64)
})
