import { isMapping } from '../plain/values.ts'
import { workflowError } from './conditions.ts'
import type { PendingApproval, Workflow, WorkflowState } from './types.ts'

export const NO_APPROVAL_PENDING: PendingApproval = Object.freeze({ required: false, stageId: null, message: null })

/** What a session's state may hold at most, so that it stays small however long the session runs. */
const MAX_ENTRIES = 1000
const MAX_TEXT = 4096
// biome-ignore lint/complexity/useRegexLiterals: the control range reads better as escapes
const CONTROL = new RegExp('[\\u0000-\\u001f\\u007f]')

/** The state a session begins with: the first stage active, nothing done. */
export function initialState(workflow: Workflow, sessionId: string): WorkflowState {
  return {
    sessionId,
    activeStage: workflow.stages[0]?.id ?? '',
    completedStages: [],
    approvals: {},
    evidence: { reads: [], stageCalls: {}, mcpResults: {} },
    blockedReason: null,
    pendingApproval: NO_APPROVAL_PENDING,
    lastBlockedAction: null,
    lastRecordedEvidence: null,
  }
}

/** Whether a text may be kept as evidence. */
export function isRecordable(text: string): boolean {
  return text.length <= MAX_TEXT && !CONTROL.test(text)
}

/** A list with one more entry, unless it is full. */
export function appended<Entry>(entries: readonly Entry[], entry: Entry): readonly Entry[] {
  return entries.length >= MAX_ENTRIES ? entries : [...entries, entry]
}

/** The stored form. */
export function workflowStateToWire(state: WorkflowState): Readonly<Record<string, unknown>> {
  const { pendingApproval: pending } = state
  return {
    session_id: state.sessionId,
    active_stage: state.activeStage,
    completed_stages: state.completedStages,
    approvals: state.approvals,
    evidence: {
      reads: state.evidence.reads,
      stage_calls: state.evidence.stageCalls,
      mcp_results: state.evidence.mcpResults,
    },
    blocked_reason: state.blockedReason,
    pending_approval: pending.required
      ? { required: true, stage_id: pending.stageId, message: pending.message }
      : { required: false },
    last_blocked_action: state.lastBlockedAction,
    last_recorded_evidence: state.lastRecordedEvidence,
  }
}

/** A stored state. Throws `EdictumConfigError` when it is none, or its active stage is not of this workflow. */
export function workflowStateFromWire(workflow: Workflow, value: unknown): WorkflowState {
  if (!isMapping(value)) throw workflowError('the stored state is no mapping')
  const activeStage = typeof value.active_stage === 'string' ? value.active_stage : null
  if (activeStage === null) throw workflowError('the stored state has no active_stage')
  if (activeStage !== '' && !workflow.stages.some(({ id }) => id === activeStage)) {
    throw workflowError(`the stored state is in stage '${activeStage}', which does not exist`)
  }
  const evidence = isMapping(value.evidence) ? value.evidence : {}
  const pending = isMapping(value.pending_approval) ? value.pending_approval : {}
  return {
    sessionId: typeof value.session_id === 'string' ? value.session_id : '',
    activeStage,
    completedStages: texts(value.completed_stages),
    approvals: entriesOf(value.approvals, (entry) => (typeof entry === 'string' ? entry : '')),
    evidence: {
      reads: texts(evidence.reads),
      stageCalls: entriesOf(evidence.stage_calls, texts),
      mcpResults: entriesOf(evidence.mcp_results, (entry) => (Array.isArray(entry) ? entry.filter(isMapping) : [])),
    },
    blockedReason: typeof value.blocked_reason === 'string' ? value.blocked_reason : null,
    pendingApproval:
      pending.required === true
        ? { required: true, stageId: textOrNull(pending.stage_id), message: textOrNull(pending.message) }
        : NO_APPROVAL_PENDING,
    lastBlockedAction: isMapping(value.last_blocked_action)
      ? (value.last_blocked_action as unknown as WorkflowState['lastBlockedAction'])
      : null,
    lastRecordedEvidence: isMapping(value.last_recorded_evidence)
      ? (value.last_recorded_evidence as unknown as WorkflowState['lastRecordedEvidence'])
      : null,
  }
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function entriesOf<Entry>(value: unknown, read: (entry: unknown) => Entry): Readonly<Record<string, Entry>> {
  if (!isMapping(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, read(entry)]))
}
