/** What ends an execution from outside its attempts. */
export type StopReason =
  /** The whole execution took longer than it may. */
  | { readonly kind: 'timed_out'; readonly seconds: number }
  /** The record says that it has ended: whoever supervises lets go. */
  | { readonly kind: 'ended' }

/** A stop reason on its way through an `AbortSignal`. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly reason: StopReason
  constructor(reason: StopReason) {
    super(describeStop(reason))
    this.reason = reason
  }
}

export function describeStop(reason: StopReason): string {
  switch (reason.kind) {
    case 'timed_out':
      return `Execution timed out after ${reason.seconds} seconds`
    case 'ended':
      return 'The execution has ended.'
  }
}
