import type { Micros } from '../../storage/instants.ts'
import type { Timing } from './timing.ts'

/**
 * What becomes of times that passed while nobody could start anything: `once` makes up for all of them by one, `skip` for none that
 * is more than a minute old.
 */
export type Missed = 'once' | 'skip'
export const missedPolicies = ['once', 'skip'] as const

/** Something that is started by the clock. */
export interface Schedule {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly kind: 'workflow' | 'agent'
  /** Id or name of what is started. */
  readonly target: string
  readonly timing: Timing
  readonly missed: Missed
  /** Null: it is told for when it was due. */
  readonly input: unknown
  readonly intent: string | null
  readonly isEnabled: boolean
  /** The agent whose manifest says it; null where it was set by itself. */
  readonly agentId: string | null
  /** Null: never. */
  readonly nextAt: Micros | null
  readonly lastDueAt: Micros | null
  readonly lastRunId: string | null
  /** Why the last one was not started. */
  readonly lastError: string | null
  readonly started: number
  readonly createdBy: string
  readonly createdAt: Micros
  /** When its times were set. */
  readonly updatedAt: Micros
}

/** What came of a time that was due. */
export interface Outcome {
  readonly dueAt: Micros
  readonly nextAt: Micros | null
  /** Null when nothing was started. */
  readonly runId: string | null
  readonly error: string | null
}
