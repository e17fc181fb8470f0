import { type CustomOperators, type LoadedBundle, loadBundle } from '@lictor/contracts'
import { compileState, type GuardState, type StateSource } from './state.ts'

/** `loadBundle`, where operators given in code are known. */
export function loadWith(content: string | Uint8Array, operators: CustomOperators | undefined): LoadedBundle {
  return loadBundle(content, { operators: new Set(Object.keys(operators ?? {})) })
}

/** A complete state from the text or bytes of one bundle; throws `EdictumConfigError` and changes nothing. */
export function loadState(
  content: string | Uint8Array,
  source: Omit<StateSource, 'document' | 'contracts'>,
): GuardState {
  const { document, hash } = loadWith(content, source.operators)
  return compileState({ ...source, document, contracts: [] }, hash)
}
