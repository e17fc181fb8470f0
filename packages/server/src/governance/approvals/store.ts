import type { Selectable } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { ApprovalRow } from '../../storage/schema.ts'
import type { Approval, ApprovalOutcome, ApprovalRequest, ApprovalStatus, TimeoutEffect } from './approval.ts'

/** How a person decided. */
export interface Verdict {
  readonly status: 'approved' | 'denied'
  readonly decidedBy: string
  readonly decidedAt: Micros
  readonly decisionReason: string | null
  readonly decidedVia: string
}

export interface ApprovalStore {
  insert(id: string, request: ApprovalRequest, createdAt: Micros, within: Queryable): Promise<Approval>
  /** With `env`, only when the approval is of that environment. */
  find(tenantId: string, id: string, env?: string): Promise<Approval | undefined>
  /** Newest first. */
  list(tenantId: string, status: ApprovalStatus | undefined, limit: number, offset: number): Promise<Approval[]>
  /** Decide if it is pending and not overdue: of all who try, one succeeds. */
  decide(tenantId: string, id: string, verdict: Verdict, within: Queryable): Promise<Approval | undefined>
  /** Time out if it is pending and overdue: of all who try, one succeeds. */
  expire(id: string, now: Micros, within: Queryable): Promise<Approval | undefined>
  /** Ids of the overdue, oldest first. */
  listOverdue(now: Micros, limit: number): Promise<string[]>
  /** When the next pending approval falls due. */
  nextExpiry(): Promise<Micros | undefined>
}

export function approvalStore({ db }: Database): ApprovalStore {
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
          execution_id: request.executionId,
          created_at: createdAt,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return approvalOf(row)
    },
    async find(tenantId, id, env) {
      let query = db.selectFrom('approvals').selectAll().where('tenant_id', '=', tenantId).where('id', '=', id)
      if (env !== undefined) query = query.where('env', '=', env)
      const row = await query.executeTakeFirst()
      return row && approvalOf(row)
    },
    async list(tenantId, status, limit, offset) {
      let query = db.selectFrom('approvals').selectAll().where('tenant_id', '=', tenantId)
      if (status !== undefined) query = query.where('status', '=', status)
      return (await query.orderBy('seq', 'desc').limit(limit).offset(offset).execute()).map(approvalOf)
    },
    async decide(tenantId, id, verdict, within) {
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

function approvalOf(row: Selectable<ApprovalRow>): Approval {
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
    executionId: row.execution_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    outcome: outcomeOf(row),
  }
}

function outcomeOf(row: Selectable<ApprovalRow>): ApprovalOutcome {
  const status = row.status as ApprovalStatus
  switch (status) {
    case 'pending':
    case 'timeout':
      return { status }
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
