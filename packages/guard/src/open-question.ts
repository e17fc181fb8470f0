import type { Envelope } from '@lictor/contracts'
import type { ApprovalDecision } from './approvals.ts'
import { type Answer, answerOf, type Question, requestOf } from './asking.ts'
import { configError, EdictumPending } from './errors.ts'
import type { Session } from './session.ts'

/** What a session remembers of a question whose asker may be gone. */
interface OpenQuestion {
  readonly approval_id: string
  /** Of the contracts that asked: the approval is bound to it. */
  readonly policy_version: string | null
}

/**
 * Puts a question that outlives its run. The first time it is asked and kept in the session; whoever makes the same call of the
 * same session again, with the same id and arguments, hears what was decided meanwhile. While nothing is, `EdictumPending` is
 * thrown. An approval is used up before the call runs, so that a run that is gone on with twice runs it once.
 */
export async function askOrRecall(question: Question, session: Session): Promise<Answer> {
  const { approvalBackend, envelope, pre, policyVersion } = question
  const recall = approvalBackend.decisionOf?.bind(approvalBackend)
  if (!recall) throw configError('The approval backend cannot tell of a decision later; connect the guard to a server.')
  if (envelope.toolUseId === null)
    throw configError(`A call of '${envelope.toolName}' has no id of its own, by which it could be known again.`)
  const name = `question:${await identityOf(envelope, pre.decisionName)}`
  const kept = await session.changeValue(name, (stored) => ({
    value: null,
    result: stored === null ? null : (JSON.parse(stored) as OpenQuestion),
  }))
  if (kept === null) {
    const { approvalId } = await requestOf(question)
    const open: OpenQuestion = { approval_id: approvalId, policy_version: policyVersion }
    await session.changeValue(name, () => ({ value: JSON.stringify(open), result: undefined }))
    await question.requested({ id: approvalId, decidedBy: null, reason: null, actionDigest: null, verification: null })
    throw pendingOf(question, approvalId)
  }
  const decision: ApprovalDecision | null = await recall(kept.approval_id, {
    toolName: envelope.toolName,
    toolArgs: envelope.args,
    contractName: pre.decisionName,
    policyVersion: kept.policy_version,
    timeoutEffect: pre.approvalTimeoutEffect,
    ...(question.signal ? { signal: question.signal } : {}),
  })
  if (decision === null) throw pendingOf(question, kept.approval_id)
  return answerOf(decision, kept.approval_id, pre)
}

function pendingOf({ envelope, pre }: Question, approvalId: string): EdictumPending {
  return new EdictumPending(approvalId, envelope.toolName, envelope.args, pre.approvalMessage ?? pre.reason ?? '')
}

/** By this a call is known again: other arguments are another call. */
async function identityOf({ toolName, toolUseId, args }: Envelope, contractName: string | null): Promise<string> {
  const { actionDigest, jsonArguments } = await import('./server/action-digest.ts')
  return actionDigest({
    agentId: toolUseId ?? '',
    toolName,
    toolArgs: jsonArguments(args),
    contractName,
    policyVersion: null,
  })
}
