import type { Clock } from './clock.ts'

/** Why an attempt came to nothing before it had its whole answer. */
export type Failure =
  /** The caller does not want it any more. */
  | { readonly kind: 'stopped'; readonly reason: unknown }
  | { readonly kind: 'timeout'; readonly afterMs: number }
  | { readonly kind: 'connection'; readonly message: string }
  /** Nothing that the network does: a fault of the sender, or of a `fetch` of the caller's own. */
  | { readonly kind: 'other'; readonly error: unknown }

/** Watches over one attempt: it ends when the caller says so, or when it takes too long. */
export interface Watch {
  readonly signal: AbortSignal
  /** Something happened: wait the full time again. */
  restart(): void
  /** The attempt is over; leaves no timer behind. */
  release(): void
  /** What an error thrown meanwhile means. */
  failureOf(error: unknown): Failure
}

/** @param timeoutMs of silence until the attempt is given up */
export function createWatch(clock: Pick<Clock, 'setTimer'>, timeoutMs: number, signals: readonly AbortSignal[]): Watch {
  const stop = AbortSignal.any([...signals])
  const timeout = new AbortController()
  const start = () =>
    clock.setTimer(() => timeout.abort(new Error(`no complete answer within ${timeoutMs} ms`)), timeoutMs, {
      background: true,
    })
  let timer = start()
  return {
    signal: AbortSignal.any([stop, timeout.signal]),
    restart() {
      timer.cancel()
      timer = start()
    },
    release: () => timer.cancel(),
    failureOf(error) {
      if (stop.aborted) return { kind: 'stopped', reason: stop.reason }
      if (timeout.signal.aborted) return { kind: 'timeout', afterMs: timeoutMs }
      // `fetch` throws a TypeError whatever is wrong with the connection.
      if (!(error instanceof TypeError)) return { kind: 'other', error }
      return { kind: 'connection', message: rootMessage(error) }
    },
  }
}

/** `fetch` says only "fetch failed"; the reason is in its cause, whose message may be empty beside its code. */
function rootMessage({ message, cause }: Error): string {
  if (!(cause instanceof Error)) return message
  return cause.message || ('code' in cause ? String(cause.code) : message)
}

const neverDelivered = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** Whether the request surely reached no server, by what the system said, so that repeating it does nothing twice. */
export function wasNeverDelivered(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && neverDelivered.has(cause.code)) return true
  }
  return false
}
