import type { ContractRecord, Envelope } from '@lictor/contracts'
import {
  compileWorkflow,
  evaluateWorkflow,
  type GateCall,
  initialState,
  loadWorkflow,
  type RunCommand,
  recordApproval,
  recordResult,
  resetToStage,
  setStage,
  type Workflow,
  type WorkflowChange,
  type WorkflowDecision,
  type WorkflowEvent,
  type WorkflowState,
  workflowStateFromWire,
  workflowStateToWire,
} from '@lictor/contracts/gates'
import type { GateDecision, GateEvent, SessionGates, WorkflowStatus } from '../gates.ts'
import { errorText } from '../logger.ts'
import type { Session } from '../session.ts'

export interface WorkflowGatesOptions {
  /**
   * Runs the command of an `exec` gate, without a shell, within 30 seconds or less, and tells how it ended. A workflow with such
   * gates is refused without it: they run commands of whoever wrote the workflow.
   */
  readonly runCommand?: RunCommand
  /** What a call runs or reads, for tools that are not called `Bash` and `Read`. */
  readonly evidenceOf?: (call: Envelope) => CallEvidence
}

/** What a call is evidence of, once it has succeeded. */
export interface CallEvidence {
  /** The command that it runs; null for none. */
  readonly command: string | null
  /** The file whose text it reads; null for none. */
  readonly reads: string | null
}

/**
 * The gates of a workflow, for the option `gates` of a guard.
 *
 * @param source a document of kind `Workflow`: its text, its bytes, or what was parsed of it
 * @throws EdictumConfigError, its text beginning `workflow: `
 */
export function workflowGates(
  source: string | Uint8Array | Readonly<Record<string, unknown>>,
  options: WorkflowGatesOptions = {},
): SessionGates {
  const { runCommand, evidenceOf } = options
  const settings = { allowExec: runCommand !== undefined }
  const isText = typeof source === 'string' || source instanceof Uint8Array
  const workflow = isText ? loadWorkflow(source, settings) : compileWorkflow(source, settings)
  return new WorkflowGates(workflow, runCommand, evidenceOf)
}

class WorkflowGates implements SessionGates {
  readonly #workflow: Workflow
  readonly #run: RunCommand | undefined
  readonly #evidenceOf: WorkflowGatesOptions['evidenceOf']
  /** The value of a session that its state is kept in, under the name that every SDK gives it. */
  readonly #name: string

  constructor(workflow: Workflow, run: RunCommand | undefined, evidenceOf: WorkflowGatesOptions['evidenceOf']) {
    this.#workflow = workflow
    this.#run = run
    this.#evidenceOf = evidenceOf
    this.#name = `workflow:${workflow.name}:state`
  }

  async judge(session: Session, call: Envelope): Promise<GateDecision> {
    try {
      return await this.#change(session, (state) => {
        const decision = evaluateWorkflow(this.#workflow, state, this.#seen(call), this.#run)
        return [decision.state, this.#told(state, decision)]
      })
    } catch (error) {
      return {
        action: 'deny',
        reason: `The workflow could not be judged: ${errorText(error)}`,
        stageId: 'workflow_error',
        policyError: true,
        records: [],
        advances: [],
        completed: [],
        status: null,
      }
    }
  }

  approve(session: Session, stageId: string): Promise<void> {
    return this.#change(session, (state) => [recordApproval(this.#workflow, state, stageId), undefined])
  }

  record(session: Session, stageId: string, call: Envelope, result: unknown) {
    return this.#change(session, (state) => {
      const change = recordResult(this.#workflow, state, stageId, this.#seen(call), structured(result), this.#run)
      const status = this.#status(change.state)
      return [change.state, { status, completed: change.events.map((event) => eventOf(event, status)) }]
    })
  }

  status(session: Session): Promise<WorkflowStatus> {
    return this.#change(session, (state) => [state, this.#status(state)])
  }

  reset(session: Session, stageId: string): Promise<GateEvent> {
    return this.#move(session, (state) => resetToStage(this.#workflow, state, stageId))
  }

  setStage(session: Session, stageId: string): Promise<GateEvent> {
    return this.#move(session, (state) => setStage(this.#workflow, state, stageId))
  }

  #seen(call: Envelope): GateCall {
    if (this.#evidenceOf === undefined) return call
    const { command, reads } = this.#evidenceOf(call)
    return { ...call, bashCommand: command, filePath: reads, readsFile: reads !== null }
  }

  #move(session: Session, act: (state: WorkflowState) => WorkflowChange): Promise<GateEvent> {
    return this.#change(session, (before) => {
      const { state } = act(before)
      return [state, { action: 'workflow_state_updated', status: this.#status(state) }]
    })
  }

  /** Reads, changes and keeps the state in one turn of the session; what is unchanged is not written. */
  #change<Result>(session: Session, act: (state: WorkflowState) => readonly [WorkflowState, Result]): Promise<Result> {
    return session.changeValue(this.#name, (stored) => {
      const before =
        stored === null
          ? initialState(this.#workflow, session.sessionId)
          : workflowStateFromWire(this.#workflow, JSON.parse(stored))
      const [after, result] = act(before)
      const text = after === before ? null : JSON.stringify(workflowStateToWire(after))
      return { value: text === stored ? null : text, result }
    })
  }

  #told(before: WorkflowState, decision: WorkflowDecision): GateDecision {
    const advances: GateEvent[] = []
    const completed: GateEvent[] = []
    const end = this.#status(decision.state)
    let state = before
    for (const event of decision.events) {
      if (event.action !== 'workflow_stage_advanced') {
        completed.push(eventOf(event, end))
        continue
      }
      state = this.#advanced(state, event)
      advances.push(eventOf(event, this.#status(state)))
    }
    return {
      action: decision.action,
      reason: decision.reason,
      stageId: decision.stageId,
      policyError: false,
      records: decision.records satisfies readonly ContractRecord[],
      advances,
      completed,
      status: end,
    }
  }

  /** The session right after an advance: in the next stage, which shows at once what it waits for. */
  #advanced(state: WorkflowState, event: Extract<WorkflowEvent, { toStageId: string }>): WorkflowState {
    const next = this.#workflow.stages.find(({ id }) => id === event.toStageId)
    const waits = next?.approval != null && state.approvals[event.toStageId] !== 'approved'
    return {
      ...state,
      activeStage: event.toStageId,
      completedStages: [...state.completedStages, event.stageId],
      blockedReason: null,
      pendingApproval: {
        required: waits,
        stageId: waits ? event.toStageId : null,
        message: waits ? next.approval.message : null,
      },
    }
  }

  #status(state: WorkflowState): WorkflowStatus {
    const { name, version } = this.#workflow
    const { pendingApproval: pending, lastBlockedAction, lastRecordedEvidence } = state
    return {
      name,
      ...(version === null ? {} : { version }),
      active_stage: state.activeStage,
      completed_stages: state.completedStages,
      blocked_reason: state.blockedReason,
      pending_approval: pending.required
        ? { required: true, stage_id: pending.stageId ?? '', message: pending.message ?? '' }
        : { required: false },
      ...(lastBlockedAction === null ? {} : { last_blocked_action: lastBlockedAction }),
      ...(lastRecordedEvidence === null ? {} : { last_recorded_evidence: lastRecordedEvidence }),
    }
  }
}

function eventOf(event: WorkflowEvent, status: WorkflowStatus): GateEvent {
  const stages = 'toStageId' in event ? { stage_id: event.stageId, to_stage_id: event.toStageId } : {}
  return { action: event.action, status: { ...status, ...stages } }
}

/** What of a result has fields to be asked for: the structured part of an answer over MCP, or an object as it is. */
function structured(result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return undefined
  return 'structuredContent' in result ? result.structuredContent : result
}
