import { createEnvelope } from '../envelope/create.ts'
import {
  compileWorkflow,
  evaluateWorkflow,
  recordApproval,
  recordResult,
  resetToStage,
  setStage,
  type Workflow,
  type WorkflowDecision,
  type WorkflowEvent,
  type WorkflowState,
  workflowStateFromWire,
  workflowStateToWire,
} from '../gates/index.ts'
import type { Envelope } from '../types.ts'
import { type Mismatch, mismatch } from './result.ts'
import { asMapping, asText, isMapping, type Mapping, unknownKey } from './values.ts'

const STEP_KEYS = [
  'id',
  'description',
  'call',
  'approval_outcomes',
  'execution',
  'mcp_result',
  'reset_to',
  'set_stage_to',
  'expect',
]
const EXPECTATIONS = [
  'decision',
  'message_contains',
  'approval_requested_for',
  'active_stage',
  'completed_stages',
  'approvals',
  'evidence',
  'blocked_reason',
  'pending_approval',
  'audit_events',
]
const MAX_ROUNDS = 32

/** What one step has led to. */
interface StepEnd {
  readonly decision: 'allow' | 'deny' | 'pause' | null
  readonly reason: string
  readonly state: WorkflowState
  readonly events: readonly Mapping[]
  readonly outcomesLeft: number
}

/** A workflow case: steps one after the other, on one state. */
export function runWorkflowCase(fixture: Mapping, workflows: Mapping): Mismatch {
  const name = String(fixture.workflow)
  if (!Object.hasOwn(workflows, name)) return mismatch('a workflow of the suite', `'${name}'`)
  const workflow = compileWorkflow(workflows[name])
  let state = workflowStateFromWire(workflow, fixture.initial_state)
  const parent = asText(asMapping(fixture.lineage).parent_session_id)
  const steps = Array.isArray(fixture.steps) ? fixture.steps : []
  if (steps.length === 0) return mismatch('steps', 'none')
  for (const value of steps) {
    const step = asMapping(value)
    const stray = unknownKey(step, STEP_KEYS) ?? unknownKey(asMapping(step.expect), EXPECTATIONS)
    if (stray !== null) return at(step, mismatch('known keys', `unknown key '${stray}'`))
    const end = runStep(workflow, state, step, parent)
    const problem = at(step, compare(asMapping(step.expect), end))
    if (problem !== null) return problem
    state = end.state
  }
  return null
}

function at(step: Mapping, problem: Mismatch): Mismatch {
  return problem === null ? null : { expected: `step ${String(step.id)}: ${problem.expected}`, got: problem.got }
}

function runStep(workflow: Workflow, state: WorkflowState, step: Mapping, parent: string | null): StepEnd {
  const audit = new Audit(workflow, parent)
  const operation =
    typeof step.reset_to === 'string' ? resetToStage : typeof step.set_stage_to === 'string' ? setStage : null
  if (operation !== null) {
    const change = operation(workflow, state, String(step.reset_to ?? step.set_stage_to))
    audit.workflow(change.events, change.state)
    return { decision: null, reason: '', state: change.state, events: audit.events, outcomesLeft: 0 }
  }
  const call = asMapping(step.call)
  const envelope = createEnvelope(String(call.tool), asMapping(call.args), { timestamp: '2026-01-01T00:00:00Z' })
  return runCall(workflow, state, step, envelope, audit)
}

/** Approval and the whole judgement again, until the call is allowed, denied, or nobody answers. */
function runCall(workflow: Workflow, from: WorkflowState, step: Mapping, call: Envelope, audit: Audit): StepEnd {
  const outcomes = Array.isArray(step.approval_outcomes) ? [...step.approval_outcomes] : []
  let state = from
  let decision: WorkflowDecision
  for (let round = 0; ; round++) {
    decision = evaluateWorkflow(workflow, state, call)
    state = decision.state
    audit.workflow(
      decision.events.filter(({ action }) => action !== 'workflow_completed'),
      state,
    )
    const outcome: unknown = decision.action === 'pending_approval' ? outcomes.shift() : undefined
    if (decision.action === 'pending_approval') audit.call('call_asked', state)
    if (outcome === undefined) break
    if (round >= MAX_ROUNDS) throw new Error('more than 32 rounds of approval')
    if (outcome !== 'approved') {
      audit.call('call_approval_blocked', state)
      return {
        decision: 'deny',
        reason: decision.reason ?? '',
        state,
        events: audit.events,
        outcomesLeft: outcomes.length,
      }
    }
    state = recordApproval(workflow, state, decision.stageId)
    audit.call('call_approval_granted', state)
  }
  const reason = decision.reason ?? ''
  const end = { reason, events: audit.events, outcomesLeft: outcomes.length }
  if (decision.action === 'pending_approval') return { ...end, decision: 'pause', state }
  audit.call(decision.action === 'deny' ? 'call_blocked' : 'call_allowed', state)
  if (decision.action === 'deny') return { ...end, decision: 'deny', state }
  const done = decision.events.filter(({ action }) => action === 'workflow_completed')
  if (step.execution === 'success') {
    const change = recordResult(workflow, state, decision.stageId, call, step.mcp_result)
    state = change.state
    done.push(...change.events)
    audit.call('call_executed', state)
  } else if (step.execution === 'error') {
    audit.call('call_failed', state)
  }
  audit.workflow(done, state)
  return { ...end, decision: 'allow', state }
}

/** Collects events in the later wire names. */
class Audit {
  readonly events: Mapping[] = []
  readonly #workflow: Workflow
  readonly #parent: string | null

  constructor(workflow: Workflow, parent: string | null) {
    this.#workflow = workflow
    this.#parent = parent
  }

  call(action: string, state: WorkflowState): void {
    this.#add(action, state, {})
  }

  workflow(events: readonly WorkflowEvent[], state: WorkflowState): void {
    for (const event of events) {
      const stages = 'toStageId' in event ? { stage_id: event.stageId, to_stage_id: event.toStageId } : {}
      this.#add(event.action, state, stages)
    }
  }

  #add(action: string, state: WorkflowState, stages: Mapping): void {
    const { active_stage, completed_stages, blocked_reason, pending_approval } = workflowStateToWire(state)
    const { name, version } = this.#workflow
    this.events.push({
      action,
      session_id: state.sessionId,
      parent_session_id: this.#parent,
      workflow: {
        name,
        ...(version === null ? {} : { version }),
        active_stage,
        completed_stages,
        blocked_reason,
        pending_approval,
        ...stages,
      },
    })
  }
}

const DECISIONS: Readonly<Record<string, string>> = { allow: 'allow', deny: 'deny', block: 'deny', pause: 'pause' }

function compare(expect: Mapping, end: StepEnd): Mismatch {
  const { decision } = expect
  if (end.outcomesLeft > 0) return mismatch('every approval outcome consumed', `${end.outcomesLeft} left`)
  if (decision !== undefined && DECISIONS[String(decision)] !== end.decision)
    return mismatch(decision, `${end.decision} (${end.reason})`)
  if (typeof expect.message_contains === 'string' && !end.reason.includes(expect.message_contains)) {
    return mismatch(`a reason that contains '${expect.message_contains}'`, end.reason)
  }
  const got = workflowStateToWire(end.state)
  const wanted: Record<string, unknown> = {}
  for (const key of [
    'active_stage',
    'completed_stages',
    'approvals',
    'evidence',
    'blocked_reason',
    'pending_approval',
  ]) {
    if (key in expect) wanted[key] = expect[key]
  }
  if ('approvals' in wanted && !sameKeys(wanted.approvals, got.approvals))
    return mismatch(wanted.approvals, got.approvals)
  if (!includes(got, wanted)) return mismatch(wanted, got)
  const asked = expect.approval_requested_for
  const pending = end.state.pendingApproval
  if (typeof asked === 'string' && asked !== pending.stageId) return mismatch(`approval for ${asked}`, pending)
  return Array.isArray(expect.audit_events) ? compareEvents(expect.audit_events, end.events) : null
}

function compareEvents(wanted: readonly unknown[], got: readonly Mapping[]): Mismatch {
  const fits = wanted.length === got.length && wanted.every((event, i) => includes(got[i], event))
  return fits ? null : mismatch(wanted, got)
}

function sameKeys(a: unknown, b: unknown): boolean {
  return Object.keys(asMapping(a)).sort().join() === Object.keys(asMapping(b)).sort().join()
}

/** Whether a value has what is wanted: mappings the listed keys, lists every element in order, other values the same. */
function includes(got: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(got) && got.length === wanted.length && wanted.every((item, i) => includesItem(got[i], item))
  }
  if (!isMapping(wanted)) return got === wanted || (got ?? null) === (wanted ?? null)
  return isMapping(got) && Object.keys(wanted).every((key) => includes(got[key] ?? emptyLike(wanted[key]), wanted[key]))
}

/** A command written without quotes and with `: ` in it was read as a mapping; its text is not compared. */
function includesItem(got: unknown, wanted: unknown): boolean {
  return typeof got === 'string' && isMapping(wanted) ? true : includes(got, wanted)
}

/** Evidence nobody has recorded is an empty list. */
function emptyLike(wanted: unknown): unknown {
  return Array.isArray(wanted) ? [] : undefined
}
