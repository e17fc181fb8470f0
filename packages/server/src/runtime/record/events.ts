import type { EntryPlace } from '../../changes/journal/journal.ts'
import { toWireTime } from '../../storage/instants.ts'
import { type EventTypeName, eventTypes, type FieldsOf, type More } from './event-types.ts'

const terminalTypes: ReadonlySet<string> = new Set<EventTypeName>([
  'execution_completed',
  'execution_failed',
  'execution_cancelled',
  'execution_timed_out',
])

/** Nothing comes after an event of this type. */
export const isTerminal = (type: string): boolean => terminalTypes.has(type)

/** An event before it has its place in the execution. */
export interface EventDraft {
  readonly type: EventTypeName
  readonly fields: Readonly<Record<string, unknown>>
}

/** @param fields those of its type, and what else there is to tell */
export const draft = <Type extends EventTypeName>(type: Type, fields: FieldsOf<Type> & More): EventDraft => ({
  type,
  fields,
})

/**
 * The event as streams carry it: the fields flat, under their own type, and under `details`, so that clients of every
 * generation find them where they look.
 */
export function envelopeOf(event: EventDraft, { subject, sequence, at }: EntryPlace): Record<string, unknown> {
  const { variant, category, stage, at: timeField } = eventTypes[event.type]
  const timestamp = toWireTime(at)
  const fields = {
    execution_id: subject.kind === 'execution' ? subject.id : null,
    agent_id: subject.agentId,
    ...(category === 'storage' ? whereabouts : {}),
    ...(timeField !== null ? { [timeField]: timestamp } : {}),
    ...event.fields,
  }
  return {
    ...fields,
    type: event.type,
    event_type: event.type,
    category,
    timestamp,
    iteration: event.fields.iteration_number ?? null,
    stage,
    message: messageOf(event, subject.id),
    sequence,
    [event.type]: fields,
    details: {
      type: category,
      ...(event.type === 'gradient_validation_performed' || event.type === 'multi_judge_consensus'
        ? { Validation: { [variant]: fields } }
        : { [variant]: fields }),
    },
  }
}

/** Fields of every event of files that this server has nothing for: files are those of executions, and no nodes call each other. */
const whereabouts = { workflow_execution_id: null, caller_node_id: null, host_node_id: null }

const LONGEST_ACTION = 200

function messageOf({ type, fields }: EventDraft, executionId: string): string {
  const n = fields.iteration_number
  switch (type) {
    case 'execution_started':
      return `Execution ${executionId} started`
    case 'iteration_started':
      return `Iteration ${n} started: ${String(fields.action).slice(0, LONGEST_ACTION)}`
    case 'iteration_completed':
      return `Iteration ${n} completed`
    case 'iteration_failed':
      return `Iteration ${n} failed: ${(fields.error as { message?: string } | undefined)?.message ?? ''}`
    case 'refinement_applied':
      return `Applied refinement after iteration ${n}`
    case 'execution_completed':
      return `Execution completed after ${fields.total_iterations} iterations`
    case 'execution_resumed':
      return `Execution resumed after its server was interrupted`
    case 'child_execution_spawned':
      return `Child execution ${fields.child_execution_id} started`
    case 'child_execution_completed':
      return `Child execution ${fields.child_execution_id} ended: ${fields.outcome}`
    case 'execution_failed':
      return `Execution failed: ${fields.reason}`
    case 'execution_cancelled':
      return fields.reason ? `Execution cancelled: ${fields.reason}` : 'Execution cancelled'
    case 'execution_timed_out':
      return `Execution timed out after ${fields.timeout_seconds}s`
    case 'network_access_denied':
      return `Network access denied: ${fields.host}:${fields.port}`
    default:
      return type.replaceAll('_', ' ')
  }
}
