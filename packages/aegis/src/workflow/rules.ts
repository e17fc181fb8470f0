import { AGENT_API_VERSION } from '../manifest/types.ts'
import type { Path } from '../shape/shape.ts'
import { judgeRoutes } from './routes.ts'
import {
  type ContainerStep,
  type ContainerVolume,
  type WorkflowManifestDocument,
  type WorkflowState,
  workflowDefaults,
} from './types.ts'

/** Where the rules say what they find. What is said in which way decides how a server begins the sentence. */
export interface Findings {
  /** Of the document as such. */
  header(path: Path, message: string): void
  rule(path: Path, message: string): void
  /** A limit that is out of its range. */
  limit(path: Path, message: string): void
  warn(path: Path, message: string): void
}

/** Segments of the API's own routes: a workflow of such a name could not be reached. */
const takenNames: readonly string[] = ['executions', 'temporal']

/** Names that the blackboard or the templates give a meaning of their own. */
const meaningful: readonly string[] = [
  ...['tenant_id', 'intent', 'input', 'workflow', 'execution', 'blackboard', 'state', 'human', 'signals'],
]

/**
 * The rules of a registration. What has the wrong type was said before and is not there. The messages are those published clients show, word for word.
 */
export function judgeWorkflow(
  manifest: WorkflowManifestDocument,
  stateNames: ReadonlySet<string>,
  findings: Findings,
): void {
  const { header, rule, limit, warn } = findings
  if (manifest.apiVersion !== AGENT_API_VERSION)
    header(['apiVersion'], `Invalid API version: expected '${AGENT_API_VERSION}', got '${shown(manifest.apiVersion)}'`)
  if (manifest.kind !== 'Workflow') header(['kind'], `Invalid kind: expected 'Workflow', got '${shown(manifest.kind)}'`)
  if (manifest.metadata) judgeName(manifest.metadata.name, rule)
  const { spec } = manifest
  if (!spec) return
  const at = (...steps: (string | number)[]): Path => ['spec', ...steps]
  if (stateNames.size === 0) rule(at('states'), 'Workflow must have at least one state')
  else if (!stateNames.has(spec.initial_state ?? ''))
    rule(at('initial_state'), `Initial state '${spec.initial_state ?? ''}' not found in workflow states`)
  const { max_total_transitions: most } = spec
  if (most !== undefined && !within(most, 1, 100))
    limit(at('max_total_transitions'), `max_total_transitions must be between 1 and 100, got ${most}`)
  const declared = new Set((spec.storage?.shared_volumes ?? []).map(({ name }) => name))
  for (const [name, state] of Object.entries(spec.states ?? {})) {
    const here = (...steps: (string | number)[]): Path => at('states', name, ...steps)
    if (name.trim() === '') rule(here(), 'Invalid state name: State name cannot be empty')
    if (meaningful.includes(name))
      warn(here(), `the state is called '${name}', which means something else in templates; its output hides that`)
    const { max_state_visits: visits } = state
    if (visits !== undefined && !within(visits, 1, 20))
      limit(here('max_state_visits'), `max_state_visits for state '${name}' must be between 1 and 20, got ${visits}`)
    state.transitions?.forEach(({ target }, index) => {
      if (!stateNames.has(target))
        rule(here('transitions', index, 'target'), `Transition target '${target}' not found (from state '${name}')`)
    })
    judgeState(name, state, here, rule)
    if (declared.size > 0)
      for (const { name: volume, path } of volumesOf(state))
        if (!declared.has(volume) && !(volume === 'workspace' && spec.storage?.workspace !== undefined))
          rule(
            here(...path),
            `Volume '${volume}' referenced in state '${name}' is not declared in spec.storage.shared_volumes`,
          )
  }
  judgeRoutes(spec, findings)
}

const shown = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)

const within = (value: number, min: number, max: number): boolean => value >= min && value <= max

function judgeName(name: string | undefined, rule: Findings['rule']): void {
  const invalid = (why: string) => rule(['metadata', 'name'], `Invalid workflow name: Invalid workflow name: ${why}`)
  if (name === undefined || name.length < 1 || name.length > 63) invalid('Name must be 1-63 characters')
  else if (!/^[a-z0-9-]+$/.test(name)) invalid('Name must be lowercase alphanumeric + hyphens')
  else if (name.startsWith('-') || name.endsWith('-')) invalid('Name must start and end with alphanumeric')
  else if (takenNames.includes(name))
    rule(
      ['metadata', 'name'],
      `Workflow name '${name}' is part of the addresses of the API (/v1/workflows/${name}); choose another`,
    )
}

type Here = (...steps: (string | number)[]) => Path

function judgeState(name: string, state: WorkflowState, here: Here, rule: Findings['rule']): void {
  switch (state.kind) {
    case 'Human':
      if (state.timeout !== undefined && state.timeout_seconds !== undefined)
        rule(here('timeout_seconds'), `State '${name}' has both timeout and timeout_seconds; keep one`)
      break
    case 'ParallelAgents':
      if (state.agents?.length === 0)
        rule(here('agents'), `ParallelAgents.agents must contain at least one agent (state '${name}')`)
      judgeWeights(state.consensus?.confidence_weighting, here('consensus', 'confidence_weighting'), rule)
      break
    case 'ContainerRun':
      judgeContainer(name, state, here, rule)
      break
    case 'ParallelContainerRun':
      judgeSteps(name, state.steps ?? [], here, rule)
      break
    case 'Subworkflow': {
      const invalid = (path: Path, why: string) =>
        rule(path, `Invalid subworkflow state configuration in state '${name}': ${why}`)
      if (isBlank(state.workflow_id)) invalid(here('workflow_id'), 'Subworkflow.workflow_id cannot be empty')
      if (state.mode !== 'blocking' && state.mode !== 'fire_and_forget')
        rule(here('mode'), `Invalid subworkflow mode '${shown(state.mode)}': expected 'blocking' or 'fire_and_forget'`)
      if (state.mode === 'blocking' && isBlank(state.result_key))
        invalid(here('result_key'), 'Subworkflow in blocking mode requires a result_key')
      if (state.mode === 'fire_and_forget' && state.result_key !== undefined)
        invalid(here('result_key'), 'Subworkflow in fire_and_forget mode must not specify result_key')
    }
  }
}

function judgeWeights(
  weights: { agreement_factor?: number; self_confidence_factor?: number } | undefined,
  path: Path,
  rule: Findings['rule'],
): void {
  const {
    agreement_factor: agreement = workflowDefaults.agreementFactor,
    self_confidence_factor: own = workflowDefaults.selfConfidenceFactor,
  } = weights ?? {}
  const sum = agreement + own
  if (Math.abs(sum - 1) <= 0.01 + Number.EPSILON) return
  rule(
    path,
    `Confidence weights must sum to 1.0, got ${agreement.toFixed(2)} (agreement) + ${own.toFixed(2)} (self-confidence) = ${sum.toFixed(2)}`,
  )
}

const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === ''

function judgeContainer(name: string, step: ContainerStep, here: Here, rule: Findings['rule']): void {
  const invalid = (path: Path, why: string) =>
    rule(path, `Invalid container state configuration in state '${name}': ${why}`)
  if (isBlank(step.name)) invalid(here('name'), 'ContainerRun.name cannot be empty')
  if (isBlank(step.image)) invalid(here('image'), 'ContainerRun.image cannot be empty')
  if (!step.command?.length) invalid(here('command'), 'ContainerRun.command must contain at least one token')
  step.volumes?.forEach((volume: ContainerVolume, index) => {
    if (isBlank(volume.name)) invalid(here('volumes', index, 'name'), 'ContainerRun volume name cannot be empty')
    if (volume.mount_path?.startsWith('/') === false)
      invalid(
        here('volumes', index, 'mount_path'),
        `ContainerRun mount_path '${volume.mount_path}' must be an absolute path`,
      )
  })
}

function judgeSteps(name: string, steps: readonly ContainerStep[], here: Here, rule: Findings['rule']): void {
  const invalid = (path: Path, why: string) =>
    rule(path, `Invalid container state configuration in state '${name}': ${why}`)
  if (steps.length === 0) invalid(here('steps'), 'ParallelContainerRun.steps must contain at least one step')
  const seen = new Set<string>()
  steps.forEach((step, index) => {
    const at: Here = (...more) => here('steps', index, ...more)
    const named = step.name ?? ''
    const of = `ParallelContainerRun step '${named}'`
    if (isBlank(named)) invalid(at('name'), 'ParallelContainerRun step name cannot be empty')
    else if (seen.has(named)) invalid(at('name'), `ParallelContainerRun step name '${named}' must be unique`)
    seen.add(named)
    if (isBlank(step.image)) invalid(at('image'), `${of} has empty image`)
    if (!step.command?.length) invalid(at('command'), `${of} command must contain at least one token`)
    step.volumes?.forEach((volume, place) => {
      if (isBlank(volume.name)) invalid(at('volumes', place, 'name'), `${of} has empty volume name`)
      if (volume.mount_path?.startsWith('/') === false)
        invalid(at('volumes', place, 'mount_path'), `${of} has non-absolute mount_path '${volume.mount_path}'`)
    })
  })
}

/** Volumes that a state mounts, by the names they have in the workflow, with where they are named. */
function volumesOf(state: WorkflowState): { name: string; path: (string | number)[] }[] {
  const named = (volumes: readonly ContainerVolume[] | undefined, path: (string | number)[]) =>
    (volumes ?? []).map(({ name }, index) => ({ name, path: [...path, 'volumes', index, 'name'] }))
  switch (state.kind) {
    case 'Agent':
      return (state.volumes ?? []).map(({ volume }, index) => ({ name: volume, path: ['volumes', index, 'volume'] }))
    case 'ContainerRun':
      return named(state.volumes, [])
    case 'ParallelContainerRun':
      return (state.steps ?? []).flatMap((step, index) => named(step.volumes, ['steps', index]))
    default:
      return []
  }
}
