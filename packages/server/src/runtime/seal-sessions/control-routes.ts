import Type from 'typebox'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { actorOf } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import type { AccessAudit } from '../access-audit.ts'
import { requireInstallationOperator, requireOperator } from '../contexts/routes.ts'
import { JsonObject, ListOf, listed } from '../http.ts'
import type { Provisioning } from './provisioning.ts'
import type { SecurityTokens, TokenKey } from './security-tokens.ts'
import type { Workload as Registered, SealSession } from './session.ts'
import type { SealSessions } from './sessions.ts'
import type { Workloads } from './workloads.ts'

const tags = ['seal']
const config = { access: 'bearer', scope: 'tenant' } as const
/** The keys are the installation's, and no tenant's. */
const keyConfig = { access: 'bearer', scope: 'none' } as const

const Session = Type.Object({
  session_id: Type.String(),
  execution_id: Type.String(),
  agent_id: Type.String(),
  sub: Type.String({ description: 'The same as agent_id.' }),
  security_context: Type.String({ description: 'Name of the context; the session has it as it was then.' }),
  security_context_name: Type.String(),
  public_key_b64: Type.String(),
  allowed_tool_patterns: Type.Array(Type.String()),
  session_status: Type.String(),
  status: Type.String(),
  revoked_reason: Nullable(Type.String()),
  workload_id: Nullable(Type.String()),
  tenant_id: Type.String(),
  created_at: Instant,
  expires_at: Instant,
})

const shown = (session: SealSession) => ({
  session_id: session.id,
  execution_id: session.executionId,
  agent_id: session.agentId,
  sub: session.agentId,
  security_context: session.securityContext.name,
  security_context_name: session.securityContext.name,
  public_key_b64: session.publicKey,
  allowed_tool_patterns: [...session.allowedToolPatterns],
  session_status: session.status,
  status: session.status,
  revoked_reason: session.revokedReason,
  workload_id: session.workloadId,
  tenant_id: session.tenantId,
  created_at: toWireTime(session.createdAt),
  expires_at: toWireTime(session.expiresAt),
})

const workloadFields = {
  workload_id: Type.String(),
  allowed_contexts: Type.Array(Type.String()),
  agent_id: Type.String(),
  execution_id: Type.String({ description: 'Of all its sessions: their files stay with it.' }),
  created_at: Instant,
  expires_at: Nullable(Instant),
}

const shownWorkload = (workload: Registered) => ({
  workload_id: workload.workloadId,
  allowed_contexts: [...workload.allowedContexts],
  agent_id: workload.agentId,
  execution_id: workload.executionId,
  created_at: toWireTime(workload.createdAt),
  expires_at: workload.expiresAt === null ? null : toWireTime(workload.expiresAt),
})

const Key = Type.Object({
  kid: Type.String(),
  algorithm: Type.String(),
  created_at: Instant,
  verifies_until: Nullable(Instant),
})

const shownKey = ({ id, algorithm, createdAt, verifiesUntil }: TokenKey) => ({
  kid: id,
  algorithm,
  created_at: toWireTime(createdAt),
  verifies_until: toWireTimeOrNull(verifiesUntil),
})

/** What operators do with sessions, workloads and keys of SEAL. */
export function sealControlRoutes(
  app: App,
  deps: {
    sessions: SealSessions
    provisioning: Provisioning
    workloads: Workloads
    securityTokens: SecurityTokens
    audit: AccessAudit
    /** Public address of this server, without a slash at its end. */
    baseUrl: string
  },
): void {
  const { sessions, provisioning, workloads, securityTokens, audit, baseUrl } = deps

  app.post(
    '/v1/seal/sessions',
    {
      config,
      schema: {
        tags,
        summary: 'Provision a session for a public key',
        description: 'An earlier session of the same execution that was provisioned ends.',
        body: JsonObject,
        response: {
          200: Type.Object({
            status: Type.String(),
            saved: Type.Boolean(),
            session_id: Type.String(),
            execution_id: Type.String(),
            security_token: Type.String(),
            expires_at: Instant,
            session_status: Type.String(),
          }),
          ...runtimeFailures(400, 401, 403, 422),
        },
      },
    },
    async (request) => {
      const caller = requireOperator(request)
      const { session, token } = await provisioning.provision(scopeOf(caller), request.body, actorOf(caller))
      return {
        status: 'success',
        saved: true,
        session_id: session.id,
        execution_id: session.executionId,
        security_token: token,
        expires_at: toWireTime(session.expiresAt),
        session_status: session.status,
      }
    },
  )

  app.get(
    '/v1/seal/sessions',
    {
      config,
      schema: {
        tags,
        summary: 'Active sessions, newest first',
        response: { 200: Type.Array(Session), ...runtimeFailures(401, 403) },
      },
    },
    async (request) => (await sessions.list(scopeOf(requireOperator(request)))).map(shown),
  )

  app.get(
    '/v1/seal/sessions/:execution_id',
    {
      config,
      schema: {
        tags,
        summary: 'The newest session of an execution',
        params: Type.Object({ execution_id: Type.String() }),
        response: { 200: Session, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => shown(await sessions.get(scopeOf(requireOperator(request)), request.params.execution_id)),
  )

  app.delete(
    '/v1/seal/sessions/:execution_id',
    {
      config,
      schema: {
        tags,
        summary: 'Revoke the sessions of an execution, at once',
        params: Type.Object({ execution_id: Type.String() }),
        response: {
          200: Type.Object({
            status: Type.String(),
            execution_id: Type.String(),
            session_status: Type.String(),
            revoked_at: Instant,
          }),
          ...runtimeFailures(401, 403, 404),
        },
      },
    },
    async (request) => {
      const caller = requireOperator(request)
      const { execution_id } = request.params
      const session = await sessions.revoke(scopeOf(caller), execution_id, `revoked by ${actorOf(caller)}`)
      return {
        status: 'revoked',
        execution_id,
        session_status: session.status,
        revoked_at: toWireTime(session.endedAt ?? session.createdAt),
      }
    },
  )

  app.post(
    '/v1/seal/workloads',
    {
      config,
      schema: {
        tags,
        summary: 'Register a program that may attest without a bearer',
        description:
          'The answer has its address, this once. Registering the same workload again gives it a new address and ends the former.',
        body: Type.Object({
          workload_id: Type.Any({ description: 'Its name, unique within the tenant.' }),
          allowed_contexts: Type.Any({ description: 'Names of the security contexts that it may attest under.' }),
          agent_id: Type.Optional(
            Type.Any({ description: 'A deployed agent, whose contracts its calls are judged by.' }),
          ),
          expires_at: Type.Optional(Type.Any({ description: 'When its address ends; absent for never.' })),
        }),
        response: {
          200: Type.Object({
            ...workloadFields,
            gateway_url: Type.String({ description: 'What its SEALClient is made with.' }),
          }),
          ...runtimeFailures(400, 401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const caller = requireOperator(request)
      const { workload, token } = await workloads.register(scopeOf(caller), request.body, actorOf(caller))
      return { ...shownWorkload(workload), gateway_url: `${baseUrl}/x/${token}` }
    },
  )

  app.get(
    '/v1/seal/workloads',
    {
      config,
      schema: {
        tags,
        summary: 'Workloads by name',
        response: { 200: ListOf('workloads', Type.Object(workloadFields)), ...runtimeFailures(401, 403) },
      },
    },
    async (request) => {
      const found = await workloads.list(scopeOf(requireOperator(request)))
      return listed('workloads', found.map(shownWorkload))
    },
  )

  app.delete(
    '/v1/seal/workloads/:workload_id',
    {
      config,
      schema: {
        tags,
        summary: 'Take a workload’s address back, and revoke its sessions',
        params: Type.Object({ workload_id: Type.String() }),
        response: {
          200: Type.Object({ status: Type.String(), workload_id: Type.String() }),
          ...runtimeFailures(401, 403, 404),
        },
      },
    },
    async (request) => {
      const { workload_id } = request.params
      await workloads.revoke(scopeOf(requireOperator(request)), workload_id)
      return { status: 'revoked', workload_id }
    },
  )

  app.post(
    '/v1/seal/keys/rotate',
    {
      config: keyConfig,
      schema: {
        tags,
        summary: 'Sign security tokens with a new key from now on',
        description:
          'Of the whole installation. The keys before it verify for another day, which is as long as any token lives, so that no session ends. Other servers sign with the new key within a minute.',
        body: Nullable(
          Type.Object({
            algorithm: Type.Optional(
              Type.Enum(['RS256', 'EdDSA'], {
                description: 'That of the key before, where it is left out. Some gateways verify RS256 alone.',
              }),
            ),
          }),
        ),
        response: {
          201: Type.Object({
            ...Key.properties,
            keys: Type.Array(Key, { description: 'All in force, newest first.' }),
          }),
          ...runtimeFailures(400, 401, 403, 422),
        },
      },
    },
    async (request, reply) => {
      const caller = requireInstallationOperator(request)
      const key = await securityTokens.rotate(request.body?.algorithm)
      await audit.record(caller, 'seal_key.rotate', { kid: key.id, algorithm: key.algorithm }, null)
      reply.code(201)
      return { ...shownKey(key), keys: (await securityTokens.keys()).map(shownKey) }
    },
  )

  app.delete(
    '/v1/seal/keys/:kid',
    {
      config: keyConfig,
      schema: {
        tags,
        summary: 'Let a former key verify no more',
        description:
          'For a key that became known to somebody: every token it signed is refused, on other servers within a minute, and its holders attest again. The key that signs is rotated first.',
        params: Type.Object({ kid: Type.String() }),
        response: {
          200: Type.Object({ status: Type.String(), kid: Type.String() }),
          ...runtimeFailures(401, 403, 404, 409),
        },
      },
    },
    async (request) => {
      const caller = requireInstallationOperator(request)
      const { kid } = request.params
      await securityTokens.retire(kid)
      await audit.record(caller, 'seal_key.retire', { kid }, null)
      return { status: 'retired', kid }
    },
  )
}
