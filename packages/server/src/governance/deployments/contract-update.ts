import type { BundleRow } from '../../storage/schema.ts'

/** `hex` as documented; `base64` for clients that verify base64 (decision Q2). */
export type SignatureEncoding = 'hex' | 'base64'

/** The payload of `contract_update` (console-api §9.1). */
export function contractUpdate(
  bundle: Pick<BundleRow, 'name' | 'version' | 'revision_hash' | 'yaml_bytes' | 'signature'>,
  publicKey: Uint8Array | null,
  encoding: SignatureEncoding,
): Readonly<Record<string, unknown>> {
  return {
    bundle_name: bundle.name,
    version: bundle.version,
    revision_hash: bundle.revision_hash,
    signature: bundle.signature === null ? null : Buffer.from(bundle.signature).toString(encoding),
    public_key: publicKey === null ? null : Buffer.from(publicKey).toString('hex'),
    yaml_bytes: Buffer.from(bundle.yaml_bytes).toString('base64'),
  }
}
