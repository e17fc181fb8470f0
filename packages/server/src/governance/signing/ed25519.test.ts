import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { privateKeyOf, publicBytesOf, signBytes, verifyBytes } from './ed25519.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

describe('ed25519', () => {
  it('agrees with test 2 of RFC 8032', () => {
    const key = privateKeyOf(hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'))
    const publicKey = publicBytesOf(key)
    expect(publicKey.toString('hex')).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
    const signature = signBytes(key, hex('72'))
    expect(signature.toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    )
    expect(verifyBytes(publicKey, hex('72'), signature)).toBe(true)
  })

  it('tampered data, another key and malformed input verify false and never throw', () => {
    const key = privateKeyOf(Buffer.alloc(32, 1))
    const publicKey = publicBytesOf(key)
    const signature = signBytes(key, hex('00ff'))
    expect(verifyBytes(publicKey, hex('00fe'), signature)).toBe(false)
    expect(verifyBytes(publicBytesOf(privateKeyOf(Buffer.alloc(32, 2))), hex('00ff'), signature)).toBe(false)
    expect(verifyBytes(publicKey, hex('00ff'), Buffer.alloc(64))).toBe(false)
    expect(verifyBytes(publicKey, hex('00ff'), hex('00'))).toBe(false)
    expect(verifyBytes(hex('00'), hex('00ff'), signature)).toBe(false)
    const { publicKey: other } = generateKeyPairSync('ed25519')
    expect(verifyBytes(other.export({ type: 'spki', format: 'der' }).subarray(12), hex('00ff'), signature)).toBe(false)
  })
})
