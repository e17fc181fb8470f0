import { isDeepStrictEqual } from 'node:util'
import { type ApprovalBackend, type ApprovalDecision, EdictumDenied } from '@lictor/guard'
import type { Approval, Approvals } from '../../governance/governance.ts'
import type { Clock } from '../../ports/clock.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { AuditedAgent } from './audit.ts'

const LONGEST_SECONDS = 2_592_000

/** Do `work`, which waits for a person or a child, without holding what others need meanwhile. */
export type Waiting = <T>(work: () => Promise<T>, waitingFor?: 'person' | 'child') => Promise<T>

/** Told when a call begins to wait for a human and when that ends. */
export type ApprovalWatcher = (change: 'requested' | 'resolved', approval: Approval, callId: string) => Promise<void>

/** Questions that earlier servers asked in the attempt that goes on: those of the call itself, and those of all its calls. */
export interface AskedBefore {
  readonly own: readonly string[]
  readonly all: readonly string[]
}

/**
 * The tenant's inbox as the approval backend of a guard in the runtime. When the attempt ends while a person is asked, the request
 * is taken back and the call does not run.
 *
 * Nobody is asked the same twice in one run: a call that was denied is denied again, by the answer that was given. Nor is anybody
 * asked without end: what a run would ask beyond its limit is denied.
 */
export function createHumanApprovals(deps: {
  approvals: Pick<Approvals, 'request' | 'settled' | 'withdraw' | 'listOf'>
  clock: Clock
  agent: AuditedAgent
  /** Questions that the run may ask. */
  maxQuestions: number
  signal: AbortSignal
  /** Whether the attempt ended here because another server goes on with it: its questions wait for that one. */
  isHandedOver: (signal: AbortSignal) => boolean
  waiting: Waiting
  watch: (change: 'requested' | 'resolved', approval: Approval) => Promise<void>
  /** Of a call that an earlier server began; null for any other. */
  resumed: () => AskedBefore | null
  /** Take up the contracts that are in force now: after an answer the call is judged again, by those. */
  followContracts: () => Promise<void>
}): ApprovalBackend {
  const { approvals, clock, agent, isHandedOver, maxQuestions, signal, waiting, watch, resumed, followContracts } = deps
  const { subject } = agent
  /** What was answered without asking, by the id that stands for the question. */
  const known = new Map<string, ApprovalDecision>()

  /** The answer that needs no person, if there is one. @throws EdictumDenied when nobody may be asked any more. */
  async function answerOf(
    toolName: string,
    toolArgs: object,
  ): Promise<{ id: string; decision: ApprovalDecision } | null> {
    const asked = await approvals.listOf({ tenantId: agent.tenantId, subject })
    const written: unknown = JSON.parse(JSON.stringify(toolArgs))
    const before = asked.find(
      (one) => one.outcome.status === 'denied' && one.toolName === toolName && isDeepStrictEqual(one.toolArgs, written),
    )
    if (before) {
      const decision = decisionOf(before, clock)
      return { id: before.id, decision: { ...decision, reason: repeated(decision.reason) } }
    }
    if (asked.length < maxQuestions) return null
    const reason = `This run has asked ${asked.length} questions, as many as it may. Nobody is asked this one.`
    throw new EdictumDenied(reason, 'runtime', 'max_questions')
  }

  /**
   * The question that an earlier server asked for this call and this contract: it still waits, or was answered while nobody listened.
   * One that no record names was asked in the last moment before the crash.
   */
  async function askedAlready(toolName: string, toolArgs: object, contractName: string | null) {
    const before = resumed()
    if (!before) return null
    const asked = await approvals.listOf({ tenantId: agent.tenantId, subject })
    const written: unknown = JSON.parse(JSON.stringify(toolArgs))
    const found = asked.find(
      (one) =>
        (before.own.includes(one.id) || !before.all.includes(one.id)) &&
        one.outcome.status !== 'withdrawn' &&
        one.toolName === toolName &&
        one.contractName === contractName &&
        isDeepStrictEqual(one.toolArgs, written),
    )
    return found ? { approval: found, isRecorded: before.own.includes(found.id) } : null
  }

  return {
    async requestApproval(toolName, toolArgs, message, options = {}) {
      signal.throwIfAborted()
      const question = {
        toolName,
        toolArgs,
        message,
        timeoutEffect: options.timeoutEffect ?? 'deny',
        principal: options.principal ?? null,
        metadata: options.metadata ?? {},
      } as const
      const timeout = Math.min(Math.max(1, Math.ceil(options.timeout ?? 300)), LONGEST_SECONDS)
      const again = await askedAlready(toolName, toolArgs, options.contractName ?? null)
      if (again) {
        const { approval } = again
        if (!again.isRecorded) await watch('requested', approval)
        return { ...question, approvalId: approval.id, timeout, createdAt: toWireTime(approval.createdAt) }
      }
      const answer = await answerOf(toolName, toolArgs)
      if (answer) {
        known.set(answer.id, answer.decision)
        return { ...question, approvalId: answer.id, timeout, createdAt: isoNow(clock) }
      }
      const approval = await approvals.request({
        tenantId: agent.tenantId,
        agentId: agent.name,
        env: agent.env,
        toolName,
        toolArgs,
        message,
        timeoutSeconds: timeout,
        timeoutEffect: question.timeoutEffect,
        decisionSource: options.decisionSource ?? null,
        contractName: options.contractName ?? null,
        subject,
        askedBy: null,
        sessionId: null,
        actionDigest: null,
      })
      await watch('requested', approval)
      return { ...question, approvalId: approval.id, timeout, createdAt: toWireTime(approval.createdAt) }
    },
    async waitForDecision(approvalId) {
      const decision = known.get(approvalId)
      if (decision) return decision
      const approval = await waiting(() => approvals.settled({ tenantId: agent.tenantId, id: approvalId }, { signal }))
      if (approval.outcome.status === 'pending') {
        // This server stops, and with it the attempt, which another goes on with: the question waits on.
        await untilAborted(signal)
      }
      await watch('resolved', approval)
      await followContracts()
      return decisionOf(approval, clock)
    },
    // The calls of an attempt come one after the other: what waits is this one.
    withdraw: async () => {
      if (isHandedOver(signal)) return
      await approvals.withdraw({ tenantId: agent.tenantId, subject }, 'What asked has ended.')
    },
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

const repeated = (reason: string | null): string =>
  `This call was denied before in this run, and nobody is asked again${reason ? `: ${reason}` : '.'}`

const isoNow = (clock: Clock): string => new Date(clock.now()).toISOString()

function decisionOf({ outcome }: Approval, clock: Clock): ApprovalDecision {
  switch (outcome.status) {
    case 'approved':
    case 'denied':
      return {
        approved: outcome.status === 'approved',
        approver: outcome.decidedBy,
        reason: outcome.decisionReason,
        status: outcome.status,
        timestamp: toWireTime(outcome.decidedAt),
      }
    case 'withdrawn':
      return { approved: false, approver: null, reason: outcome.reason, status: 'denied', timestamp: isoNow(clock) }
    case 'pending':
    case 'timeout':
      return { approved: false, approver: null, reason: null, status: outcome.status, timestamp: isoNow(clock) }
  }
}
