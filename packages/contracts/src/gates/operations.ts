import { responseText } from '../expressions/response.ts'
import { isMapping } from '../plain/values.ts'
import { workflowError } from './conditions.ts'
import { completed, summaryOf } from './evaluate.ts'
import { firstClosed, ownEntry } from './gates.ts'
import { appended, isRecordable, NO_APPROVAL_PENDING } from './state.ts'
import type { GateCall, RunCommand, Stage, Workflow, WorkflowEvent, WorkflowState } from './types.ts'

/** A new state and what to tell about it. */
export interface WorkflowChange {
  readonly state: WorkflowState
  readonly events: readonly WorkflowEvent[]
}

/**
 * Records what a call that was allowed in a stage has shown, once it has run successfully: files
 * read, commands run, structured results. The last stage may thereby be complete.
 */
export function recordResult(
  workflow: Workflow,
  state: WorkflowState,
  stageId: string,
  call: GateCall,
  structuredResult?: unknown,
  run?: RunCommand,
): WorkflowChange {
  const { reads, stageCalls, mcpResults } = state.evidence
  let evidence = state.evidence
  if ((call.readsFile ?? call.toolName === 'Read') && call.filePath) {
    const path = call.filePath
    if (isRecordable(path) && !reads.includes(path)) evidence = { ...evidence, reads: appended(reads, path) }
  } else {
    const command = call.bashCommand ?? ''
    if (command !== '' && stageId !== '' && isRecordable(command)) {
      const calls = appended(ownEntry(stageCalls, stageId) ?? [], command)
      evidence = { ...evidence, stageCalls: { ...stageCalls, [stageId]: calls } }
    }
    if (isMapping(structuredResult)) {
      const results = appended(ownEntry(mcpResults, call.toolName) ?? [], recordable(structuredResult))
      evidence = { ...evidence, mcpResults: { ...mcpResults, [call.toolName]: results } }
    }
  }
  const lastRecordedEvidence = { tool: call.toolName, summary: summaryOf(call), timestamp: call.timestamp }
  return finish(workflow, { ...state, evidence, lastRecordedEvidence }, stageId, run)
}

function recordable(result: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(result).map(([key, value]) => {
      if (value === null || value === undefined) return [key, '']
      const text = typeof value === 'string' ? value : responseText(value)
      return [key, text !== null && isRecordable(text) ? value : '']
    }),
  )
}

/** The last stage ends when its gates are open; one without gates stays. */
function finish(
  workflow: Workflow,
  state: WorkflowState,
  stageId: string,
  run: RunCommand | undefined,
): WorkflowChange {
  const last = workflow.stages.at(-1)
  const isDone =
    last !== undefined &&
    last.id === stageId &&
    state.activeStage === stageId &&
    !last.terminal &&
    (last.exit.length > 0 || last.approval !== null) &&
    (last.approval === null || ownEntry(state.approvals, last.id) === 'approved') &&
    firstClosed(last.exit, last, workflow, state, run, []) === null
  if (!isDone) return { state, events: [] }
  return { state: completed(state, last, ''), events: [{ action: 'workflow_completed', stageId }] }
}

/** A human has agreed to the end of a stage. Throws `EdictumConfigError` for an unknown one. */
export function recordApproval(workflow: Workflow, state: WorkflowState, stageId: string): WorkflowState {
  stageOf(workflow, stageId)
  return cleared({ ...state, approvals: { ...state.approvals, [stageId]: 'approved' } })
}

/** Goes back to a stage: what it and later ones have gathered is forgotten. Throws `EdictumConfigError` for an unknown one. */
export function resetToStage(workflow: Workflow, state: WorkflowState, stageId: string): WorkflowChange {
  const { index } = stageOf(workflow, stageId)
  const undone = workflow.stages.slice(index)
  const isUndone = (id: string) => undone.some((stage) => stage.id === id)
  const isUndoneTool = (tool: string) => undone.some((stage) => stage.tools.some(({ matches }) => matches(tool)))
  const { reads, stageCalls, mcpResults } = state.evidence
  const next: WorkflowState = {
    ...state,
    activeStage: stageId,
    completedStages: workflow.stages.slice(0, index).map(({ id }) => id),
    approvals: without(state.approvals, isUndone),
    evidence: {
      reads: index === 0 ? [] : reads,
      stageCalls: without(stageCalls, isUndone),
      mcpResults: index === 0 ? {} : without(mcpResults, isUndoneTool),
    },
  }
  return { state: cleared(next), events: [{ action: 'workflow_state_updated', stageId }] }
}

/** Moves to a stage, keeping approvals and evidence. Throws `EdictumConfigError` for an unknown one. */
export function setStage(workflow: Workflow, state: WorkflowState, stageId: string): WorkflowChange {
  const { stage, index } = stageOf(workflow, stageId)
  const waits = stage.approval !== null && ownEntry(state.approvals, stageId) !== 'approved'
  const next: WorkflowState = {
    ...state,
    activeStage: stageId,
    completedStages: workflow.stages.slice(0, index).map(({ id }) => id),
    blockedReason: null,
    lastBlockedAction: null,
    pendingApproval: waits
      ? { required: true, stageId, message: stage.approval?.message ?? null }
      : NO_APPROVAL_PENDING,
  }
  return { state: next, events: [{ action: 'workflow_state_updated', stageId }] }
}

function cleared(state: WorkflowState): WorkflowState {
  return { ...state, blockedReason: null, pendingApproval: NO_APPROVAL_PENDING }
}

function without<Entry>(
  record: Readonly<Record<string, Entry>>,
  drops: (key: string) => boolean,
): Readonly<Record<string, Entry>> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !drops(key)))
}

function stageOf(workflow: Workflow, stageId: string): { readonly stage: Stage; readonly index: number } {
  const index = workflow.stages.findIndex(({ id }) => id === stageId)
  const stage = workflow.stages[index]
  if (stage === undefined) throw workflowError(`stage '${stageId}' does not exist`)
  return { stage, index }
}
