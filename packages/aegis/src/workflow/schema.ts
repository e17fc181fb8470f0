import { parseDuration, parseSize } from '../manifest/units.ts'
import {
  anyObject,
  anything,
  boolean,
  type Fields,
  formatPath,
  integer,
  isRecord,
  like,
  list,
  mapOf,
  number,
  type Path,
  type Reading,
  record,
  type Shape,
  string,
  text,
  word,
} from '../shape/shape.ts'
import {
  type AgentState,
  type ConditionField,
  type ConsensusConfig,
  type ContainerRunState,
  type ContainerStep,
  type ContainerVolume,
  conditions,
  type HumanState,
  type Judge,
  type ParallelAgentsState,
  type ParallelContainerRunState,
  type SharedVolume,
  type StateKind,
  type SubworkflowState,
  type SystemState,
  stateKinds,
  type Transition,
  type WorkflowManifestDocument,
  type WorkflowMetadata,
  type WorkflowSpec,
  type WorkflowState,
  type WorkspaceStorage,
} from './types.ts'

/** Seconds of a duration of a workflow: as of an agent, with blanks between its parts (`1h 30m`). */
export const parseWorkflowDuration = (written: string): number | undefined =>
  parseDuration(written.replace(/([a-z])\s+(?=\d)/g, '$1'))

const duration: Shape<string> = (value, path, reading) => {
  const written = text(value, path, reading)
  if (written === undefined) return undefined
  const seconds = parseWorkflowDuration(written)
  if (seconds !== undefined && seconds > 0) return written
  const fault = seconds === undefined ? 'is not a duration' : 'is no time at all'
  reading.report(path, `${formatPath(path)}: '${written}' ${fault}; write for example 300s, 5m or 1h 30m`)
  return undefined
}

const size: Shape<string> = (value, path, reading) => {
  const written = text(value, path, reading)
  if (written === undefined || parseSize(written) !== undefined) return written
  reading.report(path, `${formatPath(path)}: '${written}' is not a size; write for example 512Mi, 1Gi or plain bytes`)
  return undefined
}

/** What the name of a state must not let pass: an unknown key there is mostly a condition or a limit that was mistyped. */
const strict = <T extends object>(fields: Fields<T>, required: readonly (keyof T & string)[] = []): Shape<T> =>
  record<T>(fields, { required, unknownKeys: 'refuse' })

const positive: Shape<number> = (value, path, reading) => {
  const read = number()(value, path, reading)
  if (read === undefined || read > 0) return read
  reading.report(path, `${formatPath(path)} must be more than 0, not ${read}`)
  return undefined
}

const seconds = positive
const weight = number({ min: 0 })
const factor = number({ min: 0, max: 1 })

/** A whole number stays one; anything else is text, as it was written. */
const comparand: Shape<string | number> = (value, path, reading) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : text(value, path, reading)

const transitionFields = strict<Transition>(
  {
    condition: word(Object.keys(conditions) as (keyof typeof conditions)[]),
    target: text,
    feedback: text,
    value: comparand,
    threshold: number(),
    agreement: number(),
    min: number(),
    max: number(),
    expression: text,
  },
  ['target'],
)

const conditionFields: readonly ConditionField[] = ['value', 'threshold', 'agreement', 'min', 'max', 'expression']

/** Each condition has the fields it needs and no others: a threshold under the name of another condition would not be looked at. */
const transition: Shape<Transition> = like(transitionFields, (value, path, reading) => {
  const read = transitionFields(value, path, reading)
  if (read === undefined || !isRecord(value)) return read
  if (value.condition !== undefined && value.condition !== null && read.condition === undefined) return read
  const name = read.condition ?? 'always'
  const takes = conditions[name]
  for (const field of conditionFields) {
    const isGiven = value[field] !== undefined && value[field] !== null
    const at = [...path, field]
    if (!isGiven && takes.required.some((needed) => needed === field))
      reading.report(at, `${formatPath(at)} is required by the condition '${name}'`)
    if (isGiven && ![...takes.required, ...takes.optional].some((taken) => taken === field))
      reading.report(at, `${formatPath(at)}: the condition '${name}' takes no '${field}'`)
  }
  if (name === 'exit_code' && read.value !== undefined && typeof read.value !== 'number')
    reading.report([...path, 'value'], `${formatPath([...path, 'value'])} must be a whole number, not '${read.value}'`)
  // What a person answers is text: `value: 5` and `value: yes` are compared as they were written.
  if (name === 'input_equals' && typeof read.value === 'number')
    return { ...read, value: reading.written([...path, 'value']) ?? String(read.value) }
  return read
})

const common = {
  transitions: list(transition),
  timeout: duration,
  max_state_visits: integer(),
}

const judge = strict<Judge>({ agent_id: text, input_template: text, weight }, ['agent_id'])

/** `agreement` is another name of `min_agreement_confidence`. */
const consensusFields = strict<ConsensusConfig>(
  {
    strategy: word(['weighted_average', 'majority', 'unanimous', 'best_of_n'], { majority_vote: 'majority' }),
    threshold: factor,
    min_agreement_confidence: factor,
    n: integer({ min: 1 }),
    min_judges_required: integer({ min: 1 }),
    confidence_weighting: strict<NonNullable<ConsensusConfig['confidence_weighting']>>({
      agreement_factor: factor,
      self_confidence_factor: factor,
    }),
  },
  ['strategy'],
)
const consensus: Shape<ConsensusConfig> = like(consensusFields, (value, path, reading) =>
  consensusFields(withoutAlias(value, 'agreement', 'min_agreement_confidence', path, reading), path, reading),
)

/** The value with what stands under `alias` under `name`. */
function withoutAlias(value: unknown, alias: string, name: string, path: Path, reading: Reading): unknown {
  if (!isRecord(value) || value[alias] === undefined) return value
  const { [alias]: given, ...rest } = value
  if (rest[name] !== undefined && rest[name] !== given)
    reading.report([...path, alias], `${formatPath(path)} has both ${name} and its alias ${alias}; keep one`)
  return { ...rest, [name]: rest[name] ?? given }
}

const containerVolumes = list(
  strict<ContainerVolume>({ name: text, mount_path: text, read_only: boolean }, ['name', 'mount_path']),
)

const stepFields: Fields<ContainerStep> = {
  name: text,
  image: text,
  command: list(text),
  env: mapOf(text),
  workdir: text,
  volumes: containerVolumes,
  resources: strict<NonNullable<ContainerStep['resources']>>({ cpu: positive, memory: size, timeout: duration }),
  registry_credentials: text,
  shell: boolean,
  network_mode: string,
}

/** Which of the two it must be is said by the rules, in their words. */
const mode = text as Shape<SubworkflowState['mode']>

const kind = word(stateKinds)
const kindField = kind as Shape<never>

const states: { readonly [K in StateKind]: Shape<Extract<WorkflowState, { kind: K }>> } = {
  Agent: strict<AgentState>(
    {
      kind: kindField,
      ...common,
      agent: text,
      input: text,
      intent: text,
      isolation: word(['inherit', 'firecracker', 'docker', 'process']),
      judges: list(judge),
      max_iterations: integer({ min: 1, max: 255 }),
      pre_execution_validator: anyObject,
      output_handler: anyObject,
      volumes: list(
        strict<NonNullable<AgentState['volumes']>[number]>(
          { volume: text, mount_path: text, access_mode: word(['read-only', 'read-write']) },
          ['volume', 'mount_path'],
        ),
      ),
    },
    ['agent', 'transitions'],
  ),
  System: strict<SystemState>({ kind: kindField, ...common, command: text, env: mapOf(text), workdir: text }, [
    'command',
    'transitions',
  ]),
  Human: strict<HumanState>(
    {
      kind: kindField,
      ...common,
      prompt: text,
      default_response: text,
      timeout_seconds: seconds,
      reject_on_timeout: boolean,
    },
    ['prompt', 'transitions'],
  ),
  ParallelAgents: strict<ParallelAgentsState>(
    {
      kind: kindField,
      ...common,
      agents: list(
        strict<ParallelAgentsState['agents'][number]>(
          { agent: text, input: text, weight, timeout_seconds: seconds, poll_interval_ms: integer({ min: 1 }) },
          ['agent'],
        ),
      ),
      consensus,
      judges_for_parallel: list(judge),
      output_handler: anyObject,
    },
    ['agents', 'consensus', 'transitions'],
  ),
  ContainerRun: strict<ContainerRunState>(
    {
      kind: kindField,
      ...common,
      ...stepFields,
      image_pull_policy: word(['Always', 'IfNotPresent', 'Never']),
      retry: strict<NonNullable<ContainerRunState['retry']>>({
        max_attempts: integer({ min: 0, max: 100 }),
        backoff: duration,
      }),
      read_only_root_filesystem: boolean,
      run_as_user: text,
      output_handler: anyObject,
    },
    ['transitions'],
  ),
  ParallelContainerRun: strict<ParallelContainerRunState>(
    {
      kind: kindField,
      ...common,
      steps: list(strict<ContainerStep>(stepFields)),
      completion: word(['all_succeed', 'any_succeed', 'best_effort']),
    },
    ['transitions'],
  ),
  Subworkflow: strict<SubworkflowState>(
    { kind: kindField, ...common, workflow_id: text, mode, result_key: text, input: anything },
    ['transitions'],
  ),
}

/** A state by its `kind`. */
const state: Shape<WorkflowState> = (value, path, reading) => {
  if (!isRecord(value)) return anyObject(value, path, reading) as undefined
  if (value.kind === undefined || value.kind === null) {
    reading.report([...path, 'kind'], `${formatPath([...path, 'kind'])} is required: one of ${stateKinds.join(', ')}`)
    return undefined
  }
  const named = kind(value.kind, [...path, 'kind'], reading)
  return named === undefined ? undefined : (states[named](value, path, reading) as WorkflowState | undefined)
}

const metadata = record<WorkflowMetadata>({
  name: text,
  version: text,
  description: text,
  labels: mapOf(text),
  annotations: mapOf(text),
  input_schema: anyObject,
  output_schema: anyObject,
  output_template: anything,
})

const storageClass = word(['ephemeral', 'persistent'])

const spec = record<WorkflowSpec>({
  initial_state: text,
  context: anyObject,
  states: mapOf(state),
  storage: record<NonNullable<WorkflowSpec['storage']>>({
    workspace: record<WorkspaceStorage>({
      storage_class: storageClass,
      ttl_hours: positive,
      size_limit_mb: positive,
      volume_id: text,
      blackboard_key: text,
    }),
    shared_volumes: list(
      record<SharedVolume>(
        {
          name: text,
          storage_class: storageClass,
          size_limit_bytes: positive,
          size_limit_mb: positive,
          ttl_hours: positive,
          volume_id: text,
        },
        { required: ['name'] },
      ),
    ),
  }),
  max_total_transitions: integer(),
})

/** The structure of a workflow manifest; what a field means beside its type is judged in `rules.ts`. */
export const workflowShape = record<WorkflowManifestDocument>(
  {
    apiVersion: anything as Shape<WorkflowManifestDocument['apiVersion']>,
    kind: anything as Shape<'Workflow'>,
    metadata,
    spec,
  },
  { required: ['metadata', 'spec'] },
)
