import type { Decision, Rejudged } from './judge.ts'
import type { DecisionEvent } from './store.ts'

/** A call that would be decided differently. */
export interface ChangedCall {
  /** Of the event that told of it. */
  readonly seq: number
  readonly from: Decision
  readonly to: Decision
  /** Who decides: the candidate's contract, or, where it lets the call pass, the one that stopped it. */
  readonly contract: string
  readonly reason: string | null
}

export interface ChangeCount {
  readonly contract: string
  readonly from: Decision
  readonly to: Decision
  readonly count: number
}

export interface ReplayReport {
  /** Events read. */
  readonly events: number
  /** Calls judged again. */
  readonly calls: number
  readonly changed: number
  /** Most first. */
  readonly byContract: readonly ChangeCount[]
  /** Newest first, a few of each count. */
  readonly examples: readonly ChangedCall[]
  readonly skipped: { readonly noArguments: number; readonly byHistory: number }
}

const EXAMPLES_EACH = 5
const MOST_EXAMPLES = 50

/** What is kept of a call until the replay ends: there may be a hundred thousand. */
interface Call {
  readonly seq: number
  readonly decisionName: string
  recorded: Decision
  now: Rejudged
}

/** A call to be judged. */
export interface OpenCall {
  readonly toolName: string
  readonly payload: string | null
  readonly recorded: Decision
  settle(now: Rejudged): void
}

/** Events of the same call, brought together; each call is judged once. */
export interface RecordedCalls {
  /** Take in events, newest first; the calls among them that are new. */
  add(events: readonly DecisionEvent[]): OpenCall[]
  report(): ReplayReport
}

export function createRecordedCalls(): RecordedCalls {
  const calls = new Map<string, Call>()
  let events = 0
  return {
    add(more) {
      events += more.length
      const fresh: OpenCall[] = []
      for (const { seq, callId, toolName, verdict, decisionName, payload } of more) {
        const recorded = decisionOf(verdict)
        const known = calls.get(callId)
        if (known) {
          if (rank[recorded] > rank[known.recorded]) known.recorded = recorded
          continue
        }
        const call: Call = { seq, decisionName, recorded, now: null }
        calls.set(callId, call)
        const settle = (now: Rejudged) => {
          call.now = now
        }
        fresh.push({ toolName, payload, recorded, settle })
      }
      return fresh
    },
    report() {
      const counts = new Map<string, { -readonly [K in keyof ChangeCount]: ChangeCount[K] }>()
      const examples: ChangedCall[] = []
      const skipped = { noArguments: 0, byHistory: 0 }
      let changed = 0
      for (const { seq, decisionName, recorded, now } of calls.values()) {
        if (now === 'no_arguments') skipped.noArguments++
        else if (now === 'by_history') skipped.byHistory++
        const to = typeof now === 'string' ? recorded : (now?.decision ?? 'allow')
        if (to === recorded) continue
        changed++
        const deciding = typeof now === 'object' && now !== null ? now : null
        const contract = deciding?.contract ?? decisionName
        const key = JSON.stringify([contract, recorded, to])
        const count = counts.get(key) ?? { contract, from: recorded, to, count: 0 }
        count.count++
        counts.set(key, count)
        if (count.count <= EXAMPLES_EACH && examples.length < MOST_EXAMPLES)
          examples.push({ seq, from: recorded, to, contract, reason: deciding?.reason ?? null })
      }
      return {
        events,
        calls: calls.size - skipped.noArguments - skipped.byHistory,
        changed,
        byContract: [...counts.values()].sort((a, b) => b.count - a.count || (a.contract < b.contract ? -1 : 1)),
        examples,
        skipped,
      }
    },
  }
}

/** What only observed let the call pass. */
function decisionOf(verdict: string): Decision {
  return verdict === 'call_denied' ? 'deny' : verdict === 'call_approval_requested' ? 'ask' : 'allow'
}

/** A call that a person allowed was asked about, whatever came after. */
const rank: Readonly<Record<Decision, number>> = { allow: 0, deny: 1, ask: 2 }
