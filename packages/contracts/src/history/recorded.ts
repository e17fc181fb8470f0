import { decidePre } from '../decide/pre.ts'
import type { Policy } from '../policy/policy.ts'
import type { Counters, DecideContext, Envelope, PreDecision } from '../types.ts'
import { marksOfPast, NO_PAST } from './history.ts'

/**
 * Decides a call that is on record. What came before it is known only as far as its event tells it: null where the answer
 * depends on more than that.
 *
 * @param past `past` of the event, of whatever shape
 */
export function decideRecorded(
  policy: Policy,
  envelope: Envelope,
  past: unknown,
  counters: Counters,
  context?: DecideContext,
): PreDecision | null {
  const asked = policy.marksFor(envelope.toolName)
  const decide = (marks: ReadonlySet<string>) => decidePre(policy, envelope, { ...counters, past: marks }, context)
  const known = marksOfPast(pastOf(past))
  const atLeast = decide(asked.length === 0 ? NO_PAST : known)
  if (asked.every((mark) => known.has(mark))) return atLeast
  const atMost = decide(new Set(asked))
  return atMost.action === atLeast.action && atMost.decisionName === atLeast.decisionName ? atLeast : null
}

function pastOf(past: unknown) {
  const { labels, tools } = (typeof past === 'object' && past !== null ? past : {}) as Record<string, unknown>
  return { labels: texts(labels), tools: texts(tools) }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
