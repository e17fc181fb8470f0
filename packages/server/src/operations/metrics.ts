import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { App } from '../http/server.ts'

/** What the server counts, in Prometheus terms. Features get this object and name what they count here, in one list. */
export function metrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    registry,
    requests: new Histogram({
      name: 'lictor_http_request_seconds',
      help: 'Time to answer, by route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    eventsIngested: new Counter({ name: 'lictor_events_ingested_total', help: 'Audit events stored.', registers }),
    eventsDuplicate: new Counter({
      name: 'lictor_events_duplicate_total',
      help: 'Audit events delivered again.',
      registers,
    }),
    approvals: new Counter({
      name: 'lictor_approvals_total',
      help: 'Approvals by what became of them.',
      labelNames: ['status'],
      registers,
    }),
    agentStreams: new Gauge({ name: 'lictor_agent_streams', help: 'Open agent streams on this process.', registers }),
    dashboardStreams: new Gauge({
      name: 'lictor_dashboard_streams',
      help: 'Open dashboard streams on this process.',
      registers,
    }),
    executions: new Counter({
      name: 'lictor_executions_total',
      help: 'Executions by how they ended.',
      labelNames: ['status'],
      registers,
    }),
    toolCalls: new Counter({
      name: 'lictor_tool_calls_total',
      help: 'Tool calls of executions by verdict.',
      labelNames: ['verdict'],
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof metrics>

export function metricsRoutes(app: App, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unmatched'
    metrics.requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
  app.get(
    '/metrics',
    { config: { access: 'public', scope: 'none' }, schema: { tags: ['health'], summary: 'Prometheus metrics' } },
    async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}
