/** What became of a logged call before it ran. */
export type OriginalOutcome = 'allowed' | 'denied' | 'asked'

/** One event of an audit log (edictum-sdk §11.2), as far as replaying needs it. */
export interface LoggedEvent {
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  readonly environment: string
  readonly principal: Readonly<Record<string, unknown>> | null
  readonly action: string
  readonly outcome: OriginalOutcome
}

export interface AuditLog {
  readonly events: readonly LoggedEvent[]
  /** Numbers of lines, from 1, that are no event. */
  readonly skipped: readonly number[]
}

type Line = Readonly<Record<string, unknown>> & { readonly tool_name: string; readonly action: string }

/**
 * The events of a log, one JSON object a line. Events that only tell what an observing contract would have said are left
 * out: the call has another event. All events of a call share its outcome, so that a denial an observing guard let pass,
 * or a call that ran after a human approved it, is not taken for a change.
 */
export function readAuditLog(text: string): AuditLog {
  const lines: Line[] = []
  const skipped: number[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const event = parseLine(line)
    if (event === null) skipped.push(index + 1)
    else if (!isSynthetic(event)) lines.push(event)
  }
  const outcomes = new Map<string, OriginalOutcome>()
  for (const { call_id, action } of lines) {
    const outcome = outcomeOf(action)
    if (typeof call_id === 'string' && call_id !== '' && outcome !== null)
      outcomes.set(call_id, outcomes.get(call_id) === 'asked' ? 'asked' : outcome)
  }
  return {
    events: lines.map((line) => ({
      tool: line.tool_name,
      args: mappingOf(line.tool_args) ?? {},
      environment: typeof line.environment === 'string' && line.environment !== '' ? line.environment : 'production',
      principal: mappingOf(line.principal),
      action: line.action,
      outcome: outcomes.get(String(line.call_id)) ?? outcomeOf(line.action) ?? 'allowed',
    })),
    skipped,
  }
}

function parseLine(text: string): Line | null {
  try {
    const value = mappingOf(JSON.parse(text))
    return typeof value?.tool_name === 'string' && typeof value.action === 'string' ? (value as Line) : null
  } catch {
    return null
  }
}

/** Observed firings and candidates are told in events of their own, beside the one that decided (contract-language §11). */
function isSynthetic({ action, mode, decision_source: source, decision_name: name }: Line): boolean {
  if (mode !== 'observe') return false
  if (typeof name === 'string' && name.endsWith(':candidate')) return true
  return source === 'precondition' && (action === 'call_would_deny' || action === 'call_would_block')
}

/** Null for what happens after a call was decided. Both vocabularies (contract-language §24.2). */
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
    case 'call_asked':
    case 'call_approval_blocked':
      return 'asked'
    case 'call_allowed':
      return 'allowed'
    default:
      return null
  }
}

function mappingOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null
}
