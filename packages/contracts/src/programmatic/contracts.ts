import type { Envelope } from '../types.ts'
import type { Verdict } from './verdict.ts'

/** A check before the call, given in code. Denies unless `effect` says otherwise; never observed. */
export interface Precondition {
  readonly contractType?: 'pre'
  /** Name or glob; `*` means every tool. */
  readonly tool: string
  readonly name?: string
  readonly when?: (envelope: Envelope) => boolean
  readonly effect?: 'deny' | 'approve'
  /** Seconds a human has, when `effect` is `approve`. Left out, `DEFAULT_TIMEOUT`. */
  readonly timeout?: number
  readonly timeoutEffect?: 'deny' | 'allow'
  check(envelope: Envelope): Verdict | Promise<Verdict>
}

/** A check of the response, given in code. Warns unless `effect` says otherwise. */
export interface Postcondition {
  readonly contractType: 'post'
  readonly tool: string
  readonly name?: string
  readonly when?: (envelope: Envelope) => boolean
  readonly effect?: 'warn' | 'redact' | 'deny'
  check(envelope: Envelope, response: unknown): Verdict | Promise<Verdict>
}

/** A check of the session, recognised by the absence of `tool`. Receives `DecideContext.session`. */
export interface SessionContract {
  readonly name?: string
  check(session: unknown): Verdict | Promise<Verdict>
}

export type ProgrammaticContract = Precondition | Postcondition | SessionContract
