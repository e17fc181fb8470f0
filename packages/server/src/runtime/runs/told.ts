import type { EntryPlace } from '../../changes/journal/journal.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { ContainerResult, ContainerWork, RunEvent, Step } from '../interpreter/run.ts'
import { type EventTypeName, eventTypes } from '../record/event-types.ts'
import type { RunRecord } from './run-record.ts'

/** Of a value in a log, as JSON in UTF-16 units: the run itself has the whole. */
const MOST_SHOWN = 32 * 1024

/** What the journal is told of a run. */
export interface RunTold {
  readonly type: EventTypeName
  readonly fields: Readonly<Record<string, unknown>>
  readonly workflow: { readonly id: string; readonly name: string }
}

const lastTypes: ReadonlySet<string> = new Set<EventTypeName>([
  'workflow_execution_completed',
  'workflow_execution_failed',
  'workflow_execution_cancelled',
])

/** Nothing comes after an event of this type. */
export const isLastOfRun = (type: string): boolean => lastTypes.has(type)

/** What there is to tell of an event and of what became of the run by it. `before` is the state that the event is about. */
export function told(
  { workflowId, workflowName }: Pick<RunRecord, 'workflowId' | 'workflowName'>,
  { commands }: Step,
  event: RunEvent,
  before: string,
): RunTold[] {
  const workflow = { id: workflowId, name: workflowName }
  const tell = (type: EventTypeName, fields: Readonly<Record<string, unknown>>) => ({ type, fields, workflow })
  const ended = iterationEnded(event)
  return [
    ...(ended ? [tell(ended.type, ended.fields)] : []),
    ...containersEnded(event, before).map(({ type, fields }) => tell(type, fields)),
    ...commands.flatMap((command): RunTold[] => {
      switch (command.type) {
        case 'tell':
          return isKnown(command.event) ? [tell(command.event, shownFields(command.fields, workflowId))] : []
        case 'work':
          return beginning(command).map(({ type, fields }) => tell(type, fields))
        default:
          return []
      }
    }),
  ]
}

type Fact = Pick<RunTold, 'type' | 'fields'>

/** What a state begins that is told for itself. */
function beginning({ work, state: state_name }: Extract<Step['commands'][number], { type: 'work' }>): Fact[] {
  const begun = ({ name, image, command }: ContainerWork): Fact => ({
    type: 'container_run_started',
    fields: { state_name, step_name: name, image, command: bounded(command) },
  })
  switch (work.kind) {
    case 'Agent':
      return [{ type: 'workflow_iteration_started', fields: { iteration_number: work.iteration, state_name } }]
    case 'ContainerRun':
      return [begun(work.step)]
    case 'ParallelContainerRun':
      return work.steps.map(begun)
    default:
      return []
  }
}

/** What has become of containers. */
function containersEnded(event: RunEvent, state_name: string): Fact[] {
  if (event.type !== 'state_completed') return []
  const { result } = event
  const ended = (step_name: string, { exitCode, stdout, stderr, durationMs, failure = null }: ContainerResult): Fact =>
    failure === null && exitCode !== null
      ? {
          type: 'container_run_completed',
          fields: {
            state_name,
            step_name,
            exit_code: exitCode,
            stdout_bytes: Buffer.byteLength(stdout),
            stderr_bytes: Buffer.byteLength(stderr),
            duration_ms: durationMs,
          },
        }
      : { type: 'container_run_failed', fields: { state_name, step_name, reason: failure } }
  if (result.kind === 'ContainerRun') return [ended(result.name ?? '', result)]
  if (result.kind !== 'ParallelContainerRun') return []
  const steps = Object.entries(result.steps)
  const failed = steps.filter(([, one]) => one.exitCode !== 0 || (one.failure ?? null) !== null).length
  const fields = { state_name, total_steps: steps.length, succeeded: steps.length - failed, failed }
  return [
    ...steps.map(([name, one]) => ended(name, one)),
    { type: 'parallel_container_run_aggregated', fields: { ...fields, strategy: result.completion ?? 'all_succeed' } },
  ]
}

/** An execution of an Agent state. */
function iterationEnded(event: RunEvent): Pick<RunTold, 'type' | 'fields'> | null {
  if (event.type !== 'state_completed' || event.result.kind !== 'Agent') return null
  const { isSuccess, output, error, executionId, iterations: iteration_number } = event.result
  const fields = { iteration_number, child_execution_id: executionId }
  return isSuccess
    ? { type: 'workflow_iteration_completed', fields: { ...fields, output: bounded(output) } }
    : { type: 'workflow_iteration_failed', fields: { ...fields, error } }
}

/** What the journal has a word for. */
const isKnown = (type: string): type is EventTypeName => Object.hasOwn(eventTypes, type)

function shownFields(fields: Readonly<Record<string, unknown>>, workflow_id: string) {
  return { workflow_id, ...Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, bounded(value)])) }
}

/** A value as logs show it: one that is larger is left out, and its size told. */
function bounded(value: unknown): unknown {
  const size = JSON.stringify(value)?.length ?? 0
  return size <= MOST_SHOWN ? value : { omitted: true, characters: size }
}

/** An event as the logs of a run carry it. Source: AEGIS API reference, workflow log events. */
export function logEntryOf({ type, fields, workflow }: RunTold, { subject, sequence, at }: EntryPlace) {
  const { variant, category, at: timeField } = eventTypes[type]
  const timestamp = toWireTime(at)
  const { iteration_number } = fields
  const state_name = fields.state_name ?? fields.parent_state_name
  const above = type.startsWith('subworkflow_') ? { parent_execution_id: subject.id } : {}
  return {
    execution_id: subject.id,
    workflow_id: workflow.id,
    workflow_name: workflow.name,
    type: variant,
    event_type: variant,
    message: messageOf(type, fields),
    ...(state_name === undefined ? {} : { state_name }),
    ...(iteration_number === undefined ? {} : { iteration_number }),
    timestamp,
    sequence,
    details: {
      type: category,
      [variant]: {
        execution_id: subject.id,
        ...above,
        ...fields,
        ...(timeField === null ? {} : { [timeField]: timestamp }),
      },
    },
  }
}

function messageOf(type: EventTypeName, fields: RunTold['fields']): string {
  const n = fields.iteration_number
  switch (type) {
    case 'workflow_execution_started':
      return 'Workflow execution started'
    case 'workflow_state_entered':
      return `Entered workflow state ${fields.state_name}`
    case 'workflow_state_exited':
      return `Exited workflow state ${fields.state_name}`
    case 'workflow_iteration_started':
      return `Workflow iteration ${n} started`
    case 'workflow_iteration_completed':
      return `Workflow iteration ${n} completed`
    case 'workflow_iteration_failed':
      return `Workflow iteration ${n} failed: ${fields.error}`
    case 'workflow_execution_completed':
      return 'Workflow execution completed'
    case 'workflow_execution_cancelled':
      return 'Workflow execution cancelled'
    case 'workflow_execution_failed':
      return `Workflow execution failed: ${fields.reason}`
    case 'subworkflow_triggered':
      return `Subworkflow ${fields.child_workflow_id ?? fields.child_execution_id} triggered from state ${fields.parent_state_name} (mode: ${fields.mode})`
    case 'subworkflow_completed':
      return `Subworkflow ${fields.child_execution_id} completed`
    case 'subworkflow_failed':
      return `Subworkflow ${fields.child_execution_id} failed: ${fields.reason}`
    default:
      return type.replaceAll('_', ' ')
  }
}
