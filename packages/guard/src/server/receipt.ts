import { canonicalJson } from './canonical-json.ts'
import { ApprovalReceiptError } from './errors.ts'
import { isSigned } from './signature.ts'
import type { SigningKeys } from './signing-keys.ts'

/** What a receipt must be about. */
export interface ReceiptOf {
  readonly approvalId: string
  readonly actionDigest: string
  readonly decision: 'approved' | 'denied'
}

/**
 * Checks the receipt of a decision: that it is about this approval, this action and this decision, and signed. Against a key
 * the guard was given or knows from its server it is `verified`; where it knows none, the signature is checked against the
 * key the receipt brings along, which proves that nothing was garbled but not who signed: `unverified`.
 * @throws ApprovalReceiptError naming what is wrong
 */
export async function checkReceipt(
  receipt: unknown,
  expected: ReceiptOf,
  keys: SigningKeys,
): Promise<'verified' | 'unverified'> {
  if (typeof receipt !== 'object' || receipt === null) throw new ApprovalReceiptError('the decision has no receipt')
  const { action_digest, approval_id, decision, decided_by, decided_at, public_key, signature } = receipt as Record<
    string,
    unknown
  >
  if (action_digest !== expected.actionDigest) throw new ApprovalReceiptError('it is about another action')
  if (approval_id !== expected.approvalId) throw new ApprovalReceiptError('it is about another approval')
  if (decision !== expected.decision) throw new ApprovalReceiptError('it tells another decision')
  if (typeof public_key !== 'string' || typeof signature !== 'string') {
    throw new ApprovalReceiptError('it is not signed')
  }
  const text = canonicalJson({ action_digest, approval_id, decided_at, decided_by, decision })
  const trusted = await keys.including(public_key)
  if (trusted !== null && !trusted.includes(public_key.toLowerCase())) {
    throw new ApprovalReceiptError('it is signed by a key this guard does not trust')
  }
  if (!isSigned(Buffer.from(text, 'utf8'), signature, public_key)) {
    throw new ApprovalReceiptError('its signature does not match')
  }
  return trusted === null ? 'unverified' : 'verified'
}
