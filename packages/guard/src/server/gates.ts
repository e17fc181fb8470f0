import { configError } from '../errors.ts'
import type { SessionGates } from '../gates.ts'
import { openDelivery } from './bundle.ts'

/** What the stream is told while no gates of the server are in force. */
export const NO_GATES = 'none'

/** The gates that a bundle was delivered with. */
export interface OpenedGates {
  readonly gates: SessionGates | null
  /** Revision of the document, `none` without one: what the server is told is in force. */
  readonly revision: string
}

/**
 * Takes the gates out of what a bundle is delivered with; servers without gates say nothing of them.
 * @throws EdictumConfigError when they cannot be loaded, BundleVerificationError when their signature does not hold.
 */
export async function openGates(
  delivery: Readonly<Record<string, unknown>>,
  signingKeys: readonly string[] | null,
): Promise<OpenedGates> {
  const { gates } = delivery
  if (gates === undefined || gates === null) return { gates: null, revision: NO_GATES }
  if (typeof gates !== 'object') throw configError('The gates the server sent are no object (gates).')
  const { bytes, revisionHash } = openDelivery(gates as Readonly<Record<string, unknown>>, signingKeys)
  const { workflowGates } = await import('../gates/workflow-gates.ts')
  return { gates: workflowGates(bytes), revision: revisionHash ?? '' }
}
