import { linesOf } from '../../storage/json-lines.ts'
import { verifyBytes } from '../signing/ed25519.ts'
import { createVerifier, type Verified } from './verify.ts'

export { BrokenChain, type Verified } from './verify.ts'

/**
 * Judge an export of the audit log by itself: that nothing of it was changed, dropped or put elsewhere.
 * @param trusted public keys, hex, that may have signed; none trusts the keys that the export names
 * @throws BrokenChain with the line and what is wrong there
 */
export async function verifyAuditExport(
  source: AsyncIterable<Uint8Array>,
  trusted: readonly string[] = [],
): Promise<Verified> {
  const verifier = createVerifier({
    trusted,
    verifies: (publicKey, text, signature) =>
      verifyBytes(Buffer.from(publicKey, 'hex'), Buffer.from(text), Buffer.from(signature, 'hex')),
  })
  for await (const line of linesOf(source)) verifier.read(line)
  return verifier.finish()
}
