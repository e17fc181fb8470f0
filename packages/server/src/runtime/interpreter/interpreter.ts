import { type HumanState, type WorkflowManifestDocument, type WorkflowState, workflowDefaults } from '@lictor/aegis'
import type { Templates } from '../templates/renderer.ts'
import {
  initialBlackboard,
  isRecord,
  MOST_BLACKBOARD,
  overrideProblem,
  sizeOf,
  viewOf,
  withEntry,
} from './blackboard.ts'
import { holds, outcomes } from './conditions.ts'
import { failed, type Output, outputOf } from './outputs.ts'
import { handedTo, handledBy, handlerOf, judged, noted, outputHandlerIn } from './refine.ts'
import type { Command, RunEvent, RunState, Signal, Step, Within, Work, WorkResult } from './run.ts'
import { rendered, timeoutOf, workOf } from './work.ts'

/** Answers that are kept for a Human state to come, and for how long. */
export const MOST_SIGNALS = 64
const SIGNAL_LIFE_MS = 24 * 3_600_000

type Started = Extract<RunEvent, { type: 'started' }>
type Later = Exclude<RunEvent, Started>

/**
 * What becomes of a run by an event, and what is to be done about it. Pure: the same definition, state and event give the same step,
 * whoever asks and however often. An event that is about something that is over leaves the state as it is and asks for nothing.
 * Source: AEGIS runtime reference, workflows.
 *
 * @param state - null for the event that starts the run
 * @throws Error when a run is started twice, or not at all
 */
export function interpret(
  definition: WorkflowManifestDocument,
  state: RunState | null,
  event: RunEvent,
  templates: Templates,
): Step {
  const turn = createTurn(definition, templates, event.at)
  if (event.type === 'started') {
    if (state !== null) throw new Error('A run is started once.')
    return turn.start(event)
  }
  if (state === null) throw new Error('A run begins with the event that it was started.')
  if (state.status !== 'running') return { state, commands: [] }
  return turn.apply(state, event)
}

/** What each state that was entered has left, by its name. */
export const stateOutputs = ({ spec }: WorkflowManifestDocument, { blackboard, visits }: RunState) =>
  Object.fromEntries(
    Object.keys(spec.states).flatMap((name) =>
      Object.hasOwn(visits, name) && Object.hasOwn(blackboard, name) ? [[name, blackboard[name]]] : [],
    ),
  )

/** One event's turn: commands are collected as the run goes on, through as many states as need nobody. */
function createTurn(definition: WorkflowManifestDocument, templates: Templates, at: number) {
  const { metadata, spec } = definition
  const commands: Command[] = []
  const tell = (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
    void commands.push({ type: 'tell', event, fields })
  const done = (state: RunState): Step => ({ state, commands })

  function stateOf(name: string): WorkflowState {
    const state = Object.hasOwn(spec.states, name) ? spec.states[name] : undefined
    if (!state) throw new Error(`Workflow '${metadata.name}' has no state '${name}'.`)
    return state
  }

  function fail(state: RunState, reason: string): Step {
    tell('workflow_execution_failed', { reason })
    commands.push({ type: 'end', status: 'failed' })
    return done({ ...state, status: 'failed', reason, signals: [] })
  }

  function complete(state: RunState): Step {
    const { output_template: template } = metadata
    const last = Object.hasOwn(state.blackboard, state.current) ? state.blackboard[state.current] : null
    let finalOutput: unknown = last
    try {
      if (template !== undefined) finalOutput = rendered(template, viewOf(state), templates)
    } catch (error) {
      return fail(state, `output_template cannot be rendered: ${(error as Error).message}`)
    }
    if (sizeOf(finalOutput) > MOST_BLACKBOARD) return fail(state, tooLarge('output_template makes'))
    tell('workflow_execution_completed', { final_blackboard: state.blackboard, final_output: finalOutput })
    commands.push({ type: 'end', status: 'completed' })
    return done({ ...state, status: 'completed', finalOutput, signals: [] })
  }

  /** Enter a state and ask for its work; where its templates make none, it has failed at once. */
  function enter(state: RunState, name: string): Step {
    const definedAs = stateOf(name)
    const visits = Object.hasOwn(state.visits, name) ? (state.visits[name] ?? 0) : 0
    const most = definedAs.max_state_visits ?? workflowDefaults.maxStateVisits
    if (visits >= most)
      return fail(state, `State '${name}' was entered ${most} times already (max_state_visits is ${most})`)
    const entered: RunState = {
      ...state,
      current: name,
      entry: state.entry + 1,
      within: unbegun,
      visits: { ...state.visits, [name]: visits + 1 },
    }
    tell('workflow_state_entered', { state_name: name, visit: visits + 1 })
    const answer = definedAs.kind === 'Human' ? takeSignal(entered, at) : null
    if (answer) return leave(answer.state, answered(answer.signal.response, answer.signal.feedback))
    try {
      return ask(entered, workOf(definedAs, viewOf(entered), templates))
    } catch (error) {
      return leave(entered, failed((error as Error).message))
    }
  }

  /** The next that the state which is under way asks for. */
  function ask(state: RunState, work: Work): Step {
    const { current, entry } = state
    const within = { ...state.within, step: state.within.step + 1 }
    const timeoutSeconds = timeoutOf(stateOf(current))
    commands.push({ type: 'work', entry, step: within.step, state: current, timeoutSeconds, work })
    return done({ ...state, within })
  }

  /** Judges may ask for another execution of an Agent state, and a handler may make the output of what was accepted. */
  function completed(state: RunState, result: WorkResult): Step {
    const definedAs = stateOf(state.current)
    if (result.kind === 'Handled') {
      const { output } = state.within
      if (output === null) return done(state)
      const { error, output: text } = result
      const handler_type = outputHandlerIn(definedAs)?.type ?? null
      if (text === null) tell('output_handler_failed', { state_name: state.current, handler_type, error })
      else tell('output_handler_completed', { state_name: state.current, handler_type, result: text })
      return leave(state, handledBy(definedAs, output, result))
    }
    const verdict = judged(definedAs, result)
    for (const { event, fields } of verdict.told) tell(event, { state_name: state.current, ...fields })
    if (verdict.refusal !== null && definedAs.kind === 'Agent') {
      const { iteration, notes } = state.within
      if (iteration < (definedAs.max_iterations ?? workflowDefaults.agentMaxIterations)) {
        const within = { ...state.within, iteration: iteration + 1, notes: noted(notes, verdict.refusal) }
        tell('refinement_applied', { iteration_number: iteration, state_name: state.current, code_diff: {} })
        try {
          const work = workOf(definedAs, viewOf(state), templates, within.iteration)
          const input = work.kind === 'Agent' ? `${work.input}${within.notes}` : ''
          return ask({ ...state, within }, { ...work, input } as Work)
        } catch (error) {
          return leave(state, failed((error as Error).message))
        }
      }
    }
    const output = outputOf(definedAs, verdict.result)
    if (!output.isSuccess || handlerOf(definedAs) === undefined) return leave(state, output)
    try {
      const work = handedTo(definedAs, output, viewOf(state), templates)
      if (work.kind === 'Handler')
        tell('output_handler_started', { state_name: state.current, handler_type: work.handler.type })
      return ask({ ...state, within: { ...state.within, output } }, work)
    } catch (error) {
      return leave(state, failed((error as Error).message))
    }
  }

  /** What a state has come to stands on the blackboard; then the first transition that holds is taken. */
  function leave(state: RunState, output: Output): Step {
    const name = state.current
    const definedAs = stateOf(name)
    const kept = withEntry(state, name, output.value)
    tell('workflow_state_exited', { state_name: name, output: kept ? output.value : null })
    if (!kept) return fail(state, tooLarge(`with the output of state '${name}' it has`))
    const view = viewOf(kept)
    const facts = {
      output: output.value,
      isSuccess: output.isSuccess,
      threshold: definedAs.kind === 'ParallelAgents' ? (definedAs.consensus.threshold ?? null) : null,
      view,
    }
    if (definedAs.transitions.length === 0) return complete(kept)
    const taken = definedAs.transitions.find((transition) => holds(transition, facts, templates))
    if (!taken) {
      const { success, failure } = outcomes(facts)
      if (!failure || success) return complete(kept)
      const error = isRecord(output.value) && typeof output.value.error === 'string' ? `: ${output.value.error}` : ''
      return fail(kept, `no transition matched in state ${name}${error}`)
    }
    const most = spec.max_total_transitions ?? workflowDefaults.maxTotalTransitions
    if (kept.transitions >= most)
      return fail(kept, `The workflow made ${most} transitions already (max_total_transitions is ${most})`)
    let feedback = ''
    try {
      feedback = templates.render(taken.feedback ?? '', view)
    } catch (error) {
      return fail(kept, `The feedback from state '${name}' cannot be rendered: ${(error as Error).message}`)
    }
    const { human } = kept.feedback
    return enter({ ...kept, transitions: kept.transitions + 1, feedback: { state: feedback, human } }, taken.target)
  }

  /** A person's answer is also what templates find as `human.feedback`. */
  function leaveHuman(state: RunState, output: Output, feedback: string): Step {
    return leave({ ...state, feedback: { ...state.feedback, human: feedback } }, output)
  }

  function timedOut(state: RunState, human: HumanState | null): Step {
    commands.push({ type: 'stop_work', entry: state.entry })
    const error = `State '${state.current}' took longer than ${timeoutOf(stateOf(state.current))} s.`
    if (human === null) return leave(state, failed(error, { timed_out: true }))
    if (human.default_response !== undefined)
      return leaveHuman(state, answered(human.default_response, '', { timeout: true }), '')
    if (human.reject_on_timeout === true)
      return leaveHuman(state, answered('rejected', '', { status: 'rejected', timeout: true }), '')
    return fail(state, 'human_input_timeout')
  }

  function childEnded(state: RunState, event: Extract<Later, { type: 'child_ended' }>): Step {
    const { current } = state
    const child = stateOf(current)
    if (child.kind !== 'Subworkflow' || child.mode !== 'blocking') return done(state)
    if (state.within.childId === null) tellTriggered(current, child.mode, event.childId)
    if (event.status !== 'completed') {
      const error = event.error ?? `The sub-workflow was ${event.status}.`
      tell('subworkflow_failed', { child_execution_id: event.childId, parent_state_name: current, reason: error })
      return leave(state, failed(error, { child_execution_id: event.childId }))
    }
    const key = child.result_key ?? current
    const kept = withEntry(state, key, event.result)
    if (!kept) return fail(state, tooLarge(`with the result of state '${current}' it has`))
    tell('subworkflow_completed', {
      child_execution_id: event.childId,
      parent_state_name: current,
      result_key: key,
    })
    return leave(kept, { value: event.result, isSuccess: true })
  }

  const tellTriggered = (name: string, mode: string, childId: string, workflowId: string | null = null) =>
    tell('subworkflow_triggered', {
      child_execution_id: childId,
      child_workflow_id: workflowId,
      parent_state_name: name,
      mode,
    })

  function signalled(before: RunState, event: Extract<Later, { type: 'signalled' }>): Step {
    let state = before
    if (event.name !== null && event.name !== 'human_input' && event.name !== 'human_response') {
      const signals = Object.hasOwn(state.blackboard, 'signals') ? state.blackboard.signals : {}
      const kept = withEntry(state, 'signals', {
        ...(isRecord(signals) ? signals : {}),
        [event.name]: event.payload ?? null,
      })
      if (!kept) return refuseSignal(state, tooLarge('with this signal it has'))
      state = kept
    }
    const { response, feedback } = event
    if (stateOf(state.current).kind === 'Human') {
      commands.push({ type: 'stop_work', entry: state.entry })
      return leaveHuman(state, answered(response, feedback), feedback)
    }
    const waiting = state.signals.filter((signal) => isAlive(signal, at))
    if (waiting.length >= MOST_SIGNALS)
      return refuseSignal(before, `This run keeps ${MOST_SIGNALS} signals already, which no state has asked for.`)
    return done({ ...state, signals: [...waiting, { response, feedback, at }] })
  }

  function refuseSignal(state: RunState, reason: string): Step {
    commands.push({ type: 'refuse_signal', reason })
    return done(state)
  }

  return {
    start(event: Started): Step {
      const blackboard = initialBlackboard(definition, event)
      const blank: RunState = {
        status: 'running',
        reason: null,
        current: spec.initial_state,
        entry: 0,
        within: unbegun,
        transitions: 0,
        visits: {},
        blackboard,
        blackboardSize: sizeOf(blackboard),
        feedback: { state: '', human: '' },
        signals: [],
        finalOutput: null,
      }
      tell('workflow_execution_started')
      const problem = overrideProblem(event.overrides)
      if (problem !== null) return fail(blank, problem)
      if (blank.blackboardSize > MOST_BLACKBOARD) return fail(blank, tooLarge('with its input and context it has'))
      return enter(blank, spec.initial_state)
    },
    apply(state: RunState, event: Later): Step {
      if ('entry' in event && event.entry !== state.entry) return done(state)
      const current = stateOf(state.current)
      switch (event.type) {
        case 'state_completed':
          return (event.step ?? 1) === state.within.step ? completed(state, event.result) : done(state)
        case 'state_failed':
          return (event.step ?? 1) === state.within.step ? leave(state, failed(event.error)) : done(state)
        case 'state_timed_out':
          return timedOut(state, current.kind === 'Human' ? current : null)
        case 'human_decided': {
          if (current.kind !== 'Human') return done(state)
          const word = event.isApproved ? 'approved' : 'rejected'
          const { feedback } = event
          return leaveHuman(state, answered(word, feedback, { status: word, approved_by: event.by }), feedback)
        }
        case 'child_started': {
          if (current.kind !== 'Subworkflow' || state.within.childId !== null) return done(state)
          const { childId } = event
          tellTriggered(state.current, current.mode, childId, event.childWorkflowId)
          if (current.mode === 'blocking') return done({ ...state, within: { ...state.within, childId } })
          return leave(state, { value: { child_execution_id: childId, mode: current.mode }, isSuccess: true })
        }
        case 'child_ended':
          return childEnded(state, event)
        case 'signalled':
          return signalled(state, event)
        case 'cancelled':
          commands.push({ type: 'stop_work', entry: state.entry })
          tell('workflow_execution_cancelled', { reason: event.reason })
          commands.push({ type: 'end', status: 'cancelled' })
          return done({ ...state, status: 'cancelled', reason: event.reason, signals: [] })
      }
    },
  }
}

/** Before a state has asked for anything. */
const unbegun: Within = { step: 0, iteration: 1, notes: '', childId: null, output: null }

const tooLarge = (what: string): string =>
  `The blackboard is too large: ${what} more than ${MOST_BLACKBOARD} characters of JSON`

/** The output of a Human state. */
const answered = (response: string, feedback: string, more: Readonly<Record<string, unknown>> = {}): Output => ({
  value: { response, status: response, feedback, timeout: false, ...more },
  isSuccess: true,
})

const isAlive = (signal: Signal, now: number): boolean => now - signal.at < SIGNAL_LIFE_MS

/** The oldest answer that still counts, taken from those that wait. */
function takeSignal(state: RunState, now: number): { signal: Signal; state: RunState } | null {
  const [signal, ...rest] = state.signals.filter((one) => isAlive(one, now))
  if (!signal) return null
  return { signal, state: { ...state, signals: rest, feedback: { ...state.feedback, human: signal.feedback } } }
}
