import type { Bundle } from '../bundles/store.ts'

/** `hex` as documented; `base64` for clients that verify base64. */
export type SignatureEncoding = 'hex' | 'base64'

/** The payload of `contract_update`. */
export function contractUpdate(
  bundle: Pick<Bundle, 'name' | 'version' | 'revisionHash' | 'yamlBytes' | 'signature'>,
  publicKey: Uint8Array | null,
  encoding: SignatureEncoding,
): Readonly<Record<string, unknown>> {
  return {
    bundle_name: bundle.name,
    version: bundle.version,
    revision_hash: bundle.revisionHash,
    signature: bundle.signature === null ? null : Buffer.from(bundle.signature).toString(encoding),
    public_key: publicKey === null ? null : Buffer.from(publicKey).toString('hex'),
    yaml_bytes: Buffer.from(bundle.yamlBytes).toString('base64'),
  }
}
