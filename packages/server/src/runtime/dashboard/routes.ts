import Type from 'typebox'
import { DomainError } from '../../errors.ts'
import { Instant, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import { runtimeCallerOf } from '../http.ts'
import type { Nodes } from '../nodes/nodes.ts'
import { ClusterShape, shownCluster } from '../nodes/routes.ts'
import type { DashboardStore } from './store.ts'

const DAY_MS = 86_400_000
/** Clients ask whether there is anything, not how much. */
const MOST_RECENT = 25

const Summary = Type.Object({
  generated_at: Instant,
  uptime_seconds: Type.Integer(),
  cluster: ClusterShape,
  swarm_count: Type.Integer(),
  stimulus_count: Type.Integer(),
  security_incident_count: Type.Integer(),
  storage_violation_count: Type.Integer(),
  execution_count: Type.Integer(),
  execution_counts: Type.Record(Type.String(), Type.Integer()),
  workflow_execution_count: Type.Integer(),
  workflow_execution_counts: Type.Record(Type.String(), Type.Integer()),
  recent_execution_count: Type.Integer(),
  recent_workflow_execution_count: Type.Integer(),
  active_agents: Type.Integer(),
  error_rate: Type.Number(),
})

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0)

/** The summary of a tenant over HTTP, at the paths of two generations of clients. */
export function dashboardRoutes(
  app: App,
  deps: {
    store: DashboardStore
    nodes: Pick<Nodes, 'cluster' | 'uptimeSeconds'>
    clock: Clock
  },
): void {
  const { store, nodes, clock } = deps
  for (const url of ['/v1/dashboard/summary', '/v1/observability/dashboard'])
    app.get(
      url,
      {
        config: { access: 'bearer', scope: 'tenant', requires: 'execution:list' },
        schema: {
          tags: ['cluster'],
          summary: 'How the tenant and the installation fare, in numbers',
          response: { 200: Summary, ...runtimeFailures(401, 403) },
        },
      },
      async (request) => {
        const caller = runtimeCallerOf(request)
        if (caller.kind === 'user' ? !caller.isAdmin : !/^(operator|service_account)$/.test(caller.identity))
          throw new DomainError(403, 'operator_required', 'Only operators see the summary.')
        const now = clock.now()
        const [cluster, counts] = await Promise.all([
          nodes.cluster(),
          store.count(scopeOf(caller), microsOf(now - DAY_MS)),
        ])
        const { completed = 0, failed = 0 } = counts.endedSince
        const [executions, workflows] = [sum(counts.executions), sum(counts.workflowRuns)]
        return {
          generated_at: toWireTime(microsOf(now)),
          uptime_seconds: nodes.uptimeSeconds(),
          cluster: shownCluster(cluster, nodes.uptimeSeconds()),
          swarm_count: counts.swarms,
          stimulus_count: counts.stimuli,
          security_incident_count: counts.incidents,
          storage_violation_count: counts.violations,
          execution_count: executions,
          execution_counts: counts.executions,
          workflow_execution_count: workflows,
          workflow_execution_counts: counts.workflowRuns,
          recent_execution_count: Math.min(executions, MOST_RECENT),
          recent_workflow_execution_count: Math.min(workflows, MOST_RECENT),
          active_agents: counts.activeAgents,
          error_rate: completed + failed === 0 ? 0 : failed / (completed + failed),
        }
      },
    )
}
