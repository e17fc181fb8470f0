import { loadBundle } from '@lictor/contracts'
import { compileState, type GuardState, type StateSource } from './state.ts'

/** A complete state from the text or bytes of one bundle; throws `EdictumConfigError` and changes nothing. */
export function loadState(
  content: string | Uint8Array,
  source: Omit<StateSource, 'document' | 'contracts'>,
): GuardState {
  const { document, hash } = loadBundle(content)
  return compileState({ ...source, document, contracts: [] }, hash)
}
