import { readJson } from './json.ts'
import { isMapping, type Mapping } from './mapping.ts'

/** What became of a logged call before it ran. */
export type OriginalOutcome = 'allowed' | 'denied' | 'asked'

/** One event of an audit log, as far as replaying needs it. */
export interface LoggedEvent {
  readonly tool: string
  readonly args: Mapping
  readonly environment: string
  readonly principal: Mapping | null
  readonly action: string
  readonly outcome: OriginalOutcome
  /** Of the event, from 1. */
  readonly line: number
  /** What the event tells of the session before the call, of whatever shape. */
  readonly past: unknown
}

/** A line of a log that nothing can be said of, and why. */
export interface Unjudged {
  /** From 1. */
  readonly line: number
  readonly reason: string
}

export interface AuditLog {
  readonly events: readonly LoggedEvent[]
  readonly unjudged: readonly Unjudged[]
}

interface Line {
  readonly number: number
  readonly event: Mapping & { readonly tool_name: string; readonly action: string }
}

/**
 * The events of a log, one JSON object a line. Events that only tell what an observing contract would have said are left
 * out: the call has another event. All events of a call share its outcome, so that a denial an observing guard let pass,
 * or a call that ran after a human approved it, is not taken for a change. A line that is no event, and an event that does
 * not hold the call as it was made, is no ground for any answer: it is returned with the reason.
 */
export function readAuditLog(text: string): AuditLog {
  const lines: Line[] = []
  const unjudged: Unjudged[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const event = parseLine(line)
    if (typeof event === 'string') unjudged.push({ line: index + 1, reason: event })
    else if (!isSynthetic(event)) lines.push({ number: index + 1, event })
  }
  const outcomes = new Map<string, OriginalOutcome>()
  for (const { event } of lines) {
    const outcome = outcomeOf(event.action)
    const id = event.call_id
    if (typeof id === 'string' && id !== '' && outcome !== null)
      outcomes.set(id, outcomes.get(id) === 'asked' ? 'asked' : outcome)
  }
  const events: LoggedEvent[] = []
  for (const { number, event } of lines) {
    const outcome = outcomes.get(String(event.call_id)) ?? outcomeOf(event.action) ?? outcomeOfRun(event.action)
    const { tool_args: args } = event
    const reason = outcome === null ? `'${event.action}' does not tell what became of the call` : whyIncomplete(event)
    if (outcome === null || reason !== null || !isMapping(args))
      unjudged.push({ line: number, reason: reason ?? 'the arguments are missing' })
    else
      events.push({
        tool: event.tool_name,
        args,
        environment:
          typeof event.environment === 'string' && event.environment !== '' ? event.environment : 'production',
        principal: isMapping(event.principal) ? event.principal : null,
        action: event.action,
        outcome,
        line: number,
        past: event.past,
      })
  }
  return { events, unjudged: unjudged.sort((a, b) => a.line - b.line) }
}

/** The event of a line, or why it is none. */
function parseLine(text: string): Line['event'] | string {
  let value: unknown
  try {
    value = readJson(text)
  } catch (error) {
    return `not valid JSON: ${(error as Error).message}`
  }
  if (!isMapping(value)) return 'not an audit event: no JSON object'
  if (typeof value.tool_name !== 'string') return "not an audit event: no 'tool_name'"
  if (typeof value.action !== 'string') return "not an audit event: no 'action'"
  return value as Line['event']
}

/** Observed firings and candidates are told in events of their own, beside the one that decided. */
function isSynthetic({ action, mode, decision_source: source, decision_name: name }: Line['event']): boolean {
  if (mode !== 'observe') return false
  if (typeof name === 'string' && name.endsWith(':candidate')) return true
  return source === 'precondition' && (action === 'call_would_deny' || action === 'call_would_block')
}

/** Null for what happens after a call was decided, and for words nobody knows. In both vocabularies. */
function outcomeOf(action: string): OriginalOutcome | null {
  switch (action) {
    case 'call_denied':
    case 'call_blocked':
    case 'call_would_deny':
    case 'call_would_block':
      return 'denied'
    case 'call_approval_requested':
    case 'call_approval_granted':
    case 'call_approval_denied':
    case 'call_approval_timeout':
    case 'call_approval_failed':
    case 'call_asked':
    case 'call_approval_blocked':
      return 'asked'
    case 'call_allowed':
      return 'allowed'
    default:
      return null
  }
}

/** What ran was allowed, also where the event that says so is in another file. */
function outcomeOfRun(action: string): OriginalOutcome | null {
  return ['call_executed', 'call_failed', 'postcondition_warning'].includes(action) ? 'allowed' : null
}

/** Texts of at least this many characters that end in three dots were cut when they were logged. */
const SHORTEST_CUT = 1_000

/** What stands for a part that could not be written down. */
const STANDINS = ['[circular]', '[unreadable]', '[nested too deeply]']

/** Why an event does not hold the call as it was made: parts of it were hidden, or left out because they were too long. */
function whyIncomplete(event: Line['event']): string | null {
  if (event._truncated === true) return 'the event was too large, its arguments were left out'
  for (const [part, name] of [
    [event.tool_args, 'arguments'],
    [event.principal, 'principal'],
  ] as const) {
    const damage = damageIn(part)
    if (damage !== null) return `parts of its ${name} were ${damage} when it was logged`
  }
  return null
}

function damageIn(value: unknown): string | null {
  const pending = [value]
  for (let at = 0; at < pending.length; at++) {
    const part = pending[at]
    if (typeof part === 'string') {
      if (part.includes('[REDACTED]')) return 'redacted'
      if (STANDINS.includes(part) || (part.endsWith('...') && part.length >= SHORTEST_CUT)) return 'cut'
    } else if (typeof part === 'object' && part !== null) {
      if (Object.hasOwn(part, '_redacted')) return 'redacted'
      for (const inner of Object.values(part)) pending.push(inner)
    }
  }
  return null
}
