import type { StreamEventType } from '../../changes/stream-events.ts'
import type { StreamRecord } from '../../changes/stream-log.ts'
import type { Subject } from '../../changes/subject.ts'
import { Conflict, InvalidInput, NotFound, TooManyRequests } from '../../errors.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Shared } from '../../shared.ts'
import { isDatabaseAway, type Queryable } from '../../storage/database.ts'
import { type Micros, microsOf, toWireTime } from '../../storage/instants.ts'
import {
  type Approval,
  type ApprovalStatus,
  isAskedStill,
  isOverdue,
  type ListedApproval,
  type NewApproval,
  type Receipt,
  receiptStatement,
} from './approval.ts'
import { createExpiry } from './expiry.ts'
import { createApprovalStore, type Verdict } from './store.ts'
import { createWaiting } from './waiting.ts'

/** Overdue approvals looked up at once. */
const EXPIRED_PER_LOOK = 500
/** A message of the bus may be lost between processes: who waits looks again this often. */
const LOOK_AGAIN_MS = 2_000
/** How often approvals are looked for that are about to time out. */
const REMINDER_MS = 10_000
/** Requests of one API key that may wait for a person at once. */
const PENDING_OF_KEY = 200
const RETRY_WHEN_FULL_SECONDS = 15
/** Who waits here is written down as heard this often. */
const HEARD_MS = 10_000

export interface Decision {
  readonly tenantId: string
  readonly id: string
  readonly approved: boolean
  readonly reason: string | null
  /** E-mail of a user, or `telegram:…`, `slack:…`, `discord:…`. */
  readonly decidedBy: string
  readonly decidedVia: string
}

/** An agent that begins the call it was allowed. */
export interface ApprovalUse {
  readonly tenantId: string
  readonly env: string
  /** The API key that uses it: what one repeats is not answered to another. */
  readonly keyId: string
  readonly id: string
  readonly actionDigest: string
}

/** What happened to an approval, for those that tell people. */
export interface ApprovalChange {
  /** `expired`: by its time-out, or because whoever asked is gone. */
  readonly kind: 'requested' | 'reminded' | 'decided' | 'expired'
  readonly approval: Approval
}

/** Within the transaction of the change: what the listener writes is kept exactly when the change is. */
export type ApprovalListener = (change: ApprovalChange, within: Queryable) => Promise<void>

/** What the approvals need of others. */
export interface ApprovalsDeps extends Shared {
  /** The tenant's key that signs receipts, or null. @throws InvalidInput when it cannot be opened. */
  readonly signing: { activeKey(scope: TenantScope, within: Queryable): Promise<ReceiptKey | null> }
  /** Agents with an open stream, on whichever process. */
  readonly present: (scope: TenantScope) => Promise<readonly { readonly agentId: string; readonly env: string }[]>
}

interface ReceiptKey {
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
}

/** Human approvals, of SDK agents and of the runtime's executions alike. */
export interface Approvals {
  /** With `onceKey` (the client's `Idempotency-Key`), one approval for all repetitions of the request. */
  request(request: NewApproval, onceKey?: string | null): Promise<Approval>
  /** The approval that a request with this key made before. */
  requestedBefore(request: NewApproval, onceKey: string): Promise<Approval | undefined>
  /** Of all who decide, exactly one succeeds. @throws Conflict: unknown, decided (it says by whom), or past its time. */
  decide(decision: Decision): Promise<Approval>
  /** An overdue approval is timed out by the look. @throws NotFound; with `env`, also for another environment's. */
  get(tenantId: string, id: string, env?: string): Promise<Approval>
  /** Newest first. */
  list(tenantId: string, query: { status?: ApprovalStatus; limit: number; offset: number }): Promise<ListedApproval[]>
  /**
   * Begin the one call that an approval allows; when that was. With `onceKey`, once for all repetitions of the request.
   * @throws NotFound; Conflict when it is not approved, is for another action or was used already.
   */
  consume(use: ApprovalUse, onceKey: string | null): Promise<Micros>
  /** Take back what a subject asked for, when it has ended; how many waited. What an SDK asked for is never taken back. */
  withdraw(of: { tenantId: string; subject: Subject }, reason: string): Promise<number>
  /** All that a subject asked, oldest first. */
  listOf(of: { tenantId: string; subject: Subject }): Promise<Approval[]>
  /** Whoever asked was heard asking. */
  askerSeen(approval: Pick<Approval, 'tenantId' | 'id'>): Promise<void>
  /** Of each, whether somebody waits for the answer. */
  askers(approvals: readonly Approval[]): Promise<('attached' | 'detached')[]>
  /**
   * Wait until it is decided or timed out; the approval as it is then, still pending when `milliseconds` (default: no end), the
   * signal or this server's stop came first. Unless `isAsker` is false, whoever asked is heard meanwhile. No database connection is held meanwhile. @throws NotFound.
   */
  settled(
    approval: Pick<Approval, 'tenantId' | 'id'>,
    options?: { milliseconds?: number; signal?: AbortSignal; isAsker?: boolean },
  ): Promise<Approval>
  /**
   * Call `wake` whenever an approval may have been settled, on whichever process; nothing is read for it meanwhile. The returned
   * function stops listening.
   */
  listen(id: string, wake: () => void): () => void
  /** Of these, the ones that wait for nobody any more. */
  settledOf(ids: readonly string[]): Promise<string[]>
  /** Tell once, over all servers, of what waits and is about to time out. */
  remindDue(): Promise<void>
  /** Time out what is overdue; those that this call timed out. */
  expireDue(): Promise<Approval[]>
  onChange(listener: ApprovalListener): void
  start(): void
  /** End every wait: who waits is answered with what is known. */
  endWaits(): void
  stop(): void
}

/** For those who come too late: nothing but this of an approval that is not theirs, else how it ended */
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

export function createApprovals(deps: ApprovalsDeps): Approvals {
  const { database, clock, random, log, bus, metrics, workers, logger, idempotency, signing, present } = deps
  const store = createApprovalStore(database)
  const listeners: ApprovalListener[] = []
  const waiters = createWaiting(bus)
  /** What this server has told people of again. */
  const reminded = new Set<string>()
  const now = () => microsOf(clock.now())
  const timeouts = createExpiry({ clock, workers, logger, nextExpiry: store.nextExpiry, expireDue })

  workers.every('approval_reminder', REMINDER_MS, remindDue)

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

  /** Whoever hears of it writes it down once for each approval: several servers, and one that starts again, may tell of the same. */
  async function remindDue(): Promise<void> {
    const due = await store.listForReminder(now(), EXPIRED_PER_LOOK)
    const ids = new Set(due.map(({ id }) => id))
    for (const id of reminded) if (!ids.has(id)) reminded.delete(id)
    for (const approval of due) {
      if (reminded.has(approval.id)) continue
      await log.transact((within) => tell({ kind: 'reminded', approval }, within))
      reminded.add(approval.id)
    }
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

  /** @throws TooManyRequests when as many requests of this API key wait as may. */
  async function requireRoom({ tenantId }: NewApproval, askedBy: string, within: Queryable): Promise<void> {
    // One after the other: two that come at once do not both take the last place.
    await database.lock(`approvals:${askedBy}`, within as never)
    if ((await store.countPending(scopeOfRecord({ tenantId }), askedBy, within)) < PENDING_OF_KEY) return
    throw new TooManyRequests(
      `${PENDING_OF_KEY} requests of this API key wait for a person already.`,
      RETRY_WHEN_FULL_SECONDS,
    )
  }

  /** With its receipt, when it is about one action and the tenant has a key. */
  async function documented(approval: Approval, verdict: Verdict, within: Queryable): Promise<Approval> {
    if (approval.actionDigest === null) return approval
    const { tenantId } = approval
    const key = await signing.activeKey(scopeOfRecord(approval), within).catch((error: unknown) => {
      // A key that cannot be opened must not keep a person from deciding.
      if (!(error instanceof InvalidInput)) throw error
      logger.warn({ err: error, tenantId }, 'an approval was decided without a receipt')
      return null
    })
    if (!key) return approval
    const receipt: Receipt = {
      publicKey: Buffer.from(key.publicKey).toString('hex'),
      signature: Buffer.from(key.sign(receiptStatement(approval, verdict))).toString('hex'),
    }
    await store.keepReceipt(scopeOfRecord(approval), approval.id, receipt, within)
    return { ...approval, receipt }
  }

  async function get(tenantId: string, id: string, env?: string): Promise<Approval> {
    let approval = await store.find(scopeOfRecord({ tenantId }), id, env)
    if (approval && isOverdue(approval, now())) {
      await expire(id)
      approval = await store.find(scopeOfRecord({ tenantId }), id, env)
    }
    if (!approval) throw new NotFound('Approval not found.')
    return approval
  }

  const onceOf = (request: NewApproval, key: string) => ({
    tenantId: request.tenantId,
    operation: `approval:${request.env}:${request.askedBy ?? ''}`,
    key,
    request,
  })

  return {
    async request(request, onceKey) {
      const { approval, isNew } = await log.transact(async (within, emit) => {
        let isNew = false
        const create = async () => {
          if (request.askedBy !== null) await requireRoom(request, request.askedBy, within)
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
        const undocumented = await store.decide(scopeOfRecord({ tenantId }), id, verdict, within)
        if (!undocumented) return undefined
        const approval = await documented(undocumented, verdict, within)
        emit(
          recordOf(approval, 'approval_decided', {
            status,
            decided_by: decidedBy,
            action_digest: approval.actionDigest,
            receipt: wireReceipt(approval),
          }),
        )
        await tell({ kind: 'decided', approval }, within)
        return approval
      })
      if (!decided) throw tooLate(await store.find(scopeOfRecord({ tenantId }), id))
      const { status } = decided.outcome
      metrics.approvals.inc({ status })
      metrics.approvalDecision.observe({ status, via: decidedVia }, (now() - decided.createdAt) / 1e6)
      return decided
    },
    get,
    list: (tenantId, { status, limit, offset }) => store.list(scopeOfRecord({ tenantId }), status, limit, offset),
    consume({ tenantId, env, keyId, id, actionDigest }, onceKey) {
      const scope = scopeOfRecord({ tenantId })
      return database.db.transaction().execute((within) => {
        const use = async () => {
          const at = now()
          if (await store.consume(scope, id, env, actionDigest, at, within)) return at
          throw unfit(await store.find(scope, id, env, within), actionDigest)
        }
        if (onceKey === null) return use()
        return idempotency.once(
          { tenantId, operation: `consume:${env}:${keyId}:${id}`, key: onceKey, request: actionDigest },
          within,
          use,
        )
      })
    },
    async withdraw({ tenantId, subject }, reason) {
      const withdrawn = await log.transact(async (within, emit) => {
        const taken = await store.withdraw(scopeOfRecord({ tenantId }), subject, reason, within)
        for (const approval of taken) {
          emit(recordOf(approval, 'approval_decided', { status: 'withdrawn', decided_by: 'system' }))
          await tell({ kind: 'expired', approval }, within)
        }
        return taken
      })
      if (withdrawn.length > 0) metrics.approvals.inc({ status: 'withdrawn' }, withdrawn.length)
      return withdrawn.length
    },
    listOf: ({ tenantId, subject }) => store.listOf(scopeOfRecord({ tenantId }), subject),
    askerSeen: ({ tenantId, id }) => store.askerSeen(scopeOfRecord({ tenantId }), id, now()),
    async askers(asked) {
      const open = new Map<string, ReadonlySet<string>>()
      const agents = async (tenantId: string) => {
        const known = open.get(tenantId)
        if (known) return known
        const found = new Set(
          (await present(scopeOfRecord({ tenantId }))).map(({ env, agentId }) => `${env}\n${agentId}`),
        )
        open.set(tenantId, found)
        return found
      }
      return Promise.all(
        asked.map(async (approval) => {
          if (approval.outcome.status !== 'pending') return 'detached'
          if (isAskedStill(approval, now())) return 'attached'
          // A workflow waits as long as it runs, and takes its question back when it does not.
          if (approval.subject?.kind === 'workflow') return 'attached'
          return (await agents(approval.tenantId)).has(`${approval.env}\n${approval.agentId}`) ? 'attached' : 'detached'
        }),
      )
    },
    async settled({ tenantId, id }, options = {}) {
      const deadline = clock.now() + (options.milliseconds ?? Number.POSITIVE_INFINITY)
      let heardAt = Number.NEGATIVE_INFINITY
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
          if (approval && options.isAsker !== false && clock.now() - heardAt >= HEARD_MS) {
            await store.askerSeen(scopeOfRecord({ tenantId }), id, now())
            heardAt = clock.now()
          }
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
    remindDue,
    listen: waiters.listen,
    settledOf: store.listSettled,
    expireDue,
    onChange: (listener) => listeners.push(listener),
    start: timeouts.start,
    endWaits: waiters.end,
    stop: timeouts.stop,
  }
}

/** Why an approval cannot be used. */
function unfit(approval: Approval | undefined, actionDigest: string): NotFound | Conflict {
  if (!approval) return new NotFound('Approval not found.')
  if (approval.outcome.status !== 'approved') return unfitFor('approval_not_approved', 'The call was not approved.')
  if (approval.actionDigest !== actionDigest)
    return unfitFor('action_mismatch', 'Another action was approved than the one that is to run.')
  return unfitFor('approval_consumed', 'The approval was used already.')
}

const unfitFor = (code: string, message: string): Conflict => new Conflict(message, code, { code })

/** A receipt as agents get it; null where there is none. */
export function wireReceipt({ id, actionDigest, outcome, receipt }: Approval) {
  if (receipt === null || (outcome.status !== 'approved' && outcome.status !== 'denied')) return null
  return {
    action_digest: actionDigest ?? '',
    approval_id: id,
    decision: outcome.status,
    decided_by: outcome.decidedBy,
    decided_at: toWireTime(outcome.decidedAt),
    public_key: receipt.publicKey,
    signature: receipt.signature,
  }
}

/** For all agents of the approval's environment and for dashboards. */
function recordOf(approval: Approval, type: StreamEventType, data: Readonly<Record<string, unknown>>): StreamRecord {
  return {
    tenantId: approval.tenantId,
    type,
    data: { approval_id: approval.id, ...data },
    env: approval.env,
    dashboard: true,
  }
}
