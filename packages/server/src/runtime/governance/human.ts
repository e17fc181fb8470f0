import type { ApprovalBackend, ApprovalDecision } from '@lictor/guard'
import { Conflict } from '../../errors.ts'
import type { Approval } from '../../governance/approvals/approval.ts'
import type { Approvals } from '../../governance/approvals/approvals.ts'
import type { Clock } from '../../ports/clock.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { AuditedAgent } from './audit.ts'

const LONGEST_SECONDS = 86_400

/** Told when a call begins to wait for a human and when that ends. */
export type ApprovalWatcher = (change: 'requested' | 'resolved', approval: Approval) => Promise<void>

/**
 * The tenant's inbox as the approval backend of a guard in the runtime. When the execution ends while a human is asked, the
 * request is closed and the call does not run.
 */
export function humanApprovals(deps: {
  approvals: Approvals
  clock: Clock
  agent: AuditedAgent
  signal: AbortSignal
  watch: ApprovalWatcher
}): ApprovalBackend {
  const { approvals, clock, agent, signal, watch } = deps
  return {
    async requestApproval(toolName, toolArgs, message, options = {}) {
      signal.throwIfAborted()
      const approval = await approvals.request({
        tenantId: agent.tenantId,
        agentId: agent.name,
        env: agent.env,
        toolName,
        toolArgs,
        message,
        timeoutSeconds: Math.min(Math.max(1, Math.ceil(options.timeout ?? 300)), LONGEST_SECONDS),
        timeoutEffect: options.timeoutEffect ?? 'deny',
        decisionSource: options.decisionSource ?? null,
        contractName: options.contractName ?? null,
        executionId: agent.executionId,
      })
      await watch('requested', approval)
      return {
        approvalId: approval.id,
        toolName,
        toolArgs,
        message,
        timeout: approval.timeoutSeconds,
        timeoutEffect: approval.timeoutEffect,
        principal: options.principal ?? null,
        metadata: options.metadata ?? {},
        createdAt: toWireTime(approval.createdAt),
      }
    },
    async waitForDecision(approvalId) {
      const approval = await approvals.settled({ tenantId: agent.tenantId, id: approvalId }, { signal })
      if (approval.outcome.status === 'pending') {
        await closeApproval(approvals, approval, 'The execution ended.')
        signal.throwIfAborted()
        throw new Error('This server is stopping; nobody was asked in time.')
      }
      await watch('resolved', approval)
      return decisionOf(approval, clock)
    },
  }
}

/** Close a request that nobody needs an answer to any more. One that was decided meanwhile stays as it is. */
export async function closeApproval(
  approvals: Pick<Approvals, 'decide'>,
  approval: Pick<Approval, 'tenantId' | 'id'>,
  reason: string,
): Promise<void> {
  try {
    await approvals.decide({
      tenantId: approval.tenantId,
      id: approval.id,
      approved: false,
      reason,
      decidedBy: 'system',
      decidedVia: 'execution',
    })
  } catch (error) {
    if (!(error instanceof Conflict)) throw error
  }
}

function decisionOf({ outcome }: Approval, clock: Clock): ApprovalDecision {
  if (outcome.status === 'approved' || outcome.status === 'denied')
    return {
      approved: outcome.status === 'approved',
      approver: outcome.decidedBy,
      reason: outcome.decisionReason,
      status: outcome.status,
      timestamp: toWireTime(outcome.decidedAt),
    }
  return {
    approved: false,
    approver: null,
    reason: null,
    status: outcome.status,
    timestamp: new Date(clock.now()).toISOString(),
  }
}
