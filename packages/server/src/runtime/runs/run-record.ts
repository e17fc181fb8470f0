import type { WorkflowManifestDocument } from '@lictor/aegis'
import type { Micros } from '../../storage/instants.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import type { Command, RunEvent, RunState, RunStatus } from '../interpreter/run.ts'

/** What a state asked for last, and until when it may take: a server that takes a run over asks for it again. */
export type Pending = Extract<Command, { type: 'work' }>

/** One run of a workflow, on the definition that it began with. */
export interface RunRecord {
  readonly id: string
  readonly tenantId: string
  readonly workflowId: string
  readonly workflowName: string
  readonly definition: WorkflowManifestDocument
  readonly state: RunState
  /** Events in its log. */
  readonly sequence: number
  /** Work that is under way; null between states and after the end. */
  readonly pending: Pending | null
  /** When its state was entered, or it ended. */
  readonly enteredAt: Micros
  /** When the state that is under way has taken too long; null where nothing is. */
  readonly dueAt: Micros | null
  /** The server that does its work, and when that one last said so. */
  readonly owner: string
  readonly heartbeatAt: Micros
  /** Counts the servers that did its work. */
  readonly generation: number
  readonly startedBy: string
  readonly startedAt: Micros
  readonly updatedAt: Micros
  readonly endedAt: Micros | null
  /** The state of another run that began it; null of one that was started by somebody. */
  readonly parent: RunParent | null
  /** How many runs are above it. */
  readonly depth: number
  /** What its agents stay within; null of a run that no execution is above. */
  readonly bound: SecurityContext | null
  /** The JSON value that it was started with. */
  readonly input: unknown
}

export interface RunParent {
  readonly id: string
  readonly entry: number
}

/** What a state of a run began, and what ends with it: an execution, or a run that it waits for. */
export interface RunChild {
  readonly kind: 'execution' | 'run'
  readonly id: string
  readonly entry: number
}

/** A run as lists show it. */
export type RunSummary = Pick<
  RunRecord,
  'id' | 'tenantId' | 'workflowId' | 'workflowName' | 'startedAt' | 'endedAt' | 'enteredAt' | 'updatedAt'
> & {
  readonly status: RunStatus
  readonly current: string
  readonly reason: string | null
}

/** Which runs a list shows. */
export interface RunFilter {
  readonly workflowId: string | null
  readonly workflowName: string | null
  readonly status: string | null
  readonly limit: number
  readonly offset: number
}

/** One event of a run, as it was taken in. */
export interface LoggedEvent {
  /** From 1, without gaps. */
  readonly sequence: number
  readonly event: RunEvent
}
