import { type ConversationFailure, describeFailure as describeConversation, isHopeless } from '../dispatch/failure.ts'

/** Why an attempt brought no output. */
export type AttemptFailure =
  | { readonly kind: 'conversation'; readonly failure: ConversationFailure }
  | { readonly kind: 'exit'; readonly code: number; readonly stderr: string }
  | { readonly kind: 'timed_out'; readonly seconds: number }
  | { readonly kind: 'sandbox'; readonly message: string }
  /** What the manifest refers to could not be handed over. */
  | { readonly kind: 'reference'; readonly message: string }

const LONGEST_STDERR = 2_000

export function describeFailure(failure: AttemptFailure): string {
  switch (failure.kind) {
    case 'conversation':
      return describeConversation(failure.failure)
    case 'exit': {
      const stderr = failure.stderr.trim().slice(-LONGEST_STDERR)
      return `The agent ended with exit code ${failure.code}${stderr ? `: ${stderr}` : ''}`
    }
    case 'timed_out':
      return `Iteration timed out after ${failure.seconds} seconds`
    case 'reference':
      return `The agent was not started: ${failure.message}`
    case 'sandbox':
      return `The sandbox could not be started: ${failure.message}`
  }
}

/** Another attempt would fail alike. */
export const isFinal = (failure: AttemptFailure): boolean =>
  failure.kind === 'reference' || (failure.kind === 'conversation' && isHopeless(failure.failure))
