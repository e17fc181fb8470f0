/**
 * Events as the later SDKs send them, in the form of all others: `action` or `decision` for `verdict`, and (from Python 0.18,
 * TypeScript and Go) flat, without a `payload`.
 */

/** What is stored under one word, so that figures, filters and alerts are of one set. */
const verdicts: Readonly<Record<string, string>> = {
  call_blocked: 'call_denied',
  call_would_block: 'call_would_deny',
  call_asked: 'call_approval_requested',
  call_approval_blocked: 'call_approval_denied',
}

type Sent = Readonly<Record<string, unknown>>

/** The verdict of an event, in the words of contracts; undefined where it names none. */
export function verdictOf(event: Sent): unknown {
  if (event.verdict !== undefined) return event.verdict
  const word = event.action ?? event.decision
  return typeof word === 'string' && Object.hasOwn(verdicts, word) ? verdicts[word] : word
}

/** Whether the event is in words that only clients of rulesets use. */
export const saysRuleset = (event: unknown): boolean =>
  isObject(event) && event.verdict === undefined && (event.decision !== undefined || event.action !== undefined)

/** What these clients send for nothing. */
const EMPTY_TEXTS = ['decision_source', 'decision_name', 'reason', 'policy_version', 'error', 'result_summary'] as const
const EMPTY_OBJECTS = ['principal', 'workflow'] as const

const ENVELOPE: ReadonlySet<string> = new Set([
  'call_id',
  'agent_id',
  'tool_name',
  'verdict',
  'mode',
  'timestamp',
  'payload',
])

export interface Reporter {
  /** Who sends, where the event does not say. */
  readonly agentId: string
  /** The hash that is known here for one that agents report. */
  readonly storedHash: (reported: string) => string
}

/**
 * One event of a client of rulesets, as `readEvent` takes it. A missing agent, call or mode is filled in: logs that assistants'
 * hooks send name neither. What is no object stays what it is, to be refused by name.
 */
export function inUsualForm(sent: unknown, { agentId, storedHash }: Reporter): unknown {
  if (!isObject(sent)) return sent
  const payload = isObject(sent.payload) ? { ...sent.payload } : restOf(sent)
  if (sent.payload && typeof sent.decision === 'string') payload.decision = sent.decision
  for (const field of EMPTY_TEXTS) if (payload[field] === '') payload[field] = null
  for (const field of EMPTY_OBJECTS)
    if (isObject(payload[field]) && Object.keys(payload[field]).length === 0) payload[field] = null
  const reported = payload.policy_version
  if (typeof reported === 'string') {
    const stored = storedHash(reported)
    if (stored !== reported) Object.assign(payload, { policy_version: stored, offered_policy_version: reported })
  }
  return {
    call_id: sent.call_id ?? '',
    agent_id: sent.agent_id || agentId,
    tool_name: sent.tool_name,
    verdict: verdictOf(sent),
    mode: sent.mode ?? 'enforce',
    timestamp: sent.timestamp,
    payload,
  }
}

/** Every policy version that the events name. */
export function policyVersionsIn(events: readonly unknown[]): string[] {
  const found = new Set<string>()
  for (const event of events) {
    if (!isObject(event)) continue
    const version = isObject(event.payload) ? event.payload.policy_version : event.policy_version
    if (typeof version === 'string' && version !== '' && version.length <= 255) found.add(version)
  }
  return [...found]
}

/** All of a flat event but what every event has beside its payload; its own word among it. */
function restOf(sent: Sent): Record<string, unknown> {
  const entries = Object.entries(sent).filter(([name]) => !ENVELOPE.has(name))
  const rest: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [name, value] of entries) rest[name] = value
  return rest
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
