import type { SignatureText } from '../../identity/caller.ts'
import type { Bundle } from '../bundles/store.ts'
import type { OfferedRuleset } from '../rulesets/store.ts'

/** The payload of `contract_update`. */
export function contractUpdate(
  bundle: Pick<Bundle, 'name' | 'version' | 'revisionHash' | 'yamlBytes' | 'signature'>,
  publicKey: Uint8Array | null,
  encoding: SignatureText,
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

/** Characters of base64. The Go SDK ends its stream at a longer line, and again at each reconnection. */
const LONGEST_ON_A_LINE = 1_000_000

/**
 * The payload of `contract_update` for agents that read only rulesets. Of a large document only its name is told, and clients
 * fetch it.
 */
export function rulesetUpdate(
  { name, version }: Pick<Bundle, 'name' | 'version'>,
  { revisionHash, yamlBytes, signature }: OfferedRuleset,
  publicKey: Uint8Array | null,
): Readonly<Record<string, unknown>> {
  const update = contractUpdate({ name, version, revisionHash, yamlBytes, signature }, publicKey, 'base64')
  if (String(update.yaml_bytes).length <= LONGEST_ON_A_LINE) return update
  return { _assignment_changed: true, bundle_name: name, version }
}

/** The same payload with its signature written otherwise. */
export function withSignatureAs(json: string, from: SignatureText, to: SignatureText): string {
  if (from === to) return json
  const data = JSON.parse(json) as { signature: string | null }
  if (data.signature === null) return json
  return JSON.stringify({ ...data, signature: Buffer.from(data.signature, from).toString(to) })
}
