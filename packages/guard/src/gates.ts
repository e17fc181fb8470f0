import type { ContractRecord, Envelope } from '@lictor/contracts'
import type { Session } from './session.ts'

/** Where a session stands at its gates, as its events tell it. */
export interface WorkflowStatus {
  readonly name: string
  readonly version?: string
  /** Empty once the workflow is complete. */
  readonly active_stage: string
  readonly completed_stages: readonly string[]
  readonly blocked_reason: string | null
  readonly pending_approval: { readonly required: boolean; readonly stage_id?: string; readonly message?: string }
  readonly last_blocked_action?: ActionSummary & { readonly message: string }
  readonly last_recorded_evidence?: ActionSummary
  /** Of an advance: the stage that is done, and the one that begins. */
  readonly stage_id?: string
  readonly to_stage_id?: string
}

interface ActionSummary {
  readonly tool: string
  /** The command, else the file, else the tool; secrets hidden. */
  readonly summary: string
  readonly timestamp: string
}

/** Something that happened at the gates, with where the session stood right after it. */
export interface GateEvent {
  readonly action: 'workflow_stage_advanced' | 'workflow_completed' | 'workflow_state_updated'
  readonly status: WorkflowStatus
}

export interface GateDecision {
  readonly action: 'allow' | 'deny' | 'pending_approval'
  readonly reason: string | null
  /** The stage that decided; `workflow_error` where the gates could not be judged. */
  readonly stageId: string
  readonly policyError: boolean
  readonly records: readonly ContractRecord[]
  /** Stages that were left on the way to the decision, whatever it is. */
  readonly advances: readonly GateEvent[]
  /** Told once the call has run. */
  readonly completed: readonly GateEvent[]
  /** Null where it is not known. */
  readonly status: WorkflowStatus | null
}

/**
 * Gates that hold the calls of a session to an order. They come after everything else that may deny. What they know of a
 * session stands in its store; the calls of one session are judged one after the other. `workflowGates` of
 * `@lictor/guard/gates` makes them of a workflow document.
 */
export interface SessionGates {
  /** Judges a call, and keeps what it led to. Never rejects: what goes wrong denies. */
  judge(session: Session, call: Envelope): Promise<GateDecision>
  /** A human has agreed to the end of a stage. */
  approve(session: Session, stageId: string): Promise<void>
  /** A call that was allowed in a stage has run, and returned this. */
  record(
    session: Session,
    stageId: string,
    call: Envelope,
    result: unknown,
  ): Promise<{ readonly status: WorkflowStatus; readonly completed: readonly GateEvent[] }>
  /** Where the session stands. */
  status(session: Session): Promise<WorkflowStatus>
  /** Goes back to a stage: what it and later ones have gathered is forgotten. @throws EdictumConfigError for an unknown stage */
  reset(session: Session, stageId: string): Promise<GateEvent>
  /** Moves to a stage, and keeps approvals and evidence. @throws EdictumConfigError for an unknown stage */
  setStage(session: Session, stageId: string): Promise<GateEvent>
}

/** Approvals that one call may need, one stage after the other. */
export const MAX_APPROVAL_ROUNDS = 32
