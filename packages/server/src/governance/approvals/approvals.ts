import { Conflict, NotFound } from '../../errors.ts'
import type { Shared } from '../../shared.ts'
import { isDatabaseAway, type Queryable } from '../../storage/database.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import type { Idempotency } from '../idempotency/idempotency.ts'
import type { StreamRecord } from '../stream/log.ts'
import { type Approval, type ApprovalRequest, type ApprovalStatus, isOverdue } from './approval.ts'
import { expiry } from './expiry.ts'
import { approvalStore } from './store.ts'
import { waiting } from './waiting.ts'

/** Overdue approvals looked up at once. */
const EXPIRED_PER_LOOK = 500
/** A message of the bus may be lost between processes: who waits looks again this often. */
const LOOK_AGAIN_MS = 2_000

export interface Decision {
  readonly tenantId: string
  readonly id: string
  readonly approved: boolean
  readonly reason: string | null
  /** E-mail of a user, or `telegram:…`, `slack:…`, `discord:…`. */
  readonly decidedBy: string
  readonly decidedVia: string
}

/** What happened to an approval, for those that tell people. */
export interface ApprovalChange {
  readonly kind: 'requested' | 'decided' | 'expired'
  readonly approval: Approval
}

/** Within the transaction of the change: what the listener writes is kept exactly when the change is. */
export type ApprovalListener = (change: ApprovalChange, within: Queryable) => Promise<void>

/** Human approvals, of SDK agents and of the runtime's executions alike (console-api §8.6). */
export interface Approvals {
  /** With `onceKey` (the client's `Idempotency-Key`), one approval for all repetitions of the request. */
  request(request: ApprovalRequest, onceKey?: string | null): Promise<Approval>
  /** The approval that a request with this key made before. */
  requestedBefore(request: ApprovalRequest, onceKey: string): Promise<Approval | undefined>
  /** Of all who decide, exactly one succeeds. @throws Conflict: unknown, decided (it says by whom), or past its time. */
  decide(decision: Decision): Promise<Approval>
  /** An overdue approval is timed out by the look. @throws NotFound; with `env`, also for another environment's. */
  get(tenantId: string, id: string, env?: string): Promise<Approval>
  /** Newest first. */
  list(tenantId: string, query: { status?: ApprovalStatus; limit: number; offset: number }): Promise<Approval[]>
  /**
   * Wait until it is decided or timed out; the approval as it is then, still pending when `milliseconds` (default: no end), the
   * signal or this server's stop came first. No database connection is held meanwhile. @throws NotFound.
   */
  settled(
    approval: Pick<Approval, 'tenantId' | 'id'>,
    options?: { milliseconds?: number; signal?: AbortSignal },
  ): Promise<Approval>
  /** Time out what is overdue; those that this call timed out. */
  expireDue(): Promise<Approval[]>
  onChange(listener: ApprovalListener): void
  start(): void
  /** End every wait: who waits is answered with what is known. */
  endWaits(): void
  stop(): void
}

/** For those who come too late: nothing but this of an approval that is not theirs, else how it ended (console-api §8.6.5). */
function tooLate(approval: Approval | undefined): Conflict {
  const { outcome } = approval ?? {}
  const isDecided = outcome?.status === 'approved' || outcome?.status === 'denied'
  const decision = outcome && {
    status: outcome.status === 'pending' ? 'timeout' : outcome.status,
    decided_by: isDecided ? outcome.decidedBy : null,
    decided_at: isDecided ? toWireTime(outcome.decidedAt) : null,
    decided_via: isDecided ? outcome.decidedVia : 'system',
  }
  return new Conflict('Approval not found or already decided.', 'already_decided', decision ? { decision } : {})
}

export function approvals(deps: Shared & { idempotency: Idempotency }): Approvals {
  const { database, clock, random, log, bus, metrics, workers, logger, idempotency } = deps
  const store = approvalStore(database)
  const listeners: ApprovalListener[] = []
  const waiters = waiting(bus)
  const now = () => microsOf(clock.now())
  const timeouts = expiry({ clock, workers, logger, nextExpiry: store.nextExpiry, expireDue })

  async function tell(change: ApprovalChange, within: Queryable): Promise<void> {
    for (const listener of listeners) await listener(change, within)
  }

  /** At most one caller per approval gets it back; the others get undefined. */
  async function expire(id: string): Promise<Approval | undefined> {
    const expired = await log.transact(async (within, emit) => {
      const approval = await store.expire(id, now(), within)
      if (!approval) return undefined
      const { agentId, toolName } = approval
      emit(recordOf(approval, 'approval_timeout', { agent_id: agentId, tool_name: toolName }))
      await tell({ kind: 'expired', approval }, within)
      return approval
    })
    if (expired) metrics.approvals.inc({ status: 'timeout' })
    return expired
  }

  async function expireDue(): Promise<Approval[]> {
    const expired: Approval[] = []
    for (;;) {
      const ids = await store.listOverdue(now(), EXPIRED_PER_LOOK)
      for (const id of ids) {
        const approval = await expire(id)
        if (approval) expired.push(approval)
      }
      if (ids.length < EXPIRED_PER_LOOK) return expired
    }
  }

  async function get(tenantId: string, id: string, env?: string): Promise<Approval> {
    let approval = await store.find(tenantId, id, env)
    if (approval && isOverdue(approval, now())) {
      await expire(id)
      approval = await store.find(tenantId, id, env)
    }
    if (!approval) throw new NotFound('Approval not found.')
    return approval
  }

  const onceOf = (request: ApprovalRequest, key: string) => ({
    tenantId: request.tenantId,
    operation: `approval:${request.env}`,
    key,
    request,
  })

  return {
    async request(request, onceKey) {
      const { approval, isNew } = await log.transact(async (within, emit) => {
        let isNew = false
        const create = async () => {
          isNew = true
          const approval = await store.insert(random.uuid(), request, now(), within)
          const { agentId, toolName, message } = approval
          emit(recordOf(approval, 'approval_created', { agent_id: agentId, tool_name: toolName, message }))
          await tell({ kind: 'requested', approval }, within)
          return approval
        }
        const approval = onceKey ? await idempotency.once(onceOf(request, onceKey), within, create) : await create()
        return { approval, isNew }
      })
      if (isNew) metrics.approvals.inc({ status: 'pending' })
      timeouts.expect(approval.expiresAt)
      return approval
    },
    requestedBefore: (request, onceKey) => idempotency.answered(onceOf(request, onceKey)),
    async decide({ tenantId, id, approved, reason, decidedBy, decidedVia }) {
      const decided = await log.transact(async (within, emit) => {
        const status = approved ? 'approved' : 'denied'
        const verdict = { status, decidedBy, decidedAt: now(), decisionReason: reason, decidedVia } as const
        const approval = await store.decide(tenantId, id, verdict, within)
        if (!approval) return undefined
        emit(recordOf(approval, 'approval_decided', { status, decided_by: decidedBy }))
        await tell({ kind: 'decided', approval }, within)
        return approval
      })
      if (!decided) throw tooLate(await store.find(tenantId, id))
      const { status } = decided.outcome
      metrics.approvals.inc({ status })
      metrics.approvalDecision.observe({ status, via: decidedVia }, (now() - decided.createdAt) / 1e6)
      return decided
    },
    get,
    list: (tenantId, { status, limit, offset }) => store.list(tenantId, status, limit, offset),
    async settled({ tenantId, id }, options = {}) {
      const deadline = clock.now() + (options.milliseconds ?? Number.POSITIVE_INFINITY)
      for (;;) {
        let wake = () => {}
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        // Listening begins before the look: what is settled in between wakes.
        const stopListening = waiters.listen(id, wake)
        try {
          const left = deadline - clock.now()
          const isOver = () => left <= 0 || waiters.isOver || options.signal?.aborted === true
          // Who waits is not given up because the database is away for a while.
          const approval = await get(tenantId, id).catch((error: unknown) => {
            if (isOver() || !isDatabaseAway(error)) throw error
            return null
          })
          if (approval && (approval.outcome.status !== 'pending' || isOver())) return approval
          const due = approval ? Math.ceil((approval.expiresAt - now()) / 1000) : LOOK_AGAIN_MS
          const cancel = clock.after(Math.max(1, Math.min(left, due, LOOK_AGAIN_MS)), wake)
          options.signal?.addEventListener('abort', wake, { once: true })
          await woken
          cancel()
        } finally {
          stopListening()
          options.signal?.removeEventListener('abort', wake)
        }
      }
    },
    expireDue,
    onChange: (listener) => listeners.push(listener),
    start: timeouts.start,
    endWaits: waiters.end,
    stop: timeouts.stop,
  }
}

/** For all agents of the approval's environment and for dashboards (console-api §9.1). */
function recordOf(approval: Approval, type: string, data: Readonly<Record<string, unknown>>): StreamRecord {
  return {
    tenantId: approval.tenantId,
    type,
    data: { approval_id: approval.id, ...data },
    env: approval.env,
    dashboard: true,
  }
}
