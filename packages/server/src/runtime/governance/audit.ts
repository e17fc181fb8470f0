import { RedactionPolicy, recordToWire, responseText } from '@lictor/contracts'
import type { AuditEvent, AuditSink } from '@lictor/guard'
import { isProblem, readEvent } from '../../governance/events/event.ts'
import type { Governance } from '../../governance/governance.ts'
import { microsOf } from '../../storage/instants.ts'

const redaction = new RedactionPolicy()

/** Whose calls are recorded. */
export interface AuditedAgent {
  readonly tenantId: string
  readonly name: string
  readonly env: string
  readonly executionId: string
}

/** What a call was judged under, beside the guard's own account. */
export interface AuditedPolicy {
  readonly bundleName: string | null
  /** Said of allowed calls when no bundle is assigned. */
  readonly securityContext: string
}

/**
 * The server's audit log as the sink of a guard in the runtime: the same events, stored before the call goes on. An event that
 * cannot be stored keeps the call from running.
 */
export function auditSink(deps: {
  events: Governance['events']
  now: () => number
  agent: AuditedAgent
  policy: () => AuditedPolicy
}): AuditSink {
  const { events, now, agent, policy } = deps
  return {
    async emit(event: AuditEvent) {
      const read = readEvent(wireOf(event, agent, policy()), {
        tenantId: agent.tenantId,
        env: agent.env,
        receivedAt: microsOf(now()),
      })
      if (isProblem(read))
        throw new Error(`The audit event of '${event.toolName}' is malformed: ${read.field} ${read.msg}`)
      await events.record([read])
    },
  }
}

function wireOf(event: AuditEvent, agent: AuditedAgent, { bundleName, securityContext }: AuditedPolicy) {
  const allowedByContextAlone = bundleName === null && event.decisionSource === null
  const payload = {
    tool_args: event.toolArgs,
    side_effect: event.sideEffect,
    environment: event.environment,
    principal: null,
    decision_source: allowedByContextAlone ? 'security_context' : event.decisionSource,
    decision_name: allowedByContextAlone ? securityContext : event.decisionName,
    reason: allowedByContextAlone
      ? 'No bundle is assigned to this agent; its security context alone allows the call.'
      : event.reason,
    policy_version: event.policyVersion,
    bundle_name: bundleName,
    run_id: event.runId,
    execution_id: agent.executionId,
    ...(event.contractsEvaluated.length > 0 ? { contracts_evaluated: event.contractsEvaluated.map(recordToWire) } : {}),
    ...(event.toolSuccess === null ? {} : { tool_success: event.toolSuccess }),
    ...(event.postconditionsPassed === null ? {} : { postconditions_passed: event.postconditionsPassed }),
    ...(event.policyError ? { policy_error: true } : {}),
    ...(event.durationMs > 0 ? { duration_ms: event.durationMs } : {}),
    ...(event.error === null ? {} : { error: event.error }),
  }
  return {
    call_id: event.callId,
    agent_id: agent.name,
    tool_name: event.toolName,
    verdict: event.action,
    mode: event.mode,
    timestamp: event.timestamp,
    // What JSON cannot hold becomes a bracketed word.
    payload: JSON.parse(responseText(redaction.capPayload(payload)) ?? '{}') as unknown,
  }
}
