import type { JournalEvent } from '../../live/journal.ts'

/**
 * What a person sees of a run: its journal, one column, in order. Events that are about one tool call (its verdict, the
 * question to a person, the command and files it touched, what came of it) stand at the call. Pure.
 */

export type Item = { readonly key: number; readonly at: number } & (Attempt | Turn | Call | Output | Note | End)

export interface Attempt {
  readonly kind: 'attempt'
  readonly number: number
  readonly prompt: string
}

export interface Turn {
  readonly kind: 'turn'
  readonly model: string
  readonly prompt: string
  /** What the model said; empty where it only asked for tools. */
  readonly text: string
  readonly asksFor: readonly string[]
  /** Null where the provider does not count. */
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

export interface Approval {
  readonly id: string
  readonly prompt: string
  readonly contract: string | null
  /** Null while it waits. */
  readonly outcome: string | null
  readonly decidedBy: string | null
}

export interface FileTouched {
  readonly what: 'created' | 'written' | 'read' | 'deleted' | 'listed'
  readonly path: string
  /** Null where none moved. */
  readonly bytes: number | null
}

export interface Call {
  readonly kind: 'call'
  readonly id: string
  readonly tool: string
  readonly args: unknown
  /** As audit events name it. */
  readonly verdict: 'judging' | 'call_allowed' | 'call_denied' | Asked
  readonly approvals: readonly Approval[]
  readonly files: readonly FileTouched[]
  readonly isOver: boolean
  readonly result: unknown
  readonly error: string | null
  /** Milliseconds; null while it runs, or where nobody measured. */
  readonly took: number | null
}
type Asked = 'call_approval_requested' | 'call_approval_granted' | 'call_approval_denied' | 'call_approval_timeout'

export interface Output {
  readonly kind: 'output'
  readonly stream: string
  readonly text: string
}

/** Something worth knowing that is none of the others. */
export interface Note {
  readonly kind: 'note'
  readonly tone: 'neutral' | 'deny' | 'ask' | 'allow'
  readonly title: string
  readonly detail: string
}

export interface End {
  readonly kind: 'end'
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly text: string
}

/** Nothing comes after these. */
const ENDS: Readonly<Record<string, End['status']>> = {
  execution_completed: 'completed',
  execution_failed: 'failed',
  execution_cancelled: 'cancelled',
  execution_timed_out: 'failed',
}
export const isLastOfExecution = (type: string): boolean => type in ENDS

/** What the machinery does for every call and attempt; the call or attempt says it. */
const SILENT: ReadonlySet<string> = new Set([
  'execution_started',
  'instance_spawned',
  'instance_terminated',
  'iteration_completed',
  'tool_invocation_started',
  'command_execution_started',
  'command_execution_completed',
  'command_execution_failed',
  'command_policy_violation',
  'policy_violation_blocked',
  'filesystem_policy_violation',
  'volume_attached',
  'volume_detached',
  'seal_attestation_completed',
  'seal_session_created',
  'seal_session_revoked',
])

const FILES: Readonly<Record<string, FileTouched['what']>> = {
  file_created: 'created',
  file_written: 'written',
  file_read: 'read',
  file_deleted: 'deleted',
  directory_listed: 'listed',
}

export function timelineOf(events: readonly JournalEvent[]): readonly Item[] {
  const items: Item[] = []
  /** Where each call stands, by its id. */
  const places = new Map<string, number>()
  const change = (index: number, part: Partial<Call>) => {
    const item = items[index]
    if (item?.kind === 'call') items[index] = { ...item, ...part }
  }
  /** The newest call that is not over; of this tool where it is named. */
  const openCall = (tool?: string): number =>
    items.findLastIndex((item) => item.kind === 'call' && !item.isOver && (tool === undefined || item.tool === tool))

  for (const event of events) {
    const place = { key: event.sequence, at: Date.parse(event.timestamp) }
    const { type } = event
    const end = ENDS[type]
    const touched = FILES[type]
    if (end) items.push({ ...place, kind: 'end', status: end, text: textOf(endText(event)) })
    else if (touched) {
      const file = { what: touched, path: text(event.path), bytes: numberOr(event.bytes_written ?? event.bytes_read) }
      const index = openCall()
      const call = items[index]
      if (call?.kind === 'call') change(index, { files: withFile(call.files, file) })
      else items.push({ ...place, kind: 'note', tone: 'neutral', title: `File ${touched}`, detail: file.path })
    } else if (type === 'iteration_started')
      items.push({
        ...place,
        kind: 'attempt',
        number: numberOr(event.iteration_number) ?? 1,
        prompt: text(event.action),
      })
    else if (type === 'llm_interaction') items.push({ ...place, ...turnOf(event) })
    else if (type === 'tool_invocation_requested') {
      places.set(text(event.invocation_id), items.length)
      items.push({
        ...place,
        kind: 'call',
        id: text(event.invocation_id),
        tool: text(event.tool_name),
        args: event.arguments ?? {},
        verdict: 'judging',
        approvals: [],
        files: [],
        isOver: false,
        result: null,
        error: null,
        took: null,
      })
    } else if (type === 'tool_policy_violation') change(openCall(text(event.tool_name)), { verdict: 'call_denied' })
    else if (type === 'approval_requested') {
      const index = openCall(text(event.tool_name))
      const call = items[index]
      const asked: Approval = {
        id: text(event.approval_id),
        prompt: text(event.prompt),
        contract: text(event.contract_name) || null,
        outcome: null,
        decidedBy: null,
      }
      if (call?.kind === 'call')
        change(index, { verdict: 'call_approval_requested', approvals: [...call.approvals, asked] })
      else items.push({ ...place, kind: 'note', tone: 'ask', title: 'A person is asked', detail: asked.prompt })
    } else if (type === 'approval_resolved') resolve(items, event, change)
    else if (type === 'tool_invocation_completed' || type === 'tool_invocation_failed') {
      const index = places.get(text(event.invocation_id)) ?? -1
      const call = items[index]
      if (call?.kind !== 'call') continue
      const isFailure = type === 'tool_invocation_failed'
      change(index, {
        isOver: true,
        verdict: call.verdict === 'judging' ? 'call_allowed' : call.verdict,
        result: isFailure ? null : (event.result ?? null),
        error: isFailure ? errorText(event.error) : null,
        took: numberOr(event.duration_ms) ?? (isFailure ? null : place.at - call.at),
      })
    } else if (type === 'console_output') {
      const before = items.at(-1)
      if (before?.kind === 'output' && before.stream === event.stream)
        items[items.length - 1] = { ...before, text: before.text + text(event.content) }
      else items.push({ ...place, kind: 'output', stream: text(event.stream) || 'stdout', text: text(event.content) })
    } else if (!SILENT.has(type)) items.push({ ...place, ...noteOf(event) })
  }
  return items
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const numberOr = (value: unknown): number | null => (typeof value === 'number' ? value : null)
/** Output may be any JSON. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value, null, 2)

const errorText = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? text(error.message) : textOf(error)

const endText = (event: JournalEvent): unknown =>
  event.type === 'execution_completed'
    ? event.final_output
    : event.type === 'execution_timed_out'
      ? `It took longer than ${event.timeout_seconds} s.`
      : event.reason

/** A file that was made and written is one thing. */
function withFile(files: readonly FileTouched[], file: FileTouched): readonly FileTouched[] {
  const before = files.at(-1)
  if (before?.path === file.path && before.what === 'created' && file.what === 'written')
    return [...files.slice(0, -1), { ...before, bytes: file.bytes }]
  return [...files, file]
}

const OUTCOMES: Readonly<Record<string, Asked>> = {
  approved: 'call_approval_granted',
  denied: 'call_approval_denied',
  rejected: 'call_approval_denied',
  timeout: 'call_approval_timeout',
}

function resolve(items: readonly Item[], event: JournalEvent, change: (index: number, part: Partial<Call>) => void) {
  const id = text(event.approval_id)
  const index = items.findLastIndex((item) => item.kind === 'call' && item.approvals.some((one) => one.id === id))
  const call = items[index]
  if (call?.kind !== 'call') return
  const outcome = text(event.outcome)
  change(index, {
    verdict: OUTCOMES[outcome] ?? call.verdict,
    approvals: call.approvals.map((one) =>
      one.id === id ? { ...one, outcome, decidedBy: text(event.decided_by) || null } : one,
    ),
  })
}

function turnOf(event: JournalEvent): Turn {
  const response = text(event.response)
  const calls = callsIn(response)
  return {
    kind: 'turn',
    model: text(event.model),
    prompt: text(event.prompt),
    text: calls ? '' : response,
    asksFor: calls ?? [],
    inputTokens: numberOr(event.input_tokens),
    outputTokens: numberOr(event.output_tokens),
  }
}

/** An answer without words is recorded as the list of its calls. */
function callsIn(response: string): readonly string[] | null {
  if (!response.startsWith('[{')) return null
  try {
    const list = JSON.parse(response) as unknown
    const names = Array.isArray(list) ? list.map((one: { name?: unknown }) => one.name) : []
    return names.length > 0 && names.every((name) => typeof name === 'string') ? names : null
  } catch {
    return null
  }
}

const NOTES: Readonly<Record<string, (event: JournalEvent) => Omit<Note, 'kind'>>> = {
  iteration_failed: (event) => ({
    tone: 'deny',
    title: `Attempt ${event.iteration_number} failed`,
    detail: errorText(event.error),
  }),
  refinement_applied: () => ({ tone: 'neutral', title: 'Goes on with what went wrong', detail: '' }),
  gradient_validation_performed: (event) => ({
    tone: 'neutral',
    title: 'Judged',
    detail: `score ${event.score}, confidence ${event.confidence}`,
  }),
  multi_judge_consensus: (event) => ({
    tone: 'neutral',
    title: 'Judged by several',
    detail: `score ${event.final_score}, confidence ${event.confidence}`,
  }),
  llm_call_failed: (event) => ({ tone: 'deny', title: 'The model did not answer', detail: text(event.message) }),
  network_access_denied: (event) => ({
    tone: 'deny',
    title: 'Network refused',
    detail: `${event.host}:${event.port} ${text(event.reason)}`,
  }),
  execution_resumed: () => ({ tone: 'ask', title: 'Taken up again after its server was interrupted', detail: '' }),
  child_execution_spawned: (event) => ({
    tone: 'neutral',
    title: 'Began another execution',
    detail: text(event.child_execution_id),
  }),
  child_execution_completed: (event) => ({
    tone: event.outcome === 'completed' ? 'allow' : 'deny',
    title: `The other execution ended: ${text(event.outcome)}`,
    detail: text(event.child_execution_id),
  }),
}

const noteOf = (event: JournalEvent): Note => ({
  kind: 'note',
  ...(NOTES[event.type]?.(event) ?? {
    tone: /denied|blocked|failed|violation|exceeded/.test(event.type) ? 'deny' : 'neutral',
    title: sentence(event.type),
    detail: event.message === event.type.replaceAll('_', ' ') ? '' : text(event.message),
  }),
})

const sentence = (type: string) => {
  const words = type.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export interface Sums {
  readonly turns: number
  readonly calls: number
  readonly denied: number
  /** Null where no provider counted. */
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

export function sumsOf(items: readonly Item[]): Sums {
  const turns = items.filter((item) => item.kind === 'turn')
  const calls = items.filter((item) => item.kind === 'call')
  const sum = (counts: readonly (number | null)[]) =>
    counts.some((count) => count !== null) ? counts.reduce<number>((all, count) => all + (count ?? 0), 0) : null
  const refused = ['call_denied', 'call_approval_denied', 'call_approval_timeout']
  return {
    turns: turns.length,
    calls: calls.length,
    denied: calls.filter(({ verdict }) => refused.includes(verdict)).length,
    inputTokens: sum(turns.map((turn) => turn.inputTokens)),
    outputTokens: sum(turns.map((turn) => turn.outputTokens)),
  }
}

/** Files that calls have left behind, by the newest word on each. What commands do to files nobody is told of. */
export function filesOf(items: readonly Item[]): readonly string[] {
  const left = new Set<string>()
  for (const item of items)
    for (const { what, path } of item.kind === 'call' ? item.files : [])
      if (what === 'deleted') left.delete(path)
      else if (what === 'created' || what === 'written') left.add(path)
  return [...left].sort()
}
