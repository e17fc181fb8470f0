import { parsePublicKey, SEALError } from '@lictor/seal'
import { BadRequest, NotFound } from '../../errors.ts'
import { digestOf } from '../../identity/opaque-tokens.ts'
import { scopeOfRecord, systemScope, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import type { SecurityContexts } from '../contexts/contexts.ts'
import { draft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { SEAL_AUDIENCE, SEAL_ISSUER, type SecurityTokens } from './security-tokens.ts'
import { SESSION_SECONDS, type SealSession } from './session.ts'
import type { SealStore } from './store.ts'
import type { SealTelling } from './telling.ts'

/** What a session is opened with. */
export type NewSession = Pick<
  SealSession,
  | 'tenantId'
  | 'agentId'
  | 'agentName'
  | 'executionId'
  | 'env'
  | 'publicKey'
  | 'securityContext'
  | 'allowedToolPatterns'
  | 'principal'
  | 'userId'
  | 'workloadId'
  | 'zaruTier'
> & {
  /** Null: rests on nothing that could come again. */
  readonly proof: string | null
  readonly containerId: string | null
  readonly taskSummary: string | null
  /** Milliseconds since 1970; absent: an hour from now. */
  readonly endsAt?: number | null
}

/** Sessions from their beginning to their end. */
export interface SealSessions {
  /** Issue a token and begin its session. What was open by the same proof ends, `superseded`. */
  open(asked: NewSession): Promise<{ readonly session: SealSession; readonly token: string }>
  /** The session of exactly this token, as it stands. */
  findByToken(token: string): Promise<SealSession | null>
  /** Mark one that ran out. */
  expire(session: SealSession): Promise<void>
  /** Remember an envelope, in one step with every process: false when it was accepted before. */
  accept(session: SealSession, signature: string, untilMs: number): Promise<boolean>
  list(scope: TenantScope): Promise<SealSession[]>
  /** @throws NotFound */
  get(scope: TenantScope, executionId: string): Promise<SealSession>
  /** @throws NotFound when none is active */
  revoke(scope: TenantScope, executionId: string, reason: string): Promise<SealSession>
  /** End whatever rests on an execution or on a proof. */
  revokeAll(of: { tenantId: string } & ({ executionId: string } | { proof: string }), reason: string): Promise<void>
  /** Mark what ran out, forget what is long over; what ran out just now. */
  sweep(): Promise<SealSession[]>
  countActive(): Promise<number>
}

/** How long an ended session stays to be read. */
const KEPT_MS = 30 * 86_400_000
/** A clock may step back this far without a forgotten envelope passing again. */
const CLOCK_STEP_MS = 600_000
const SWEPT_AT_ONCE = 1000

export function createSealSessions(deps: {
  database: Database
  store: SealStore
  securityTokens: SecurityTokens
  contexts: Pick<SecurityContexts, 'slugOf'>
  telling: SealTelling
  tenantEvents: Pick<TenantEvents, 'tell'>
  clock: Clock
  random: Random
}): SealSessions {
  const { database, store, securityTokens, contexts, telling, tenantEvents: events, clock, random } = deps

  return {
    async open({ containerId, taskSummary, proof, endsAt = null, ...asked }) {
      const id = random.uuid()
      const scope = scopeOfRecord(asked)
      const issuedAt = Math.floor(clock.now() / 1000)
      const expiresAt = endsAt === null ? issuedAt + SESSION_SECONDS : Math.floor(endsAt / 1000)
      const context = asked.securityContext.name
      const token = await securityTokens.sign({
        sub: asked.agentId,
        exec_id: asked.executionId,
        scp: context,
        security_context: context,
        wid: containerId ?? asked.executionId,
        iss: SEAL_ISSUER,
        aud: SEAL_AUDIENCE,
        iat: issuedAt,
        exp: expiresAt,
        jti: id,
        tenant_id: await contexts.slugOf(scope),
        ...(taskSummary !== null && Buffer.byteLength(taskSummary) <= 256 ? { task_summary: taskSummary } : {}),
      })
      const session: SealSession = {
        ...asked,
        id,
        proof: proof ?? `none:${id}`,
        tokenHash: digestOf(token),
        status: 'Active',
        revokedReason: null,
        createdAt: microsOf(clock.now()),
        expiresAt: microsOf(expiresAt * 1000),
        endedAt: null,
      }
      const replaced = await events.tell(session, async (within) => {
        await database.lock(`seal:${session.tenantId}:${session.proof}`, within as never)
        const end = { status: 'Revoked' as const, reason: 'superseded', at: session.createdAt }
        const ended = proof === null ? [] : await store.endSessions(scope, { proof }, end, within)
        await store.insertSession(session, within)
        const of = { agent_id: session.agentId, execution_id: session.executionId, session_id: id }
        const begun = { ...of, security_context_name: context }
        return {
          made: ended,
          events: [
            draft('seal_attestation_completed', { ...begun, workload_id: session.workloadId }),
            draft('seal_session_created', { ...begun, expires_at: toWireTime(session.expiresAt) }),
          ],
        }
      })
      await telling.attested(session, replaced)
      return { session, token }
    },
    findByToken: (token) => store.findSessionByToken(digestOf(token)),
    async expire(session) {
      const end = { status: 'Expired' as const, reason: null, at: microsOf(clock.now()) }
      await store.endSessions(scopeOfRecord(session), { id: session.id }, end)
    },
    accept: (session, signature, untilMs) => store.accept(session.id, signature, microsOf(untilMs)),
    list: (scope) => store.listSessions(scope, microsOf(clock.now())),
    async get(scope, executionId) {
      const session = await store.findSession(scope, executionId)
      if (!session) throw new NotFound('session not found', 'session not found')
      return session
    },
    async revoke(scope, executionId, reason) {
      const end = { status: 'Revoked' as const, reason, at: microsOf(clock.now()) }
      const ended = await store.endSessions(scope, { executionId }, end)
      await telling.revoked(ended)
      const [last] = ended
      if (!last) throw new NotFound('session not found or already revoked', 'session not found or already revoked')
      return last
    },
    async revokeAll({ tenantId, ...which }, reason) {
      const end = { status: 'Revoked' as const, reason, at: microsOf(clock.now()) }
      await telling.revoked(await store.endSessions(scopeOfRecord({ tenantId }), which, end))
    },
    async sweep() {
      const now = clock.now()
      const expired = await store.expireSessions(microsOf(now), SWEPT_AT_ONCE, systemScope)
      await store.forgetEnvelopes(microsOf(now - CLOCK_STEP_MS), systemScope)
      await store.forgetSessions(microsOf(now - KEPT_MS), systemScope)
      return expired
    },
    countActive: () => store.countActive(microsOf(clock.now()), systemScope),
  }
}

/** The key of a request as base64 of its 32 bytes. @throws BadRequest */
export function requirePublicKey(text: unknown, field: string): string {
  if (typeof text !== 'string' || text === '') throw new BadRequest(`The body needs an Ed25519 key in '${field}'.`)
  try {
    return Buffer.from(parsePublicKey(text)).toString('base64')
  } catch (error) {
    if (error instanceof SEALError) throw new BadRequest(`${field}: ${error.message}`)
    throw error
  }
}
