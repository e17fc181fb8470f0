import { configError } from '../errors.ts'
import type { EdictumServerClient } from './client.ts'
import { BundleVerificationError } from './errors.ts'
import { decodeBase64, verifyBundleSignature } from './signature.ts'

/** A bundle as the server delivers it, by answer or by stream: the exact bytes and who signed them. */
export interface DeliveredBundle {
  readonly bytes: Uint8Array
  readonly revisionHash: string | null
}

export function fetchCurrentBundle(client: EdictumServerClient, bundleName: string): Promise<Record<string, unknown>> {
  return client.get(`/api/v1/bundles/${encodeURIComponent(bundleName)}/current`, { query: { env: client.env } })
}

/**
 * Takes the bytes out of a delivery and checks the signature when keys are given. A missing document is an empty one,
 * which no policy can be made of.
 * @throws EdictumConfigError when the bytes are not base64, BundleVerificationError when the signature does not hold.
 */
export function openDelivery(
  delivery: Readonly<Record<string, unknown>>,
  signingKeys: readonly string[] | null,
): DeliveredBundle {
  const encoded = typeof delivery.yaml_bytes === 'string' ? delivery.yaml_bytes : ''
  const bytes = decodeBase64(encoded.replace(/[\r\n]/g, ''))
  if (bytes === null) throw configError('The bundle the server sent is not base64 (yaml_bytes).')
  if (signingKeys !== null) {
    const signature = delivery.signature ?? delivery.signature_hex
    if (typeof signature !== 'string')
      throw new BundleVerificationError('The bundle is not signed; its signature is empty.')
    verifyBundleSignature(bytes, signature, signingKeys)
  }
  return { bytes, revisionHash: typeof delivery.revision_hash === 'string' ? delivery.revision_hash : null }
}
