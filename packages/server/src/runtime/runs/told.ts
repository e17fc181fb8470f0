import type { EntryPlace } from '../../changes/journal/journal.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { RunEvent, Step } from '../interpreter/run.ts'
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

/** What there is to tell of an event and of what became of the run by it. */
export function told(
  { workflowId, workflowName }: Pick<RunRecord, 'workflowId' | 'workflowName'>,
  { commands }: Step,
  event: RunEvent,
): RunTold[] {
  const workflow = { id: workflowId, name: workflowName }
  const tell = (type: EventTypeName, fields: Readonly<Record<string, unknown>>) => ({ type, fields, workflow })
  const ended = iterationEnded(event)
  return [
    ...(ended ? [tell(ended.type, ended.fields)] : []),
    ...commands.flatMap((command): RunTold[] => {
      switch (command.type) {
        case 'tell':
          return isKnown(command.event) ? [tell(command.event, shownFields(command.fields, workflowId))] : []
        case 'work':
          return command.work.kind === 'Agent'
            ? [tell('workflow_iteration_started', { iteration_number: 1, state_name: command.state })]
            : []
        default:
          return []
      }
    }),
  ]
}

/** The one execution of an Agent state. */
function iterationEnded(event: RunEvent): Pick<RunTold, 'type' | 'fields'> | null {
  if (event.type !== 'state_completed' || event.result.kind !== 'Agent') return null
  const { isSuccess, output, error, executionId, iterations: iteration_number } = event.result
  const fields = { iteration_number, child_execution_id: executionId }
  return isSuccess
    ? { type: 'workflow_iteration_completed', fields: { ...fields, output: bounded(output) } }
    : { type: 'workflow_iteration_failed', fields: { ...fields, error } }
}

/** The interpreter has words for sub-workflows, too, which nothing runs here. */
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
  const { state_name, iteration_number } = fields
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
      [variant]: { execution_id: subject.id, ...fields, ...(timeField === null ? {} : { [timeField]: timestamp }) },
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
    default:
      return type.replaceAll('_', ' ')
  }
}
