import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import Type from 'typebox'
import type { App } from '../http/server.ts'
import { version } from '../version.ts'

/** Seconds of what takes a computer's time. */
const WORK = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]
/** Seconds of what another service, or a model, takes. */
const OTHERS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
/** Seconds of what a person takes. */
const PEOPLE = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600]

/** What the server counts, in Prometheus terms. Features get this object and name what they count here, in one list. */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const beforeReading: (() => void | Promise<void>)[] = []
  new Gauge({ name: 'lictor_build_info', help: 'Always 1.', labelNames: ['version'], registers }).set({ version }, 1)
  return {
    registry,
    /** Look something up each time the figures are read. What fails is left out of them. */
    onRead: (look: () => void | Promise<void>) => void beforeReading.push(look),
    /** The figures, as of now. */
    async read(): Promise<string> {
      await Promise.allSettled(beforeReading.map(async (look) => look()))
      return registry.metrics()
    },
    requests: new Histogram({
      name: 'lictor_http_request_seconds',
      help: 'Time to answer, by route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: WORK,
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
    instanceStarts: new Counter({
      name: 'lictor_sandbox_starts_total',
      help: 'Sandboxes that attempts of agents were given: warm (one that waited), cold (started for it).',
      labelNames: ['kind'],
      registers,
    }),
    instancesWaiting: new Gauge({
      name: 'lictor_sandboxes_waiting',
      help: 'Sandboxes that wait for an execution.',
      registers,
    }),
    agentConnections: new Counter({
      name: 'lictor_agent_connections_total',
      help: 'Connections that agents in sandboxes asked for, by outcome: opened, refused (a list or an address), failed.',
      labelNames: ['outcome'],
      registers,
    }),
    sealAttestations: new Counter({
      name: 'aegis_seal_attestations_total',
      help: 'Attestations of SEAL by outcome.',
      labelNames: ['result'],
      registers,
    }),
    sealSessionsActive: new Gauge({
      name: 'aegis_seal_sessions_active',
      help: 'Sessions of SEAL that calls can be made under, in the whole installation.',
      registers,
    }),
    sealSignatureFailures: new Counter({
      name: 'aegis_seal_signature_failures_total',
      help: 'Envelopes of known sessions whose signature did not verify.',
      registers,
    }),
    sealPolicyViolations: new Counter({
      name: 'aegis_seal_policy_violations_total',
      help: 'Calls by SEAL that the session or its security context did not allow, by kind.',
      labelNames: ['violation_type'],
      registers,
    }),
    rateLimits: new Counter({
      name: 'aegis_rate_limit_events_total',
      help: 'Limits by tier, tenant or user: refused (one was reached), warned (80 % of one was used), by resource.',
      labelNames: ['outcome', 'resource_type'],
      registers,
    }),
    aegisExecutions: new Counter({
      name: 'aegis_executions_total',
      help: 'Executions that began here (started) and that ended here, by how; kind: agent, or child of another.',
      labelNames: ['kind', 'status'],
      registers,
    }),
    aegisExecutionActive: new Gauge({
      name: 'aegis_execution_active',
      help: 'Executions that have not ended, in the whole installation.',
      registers,
    }),
    aegisExecutionTime: new Histogram({
      name: 'aegis_execution_duration_seconds',
      help: 'Time from the start of an execution to its end, waiting included.',
      labelNames: ['status'],
      buckets: OTHERS,
      registers,
    }),
    aegisIterations: new Counter({
      name: 'aegis_execution_iterations_total',
      help: 'Attempts of executions that ended here.',
      registers,
    }),
    aegisWorkflows: new Counter({
      name: 'aegis_workflow_executions_total',
      help: 'Runs of workflows that began here (started) and that ended here, by how.',
      labelNames: ['status'],
      registers,
    }),
    aegisSwarmActive: new Gauge({
      name: 'aegis_swarm_active',
      help: 'Swarms of this installation that are not dissolved.',
      registers,
    }),
    aegisSwarmChildren: new Counter({
      name: 'aegis_swarm_children_spawned_total',
      help: 'Children that agents began in swarms.',
      registers,
    }),
    aegisSwarmMessages: new Counter({
      name: 'aegis_swarm_messages_total',
      help: 'Messages between members of swarms, one for each that was told.',
      registers,
    }),
    aegisSwarmLocks: new Counter({
      name: 'aegis_swarm_locks_acquired_total',
      help: 'Locks that members of swarms took.',
      registers,
    }),
    aegisSwarmsDissolved: new Counter({
      name: 'aegis_swarm_dissolved_total',
      help: 'Swarms that were dissolved, by why.',
      labelNames: ['reason'],
      registers,
    }),
    aegisPublished: new Counter({
      name: 'aegis_event_bus_published_total',
      help: 'Messages given to the bus, by topic.',
      labelNames: ['event_type'],
      registers,
    }),
    aegisDeliveryFailures: new Counter({
      name: 'aegis_event_bus_delivery_failures_total',
      help: 'Messages that the bus refused; readers find what they tell in the database.',
      labelNames: ['reason'],
      registers,
    }),
    aegisNodes: new Gauge({
      name: 'aegis_cluster_nodes',
      help: 'Servers of the installation by status.',
      labelNames: ['status'],
      registers,
    }),
    aegisRequests: new Counter({
      name: 'aegis_http_requests_total',
      help: 'Requests of the runtime API, by route and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    executionsRunning: new Gauge({
      name: 'lictor_executions_running',
      help: 'Executions this process runs or holds back until there is room.',
      registers,
    }),
    ingestWaiting: new Gauge({
      name: 'lictor_ingest_waiting_events',
      help: 'Audit events received and not yet stored.',
      registers,
    }),
    ingestWaitingBytes: new Gauge({
      name: 'lictor_ingest_waiting_bytes',
      help: 'Size of the audit events received and not yet stored.',
      registers,
    }),
    ingestCommit: new Histogram({
      name: 'lictor_ingest_commit_seconds',
      help: 'Time to store a group of audit events.',
      buckets: WORK,
      registers,
    }),
    approvalsPending: new Gauge({
      name: 'lictor_approvals_pending',
      help: 'Approvals that wait for a person, in the whole installation.',
      registers,
    }),
    approvalsOldest: new Gauge({
      name: 'lictor_approvals_oldest_seconds',
      help: 'How long the oldest pending approval has waited.',
      registers,
    }),
    approvalDecision: new Histogram({
      name: 'lictor_approval_decision_seconds',
      help: 'Time from the question to the decision.',
      labelNames: ['status', 'via'],
      buckets: PEOPLE,
      registers,
    }),
    notificationAttempts: new Counter({
      name: 'lictor_notification_attempts_total',
      help: 'Deliveries tried, by kind of channel and outcome.',
      labelNames: ['channel_type', 'outcome'],
      registers,
    }),
    notificationRetries: new Counter({
      name: 'lictor_notification_retries_total',
      help: 'Deliveries tried that had failed before.',
      labelNames: ['channel_type'],
      registers,
    }),
    notificationsGivenUp: new Counter({
      name: 'lictor_notifications_given_up_total',
      help: 'Notifications that will not arrive.',
      registers,
    }),
    notificationTime: new Histogram({
      name: 'lictor_notification_attempt_seconds',
      help: 'Time a delivery takes, whatever its outcome.',
      labelNames: ['channel_type'],
      buckets: OTHERS,
      registers,
    }),
    outboxWaiting: new Gauge({
      name: 'lictor_outbox_waiting',
      help: 'Notifications in the outbox, in the whole installation.',
      registers,
    }),
    outboxOldest: new Gauge({
      name: 'lictor_outbox_oldest_seconds',
      help: 'How long the oldest notification in the outbox has waited.',
      registers,
    }),
    aiCalls: new Counter({
      name: 'lictor_ai_calls_total',
      help: 'Calls of language models.',
      labelNames: ['purpose', 'provider', 'outcome'],
      registers,
    }),
    aiTime: new Histogram({
      name: 'lictor_ai_call_seconds',
      help: 'Time a language model takes, to the end of its answer.',
      labelNames: ['purpose', 'provider'],
      buckets: OTHERS,
      registers,
    }),
    aiTokens: new Counter({
      name: 'lictor_ai_tokens_total',
      help: 'Tokens that language models counted.',
      labelNames: ['purpose', 'provider', 'direction'],
      registers,
    }),
    replays: new Counter({
      name: 'lictor_replays_total',
      help: 'Replays of recorded calls by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    replayedEvents: new Counter({
      name: 'lictor_replay_events_total',
      help: 'Audit events read by replays.',
      registers,
    }),
    replayTime: new Histogram({
      name: 'lictor_replay_seconds',
      help: 'Time a replay takes.',
      buckets: OTHERS,
      registers,
    }),
    databaseConnections: new Gauge({
      name: 'lictor_database_connections',
      help: 'Connections to PostgreSQL by state.',
      labelNames: ['state'],
      registers,
    }),
    databaseWaiting: new Gauge({
      name: 'lictor_database_waiting',
      help: 'Queries that wait for a connection to PostgreSQL.',
      registers,
    }),
    busLag: new Histogram({
      name: 'lictor_bus_lag_seconds',
      help: 'Time a message takes through Redis and back to this process.',
      buckets: WORK,
      registers,
    }),
    workerUp: new Gauge({
      name: 'lictor_worker_up',
      help: '1 while the last turn of a worker succeeded, else 0.',
      labelNames: ['worker'],
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>

export function metricsRoutes(app: App, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unmatched'
    const labels = { method: request.method, route, status: reply.statusCode }
    metrics.requests.observe(labels, reply.elapsedTime / 1000)
    if (route.startsWith('/v1/')) metrics.aegisRequests.inc(labels)
  })
  app.get(
    '/metrics',
    {
      exposeHeadRoute: true,
      config: { access: 'public', scope: 'none' },
      schema: {
        tags: ['health'],
        summary: 'Prometheus metrics',
        produces: ['text/plain'],
        response: { 200: Type.String({ description: 'The figures.' }) },
      },
    },
    async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.read()),
  )
}
