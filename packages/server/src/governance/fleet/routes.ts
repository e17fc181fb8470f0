import Type from 'typebox'
import { failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { keyClients, keyOf, userOf } from '../../identity/caller.ts'
import { microsOf, toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { AgentId, PolicyVersion } from '../fields.ts'
import { withAgentJson } from '../json-body.ts'
import type { Adopted } from './adoption.ts'
import type { Registrations, RegistrationView } from './registrations.ts'
import type { Status } from './status.ts'

const tags = { tags: ['agents'] }

const Registration = Type.Object({
  id: Type.String(),
  agent_id: AgentId,
  display_name: Nullable(Type.String()),
  tags: Type.Record(Type.String(), Type.Unknown()),
  bundle_name: Nullable(Type.String({ description: 'The explicit assignment.' })),
  resolved_bundle: Nullable(Type.String({ description: 'What assignment and rules come to.' })),
  last_seen_at: Nullable(Instant),
  reads: Nullable(
    Type.Enum([...keyClients], {
      description: 'Which documents it reads, by what it was last heard to speak; null while that is not known.',
    }),
  ),
  env: Nullable(Type.String({ description: 'Environment of its last connection.' })),
  running_bundle: Nullable(Type.String({ description: 'The bundle of its last connection.' })),
  policy_version: Nullable(PolicyVersion),
  created_at: Instant,
})

const wireRegistration = (registration: RegistrationView) => ({
  id: registration.id,
  agent_id: registration.agentId,
  display_name: registration.displayName,
  tags: { ...registration.tags },
  bundle_name: registration.bundleName,
  resolved_bundle: registration.resolvedBundle,
  last_seen_at: toWireTimeOrNull(registration.lastSeenAt),
  reads: registration.reads,
  env: registration.env,
  running_bundle: registration.runningBundle,
  policy_version: registration.policyVersion,
  created_at: toWireTime(registration.createdAt),
})

/** Agents: who is connected, who is registered, what each is assigned, and what each says it runs. */
export function fleetRoutes(app: App, deps: { registrations: Registrations; status: Status; adopted: Adopted }): void {
  const { registrations, status, adopted } = deps

  withAgentJson(app, (scope) => {
    scope.post(
      '/api/v1/agents/ack',
      {
        config: { access: 'agent', scope: 'environment' },
        schema: {
          ...tags,
          summary: 'Say which version of its bundle an agent runs now',
          description: 'Sent when a version was adopted. `X-Edictum-Agent-Id` says who.',
          body: Type.Object({
            bundle_name: Type.String({ minLength: 1, maxLength: 255 }),
            policy_version: Type.String({ pattern: '^[\\x20-\\x7e]{1,255}$', description: 'Its revision hash.' }),
          }),
          response: { 204: Type.Null(), ...failures(401, 422) },
        },
      },
      async (request, reply) => {
        const { bundle_name, policy_version } = request.body
        await adopted(keyOf(request), { bundleName: bundle_name, policyVersion: policy_version })
        return reply.code(204).send(null)
      },
    )
  })

  app.get(
    '/api/v1/agents/status',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Connected agents and their drift',
        querystring: Type.Object({ bundle_name: Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            agents: Type.Array(
              Type.Object({
                agent_id: AgentId,
                env: Type.String(),
                bundle_name: Nullable(Type.String()),
                policy_version: Nullable(PolicyVersion),
                status: Type.Enum(['current', 'drift', 'unknown']),
                connected_at: Instant,
              }),
            ),
          }),
          ...failures(401, 422),
        },
      },
    },
    async (request) => ({
      agents: (await status(userOf(request), request.query.bundle_name || null)).map((agent) => ({
        agent_id: agent.agentId,
        env: agent.env,
        bundle_name: agent.bundleName,
        policy_version: agent.policyVersion,
        status: agent.status,
        connected_at: toWireTime(microsOf(agent.connectedAt)),
      })),
    }),
  )

  app.get(
    '/api/v1/agent-registrations',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List registered agents',
        response: { 200: Type.Array(Registration), ...failures(401) },
      },
    },
    async (request) => (await registrations.list(userOf(request))).map(wireRegistration),
  )

  app.patch(
    '/api/v1/agent-registrations/:agent_id',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Name, tag or assign an agent',
        description: 'Null or absent leaves a field as it is; an empty bundle_name clears the explicit assignment.',
        params: Type.Object({ agent_id: AgentId }),
        body: Type.Object({
          display_name: Maybe(Type.String({ maxLength: 255 })),
          tags: Maybe(Type.Record(Type.String(), Type.Unknown())),
          bundle_name: Maybe(Type.String({ maxLength: 128 })),
        }),
        response: { 200: Registration, ...failures(401, 403, 404, 422) },
      },
    },
    async (request) => {
      const { display_name, tags, bundle_name } = request.body
      return wireRegistration(
        await registrations.update(userOf(request), request.params.agent_id, {
          displayName: display_name ?? undefined,
          tags: tags ?? undefined,
          bundleName: bundle_name ?? undefined,
        }),
      )
    },
  )

  app.post(
    '/api/v1/agent-registrations/bulk-assign',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Assign a bundle to many agents',
        body: Type.Object({
          agent_ids: Type.Array(Type.String(), { minItems: 1, maxItems: 100 }),
          bundle_name: Type.String({ maxLength: 128 }),
        }),
        response: { 200: Type.Object({ updated: Type.Integer() }), ...failures(401, 403, 422) },
      },
    },
    async (request) => ({
      updated: await registrations.assign(userOf(request), request.body.agent_ids, request.body.bundle_name),
    }),
  )
}
