import {
  type ContainerStep,
  type Judge,
  parseWorkflowDuration,
  type WorkflowState,
  workflowDefaults,
} from '@lictor/aegis'
import type { Templates } from '../templates/renderer.ts'
import { isRecord, volumeKey } from './blackboard.ts'
import type { ContainerWork, JudgeWork, Values, Work } from './run.ts'

/** A state whose templates make nothing that could be worked on. */
export class NoWork extends Error {
  override readonly name = 'NoWork'
}

/** Seconds until a state that was entered fails. */
export function timeoutOf(state: WorkflowState): number {
  const written = state.timeout === undefined ? undefined : parseWorkflowDuration(state.timeout)
  if (written !== undefined) return written
  switch (state.kind) {
    case 'Human':
      return state.timeout_seconds ?? workflowDefaults.humanTimeoutSeconds
    case 'ContainerRun':
      return Math.max(
        workflowDefaults.timeoutSeconds,
        Math.max(1, state.retry?.max_attempts ?? 1) * (containerSeconds(state) + START_SECONDS),
      )
    case 'ParallelContainerRun':
      return Math.max(workflowDefaults.timeoutSeconds, ...state.steps.map(containerSeconds)) + START_SECONDS
    default:
      return workflowDefaults.timeoutSeconds
  }
}

/** A container has its own time, which its image and its place do not take from it. */
const START_SECONDS = 300

function containerSeconds({ resources }: ContainerStep): number {
  const written = resources?.timeout === undefined ? undefined : parseWorkflowDuration(resources.timeout)
  return written ?? workflowDefaults.containerTimeoutSeconds
}

/** What a state asks for, with every template rendered. @throws NoWork, or the error of a broken template */
export function workOf(state: WorkflowState, view: Values, templates: Templates, iteration = 1): Work {
  const render = (template: string) => templates.render(template, view)
  const needed = (template: string) => {
    const text = render(template).trim()
    if (text === '') throw new NoWork(`Template resolution failed: "${template}" resolved to empty string.`)
    return text
  }
  const environment = (env: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(env).map(([name, value]) => [name, render(value)]))

  const judgesOf = (judges: readonly Judge[] = []): JudgeWork[] =>
    judges.map((judge) => ({
      agentId: needed(judge.agent_id),
      inputTemplate: judge.input_template ?? null,
      weight: positive(judge.weight),
    }))

  function container(step: ContainerStep): ContainerWork {
    const command = (step.command ?? []).map(render).filter((element) => element !== '')
    const { command: template = [] } = step
    if (command.length === 0)
      throw new NoWork(`Template resolution failed: "${template.join(' ')}" resolved to empty string.`)
    const input = Object.hasOwn(view, 'input') ? view.input : null
    return {
      name: step.name ?? '',
      image: needed(step.image ?? ''),
      command: step.shell ? ['sh', '-c', command.join(' ')] : command,
      env: { INTENT_INPUTS: JSON.stringify(input), ...environment(step.env) },
      workdir: step.workdir === undefined ? null : render(step.workdir),
      volumes: (step.volumes ?? []).map(({ name, mount_path, read_only = false }) => {
        const known = Object.hasOwn(view, volumeKey(name)) ? view[volumeKey(name)] : undefined
        return { volumeId: typeof known === 'string' ? known : name, mountPath: mount_path, isReadOnly: read_only }
      }),
      timeoutSeconds: containerSeconds(step),
      step,
    }
  }

  switch (state.kind) {
    case 'Agent':
      return {
        kind: 'Agent',
        agent: needed(state.agent),
        input: render(state.input ?? ''),
        intent: state.intent === undefined ? null : render(state.intent),
        maxIterations: state.max_iterations ?? workflowDefaults.agentMaxIterations,
        iteration,
        judges: judgesOf(state.judges),
        state,
      }
    case 'System':
      return {
        kind: 'System',
        command: needed(state.command),
        env: environment(state.env),
        workdir: render(state.workdir ?? workflowDefaults.workdir),
      }
    case 'Human':
      return { kind: 'Human', prompt: render(state.prompt) }
    case 'ParallelAgents':
      return {
        kind: 'ParallelAgents',
        agents: state.agents.map((one) => ({
          agent: needed(one.agent),
          input: render(one.input ?? ''),
          weight: positive(one.weight),
          timeoutSeconds: one.timeout_seconds ?? workflowDefaults.parallelAgentTimeoutSeconds,
          pollIntervalMs: one.poll_interval_ms ?? workflowDefaults.parallelAgentPollMs,
        })),
        judges: judgesOf(state.judges_for_parallel),
        minJudges: state.consensus.min_judges_required ?? workflowDefaults.minJudgesRequired,
        consensus: state.consensus,
      }
    case 'ContainerRun':
      return { kind: 'ContainerRun', step: container(state), state }
    case 'ParallelContainerRun':
      return {
        kind: 'ParallelContainerRun',
        steps: state.steps.map(container),
        completion: state.completion ?? workflowDefaults.completion,
      }
    case 'Subworkflow':
      return {
        kind: 'Subworkflow',
        workflow: needed(state.workflow_id),
        mode: state.mode,
        input: state.input === undefined ? {} : rendered(state.input, view, templates),
      }
  }
}

/** Nothing and less count as one. */
const positive = (weight: number | undefined): number =>
  weight !== undefined && weight > 0 ? weight : workflowDefaults.weight

/** JSON with its texts rendered; a text that is one path alone becomes the value that stands there. @throws Error for a broken template */
export function rendered(value: unknown, view: Values, templates: Templates): unknown {
  if (typeof value === 'string') return templates.valueOf(value, view)
  if (Array.isArray(value)) return value.map((one) => rendered(one, view, templates))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rendered(inner, view, templates)]))
}
