import type { DispatchMessage } from '@lictor/aegis'
import { digestOf } from '../../identity/tokens.ts'
import type { ModelMessage, ModelToolCall } from '../../ports/model.ts'
import type { Execution } from '../executions/store.ts'
import type { DispatchedCall, InvocationContext, TrajectoryStep } from '../tools/invocations.ts'

/** One inner loop: the conversation of an attempt while its model asks for tools. */
export interface Loop {
  readonly messages: ModelMessage[]
  /** Tools called so far. */
  toolCalls: number
  /** Answers of the model that asked for tools. */
  rounds: number
  /** A command is out at the instance; these calls of the same answer come after it. */
  pending: {
    readonly message: DispatchMessage
    readonly call: ModelToolCall
    readonly running: DispatchedCall
    readonly step: TrajectoryStep
    readonly remaining: readonly ModelToolCall[]
  } | null
}

/** An attempt whose instance is alive, and so may call the dispatch gateway. */
export interface ActiveAttempt {
  readonly execution: Execution
  readonly iteration: number
  readonly modelAlias: string
  readonly modelScript: string | undefined
  readonly temperature: number | undefined
  /** Milliseconds one model turn may take. */
  readonly turnLimit: number
  readonly invocation: InvocationContext
  /** Fires when the attempt is over, whatever ended it. */
  readonly signal: AbortSignal
  readonly trajectory: TrajectoryStep[]
  loop: Loop | null
  /** A message of the instance is being answered. */
  isBusy: boolean
  /** Why the inner loop failed, in words for the iteration's error. */
  failure: string | null
  /** The next attempt would fail alike: the model's account refuses its key, or there is no such model. */
  isHopeless: boolean
  /** What the last inner loop answered. */
  answer: string | null
}

/** The attempts that run in this process, by the token in the address their instance was given. */
export interface Attempts {
  add(token: string, attempt: ActiveAttempt): void
  remove(token: string): void
  byToken(token: string): ActiveAttempt | null
  byExecution(id: string): ActiveAttempt | null
}

export function attempts(): Attempts {
  const byHash = new Map<string, ActiveAttempt>()
  return {
    add: (token, attempt) => void byHash.set(digestOf(token), attempt),
    remove: (token) => void byHash.delete(digestOf(token)),
    byToken: (token) => byHash.get(digestOf(token)) ?? null,
    byExecution: (id) => [...byHash.values()].find((attempt) => attempt.execution.id === id) ?? null,
  }
}
