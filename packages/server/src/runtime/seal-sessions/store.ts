import type { Environment } from '../../identity/keys.ts'
import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { SealSessionRow, SealTokenKeyRow, SealWorkloadRow } from '../../storage/schema.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import type { SealSession, SealTokenKey, SessionStatus, Workload } from './session.ts'

/** SQL for SEAL: keys, workloads, sessions, and the envelopes that were accepted. */
export interface SealStore {
  /** Newest first. */
  listKeys(): Promise<SealTokenKey[]>
  /** The first key wins: of several servers starting at once, all end with the same one. */
  insertFirstKey(key: SealTokenKey): Promise<SealTokenKey>
  /** Insert a key as the newest, also of several that are made at once; as it was stored. */
  insertNewestKey(key: SealTokenKey): Promise<SealTokenKey>
  deleteKey(id: string): Promise<void>

  insertWorkload(workload: Workload, within: Queryable): Promise<void>
  findWorkloadByToken(tokenHash: string): Promise<Workload | null>
  /** Not revoked, by name. */
  listWorkloads(scope: TenantScope): Promise<Workload[]>
  /** End those of this name; what was ended. */
  revokeWorkloads(scope: TenantScope, workloadId: string, at: Micros, within: Queryable): Promise<Workload[]>

  insertSession(session: SealSession, within: Queryable): Promise<void>
  findSessionByToken(tokenHash: string): Promise<SealSession | null>
  /** The newest of the execution. */
  findSession(scope: TenantScope, executionId: string): Promise<SealSession | null>
  /** Active ones, newest first. */
  listSessions(scope: TenantScope, now: Micros): Promise<SealSession[]>
  countActive(now: Micros, scope: SystemScope): Promise<number>
  /** End what is active, by its id, its proof or its execution; what was ended. Who ended first stays the one who ended it. */
  endSessions(
    scope: TenantScope,
    which: { readonly id: string } | { readonly proof: string } | { readonly executionId: string },
    end: { status: Exclude<SessionStatus, 'Active'>; reason: string | null; at: Micros },
    within?: Queryable,
  ): Promise<SealSession[]>
  /** Mark what ran out; what it was, at most `most`. */
  expireSessions(now: Micros, most: number, scope: SystemScope): Promise<SealSession[]>
  /** Forget sessions that ended before. */
  forgetSessions(before: Micros, scope: SystemScope): Promise<void>

  /** Remember a signature of a session, in one step: false when it is known already. */
  accept(sessionId: string, signature: string, until: Micros): Promise<boolean>
  forgetEnvelopes(before: Micros, scope: SystemScope): Promise<void>
}

export function createSealStore(database: Database): SealStore {
  const { db } = database
  return {
    async listKeys() {
      const rows = await db.selectFrom('seal_token_keys').selectAll().orderBy('created_at', 'desc').execute()
      return rows.map(keyOf)
    },
    insertFirstKey: (key) =>
      db.transaction().execute(async (within) => {
        await database.lock('seal-token-keys', within)
        const newest = await within
          .selectFrom('seal_token_keys')
          .selectAll()
          .orderBy('created_at', 'desc')
          .executeTakeFirst()
        if (newest) return keyOf(newest)
        await within.insertInto('seal_token_keys').values(rowOfKey(key)).execute()
        return key
      }),
    insertNewestKey: (key) =>
      db.transaction().execute(async (within) => {
        await database.lock('seal-token-keys', within)
        const { newest } = await within
          .selectFrom('seal_token_keys')
          .select((e) => e.fn.max('created_at').as('newest'))
          .executeTakeFirstOrThrow()
        // Of two keys of one microsecond neither would be the newest everywhere.
        const later = { ...key, createdAt: Math.max(key.createdAt, Number(newest ?? 0) + 1) }
        await within.insertInto('seal_token_keys').values(rowOfKey(later)).execute()
        return later
      }),
    async deleteKey(id) {
      await db.deleteFrom('seal_token_keys').where('id', '=', id).execute()
    },

    async insertWorkload(workload, within) {
      await within
        .insertInto('seal_workloads')
        .values({
          id: workload.id,
          tenant_id: workload.tenantId,
          workload_id: workload.workloadId,
          token_hash: workload.tokenHash,
          allowed_contexts: JSON.stringify(workload.allowedContexts),
          agent_id: workload.agentId,
          agent_name: workload.agentName,
          execution_id: workload.executionId,
          env: workload.env,
          created_by: workload.createdBy,
          created_at: workload.createdAt,
          expires_at: workload.expiresAt,
          revoked_at: workload.revokedAt,
        })
        .execute()
    },
    async findWorkloadByToken(tokenHash) {
      const row = await db
        .selectFrom('seal_workloads')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst()
      return row ? workloadOf(row) : null
    },
    async listWorkloads({ tenantId }) {
      const rows = await db
        .selectFrom('seal_workloads')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('revoked_at', 'is', null)
        .orderBy('workload_id')
        .execute()
      return rows.map(workloadOf)
    },
    async revokeWorkloads({ tenantId }, workloadId, at, within) {
      const rows = await within
        .updateTable('seal_workloads')
        .set({ revoked_at: at })
        .where('tenant_id', '=', tenantId)
        .where('workload_id', '=', workloadId)
        .where('revoked_at', 'is', null)
        .returningAll()
        .execute()
      return rows.map(workloadOf)
    },

    async insertSession(session, within) {
      await within.insertInto('seal_sessions').values(rowOfSession(session)).execute()
    },
    async findSessionByToken(tokenHash) {
      const row = await db
        .selectFrom('seal_sessions')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .executeTakeFirst()
      return row ? sessionOf(row) : null
    },
    async findSession({ tenantId }, executionId) {
      const row = await db
        .selectFrom('seal_sessions')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('execution_id', '=', executionId)
        .orderBy('created_at', 'desc')
        .executeTakeFirst()
      return row ? sessionOf(row) : null
    },
    async listSessions({ tenantId }, now) {
      const rows = await db
        .selectFrom('seal_sessions')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('status', '=', 'Active')
        .where('expires_at', '>', now)
        .orderBy('created_at', 'desc')
        .limit(1000)
        .execute()
      return rows.map(sessionOf)
    },
    async countActive(now) {
      const row = await db
        .selectFrom('seal_sessions')
        .select((e) => e.fn.countAll<number>().as('count'))
        .where('status', '=', 'Active')
        .where('expires_at', '>', now)
        .executeTakeFirstOrThrow()
      return Number(row.count)
    },
    async endSessions({ tenantId }, which, { status, reason, at }, within = db) {
      let query = within
        .updateTable('seal_sessions')
        .set({ status, revoked_reason: reason, ended_at: at })
        .where('tenant_id', '=', tenantId)
        .where('status', '=', 'Active')
      if ('id' in which) query = query.where('id', '=', which.id)
      else if ('proof' in which) query = query.where('proof', '=', which.proof)
      else query = query.where('execution_id', '=', which.executionId)
      return (await query.returningAll().execute()).map(sessionOf)
    },
    async expireSessions(now, most) {
      const due = await db
        .selectFrom('seal_sessions')
        .select('id')
        .where('status', '=', 'Active')
        .where('expires_at', '<', now)
        .limit(most)
        .execute()
      if (due.length === 0) return []
      const rows = await db
        .updateTable('seal_sessions')
        .set({ status: 'Expired', ended_at: now })
        .where(
          'id',
          'in',
          due.map(({ id }) => id),
        )
        .where('status', '=', 'Active')
        .returningAll()
        .execute()
      return rows.map(sessionOf)
    },
    async forgetSessions(before) {
      await db.deleteFrom('seal_sessions').where('status', '!=', 'Active').where('ended_at', '<', before).execute()
    },

    async accept(sessionId, signature, until) {
      const row = await db
        .insertInto('seal_envelopes')
        .values({ session_id: sessionId, signature, until_at: until })
        .onConflict((conflict) => conflict.columns(['session_id', 'signature']).doNothing())
        .returning('session_id')
        .executeTakeFirst()
      return row !== undefined
    },
    async forgetEnvelopes(before) {
      await db.deleteFrom('seal_envelopes').where('until_at', '<', before).execute()
    },
  }
}

const keyOf = (row: SealTokenKeyRow): SealTokenKey => ({
  id: row.id,
  publicPem: row.public_pem,
  sealedPrivateKey: row.private_key_sealed,
  createdAt: row.created_at,
})

const rowOfKey = (key: SealTokenKey): SealTokenKeyRow => ({
  id: key.id,
  public_pem: key.publicPem,
  private_key_sealed: key.sealedPrivateKey,
  created_at: key.createdAt,
})

const workloadOf = (row: SealWorkloadRow): Workload => ({
  id: row.id,
  tenantId: row.tenant_id,
  workloadId: row.workload_id,
  tokenHash: row.token_hash,
  allowedContexts: JSON.parse(row.allowed_contexts) as string[],
  agentId: row.agent_id,
  agentName: row.agent_name,
  executionId: row.execution_id,
  env: row.env as Environment,
  createdBy: row.created_by,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
})

const sessionOf = (row: SealSessionRow): SealSession => ({
  id: row.id,
  tenantId: row.tenant_id,
  agentId: row.agent_id,
  agentName: row.agent_name,
  executionId: row.execution_id,
  env: row.env as Environment,
  publicKey: row.public_key,
  tokenHash: row.token_hash,
  securityContext: JSON.parse(row.security_context) as SecurityContext,
  allowedToolPatterns: JSON.parse(row.allowed_tool_patterns) as string[],
  proof: row.proof,
  principal: row.principal,
  userId: row.user_id,
  workloadId: row.workload_id,
  zaruTier: row.zaru_tier,
  status: row.status as SessionStatus,
  revokedReason: row.revoked_reason,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  endedAt: row.ended_at,
})

const rowOfSession = (session: SealSession): SealSessionRow => ({
  id: session.id,
  tenant_id: session.tenantId,
  agent_id: session.agentId,
  agent_name: session.agentName,
  execution_id: session.executionId,
  env: session.env,
  public_key: session.publicKey,
  token_hash: session.tokenHash,
  security_context: JSON.stringify(session.securityContext),
  allowed_tool_patterns: JSON.stringify(session.allowedToolPatterns),
  proof: session.proof,
  principal: session.principal,
  user_id: session.userId,
  workload_id: session.workloadId,
  zaru_tier: session.zaruTier,
  status: session.status,
  revoked_reason: session.revokedReason,
  created_at: session.createdAt,
  expires_at: session.expiresAt,
  ended_at: session.endedAt,
})
