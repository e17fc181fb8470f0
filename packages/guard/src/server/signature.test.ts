import { describe, expect, test } from 'vitest'
import { newSigner } from '../testing/fake-console.ts'
import { openDelivery } from './bundle.ts'
import { BundleVerificationError } from './errors.ts'
import { verifyBundleSignature } from './signature.ts'

const yaml = 'apiVersion: edictum/v1\n'
const bytes = Buffer.from(yaml)
const signer = newSigner()
const other = newSigner()
const signature = signer.sign(yaml)

const refused = (signed: string, key: string | string[], text: RegExp, content: Uint8Array = bytes) => {
  const verify = () => verifyBundleSignature(content, signed, key)
  expect(verify).toThrow(BundleVerificationError)
  expect(verify).toThrow(text)
}

describe('a bundle is what its signer signed, or nothing', () => {
  test('hex, base64 and URL-safe base64 of one signature all verify', () => {
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      verifyBundleSignature(bytes, signature.toString(encoding), signer.publicKeyHex)
    }
    verifyBundleSignature(bytes, signature.toString('hex').toUpperCase(), signer.publicKeyHex.toUpperCase())
  })

  test('while a key is replaced either key is enough', () => {
    verifyBundleSignature(bytes, signature.toString('hex'), [other.publicKeyHex, signer.publicKeyHex])
    refused(signature.toString('hex'), [other.publicKeyHex], /tampered/)
  })

  test('a changed byte and another key are refused', () => {
    refused(signature.toString('hex'), signer.publicKeyHex, /tampered/, Buffer.from(`${yaml} `))
    refused(signature.toString('hex'), other.publicKeyHex, /tampered/)
  })

  test('what is no signature is refused with the reason', () => {
    refused('', signer.publicKeyHex, /empty/)
    refused('?!', signer.publicKeyHex, /base64/)
    refused('abc', signer.publicKeyHex, /64 bytes/)
    refused(signature.toString('hex').slice(2), signer.publicKeyHex, /64 bytes/)
  })

  test('what is no key is refused with the reason', () => {
    const hex = signature.toString('hex')
    refused(hex, '', /empty/)
    refused(hex, [], /empty/)
    refused(hex, 'zz'.repeat(32), /hex/)
    refused(hex, 'ab'.repeat(16), /expected 32 bytes/)
  })

  test('a delivery may carry its signature as signature or signature_hex; its own key counts for nothing', () => {
    const delivery = { yaml_bytes: bytes.toString('base64'), public_key: other.publicKeyHex }
    const hex = signature.toString('hex')
    expect(openDelivery({ ...delivery, signature: hex }, [signer.publicKeyHex]).bytes).toEqual(bytes)
    expect(openDelivery({ ...delivery, signature_hex: hex }, [signer.publicKeyHex]).bytes).toEqual(bytes)
    const forged = { ...delivery, signature: other.sign(yaml).toString('hex') }
    expect(() => openDelivery(forged, [signer.publicKeyHex])).toThrow(BundleVerificationError)
    expect(() => openDelivery(delivery, [signer.publicKeyHex])).toThrow(BundleVerificationError)
  })

  test('a document that is not base64 is refused', () => {
    expect(() => openDelivery({ yaml_bytes: 'a?b' }, null)).toThrow(/base64/)
  })
})
