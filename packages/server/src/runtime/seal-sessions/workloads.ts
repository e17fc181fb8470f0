import { BadRequest, InvalidInput, NotFound } from '../../errors.ts'
import { digestOf } from '../../identity/opaque-tokens.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database } from '../../storage/database.ts'
import { microsOf, parseWireTime } from '../../storage/instants.ts'
import { environmentOfAgent } from '../admission/admission.ts'
import type { Agents } from '../agents/agents.ts'
import type { SecurityContexts } from '../contexts/contexts.ts'
import { mayName } from '../contexts/names.ts'
import { requireUuid } from '../http.ts'
import type { Workload } from './session.ts'
import type { SealSessions } from './sessions.ts'
import type { SealStore } from './store.ts'

/** Programs outside this server that may attest without a bearer, by an address that nobody can guess. */
export interface Workloads {
  /**
   * Register one, or give it a new address: the former one ends, and the sessions that rest on it.
   * @returns the secret part of its address, which is told this once
   */
  register(
    scope: TenantScope,
    asked: { workload_id?: unknown; allowed_contexts?: unknown; agent_id?: unknown; expires_at?: unknown },
    by: string,
  ): Promise<{ readonly workload: Workload; readonly token: string }>
  list(scope: TenantScope): Promise<Workload[]>
  /** @throws NotFound */
  revoke(scope: TenantScope, workloadId: string): Promise<void>
  /** Whose address this is, or null when it is nobody's any more. */
  byToken(token: string): Promise<Workload | null>
}

const MOST_CONTEXTS = 100

export function createWorkloads(deps: {
  database: Database
  store: SealStore
  sessions: Pick<SealSessions, 'revokeAll'>
  contexts: SecurityContexts
  agents: Pick<Agents, 'get'>
  clock: Clock
  random: Random
}): Workloads {
  const { database, store, sessions, contexts, agents, clock, random } = deps

  async function contextsOf(scope: TenantScope, asked: unknown): Promise<string[]> {
    const names = Array.isArray(asked) ? (asked as unknown[]) : []
    if (names.length === 0 || names.length > MOST_CONTEXTS || !names.every((name) => typeof name === 'string'))
      throw invalid('allowed_contexts', `must be a list of 1 to ${MOST_CONTEXTS} names of security contexts.`)
    const holder = { tenantSlug: await contexts.slugOf(scope), isOfPlatform: true, consumerTier: null }
    for (const name of names) {
      if (!mayName(name, holder)) throw invalid('allowed_contexts', `'${name}' is not a context of this tenant.`)
      if (!(await contexts.find(scope, name)))
        throw invalid('allowed_contexts', `there is no security context '${name}'.`)
    }
    return names
  }

  async function end(scope: TenantScope, ended: readonly Workload[], reason: string): Promise<void> {
    for (const { id } of ended) await sessions.revokeAll({ ...scope, proof: `workload:${id}` }, reason)
  }

  return {
    async register(scope, asked, by) {
      const { workload_id: workloadId, agent_id: agentId } = asked
      if (typeof workloadId !== 'string' || !/^[\w.:@/-]{1,200}$/.test(workloadId))
        throw new BadRequest('workload_id must be 1 to 200 letters, digits and any of _ . : @ / -')
      const allowedContexts = await contextsOf(scope, asked.allowed_contexts)
      const agent =
        agentId == null ? null : await agents.get(scope, requireUuid(String(agentId), 'agent_id is no UUID'))
      const expiresAt = instantOf(asked.expires_at)
      const now = microsOf(clock.now())
      if (expiresAt !== null && expiresAt <= now) throw invalid('expires_at', 'is in the past.')
      const token = Buffer.from(random.bytes(32)).toString('base64url')
      const workload: Workload = {
        id: random.uuid(),
        tenantId: scope.tenantId,
        workloadId,
        tokenHash: digestOf(token),
        allowedContexts,
        agentId: agent?.id ?? random.uuid(),
        agentName: agent?.name ?? workloadId,
        executionId: random.uuid(),
        env: agent ? environmentOfAgent(agent.manifest) : 'production',
        createdBy: by,
        createdAt: now,
        expiresAt,
        revokedAt: null,
      }
      const ended = await database.db.transaction().execute(async (within) => {
        await database.lock(`seal-workload:${scope.tenantId}:${workloadId}`, within)
        const former = await store.revokeWorkloads(scope, workloadId, now, within)
        await store.insertWorkload(workload, within)
        return former
      })
      await end(scope, ended, 'workload_registered_again')
      return { workload, token }
    },
    list: (scope) => store.listWorkloads(scope),
    async revoke(scope, workloadId) {
      const ended = await database.db
        .transaction()
        .execute((within) => store.revokeWorkloads(scope, workloadId, microsOf(clock.now()), within))
      if (ended.length === 0) throw new NotFound('workload not found', 'workload not found')
      await end(scope, ended, 'workload_revoked')
    },
    async byToken(token) {
      const workload = await store.findWorkloadByToken(digestOf(token))
      if (!workload || workload.revokedAt !== null) return null
      if (workload.expiresAt !== null && workload.expiresAt <= microsOf(clock.now())) {
        await end(scopeOfRecord(workload), [workload], 'workload_expired')
        return null
      }
      return workload
    },
  }
}

function instantOf(value: unknown): number | null {
  if (value == null) return null
  const instant = typeof value === 'string' ? parseWireTime(value) : null
  if (instant === null || !Number.isSafeInteger(instant))
    throw invalid('expires_at', 'is no instant such as 2027-01-31T12:00:00Z.')
  return instant
}

const invalid = (field: string, what: string) => new InvalidInput([{ loc: ['body', field], msg: `${field} ${what}` }])
