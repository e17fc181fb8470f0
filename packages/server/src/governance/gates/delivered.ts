import Type from 'typebox'
import { Nullable } from '../../http/schemas.ts'
import type { GateDocument } from './store.ts'

/** Gates as an agent is given them: the exact bytes, signed by the tenant's key of this moment. */
export interface DeliveredGates {
  readonly document: GateDocument
  /** Null where the tenant has no key. */
  readonly signature: Uint8Array | null
  readonly publicKey: Uint8Array | null
}

export const GatesName = Type.String({ description: 'Name of the gates: `metadata.name` of their document.' })
export const GatesVersion = Type.Integer({ description: 'Version of the gates, counted from 1.' })
export const GatesHash = Type.String({
  description: 'SHA-256 of the exact bytes of the document, 64 hexadecimal digits.',
})

export const WireGates = Type.Object(
  {
    name: GatesName,
    version: GatesVersion,
    revision_hash: GatesHash,
    yaml_bytes: Type.String({ description: 'Base64 of the exact bytes.' }),
    signature: Nullable(
      Type.String({ description: 'Ed25519 over the exact bytes by the active key of the tenant, in hex.' }),
    ),
    public_key: Nullable(Type.String({ description: 'Hex, 32 bytes; verifies the signature.' })),
  },
  { description: 'The document of kind `Workflow` that the agents of the bundle go through; absent or null for none.' },
)

const hexOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'))

export const wireGates = ({ document, signature, publicKey }: DeliveredGates) => ({
  name: document.name,
  version: document.version,
  revision_hash: document.revisionHash,
  yaml_bytes: Buffer.from(document.yamlBytes).toString('base64'),
  signature: hexOf(signature),
  public_key: hexOf(publicKey),
})
