import Type from 'typebox'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { callerOf } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import { toWireTime } from '../../storage/instants.ts'
import { ListOf, listed, pageOf } from '../http.ts'
import type { Incidents } from './incidents.ts'
import { type Incident as Kept, severities } from './store.ts'

const Incident = Type.Object({
  id: Type.String(),
  type: Type.String({ description: 'The same as the category.' }),
  category: Type.String(),
  severity: Type.String(),
  agent_id: Nullable(Type.String()),
  execution_id: Nullable(Type.String()),
  session_id: Nullable(Type.String()),
  tool_name: Nullable(Type.String()),
  details: Type.String(),
  created_at: Instant,
  occurred_at: Instant,
})

const shown = (incident: Kept) => ({
  id: incident.id,
  type: incident.category,
  category: incident.category,
  severity: severities[incident.category],
  agent_id: incident.agentId,
  execution_id: incident.executionId,
  session_id: incident.sessionId,
  tool_name: incident.toolName,
  details: incident.details,
  created_at: toWireTime(incident.occurredAt),
  occurred_at: toWireTime(incident.occurredAt),
})

/** Incidents over HTTP, at the paths of two generations of clients. */
export function incidentRoutes(app: App, incidents: Incidents): void {
  for (const url of ['/v1/security/incidents', '/v1/observability/security-incidents'])
    app.get(
      url,
      {
        config: { access: 'bearer', scope: 'tenant', requires: 'execution:list' },
        schema: {
          tags: ['observability'],
          summary: 'What was refused, newest first',
          querystring: Type.Object({ limit: Type.Optional(Type.String()) }),
          response: { 200: ListOf('incidents', Incident), ...runtimeFailures(400, 401, 403) },
        },
      },
      async (request) => {
        const { limit } = pageOf(request.query, { fallback: 100, max: 500 })
        return listed('incidents', (await incidents.list(scopeOf(callerOf(request)), limit)).map(shown))
      },
    )
}
