import { RedactionPolicy } from '@lictor/contracts'
import { AuditEvent, type AuditSink, auditToWire, auditWireText } from '@lictor/guard'
import type { Subject } from '../../changes/subject.ts'
import type { Governance } from '../../governance/governance.ts'
import { storableText } from '../../storage/storable.ts'
import { concealed } from '../concealed.ts'

const redaction = new RedactionPolicy()

/** Whose calls are recorded. */
export interface AuditedAgent {
  readonly tenantId: string
  readonly name: string
  readonly env: string
  /** What the calls belong to: an execution, or a call of its own. */
  readonly subject: Subject
  /** What the contracts count over: the execution, or the session of several calls. */
  readonly sessionId: string
  /** What else every event of it says, of a call that came by a signed envelope. */
  readonly origin?: Readonly<Record<string, unknown>>
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
export function createAuditSink(deps: {
  events: Governance['events']
  newId: () => string
  agent: AuditedAgent
  policy: () => AuditedPolicy
  /** Arguments that a tool conceals, by the tool's name. */
  concealedBy: (toolName: string) => readonly string[] | undefined
}): AuditSink {
  const { events, newId, agent, policy, concealedBy } = deps
  return {
    async emit(event: AuditEvent) {
      const origin = { tenantId: agent.tenantId, env: agent.env }
      const names = concealedBy(event.toolName)
      const shown =
        names === undefined
          ? event
          : new AuditEvent({ ...event, toolArgs: concealed(event.toolArgs, names), resultSummary: null })
      await events.recordOwn(wireOf(shown, agent, policy(), newId()), origin)
    },
  }
}

function wireOf(
  event: AuditEvent,
  agent: AuditedAgent,
  { bundleName, securityContext }: AuditedPolicy,
  eventId: string,
) {
  const wire = auditToWire(event, { agentId: agent.name, eventId, bundleName, environment: agent.env })
  const byContextAlone = {
    decision_source: 'security_context',
    decision_name: securityContext,
    reason: 'No bundle is assigned to this agent; its security context alone allows the call.',
  }
  const payload = {
    ...wire.payload,
    ...(bundleName === null && event.decisionSource === null ? byContextAlone : {}),
    ...(agent.subject.kind === 'execution' ? { execution_id: agent.subject.id } : { session_id: agent.sessionId }),
    ...agent.origin,
  }
  // A model names tools as it likes; the log takes no U+0000.
  const named = { ...wire, tool_name: storableText(wire.tool_name), payload }
  return JSON.parse(auditWireText(named, redaction)) as unknown
}
