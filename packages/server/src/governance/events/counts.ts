import type { Micros } from '../../storage/instants.ts'
import type { EventCombination, EventCount } from './store.ts'

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

/** What one can filter by, in the words of the API. */
export const FACETS = ['agent_id', 'tool_name', 'verdict', 'mode', 'contract', 'env', 'policy_version'] as const
export type FacetName = (typeof FACETS)[number]

/** The chosen value of each facet; absent where all count. */
export type Selection = Readonly<Partial<Record<FacetName, string | undefined>>>

export interface Facet {
  /** Most frequent first. */
  readonly values: { readonly value: string; readonly count: number }[]
  /** Values beyond these. */
  readonly more: number
}

/** Values of one facet in one answer. */
const LARGEST = 500

/**
 * How often each value occurs. A facet counts what the other facets' choices leave, and not its own: it says what choosing
 * another of its values would show.
 */
export function facetsOf(
  combinations: readonly EventCombination[],
  selection: Selection,
): { readonly events: number; readonly facets: Record<FacetName, Facet> } {
  const counts = new Map(FACETS.map((name) => [name, new Map<string, number>()]))
  let events = 0
  for (const combination of combinations) {
    const isChosen = (name: FacetName) =>
      selection[name] === undefined || selection[name] === valueIn(combination, name)
    const against = FACETS.filter((name) => !isChosen(name))
    if (against.length === 0) events += combination.count
    if (against.length > 1) continue
    for (const name of against.length === 0 ? FACETS : against) {
      const values = counts.get(name)
      const value = valueIn(combination, name)
      values?.set(value, (values.get(value) ?? 0) + combination.count)
    }
  }
  const facet = (name: FacetName): Facet => {
    const all = [...(counts.get(name) ?? [])]
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    return { values: all.slice(0, LARGEST), more: Math.max(0, all.length - LARGEST) }
  }
  return {
    events,
    facets: Object.fromEntries(FACETS.map((name) => [name, facet(name)])) as Record<FacetName, Facet>,
  }
}

function valueIn(combination: EventCombination, name: FacetName): string {
  switch (name) {
    case 'agent_id':
      return combination.agentId
    case 'tool_name':
      return combination.toolName
    case 'verdict':
      return combination.verdict
    case 'mode':
      return combination.mode
    case 'contract':
      return combination.decisionName
    case 'env':
      return combination.env
    case 'policy_version':
      return combination.policyVersion
  }
}
