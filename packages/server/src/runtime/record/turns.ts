import type { ModelMessage, ModelToolCall } from '../../ports/model.ts'
import type { TrajectoryStep } from './execution.ts'

/**
 * What was said and done in an attempt, as it happens: each entry is written in the transaction of the events that tell of it, so
 * that after a crash nothing is in doubt but what was under way. `call` is the id of a call within its exchange.
 */
export type TurnEntry =
  /** The instance began an exchange with these messages. */
  | { readonly kind: 'opened'; readonly messages: readonly ModelMessage[] }
  /** The model asked for tools; `isCutOff`: none of them is called. */
  | {
      readonly kind: 'answered'
      readonly text: string
      readonly calls: readonly ModelToolCall[]
      readonly isCutOff: boolean
    }
  | { readonly kind: 'called'; readonly call: string; readonly invocationId: string }
  /** A person was asked whether the call may run. */
  | { readonly kind: 'asked'; readonly invocationId: string; readonly approvalId: string }
  /** The tool runs from here on, or the command is out at the instance: what came of it is known when it is told. */
  | { readonly kind: 'running'; readonly call: string }
  /** What the model is told of the call. */
  | { readonly kind: 'told'; readonly call: string; readonly content: string; readonly step: TrajectoryStep }
  /** The model's final text: the exchange is over. */
  | { readonly kind: 'concluded'; readonly text: string }
  /** The exchange ended without one. */
  | { readonly kind: 'failed' }

/** Whether it is progress: an execution that is taken over again and again without any ends. */
export const isTurn = ({ kind }: TurnEntry): boolean =>
  kind === 'answered' || kind === 'told' || kind === 'concluded' || kind === 'failed'

/**
 * Whether nobody need wait for it: that a call was asked for is on disk with the audit event that lets it run, and what the model is
 * told of it with what it answers.
 */
export const isAhead = ({ kind }: TurnEntry): boolean => kind === 'called' || kind === 'told'

/** An exchange as far as it is recorded. */
export interface RecordedExchange {
  readonly opening: readonly ModelMessage[]
  /** The whole conversation, opening included. */
  readonly messages: readonly ModelMessage[]
  /** Calls whose result the model was told. */
  readonly toolCalls: number
  /** Answers of the model that asked for tools. */
  readonly rounds: number
  /** Calls of the newest answer that the model was not told the result of, in order. */
  readonly open: readonly RecordedCall[]
  /** The newest answer was cut off. */
  readonly isCutOff: boolean
  readonly conclusion: string | null
}

/** A call that a crash interrupted, or that had not begun. */
export interface RecordedCall {
  readonly call: ModelToolCall
  /** Null when it had not begun. */
  readonly invocationId: string | null
  /** The questions that it asked people. */
  readonly asked: readonly string[]
  /** Whether the tool may have run. */
  readonly isRunning: boolean
}

export interface Recorded {
  /** Those that did not fail, in order. */
  readonly exchanges: readonly RecordedExchange[]
  readonly trajectory: readonly TrajectoryStep[]
  /** Every question of the attempt. */
  readonly asked: readonly string[]
}

/**
 * How far an attempt is, by its entries.
 * @throws Error, which names the entry, where one does not fit those before it: nobody can say what was done, so nothing goes on
 */
export function replay(entries: readonly TurnEntry[]): Recorded {
  const recorded: Replaying = { exchanges: [], trajectory: [], asked: [] }
  for (const [index, entry] of entries.entries())
    try {
      apply(entry, recorded)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`Entry ${index + 1} of the record of this attempt, '${entry.kind}', does not fit: ${why}`, {
        cause: error,
      })
    }
  return recorded
}

interface Replaying {
  readonly exchanges: Replayed[]
  readonly trajectory: TrajectoryStep[]
  readonly asked: string[]
}

function apply(entry: TurnEntry, { exchanges, trajectory, asked }: Replaying): void {
  if (entry.kind === 'opened') {
    exchanges.push(opened(entry.messages))
    return
  }
  const current = exchanges.at(-1)
  if (!current) throw new Error('no conversation was begun.')
  switch (entry.kind) {
    case 'answered':
      current.messages.push({ role: 'assistant', content: entry.text, tool_calls: entry.calls })
      current.rounds++
      current.isCutOff = entry.isCutOff
      current.open = entry.calls.map((call) => ({ call, invocationId: null, asked: [], isRunning: false }))
      break
    case 'called':
      of(current, entry.call).invocationId = entry.invocationId
      break
    case 'asked':
      asked.push(entry.approvalId)
      current.open.find(({ invocationId }) => invocationId === entry.invocationId)?.asked.push(entry.approvalId)
      break
    case 'running':
      of(current, entry.call).isRunning = true
      break
    case 'told': {
      const { call } = of(current, entry.call)
      current.messages.push({ role: 'tool', tool_call_id: call.id, name: call.name, content: entry.content })
      current.open = current.open.filter((one) => one.call !== call)
      current.toolCalls++
      trajectory.push(entry.step)
      break
    }
    case 'concluded':
      current.messages.push({ role: 'assistant', content: entry.text })
      current.conclusion = entry.text
      break
    case 'failed':
      exchanges.pop()
      break
    default:
      // What a later version wrote may be a call that was made.
      throw new Error('this version does not know such an entry.')
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type OpenCall = Mutable<Omit<RecordedCall, 'asked'>> & { asked: string[] }
type Replayed = Mutable<Omit<RecordedExchange, 'messages' | 'open'>> & { messages: ModelMessage[]; open: OpenCall[] }

const opened = (messages: readonly ModelMessage[]): Replayed => ({
  opening: messages,
  messages: [...messages],
  toolCalls: 0,
  rounds: 0,
  open: [],
  isCutOff: false,
  conclusion: null,
})

function of({ open }: Replayed, id: string): OpenCall {
  const found = open.find(({ call }) => call.id === id)
  if (!found) throw new Error(`The call '${id}' was not asked for.`)
  return found
}
