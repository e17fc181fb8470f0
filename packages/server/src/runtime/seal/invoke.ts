import { MAX_AGE_SECONDS, type ParsedEnvelope, parseSealEnvelope, SEALError, verifySealEnvelope } from '@lictor/seal'
import { SealRefused } from '../../errors.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Execution } from '../record/execution.ts'
import type { ExecutionStore } from '../record/store.ts'
import type { SecurityTokens } from '../seal-sessions/security-tokens.ts'
import { patternAllows, type SealSession } from '../seal-sessions/session.ts'
import type { SealSessions } from '../seal-sessions/sessions.ts'
import type { SealTelling } from '../seal-sessions/telling.ts'
import type { CallOutcome } from '../tools/invocations.ts'
import { toolNameOf } from '../tools/telling.ts'
import { ToolFatal } from '../tools/tool.ts'
import type { Discovery } from './discovery.ts'
import { faultOf, refusal, refusalOf } from './refusal.ts'

type Members = Readonly<Record<string, unknown>>

/** A signed call, from its bytes to its answer. */
export interface SealInvocations {
  /** @throws SealRefused for whatever is not answered by a tool */
  invoke(body: Uint8Array, signal: AbortSignal): Promise<Members>
}

/** Makes the call of a session that everything about its envelope allowed. */
export type MakeCall = (
  session: SealSession,
  call: {
    readonly name: string
    readonly arguments: Members
    readonly signature: string
    readonly signal: AbortSignal
  },
  execution: Execution | null,
) => Promise<CallOutcome>

export function createSealInvocations(deps: {
  sessions: SealSessions
  securityTokens: SecurityTokens
  executionStore: Pick<ExecutionStore, 'find'>
  discovery: Discovery
  makeCall: MakeCall
  telling: SealTelling
  requireActive: (scope: TenantScope) => Promise<void>
  clock: Clock
}): SealInvocations {
  const { sessions, securityTokens, executionStore, discovery, makeCall, telling, requireActive, clock } = deps

  async function sessionOf(parsed: ParsedEnvelope): Promise<SealSession> {
    const session = await sessions.findByToken(parsed.securityToken)
    if (!session) throw refusal('session_not_found', 'There is no session for this security token. Attest again.')
    if (session.status === 'Revoked')
      throw refusal('session_inactive', `The session was revoked: ${session.revokedReason ?? 'no reason was given'}.`)
    if (session.status === 'Expired' || session.expiresAt <= microsOf(clock.now())) {
      await sessions.expire(session)
      throw refusal('token_expired', 'The session has expired. Attest again.')
    }
    return session
  }

  /** That this very request comes from whom the session was opened for, now, and for the first time. */
  async function authenticate(parsed: ParsedEnvelope, session: SealSession): Promise<void> {
    verifySealEnvelope(parsed, new Uint8Array(Buffer.from(session.publicKey, 'base64')), { now: clock.now })
    const claims = await securityTokens.verify(parsed.securityToken)
    const isOwn =
      claims.jti === session.id &&
      claims.sub === session.agentId &&
      claims.exec_id === session.executionId &&
      claims.scp === session.securityContext.name
    if (!isOwn) throw refusal('token_invalid', 'The security token does not name this session.')
    const untilMs = (parsed.timestampUnix + MAX_AGE_SECONDS + 1) * 1000
    if (!(await sessions.accept(session, parsed.signature, untilMs)))
      throw refusal('token_expired', 'This envelope was accepted before: a replay (replay_detected).')
  }

  /** The execution that the session is of, if this server knows one. @throws SealRefused when it has ended */
  async function executionOf(session: SealSession): Promise<Execution | null> {
    const execution = await executionStore.find(scopeOfRecord(session), session.executionId)
    if (!execution || execution.status === 'running' || execution.status === 'pending') return execution
    await sessions.revokeAll({ tenantId: session.tenantId, executionId: execution.id }, 'execution_ended')
    throw refusal('session_inactive', 'The execution of this session has ended.')
  }

  async function answer(parsed: ParsedEnvelope, session: SealSession, signal: AbortSignal): Promise<Members> {
    const id = requestIdOf(parsed)
    const { method, params } = parsed.payload
    if (method === 'tools/list') return succeeded(id, { tools: discovery.ofSession(session) })
    const { name, args } = callIn(method, params)
    if (!session.allowedToolPatterns.some((pattern) => patternAllows(pattern, name))) {
      const details = `Tool '${name}' is not among those of the session.`
      await telling.blocked(session, { toolName: name, kind: 'ToolNotAllowed', details })
      throw refusal('tool_not_allowed', details, {
        details: { tool: name, security_context: session.securityContext.name },
      })
    }
    const execution = await executionOf(session)
    const { signature } = parsed
    const outcome = await makeCall(session, { name, arguments: args, signature, signal }, execution).catch(
      (error: unknown) => {
        if (error instanceof ToolFatal) throw refusal('upstream_unavailable', error.message)
        throw error
      },
    )
    return told(outcome, session, name, id)
  }

  return {
    async invoke(body, signal) {
      const parsed = seal(() => parseSealEnvelope(body))
      let session: SealSession | null = null
      try {
        session = await sessionOf(parsed)
        await requireActive(scopeOfRecord(session))
        await authenticate(parsed, session).catch((error: unknown) => {
          throw error instanceof SEALError ? refusalOf(error) : error
        })
      } catch (error) {
        if (!(error instanceof SealRefused)) throw error
        error.requestId = requestIdOf(parsed)
        if (session) await telling.rejected(session, { reason: error.code, toolName: null })
        throw error
      }
      try {
        return await answer(parsed, session, signal)
      } catch (error) {
        if (error instanceof SealRefused) error.requestId = requestIdOf(parsed)
        throw error
      }
    },
  }
}

function seal<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof SEALError ? refusalOf(error) : error
  }
}

function requestIdOf({ payload: { id } }: ParsedEnvelope): string | number | null {
  // A whole number that no JSON number of ours holds comes back as the text of it.
  if (typeof id === 'bigint') return String(id)
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

/** The tool that is called, and with what. @throws SealRefused */
function callIn(method: unknown, params: unknown): { name: string; args: Members } {
  if (typeof method !== 'string' || method === '') throw refusal('malformed', "The payload has no text in 'method'.")
  const isToolsCall = method === 'tools/call'
  if (isToolsCall && !isObject(params)) throw refusal('malformed', "The payload has no object in 'params'.")
  const name = isToolsCall ? (params as Members).name : method
  if (typeof name !== 'string' || name === '') throw refusal('malformed', "The payload has no text in 'params.name'.")
  const given = isToolsCall ? ((params as Members).arguments ?? {}) : params
  if (!isObject(given)) throw refusal('malformed', 'The arguments of the call are no object.')
  if (hasBigInt(given))
    throw refusal(
      'invalid_arguments',
      'An argument is a whole number beyond 2^53, which tools would get rounded. Send it as text.',
    )
  return { name: toolNameOf(name), args: given }
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function hasBigInt(value: unknown): boolean {
  if (typeof value === 'bigint') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasBigInt)
}

/** What came of the call, as clients of every generation read it. @throws SealRefused when the tool did not run */
function told(outcome: CallOutcome, session: SealSession, tool: string, id: string | number | null): Members {
  if (outcome.kind === 'returned') return succeeded(id, outcome.result)
  const { failure } = outcome
  const message = outcome.told.replace(/^(?:Tool execution error|Denied): /, '')
  const details = { tool, security_context: session.securityContext.name }
  if (failure.kind === 'violation') {
    const { violation, retryAfter } = failure
    const fault = violation.isMixed ? 'no_matching_capability' : faultOf(violation.kind)
    const more = { ...details, violation_type: violation.kind }
    throw refusal(fault, violation.details, {
      details: more,
      ...(fault === 'rate_limit_exceeded' ? { retryAfter: retryAfter ?? 1 } : {}),
    })
  }
  if (failure.kind === 'denied') throw refusal('denied_by_contract', message, { details })
  switch (failure.status) {
    case null:
      break
    case 422:
    case 400:
      throw refusal('invalid_arguments', message, { details })
    case 403:
      throw refusal('foreign_tenant', message, { details })
    case 404:
      throw refusal('tool_not_found', message, { details })
    case 429:
      throw refusal('rate_limit_exceeded', message, { details, retryAfter: 1 })
    case 502:
    case 503:
      throw refusal('upstream_unavailable', message, { details })
    default:
      if (failure.status >= 500) throw refusal('internal', message, { details })
  }
  return {
    protocol: 'seal/v1',
    status: 'success',
    payload: { jsonrpc: '2.0', id, error: { code: -32_000, message, data: null } },
  }
}

/** A result where each client looks: in the JSON-RPC answer, under `result`, and its members at the top. */
function succeeded(id: string | number | null, returned: unknown): Members {
  const result = isObject(returned) ? returned : { content: returned ?? null }
  const { protocol: _protocol, payload: _payload, result: _result, status, ...members } = result
  return {
    ...members,
    protocol: 'seal/v1',
    status: status === undefined || status === 'error' ? 'success' : status,
    payload: { jsonrpc: '2.0', id, result },
    result,
  }
}
