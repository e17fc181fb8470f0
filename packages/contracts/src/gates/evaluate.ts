import { redactText } from '../redact/patterns.ts'
import type { Envelope } from '../types.ts'
import { workflowError } from './conditions.ts'
import { acceptsTool, commandOf, firstClosed, gateRecord, judgeStage, ownEntry, type StageJudgement } from './gates.ts'
import { isRecordable, NO_APPROVAL_PENDING } from './state.ts'
import type {
  RunCommand,
  Stage,
  Workflow,
  WorkflowDecision,
  WorkflowEvent,
  WorkflowRecord,
  WorkflowState,
} from './types.ts'

const COMPLETE = 'workflow complete \u2014 no further tool calls are accepted'

/** Where one walk through the stages ended. */
interface Walk {
  readonly action: WorkflowDecision['action']
  readonly reason: string | null
  readonly stage: Stage | null
  readonly state: WorkflowState
}

interface Journey {
  readonly workflow: Workflow
  readonly call: Envelope
  readonly run: RunCommand | undefined
  readonly records: WorkflowRecord[]
  readonly events: WorkflowEvent[]
}

/**
 * Judges a call at the gates of its session. Pure; the caller stores the state that comes
 * back, whatever the decision, and serialises the calls of a session. Gates come after everything else that may deny.
 *
 * Throws what the engine of a pattern or `run` throws, and `EdictumConfigError` for a state that is not of this workflow:
 * the caller blocks the call with the name `workflow_error`.
 */
export function evaluateWorkflow(
  workflow: Workflow,
  state: WorkflowState,
  call: Envelope,
  run?: RunCommand,
): WorkflowDecision {
  const journey: Journey = { workflow, call, run, records: [], events: [] }
  const end = walk(journey, state)
  return {
    action: end.action,
    reason: end.reason,
    stageId: end.stage?.id ?? '',
    records: journey.records,
    events: journey.events,
    state: withStatus(end, call),
  }
}

function walk(journey: Journey, from: WorkflowState): Walk {
  const { workflow } = journey
  let state = from
  if (state.activeStage === '') return { action: 'allow', reason: null, stage: null, state }
  for (let turn = 0; turn <= workflow.stages.length; turn++) {
    const index = workflow.stages.findIndex(({ id }) => id === state.activeStage)
    const stage = workflow.stages[index]
    if (stage === undefined) throw workflowError(`stage '${state.activeStage}' does not exist`)
    const end = visit(journey, state, stage, workflow.stages[index + 1])
    if (end !== null) return end
    state = advance(journey, state, stage, workflow.stages[index + 1])
    if (state.activeStage === '') return { action: 'allow', reason: null, stage, state }
  }
  throw workflowError('the stages do not come to an end')
}

/** Null when the stage is complete and the call is for the next one. */
function visit(journey: Journey, state: WorkflowState, stage: Stage, next: Stage | undefined): Walk | null {
  const { workflow, call, run, records } = journey
  if (stage.terminal && firstClosed(stage.exit, stage, workflow, state, run, []) === null) {
    records.push(gateRecord(workflow, stage, 'terminal', 'terminal', { passed: false, evidence: '' }, COMPLETE))
    return { action: 'deny', reason: COMPLETE, stage, state }
  }
  const own = judgeStage(workflow, stage, call, records)
  if (own.kind === 'accepted') return { action: 'allow', reason: null, stage, state }
  if (blocksAtOnce(own, stage, next, call)) return { action: 'deny', reason: reasonOf(own), stage, state }
  const completion = complete(journey, state, stage, next)
  if (completion === true) return null
  if (completion !== false) return { ...completion, stage, state }
  return { action: 'deny', reason: reasonOf(own), stage, state }
}

function reasonOf(own: StageJudgement): string {
  return 'reason' in own ? own.reason : 'This workflow stage accepts no tool calls'
}

/** Whether the stage's own objection stands, or its completion is to be looked at first. */
function blocksAtOnce(own: StageJudgement, stage: Stage, next: Stage | undefined, call: Envelope): boolean {
  if (own.kind === 'accepted' || own.kind === 'boundary') return false
  if (next === undefined) return true
  if (own.kind === 'tools') return false
  if (stage.exit.length > 0 || stage.approval !== null) return own.check === 'command_not_matches'
  const command = commandOf(call)
  const isForNext =
    acceptsTool(next, call.toolName) &&
    next.checks.some(({ kind, pattern }) => kind === 'command_matches' && pattern.test(command))
  return !isForNext
}

/** True: complete. False: not, and nobody says why. Otherwise what stands in the way. */
function complete(
  journey: Journey,
  state: WorkflowState,
  stage: Stage,
  next: Stage | undefined,
): boolean | Pick<Walk, 'action' | 'reason'> {
  const { workflow, run, records } = journey
  const closed = firstClosed(stage.exit, stage, workflow, state, run, records)
  if (closed !== null) return { action: 'deny', reason: closed.message }
  if (stage.approval !== null) {
    const stored = ownEntry(state.approvals, stage.id) ?? ''
    const { message } = stage.approval
    const answer = { passed: stored === 'approved', evidence: stored }
    const extra = answer.passed ? {} : { approval_requested_for: stage.id }
    records.push(gateRecord(workflow, stage, 'approval', 'stage boundary', answer, message, extra))
    if (!answer.passed) return { action: 'pending_approval', reason: message }
  }
  const waited = stage.exit.length > 0 || stage.approval !== null
  if (next === undefined) return waited
  const after = completed(state, stage, next.id)
  const shut = firstClosed(next.entry, next, workflow, after, run, records)
  if (shut !== null) return { action: 'deny', reason: shut.message }
  if (waited || next.terminal) return true
  if (stage.tools.some(({ pattern }) => /[*?[]/.test(pattern))) return false
  return walk({ ...journey, records: [], events: [] }, after).action !== 'deny'
}

export function completed(state: WorkflowState, stage: Stage, nextId: string): WorkflowState {
  return { ...state, completedStages: [...state.completedStages, stage.id], activeStage: nextId }
}

function advance(journey: Journey, state: WorkflowState, stage: Stage, next: Stage | undefined): WorkflowState {
  journey.events.push(
    next === undefined
      ? { action: 'workflow_completed', stageId: stage.id }
      : { action: 'workflow_stage_advanced', stageId: stage.id, toStageId: next.id },
  )
  return completed(state, stage, next?.id ?? '')
}

/** The status fields follow the result. */
function withStatus({ action, reason, stage, state }: Walk, call: Envelope): WorkflowState {
  switch (action) {
    case 'allow':
      return { ...state, blockedReason: null, pendingApproval: NO_APPROVAL_PENDING }
    case 'pending_approval':
      return {
        ...state,
        blockedReason: null,
        lastBlockedAction: null,
        pendingApproval: { required: true, stageId: stage?.id ?? null, message: reason },
      }
    case 'deny': {
      const message = reason ?? ''
      return {
        ...state,
        blockedReason: message,
        pendingApproval: NO_APPROVAL_PENDING,
        lastBlockedAction: { tool: call.toolName, summary: summaryOf(call), message, timestamp: call.timestamp },
      }
    }
  }
}

/** The command, else the file, else the tool. */
export function summaryOf(call: Envelope): string {
  const text = redactText(call.bashCommand || call.filePath || call.toolName)
  return isRecordable(text) ? text : call.toolName
}
