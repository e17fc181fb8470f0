import { type Selectable, sql } from 'kysely'
import type { Subject, SubjectKind } from '../../changes/subject.ts'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { inBatches } from '../../storage/in-batches.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { ApprovalRow } from '../../storage/schema.ts'
import { previewOf, WHOLE_BYTES } from '../preview.ts'
import type {
  Approval,
  ApprovalOutcome,
  ApprovalStatus,
  ListedApproval,
  NewApproval,
  Receipt,
  TimeoutEffect,
} from './approval.ts'

/** How a person decided. */
export interface Verdict {
  readonly status: 'approved' | 'denied'
  readonly decidedBy: string
  readonly decidedAt: Micros
  readonly decisionReason: string | null
  readonly decidedVia: string
}

/** Bytes of an approval's arguments that lists show at most. */
const LARGEST_ARGS_PREVIEW = 64 * 1024

/** How long ago an asker was written down as heard, before it is written again. */
const SEEN_IS_NEWS: Micros = 5_000_000

export interface ApprovalStore {
  insert(id: string, request: NewApproval, createdAt: Micros, within: Queryable): Promise<Approval>
  /** With `env`, only when the approval is of that environment. */
  find(scope: TenantScope, id: string, env?: string, within?: Queryable): Promise<Approval | undefined>
  /** Newest first. */
  list(scope: TenantScope, status: ApprovalStatus | undefined, limit: number, offset: number): Promise<ListedApproval[]>
  /** How many that this API key asked for wait. */
  countPending(scope: TenantScope, askedBy: string, within: Queryable): Promise<number>
  /** Decide if it is pending and not overdue: of all who try, one succeeds. */
  decide(scope: TenantScope, id: string, verdict: Verdict, within: Queryable): Promise<Approval | undefined>
  keepReceipt(scope: TenantScope, id: string, receipt: Receipt, within: Queryable): Promise<void>
  /** Use it up if it is approved for this action and was not used: of all who try, one succeeds. */
  consume(scope: TenantScope, id: string, env: string, digest: string, now: Micros, within: Queryable): Promise<boolean>
  /** All that a subject asked for, oldest first. */
  listOf(scope: TenantScope, subject: Subject): Promise<Approval[]>
  /** Withdraw what a subject asked for and nobody decided. */
  withdraw(scope: TenantScope, subject: Subject, reason: string, within: Queryable): Promise<Approval[]>
  /** Whoever asked was heard; written when that is news. */
  askerSeen(scope: TenantScope, id: string, now: Micros): Promise<void>
  /** Time out if it is pending and overdue: of all who try, one succeeds. */
  expire(id: string, now: Micros, within: Queryable): Promise<Approval | undefined>
  /** Ids of the overdue, oldest first. */
  listOverdue(now: Micros, limit: number): Promise<string[]>
  /** When the next pending approval falls due. */
  nextExpiry(): Promise<Micros | undefined>
  /** Pending ones of which a tenth of their time is left, at most an hour; the first to time out first. */
  listForReminder(now: Micros, limit: number): Promise<Approval[]>
  /** Of these, the ids of those that are pending no more. */
  listSettled(ids: readonly string[]): Promise<string[]>
}

/** An hour, in microseconds. */
const LONGEST_NOTICE = 3_600_000_000
/** Of each second of a time-out, the tenth that is left when people are reminded. */
const MICROS_OF_A_TENTH = 100_000

export function createApprovalStore({ db }: Database): ApprovalStore {
  return {
    async insert(id, request, createdAt, within) {
      const row = await within
        .insertInto('approvals')
        .values({
          id,
          tenant_id: request.tenantId,
          agent_id: request.agentId,
          tool_name: request.toolName,
          tool_args: request.toolArgs === null ? null : JSON.stringify(request.toolArgs),
          message: request.message,
          status: 'pending',
          env: request.env,
          timeout_seconds: request.timeoutSeconds,
          timeout_effect: request.timeoutEffect,
          decision_source: request.decisionSource,
          contract_name: request.contractName,
          decided_by: null,
          decided_at: null,
          decision_reason: null,
          decided_via: null,
          expires_at: createdAt + microsOf(request.timeoutSeconds * 1000),
          subject_kind: request.subject?.kind ?? null,
          subject_id: request.subject?.id ?? null,
          asked_by: request.askedBy,
          action_digest: request.actionDigest,
          session_id: request.sessionId,
          asker_seen_at: createdAt,
          args_preview:
            request.toolArgs && previewOf(request.toolArgs, JSON.stringify(request.toolArgs), LARGEST_ARGS_PREVIEW),
          created_at: createdAt,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return approvalOf(row)
    },
    async find({ tenantId }, id, env, within = db) {
      let query = within.selectFrom('approvals').selectAll().where('tenant_id', '=', tenantId).where('id', '=', id)
      if (env !== undefined) query = query.where('env', '=', env)
      const row = await query.executeTakeFirst()
      return row && approvalOf(row)
    },
    async list({ tenantId }, status, limit, offset) {
      let query = db
        .selectFrom('approvals')
        .select(columnsBesideArgs)
        .select(
          sql<
            string | null
          >`case when octet_length(tool_args) <= ${WHOLE_BYTES} then tool_args else args_preview end`.as('tool_args'),
        )
        .select(sql<number>`case when octet_length(tool_args) > ${WHOLE_BYTES} then 1 else 0 end`.as('is_shortened'))
        .where('tenant_id', '=', tenantId)
      if (status !== undefined) query = query.where('status', '=', status)
      const rows = await query.orderBy('seq', 'desc').limit(limit).offset(offset).execute()
      return rows.map((row) => ({ ...approvalOf(row), isShortened: row.is_shortened === 1 }))
    },
    async countPending({ tenantId }, askedBy, within) {
      const row = await within
        .selectFrom('approvals')
        .select((e) => e.fn.countAll<number>().as('count'))
        .where('tenant_id', '=', tenantId)
        .where('asked_by', '=', askedBy)
        .where('status', '=', 'pending')
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
    async decide({ tenantId }, id, verdict, within) {
      const row = await within
        .updateTable('approvals')
        .set({
          status: verdict.status,
          decided_by: verdict.decidedBy,
          decided_at: verdict.decidedAt,
          decision_reason: verdict.decisionReason,
          decided_via: verdict.decidedVia,
        })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('status', '=', 'pending')
        .where('expires_at', '>', verdict.decidedAt)
        .returningAll()
        .executeTakeFirst()
      return row && approvalOf(row)
    },
    async keepReceipt({ tenantId }, id, receipt, within) {
      await within
        .updateTable('approvals')
        .set({ receipt: JSON.stringify(receipt) })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute()
    },
    async consume({ tenantId }, id, env, digest, now, within) {
      const row = await within
        .updateTable('approvals')
        .set({ consumed_at: now })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('env', '=', env)
        .where('status', '=', 'approved')
        .where('action_digest', '=', digest)
        .where('consumed_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },
    async listOf({ tenantId }, { kind, id }) {
      const rows = await db
        .selectFrom('approvals')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('subject_kind', '=', kind)
        .where('subject_id', '=', id)
        .orderBy('seq')
        .execute()
      return rows.map(approvalOf)
    },
    async withdraw({ tenantId }, { kind, id }, reason, within) {
      const rows = await within
        .updateTable('approvals')
        .set({ status: 'withdrawn', decided_via: 'system', decision_reason: reason })
        .where('tenant_id', '=', tenantId)
        .where('subject_kind', '=', kind)
        .where('subject_id', '=', id)
        .where('status', '=', 'pending')
        .returningAll()
        .execute()
      return rows.map(approvalOf)
    },
    async askerSeen({ tenantId }, id, now) {
      await db
        .updateTable('approvals')
        .set({ asker_seen_at: now })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('status', '=', 'pending')
        .where((e) => e.or([e('asker_seen_at', 'is', null), e('asker_seen_at', '<', now - SEEN_IS_NEWS)]))
        .execute()
    },
    async expire(id, now, within) {
      const row = await within
        .updateTable('approvals')
        .set({ status: 'timeout', decided_via: 'system' })
        .where('id', '=', id)
        .where('status', '=', 'pending')
        .where('expires_at', '<=', now)
        .returningAll()
        .executeTakeFirst()
      return row && approvalOf(row)
    },
    async listOverdue(now, limit) {
      const rows = await db
        .selectFrom('approvals')
        .select('id')
        .where('status', '=', 'pending')
        .where('expires_at', '<=', now)
        .orderBy('expires_at')
        .limit(limit)
        .execute()
      return rows.map((row) => row.id)
    },
    async listForReminder(now, limit) {
      const rows = await db
        .selectFrom('approvals')
        .selectAll()
        .where('status', '=', 'pending')
        .where('expires_at', '>', now)
        .where('expires_at', '<=', now + LONGEST_NOTICE)
        .where((e) => e('timeout_seconds', '>=', e(e.parens('expires_at', '-', now), '/', MICROS_OF_A_TENTH)))
        .orderBy('expires_at')
        .limit(limit)
        .execute()
      return rows.map(approvalOf)
    },
    async listSettled(ids) {
      const rows = await inBatches(ids, (batch) =>
        db.selectFrom('approvals').select('id').where('id', 'in', batch).where('status', '<>', 'pending').execute(),
      )
      return rows.map(({ id }) => id)
    },
    async nextExpiry() {
      const row = await db
        .selectFrom('approvals')
        .select('expires_at')
        .where('status', '=', 'pending')
        .orderBy('expires_at')
        .limit(1)
        .executeTakeFirst()
      return row?.expires_at
    },
  }
}

const columnsBesideArgs = [
  ...(['id', 'tenant_id', 'agent_id', 'message', 'status', 'env', 'tool_name', 'timeout_seconds'] as const),
  ...(['timeout_effect', 'decision_source', 'contract_name', 'decided_by', 'decided_at', 'decision_reason'] as const),
  ...([
    'decided_via',
    'expires_at',
    'subject_kind',
    'subject_id',
    'created_at',
    'asked_by',
    'action_digest',
    'receipt',
    'session_id',
  ] as const),
  ...(['consumed_at', 'asker_seen_at'] as const),
] as const

type StoredApproval = Pick<Selectable<ApprovalRow>, (typeof columnsBesideArgs)[number] | 'tool_args'>

function approvalOf(row: StoredApproval): Approval {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    agentId: row.agent_id,
    env: row.env,
    toolName: row.tool_name,
    toolArgs: row.tool_args === null ? null : (JSON.parse(row.tool_args) as Record<string, unknown>),
    message: row.message,
    timeoutSeconds: row.timeout_seconds,
    timeoutEffect: row.timeout_effect as TimeoutEffect,
    decisionSource: row.decision_source,
    contractName: row.contract_name,
    subject: subjectOf(row),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    outcome: outcomeOf(row),
    askedBy: row.asked_by,
    actionDigest: row.action_digest,
    sessionId: row.session_id,
    receipt: row.receipt === null ? null : (JSON.parse(row.receipt) as Receipt),
    consumedAt: row.consumed_at,
    askerSeenAt: row.asker_seen_at,
  }
}

const subjectOf = ({
  subject_kind,
  subject_id,
}: Pick<StoredApproval, 'subject_kind' | 'subject_id'>): Subject | null =>
  subject_kind === null || subject_id === null ? null : { kind: subject_kind as SubjectKind, id: subject_id }

function outcomeOf(row: StoredApproval): ApprovalOutcome {
  const status = row.status as ApprovalStatus
  switch (status) {
    case 'pending':
    case 'timeout':
      return { status }
    case 'withdrawn':
      return { status, reason: row.decision_reason ?? '' }
    case 'approved':
    case 'denied':
      return {
        status,
        decidedBy: row.decided_by ?? 'unknown',
        decidedAt: row.decided_at ?? row.created_at,
        decisionReason: row.decision_reason,
        decidedVia: row.decided_via ?? 'console',
      }
  }
}
