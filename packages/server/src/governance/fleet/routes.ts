import Type from 'typebox'
import { userOf } from '../../http/caller.ts'
import { failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { microsOf, toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import type { ReadHistory } from './history.ts'
import { type Registrations, type RegistrationView, tagsOf } from './registrations.ts'
import type { fleetStatus } from './status.ts'
import type { TimelineEntry } from './timeline.ts'

const tags = { tags: ['agents'] }

const Registration = Type.Object({
  id: Type.String(),
  agent_id: Type.String(),
  display_name: Nullable(Type.String()),
  tags: Type.Record(Type.String(), Type.Unknown()),
  bundle_name: Nullable(Type.String({ description: 'The explicit assignment.' })),
  resolved_bundle: Nullable(Type.String({ description: 'What assignment and rules come to.' })),
  last_seen_at: Nullable(Instant),
  created_at: Instant,
})

const wireRegistration = (row: RegistrationView) => ({
  id: row.id,
  agent_id: row.agent_id,
  display_name: row.display_name,
  tags: tagsOf(row),
  bundle_name: row.bundle_name,
  resolved_bundle: row.resolved_bundle,
  last_seen_at: toWireTimeOrNull(row.last_seen_at),
  created_at: toWireTime(row.created_at),
})

const HistoryEntry = Type.Object({
  type: Type.Enum(['first_seen', 'deployment', 'drift_detected', 'drift_resolved']),
  timestamp: Instant,
  bundle_name: Nullable(Type.String()),
  bundle_version: Nullable(Type.Integer()),
  deployed_by: Nullable(Type.String()),
  revision_hash: Nullable(Type.String()),
  policy_version: Nullable(Type.String()),
  drift_duration_seconds: Nullable(Type.Integer()),
  expected_version: Nullable(Type.String()),
  actual_version: Nullable(Type.String()),
  environment: Nullable(Type.String()),
})

/** Every entry has every field, null where it does not apply. */
function wireEntry(entry: TimelineEntry) {
  const deployment = entry.type === 'deployment' ? entry.deployment : null
  const detected = entry.type === 'drift_detected' ? entry : null
  const resolved = entry.type === 'drift_resolved' ? entry : null
  return {
    type: entry.type,
    timestamp: toWireTime(entry.at),
    bundle_name: deployment?.bundle_name ?? null,
    bundle_version: deployment?.bundle_version ?? null,
    deployed_by: deployment?.deployed_by ?? null,
    revision_hash: deployment?.revision_hash ?? null,
    policy_version: resolved?.policyVersion ?? null,
    drift_duration_seconds: resolved?.seconds ?? null,
    expected_version: detected?.expected ?? null,
    actual_version: detected?.actual ?? null,
    environment: entry.type === 'first_seen' ? entry.env : null,
  }
}

/** console-api §8.7.1, §8.7.4 and §8.8. */
export function fleetRoutes(
  app: App,
  deps: { registrations: Registrations; status: ReturnType<typeof fleetStatus>; history: ReadHistory },
): void {
  const { registrations, status, history } = deps

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
                agent_id: Type.String(),
                env: Type.String(),
                bundle_name: Nullable(Type.String()),
                policy_version: Nullable(Type.String()),
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
    '/api/v1/agents/:agent_id/history',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: "What became of an agent's contracts",
        description: 'Newest first: first seen, deployments to its environment, drift and its end.',
        params: Type.Object({ agent_id: Type.String() }),
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'Of deployments.' }),
        }),
        response: {
          200: Type.Object({
            agent_id: Type.String(),
            environment: Nullable(Type.String()),
            events: Type.Array(HistoryEntry),
          }),
          ...failures(401, 404, 422),
        },
      },
    },
    async (request) => {
      const { agent_id } = request.params
      const { environment, entries } = await history(userOf(request), agent_id, request.query.limit)
      return { agent_id, environment, events: entries.map(wireEntry) }
    },
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
        params: Type.Object({ agent_id: Type.String() }),
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
