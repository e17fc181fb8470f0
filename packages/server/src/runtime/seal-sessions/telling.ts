import type { Governance } from '../../governance/governance.ts'
import type { Metrics } from '../../operations/metrics.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { storableText } from '../../storage/storable.ts'
import type { Incidents } from '../incidents/incidents.ts'
import { draft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { SealSession } from './session.ts'

/** What became of a session or of an envelope, in the audit log and where incidents are kept. */
export interface SealTelling {
  attested(session: SealSession, replaced: readonly SealSession[]): Promise<void>
  attestationRefused(about: { tenantId: string | null; workloadId: string | null; reason: string }): Promise<void>
  revoked(sessions: readonly SealSession[]): Promise<void>
  /** An envelope of a session that was not accepted: a bad signature, an expired token, a replay. */
  rejected(session: SealSession, fault: { reason: string; toolName: string | null }): Promise<void>
  /** A call that the session's patterns or context do not allow. */
  blocked(session: SealSession, call: { toolName: string; kind: string; details: string }): Promise<void>
}

export function createSealTelling(deps: {
  events: Governance['events']
  incidents: Incidents
  tenantEvents: Pick<TenantEvents, 'tell'>
  metrics: Pick<Metrics, 'sealAttestations' | 'sealSignatureFailures' | 'sealPolicyViolations'>
  clock: Clock
  random: Random
}): SealTelling {
  const { events, incidents, tenantEvents, metrics, clock, random } = deps

  async function record(
    of: Pick<SealSession, 'tenantId' | 'agentName' | 'env'>,
    verdict: string,
    toolName: string,
    payload: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const id = random.uuid()
    const event = {
      call_id: id,
      agent_id: of.agentName,
      tool_name: storableText(toolName),
      verdict,
      mode: 'enforce',
      timestamp: new Date(clock.now()).toISOString(),
      payload: { ...payload, event_id: id, decision_source: 'seal' },
    }
    await events.recordOwn(event, { tenantId: of.tenantId, env: of.env })
  }

  const facts = (session: SealSession) => ({
    session_id: session.id,
    execution_id: session.executionId,
    workload_id: session.workloadId,
    security_context: session.securityContext.name,
    principal: session.principal,
  })

  return {
    async attested(session, replaced) {
      metrics.sealAttestations.inc({ result: 'success' })
      await record(session, 'seal_attestation_completed', 'seal.attest', facts(session))
      await this.revoked(replaced)
    },
    async attestationRefused({ tenantId, workloadId, reason }) {
      metrics.sealAttestations.inc({ result: 'failure' })
      if (tenantId === null) return
      const about = {
        tenantId,
        agentName: storableText(workloadId ?? 'unknown').slice(0, 200),
        env: 'production' as const,
      }
      await record(about, 'seal_attestation_failed', 'seal.attest', { workload_id: workloadId, reason })
    },
    async revoked(sessions) {
      for (const session of sessions) {
        const reason = session.revokedReason ?? 'revoked'
        await record(session, 'seal_session_revoked', 'seal.session', { ...facts(session), reason })
        await incidents.report({
          ...placeOf(session),
          category: 'seal_session_revoked',
          toolName: null,
          sessionId: session.id,
          reason,
        })
      }
    },
    async rejected(session, { reason, toolName }) {
      if (reason === 'invalid_signature') metrics.sealSignatureFailures.inc()
      await record(session, 'seal_envelope_rejected', toolName ?? 'seal.invoke', { ...facts(session), reason })
    },
    async blocked(session, { toolName, kind, details }) {
      metrics.sealPolicyViolations.inc({ violation_type: kind })
      const { agentId: agent_id, executionId: execution_id } = session
      const refused = {
        agent_id,
        execution_id,
        tool_name: storableText(toolName),
        violation_type: kind,
        details: storableText(details),
      }
      const told = draft('tool_policy_violation', refused)
      await tenantEvents.tell(session, async () => ({ made: undefined, events: [told] }))
      await incidents.report({
        ...placeOf(session),
        category: 'seal_policy_violation_blocked',
        toolName,
        violation: kind,
        violationType: kind,
        details,
      })
    },
  }
}

const placeOf = (session: SealSession) => ({
  tenantId: session.tenantId,
  agentId: session.agentId,
  executionId: session.executionId,
  sessionId: session.id,
})
