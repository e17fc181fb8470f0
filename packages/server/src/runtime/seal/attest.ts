import { parsePublicKey, SEALError } from '@lictor/seal'
import type { Logger } from 'pino'
import { Unauthenticated, Unavailable } from '../../errors.ts'
import type { TokenCaller } from '../../identity/caller.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Tokens } from '../../identity/tokens/tokens.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { toWireTime } from '../../storage/instants.ts'
import { storableText } from '../../storage/storable.ts'
import type { SecurityContexts } from '../contexts/contexts.ts'
import { mayName } from '../contexts/names.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import type { Attempts } from '../dispatch/attempts.ts'
import type { Execution } from '../record/execution.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { NewSession, SealSessions } from '../seal-sessions/sessions.ts'
import type { SealTelling } from '../seal-sessions/telling.ts'
import type { Workloads } from '../seal-sessions/workloads.ts'
import { isTenantName } from '../visibility.ts'
import { refusal } from './refusal.ts'
import { tierOf } from './tier.ts'

/** Attestation: who shows a public key, by which proof, and the session that is opened for it. */
export interface Attestation {
  /**
   * @param proof the secret part of the address it came by, and its `Authorization` header
   * @throws SealRefused
   */
  attest(
    body: unknown,
    proof: { readonly addressToken: string | null; readonly authorization: string | undefined },
  ): Promise<{ security_token: string; expires_at: string; session_id: string }>
}

/** Attestations of one holder in a minute; a program attests once an hour. */
const MOST_A_MINUTE = 60

interface Request {
  readonly publicKey: string
  readonly context: string | null
  readonly workloadId: string | null
  readonly agentId: string | null
  readonly executionId: string | null
  readonly containerId: string | null
  readonly principal: string | null
  readonly userId: string | null
  readonly zaruTier: string | null
  readonly tenantId: string | null
  readonly taskSummary: string | null
}

/** Whose attestation it is, and what its proof allows. */
type Holder = Pick<NewSession, 'tenantId' | 'agentId' | 'agentName' | 'executionId' | 'env' | 'proof' | 'principal'> & {
  readonly limitedAs: string
  /** The context it is bound to, or the names it may choose; null: any that it may name. */
  readonly bound: SecurityContext | null
  readonly allowed: readonly string[] | null
  /** Tools of its manifest; null: those of the context. */
  readonly tools: readonly string[] | null
}

export function createAttestation(deps: {
  tokens: Pick<Tokens, 'verify'>
  attempts: Attempts
  executionStore: Pick<ExecutionStore, 'find'>
  workloads: Pick<Workloads, 'byToken'>
  contexts: SecurityContexts
  sessions: Pick<SealSessions, 'open'>
  telling: Pick<SealTelling, 'attestationRefused'>
  requireActive: (scope: TenantScope) => Promise<void>
  limiter: RateLimiter
  clock: Clock
  random: Random
  logger: Pick<Logger, 'warn'>
}): Attestation {
  const { tokens, attempts, executionStore, workloads, contexts, sessions, telling, limiter, random } = deps
  const { requireActive, logger } = deps

  /** By a bearer, which is judged first and finally where there is one; else by the address. */
  async function holderOf(
    request: Request,
    proof: { addressToken: string | null; authorization: string | undefined },
  ): Promise<Holder> {
    if (proof.authorization !== undefined) return holderByBearer(request, await bearerOf(proof.authorization))
    if (proof.addressToken !== null) return holderByAddress(request, proof.addressToken)
    if (request.workloadId !== null || request.executionId !== null || request.containerId !== null)
      throw refusal(
        'workload_unknown',
        'This address proves no workload. Attest through the address the workload was given, or with a bearer token.',
      )
    throw refusal('attestation_unauthorized', 'Attestation needs a bearer token, or the address of a workload.')
  }

  async function bearerOf(header: string): Promise<TokenCaller> {
    const token = header.startsWith('Bearer ') ? header.slice(7).trim() : ''
    if (token === '') throw refusal('attestation_unauthorized', 'The Authorization header has no bearer token.')
    try {
      return await tokens.verify(token)
    } catch (error) {
      if (error instanceof Unauthenticated) throw refusal('attestation_unauthorized', 'The bearer token is not valid.')
      throw error
    }
  }

  async function holderByBearer(request: Request, caller: TokenCaller): Promise<Holder> {
    // A session acts with the rights that whoever attested has at each call; nobody tells what another issuer says of them then.
    if (caller.foreign)
      throw refusal(
        'attestation_unauthorized',
        'A token of another issuer attests no key. Use a service account of this server, or the address of a workload.',
      )
    if (!caller.scopes.has('agent:execute'))
      throw refusal('tenant_mismatch', "This token lacks the scope 'agent:execute'.")
    const scope = scopeOfRecord(caller)
    if (
      request.tenantId !== null &&
      request.tenantId !== caller.tenantId &&
      request.tenantId !== (await contexts.slugOf(scope))
    )
      await passOver(request.tenantId, caller)
    // What is in force later is looked up by this: the key itself, where it was one, and not its owner.
    const principal = caller.key ? `key:${caller.key.id}` : caller.subject
    const { agentId, executionId } = request
    if (agentId !== null && executionId !== null && !(isUuid(agentId) && isUuid(executionId)))
      throw refusal('attestation_malformed', 'agent_id and execution_id, where both are given, must be UUIDs.')
    // One that names no execution of ours, a client's own name for its run, binds the session to nothing.
    const execution = executionId === null || !isUuid(executionId) ? null : await running(scope, executionId)
    if (execution && agentId !== null) {
      if (agentId.toLowerCase() !== execution.agentId)
        throw refusal('attestation_malformed', 'agent_id is not the agent of this execution.')
      const proof = `bearer:${principal}:${execution.id}`
      return { ...boundTo(execution), proof, principal, limitedAs: `${caller.tenantId}:${principal}` }
    }
    return {
      tenantId: caller.tenantId,
      agentId: random.uuid(),
      agentName: request.workloadId ?? request.principal ?? principal,
      executionId: random.uuid(),
      env: 'production',
      proof: null,
      principal,
      limitedAs: `${caller.tenantId}:${principal}`,
      bound: null,
      allowed: null,
      tools: null,
    }
  }

  /**
   * A caller acts in its own tenant, whatever it names: no caller of this server may act in another one's.
   * @throws for what can be no tenant's name
   */
  async function passOver(requested: string, { tenantId, subject }: TokenCaller): Promise<void> {
    if (!isTenantName(requested))
      throw refusal(
        'tenant_mismatch',
        `permission_denied: tenant mismatch (identity tenant: ${await contexts.slugOf(scopeOfRecord({ tenantId }))}, requested: ${requested})`,
      )
    logger.warn(
      { tenant_id: tenantId, subject, requested },
      'an attestation named another tenant than its own, which was ignored',
    )
  }

  async function holderByAddress(request: Request, token: string): Promise<Holder> {
    const attempt = attempts.byToken(token)
    if (attempt) {
      const execution = await running(scopeOfRecord(attempt.execution), attempt.execution.id)
      const proof = `execution:${execution.id}`
      return { ...boundTo(execution), proof, principal: null, limitedAs: proof }
    }
    const workload = await workloads.byToken(token)
    if (!workload) throw refusal('workload_unknown', 'No workload has this address, or not any more.')
    if (request.workloadId !== null && request.workloadId !== workload.workloadId)
      throw refusal('workload_unknown', `This address is not that of the workload '${request.workloadId}'.`)
    const { tenantId, agentId, agentName, executionId, env, allowedContexts } = workload
    const proof = `workload:${workload.id}`
    const own = { tenantId, agentId, agentName, executionId, env, proof, principal: null, limitedAs: proof }
    return { ...own, bound: null, allowed: allowedContexts, tools: null }
  }

  async function running(scope: TenantScope, id: string): Promise<Execution> {
    const execution = isUuid(id) ? await executionStore.find(scope, id.toLowerCase()) : null
    if (!execution) throw refusal('execution_not_found', 'execution_not_found')
    if (execution.status !== 'running' && execution.status !== 'pending')
      throw refusal('workload_unknown', `The execution ${execution.id} is not running.`)
    return execution
  }

  async function contextOf(holder: Holder, name: string | null): Promise<SecurityContext> {
    if (name === null)
      throw refusal('scope_not_found', 'Attestation requires an explicit security_context: the name of one.')
    if (holder.bound) {
      if (holder.bound.name === name) return holder.bound
      throw refusal(
        'scope_not_permitted',
        `This execution runs under the context '${holder.bound.name}', not '${name}'.`,
      )
    }
    if (holder.allowed && !holder.allowed.includes(name))
      throw refusal('scope_not_permitted', `The workload may not name the security context '${name}'.`)
    const scope = scopeOfRecord(holder)
    const names = { tenantSlug: await contexts.slugOf(scope), isOfPlatform: true, consumerTier: null }
    if (!mayName(name, names))
      throw refusal('scope_not_permitted', `The security context '${name}' is not yours to name.`)
    const context = await contexts.find(scope, name)
    if (!context) throw refusal('scope_not_found', `security context '${name}' does not exist`)
    return context
  }

  async function requireSpare(holder: Holder): Promise<void> {
    const verdict = await limiter.hit(`seal-attest:${holder.limitedAs}`, MOST_A_MINUTE, 60)
    if (verdict.allowed) return
    const message = `At most ${MOST_A_MINUTE} attestations a minute.`
    throw refusal('too_many_attestations', message, { retryAfter: verdict.retryAfter })
  }

  return {
    async attest(body, proof) {
      let tenantId: string | null = null
      const request = readRequest(body)
      try {
        const holder = await holderOf(request, proof)
        tenantId = holder.tenantId
        await requireActive(scopeOfRecord(holder))
        await requireSpare(holder)
        tierOf(request.zaruTier)
        const securityContext = await contextOf(holder, request.context)
        const { session, token } = await sessions.open({
          tenantId: holder.tenantId,
          agentId: holder.agentId,
          agentName: storableText(holder.agentName),
          executionId: holder.executionId,
          env: holder.env,
          proof: holder.proof,
          principal: holder.principal ?? request.principal,
          publicKey: request.publicKey,
          securityContext,
          allowedToolPatterns: patternsOf(holder.tools, securityContext),
          userId: request.userId,
          workloadId: request.workloadId,
          zaruTier: request.zaruTier,
          containerId: request.containerId,
          taskSummary: request.taskSummary,
        })
        return { security_token: token, expires_at: toWireTime(session.expiresAt), session_id: session.id }
      } catch (error) {
        if (!(error instanceof Unavailable)) {
          const reason = error instanceof Error ? error.message : 'refused'
          await telling.attestationRefused({ tenantId, workloadId: request.workloadId, reason })
        }
        throw error
      }
    },
  }
}

/** What a session has of the execution that it is of. */
export const boundTo = (execution: Execution) => ({
  tenantId: execution.tenantId,
  agentId: execution.agentId,
  agentName: execution.agentName,
  executionId: execution.id,
  env: execution.env,
  bound: execution.securityContext,
  allowed: null,
  tools: toolsOf(execution),
})

/** What a session may call before its context is asked: the tools of the manifest, else what the context names. */
export const patternsOf = (tools: readonly string[] | null, { capabilities }: SecurityContext): readonly string[] =>
  tools ?? capabilities.map(({ toolPattern }) => toolPattern)

function toolsOf({ manifest }: Execution): readonly string[] | null {
  const names = (manifest.spec.tools ?? []).map((tool) => (typeof tool === 'string' ? tool : tool.name))
  return names.length > 0 ? names : null
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

const LONGEST_TEXT = 1000
const keyNames = ['public_key', 'agent_public_key', 'public_key_pem'] as const

/** @throws SealRefused */
function readRequest(body: unknown): Request {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refusal('attestation_malformed', 'The body must be a JSON object.')
  const members = body as Readonly<Record<string, unknown>>
  const given = keyNames.filter((name) => members[name] !== undefined && members[name] !== null)
  const [name] = given
  if (name === undefined) throw refusal('attestation_malformed', "The body has no 'public_key'.")
  if (given.length > 1) throw refusal('attestation_malformed', `The body has the key twice: ${given.join(' and ')}.`)
  const text = (member: string): string | null => {
    const value = members[member]
    if (value === undefined || value === null) return null
    if (typeof value !== 'string' || value.length > LONGEST_TEXT || value.includes('\0'))
      throw refusal('attestation_malformed', `'${member}' must be a text of at most ${LONGEST_TEXT} characters.`)
    return value.trim() === '' ? null : value.trim()
  }
  return {
    publicKey: keyOf(members[name], name),
    context: text('security_context') ?? text('requested_scope'),
    workloadId: text('workload_id'),
    agentId: text('agent_id'),
    executionId: text('execution_id'),
    containerId: text('container_id'),
    principal: text('principal_subject'),
    userId: text('user_id'),
    zaruTier: text('zaru_tier'),
    tenantId: text('tenant_id'),
    // What is too long for a token, or no text, is left out of it.
    taskSummary: typeof members.task_summary === 'string' ? members.task_summary : null,
  }
}

function keyOf(value: unknown, name: string): string {
  if (typeof value !== 'string') throw refusal('attestation_malformed', `'${name}' must be a text.`)
  try {
    return Buffer.from(parsePublicKey(value)).toString('base64')
  } catch (error) {
    if (error instanceof SEALError) throw refusal('attestation_malformed', `${name}: ${error.message}`)
    throw error
  }
}
