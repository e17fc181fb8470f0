import type { Micros } from '../../storage/instants.ts'
import type { EventCount } from './store.ts'

export type VerdictClass = 'allowed' | 'denied' | 'pending' | 'observed'

/** One bar of the histogram. */
export interface Bucket extends Record<VerdictClass, number> {
  readonly start: Micros
}

/** What a verdict counts as: the first rule that matches. */
export function classOf(mode: string, verdict: string): VerdictClass {
  if (mode === 'observe' && (verdict === 'call_would_deny' || verdict === 'call_denied')) return 'observed'
  switch (verdict) {
    case 'denied':
    case 'call_denied':
    case 'would_deny':
    case 'call_would_deny':
      return 'denied'
    case 'pending':
    case 'pending_approval':
      return 'pending'
    default:
      return 'allowed'
  }
}

/** Counts, oldest first, as bars; stretches without events have none. */
export function bucketsOf(counts: readonly EventCount[]): Bucket[] {
  const buckets = new Map<Micros, Bucket>()
  for (const { start, mode, verdict, count } of counts) {
    const bucket = buckets.get(start) ?? { start, allowed: 0, denied: 0, pending: 0, observed: 0 }
    bucket[classOf(mode, verdict)] += count
    buckets.set(start, bucket)
  }
  return [...buckets.values()]
}
