import {
  type Mode,
  type PastInput,
  type PrincipalWire,
  principalToWire,
  type RecordWire,
  type RedactionPolicy,
  recordToWire,
  responseText,
} from '@lictor/contracts'
import {
  type ApprovalRecordWire,
  type AuditAction,
  type AuditEvent,
  approvalToWire,
  type HookRecord,
  type WorkflowWire,
  workflowToWire,
} from './event.ts'

/** What an event does not know of itself. */
export interface AuditOrigin {
  readonly agentId: string
  /** A random UUID: by it, a second delivery is recognised. */
  readonly eventId: string
  /** The bundle in force when the event was emitted. */
  readonly bundleName: string | null
  /** Where the event names no environment. */
  readonly environment: string
}

/** The account of an event. What says nothing is left out, from `run_id` on. */
export interface AuditPayloadWire extends Partial<WorkflowWire> {
  readonly tool_args: unknown
  readonly side_effect: string
  readonly environment: string
  readonly principal: PrincipalWire | null
  readonly decision_source: string | null
  readonly decision_name: string | null
  readonly reason: string | null
  readonly policy_version: string | null
  readonly bundle_name: string | null
  readonly event_id: string
  readonly run_id?: string
  readonly contracts_evaluated?: readonly RecordWire[]
  readonly hooks_evaluated?: readonly HookRecord[]
  readonly tool_success?: boolean
  readonly postconditions_passed?: boolean
  readonly policy_error?: true
  readonly duration_ms?: number
  readonly error?: string
  readonly approval?: ApprovalRecordWire
  readonly past?: Required<PastInput>
}

/** An audit event as `POST /api/v1/events` takes it. */
export interface AuditWire {
  readonly call_id: string
  readonly agent_id: string
  readonly tool_name: string
  readonly verdict: AuditAction
  readonly mode: Mode
  readonly timestamp: string
  readonly payload: AuditPayloadWire
}

/** The one place where an audit event becomes what travels: for the guard in an agent and for the one in the server. */
export function auditToWire(event: AuditEvent, origin: AuditOrigin): AuditWire {
  return {
    call_id: event.callId,
    agent_id: origin.agentId,
    tool_name: event.toolName,
    verdict: event.action,
    mode: event.mode,
    timestamp: event.timestamp,
    payload: payloadToWire(event, origin),
  }
}

function payloadToWire(event: AuditEvent, origin: AuditOrigin): AuditPayloadWire {
  const payload: { -readonly [Key in keyof AuditPayloadWire]: AuditPayloadWire[Key] } = {
    tool_args: event.toolArgs,
    side_effect: event.sideEffect,
    environment: event.environment || origin.environment,
    principal: principalToWire(event.principal),
    decision_source: event.decisionSource,
    decision_name: event.decisionName,
    reason: event.reason,
    policy_version: event.policyVersion,
    bundle_name: origin.bundleName,
    event_id: origin.eventId,
  }
  if (event.runId !== '') payload.run_id = event.runId
  if (event.contractsEvaluated.length > 0) payload.contracts_evaluated = event.contractsEvaluated.map(recordToWire)
  if (event.hooksEvaluated.length > 0) payload.hooks_evaluated = event.hooksEvaluated
  if (event.toolSuccess !== null) payload.tool_success = event.toolSuccess
  if (event.postconditionsPassed !== null) payload.postconditions_passed = event.postconditionsPassed
  if (event.policyError) payload.policy_error = true
  if (event.durationMs > 0) payload.duration_ms = event.durationMs
  if (event.error !== null) payload.error = event.error
  if (event.approval !== null) payload.approval = approvalToWire(event.approval)
  if (event.past !== null) payload.past = event.past
  if (event.workflow !== null) Object.assign(payload, workflowToWire(event, event.workflow))
  return payload
}

/** Characters of a payload's JSON beyond which its large parts are cut. */
const MAX_PAYLOAD_LENGTH = 32_768

/** The JSON text of an event on the wire. What JSON cannot hold becomes a bracketed word: no odd argument costs a batch. */
export function auditWireText(wire: AuditWire, redaction: RedactionPolicy): string {
  const { call_id, agent_id, tool_name, verdict, mode, timestamp, payload } = wire
  let payloadText = responseText(payload) ?? '{}'
  if (payloadText.length > MAX_PAYLOAD_LENGTH) payloadText = responseText(redaction.capPayload({ ...payload })) ?? '{}'
  const head = JSON.stringify({ call_id, agent_id, tool_name, verdict, mode, timestamp })
  return `${head.slice(0, -1)},"payload":${payloadText}}`
}
