import type { LookupFunction } from 'node:net'
import type { CheckedAddress } from './guard.ts'

/** Answers every question for a name with the addresses that were judged: a second resolution never happens. */
export function pinnedTo(addresses: readonly CheckedAddress[]): LookupFunction {
  const [first] = addresses
  return (_hostname, options, callback) => {
    if (options.all) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
}

/** Every address was tried: each failed in its own way. */
export function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map((error: Error) => error.message).join('; ')
  return cause instanceof Error ? cause.message : String(cause)
}
