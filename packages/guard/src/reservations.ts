import type { OperationLimits } from '@lictor/contracts'

/** Counters of one session as read at one moment. Absent values read as 0. */
export interface SessionCounters {
  readonly attempts: number
  readonly executions: number
  /** Executions of the tool asked for; 0 when none was asked for. */
  readonly toolExecutions: number
}

/** What limits a call. Null bounds nothing. */
export interface ExecutionBounds {
  readonly limits: Pick<OperationLimits, 'maxAttempts' | 'maxToolCalls'>
  /** Executions of the call's own tool. */
  readonly toolLimit: number | null
}

/** One execution that was reserved and has not ended. */
export interface Lease {
  /** Null for one that is kept in this process. */
  readonly id: string | null
  /** Seconds until it no longer reserves, unless renewed; Infinity for one that is kept in this process. */
  readonly expiresInSeconds: number
}

/** How a reserved execution ended. `not_run` gives the reservation back. */
export type LeaseOutcome = 'success' | 'failure' | 'not_run'

export interface Reserved {
  /** As they stood, the executions that are under way among them where the limit was reached. */
  readonly counters: SessionCounters
  /** Null when a limit is reached. */
  readonly lease: Lease | null
}

export interface ReserveRequest {
  readonly sessionId: string
  readonly tool: string
  readonly bounds: ExecutionBounds | null
  /** Count the attempt in the same step. */
  readonly countAttempt: boolean
}

/** Reservations kept elsewhere, for instance on the server. An error of `reserve` refuses the call. */
export interface SessionReservations {
  /** Null when the other side does not know reservations: the guard then counts after the fact. */
  reserve(request: ReserveRequest): Promise<Reserved | null>
  /** Returns the executions of the session, or null when the lease had been settled before. */
  settle(lease: string, outcome: LeaseOutcome): Promise<number | null>
  /** Returns the seconds the lease holds from now on. */
  renew(lease: string): Promise<number>
}
