import Type from 'typebox'
import { failures, Instant, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { toWireTime } from '../../storage/instants.ts'
import { AgentId } from '../fields.ts'
import type { History } from './history.ts'
import type { TimelineEntry } from './timeline.ts'

const tags = { tags: ['agents'] }

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
    bundle_name: deployment?.bundleName ?? null,
    bundle_version: deployment?.bundleVersion ?? null,
    deployed_by: deployment?.deployedBy ?? null,
    revision_hash: deployment?.revisionHash ?? null,
    policy_version: resolved?.policyVersion ?? null,
    drift_duration_seconds: resolved?.seconds ?? null,
    expected_version: detected?.expected ?? null,
    actual_version: detected?.actual ?? null,
    environment: entry.type === 'first_seen' ? entry.env : null,
  }
}

/** What became of an agent's contracts. */
export function historyRoutes(app: App, { history }: { history: History }): void {
  app.get(
    '/api/v1/agents/:agent_id/history',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: "What became of an agent's contracts",
        description: 'Newest first: first seen, deployments to its environment, drift and its end.',
        params: Type.Object({ agent_id: AgentId }),
        querystring: Type.Object({
          limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'Of deployments.' }),
        }),
        response: {
          200: Type.Object({
            agent_id: AgentId,
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
}
