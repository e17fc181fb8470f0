import { BadRequest, InvalidInput, NotFound } from '../../errors.ts'
import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { parseWireTime } from '../../storage/instants.ts'
import { environmentOfAgent } from '../admission/admission.ts'
import type { Agents } from '../agents/agents.ts'
import type { SecurityContexts } from '../contexts/contexts.ts'
import { mayName } from '../contexts/names.ts'
import { requireUuid } from '../http.ts'
import type { ExecutionStore } from '../record/store.ts'
import { LONGEST_TOKEN_MS, type SealSession } from './session.ts'
import { requirePublicKey, type SealSessions } from './sessions.ts'

/** Sessions that an operator opens for a key it made itself. */
export interface Provisioning {
  /** @throws BadRequest, InvalidInput, NotFound for an agent that is not there */
  provision(
    scope: TenantScope,
    body: Readonly<Record<string, unknown>>,
    by: string,
  ): Promise<{ readonly session: SealSession; readonly token: string }>
}

export function createProvisioning(deps: {
  sessions: Pick<SealSessions, 'open'>
  contexts: SecurityContexts
  agents: Pick<Agents, 'get'>
  executionStore: Pick<ExecutionStore, 'find'>
  clock: Clock
}): Provisioning {
  const { sessions, contexts, agents, executionStore, clock } = deps
  return {
    async provision(scope, body, by) {
      const executionId = requireUuid(textIn(body, 'execution_id'), 'execution_id is no UUID')
      const agentId = requireUuid(textIn(body, 'agent_id', 'sub'), 'agent_id is no UUID')
      const name = textIn(body, 'security_context', 'security_context_name')
      const publicKey = requirePublicKey(body.public_key_b64 ?? body.public_key, 'public_key_b64')
      if (body.security_token !== undefined)
        throw new InvalidInput([
          { loc: ['body', 'security_token'], msg: 'This server issues the token of a session itself; leave it out.' },
        ])
      const execution = await executionStore.find(scope, executionId)
      if (execution && (execution.agentId !== agentId || execution.securityContext.name !== name))
        throw new InvalidInput([
          {
            loc: ['body', 'execution_id'],
            msg: `This execution is of the agent ${execution.agentId} under the context '${execution.securityContext.name}'.`,
          },
        ])
      const holder = { tenantSlug: await contexts.slugOf(scope), isOfPlatform: true, consumerTier: null }
      const context = execution?.securityContext ?? (mayName(name, holder) ? await contexts.find(scope, name) : null)
      if (!context)
        throw new InvalidInput([
          { loc: ['body', 'security_context'], msg: `There is no security context '${name}' in this tenant.` },
        ])
      // An agent that is not deployed here is known by its id alone, and contracts are assigned to it by that.
      const agent = execution
        ? null
        : await agents.get(scope, agentId).catch((error: unknown) => {
            if (error instanceof NotFound) return null
            throw error
          })
      return sessions.open({
        tenantId: scopeOfRecord(scope).tenantId,
        agentId,
        agentName: execution?.agentName ?? agent?.name ?? agentId,
        executionId,
        env: execution?.env ?? (agent ? environmentOfAgent(agent.manifest) : 'production'),
        publicKey,
        securityContext: context,
        allowedToolPatterns: patternsIn(body.allowed_tool_patterns),
        proof: `operator:${executionId}`,
        principal: null,
        userId: by,
        workloadId: null,
        zaruTier: null,
        containerId: null,
        taskSummary: null,
        endsAt: endIn(body.expires_at, clock.now()),
      })
    },
  }
}

function textIn(body: Readonly<Record<string, unknown>>, ...names: [string, ...string[]]): string {
  const value = names.map((name) => body[name]).find((one) => one !== undefined && one !== null)
  if (typeof value === 'string' && value.trim() !== '' && value.length <= 1000) return value.trim()
  throw new BadRequest(`The body needs a text in '${names[0]}'.`)
}

/** When the session ends, where the request says so: within the day that a token may live. */
function endIn(value: unknown, now: number): number | null {
  if (value === undefined || value === null) return null
  const instant = typeof value === 'string' ? parseWireTime(value) : null
  const at = instant === null ? Number.NaN : instant / 1000
  if (at > now && at <= now + LONGEST_TOKEN_MS) return at
  throw new BadRequest('expires_at must be an instant (RFC 3339) within the next 24 hours.')
}

/** Absent or empty: any. */
function patternsIn(value: unknown): readonly string[] {
  if (value === undefined || value === null) return ['*']
  const patterns = Array.isArray(value) ? (value as unknown[]) : [value]
  if (patterns.length > 1000 || !patterns.every((one) => typeof one === 'string' && one.length <= 1000))
    throw new BadRequest('allowed_tool_patterns must be a list of at most 1000 texts.')
  return patterns.length === 0 ? ['*'] : (patterns as string[])
}
