import Type from 'typebox'
import { failures, Instant, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import type { Clock } from '../../ports/clock.ts'
import { toWireTime } from '../../storage/instants.ts'
import { AgentId, RevisionHash, ToolName } from '../fields.ts'
import { sinceOf } from '../since.ts'
import type { AgentCoverage, Coverage, FleetCoverage } from './coverage.ts'
import type { CoverageSummary } from './matching.ts'

const tags = { tags: ['agents'] }
const access = { access: 'dashboard', scope: 'tenant' } as const

/** Texts that are judged by the rules, in their words, and not by the schema. */
const FreeText = (description: string) => Type.Unsafe<string>({ description })

const Since = Type.Optional(
  FreeText('Hours, days or minutes ago (`12h`, `7d`, `30m`), or an ISO 8601 instant; otherwise 24 hours ago.'),
)
const Window = Type.Object({ since: Instant, until: Instant })
const Summary = {
  total_tools: Type.Integer(),
  enforced: Type.Integer(),
  observed: Type.Integer(),
  ungoverned: Type.Integer(),
  coverage_pct: Type.Integer({ description: 'Enforced tools, in percent of all.' }),
}

const AgentBody = Type.Object({
  agent_id: AgentId,
  environment: Type.String(),
  time_window: Window,
  deployed_bundle: Nullable(
    Type.Object({ name: Type.String(), version: Type.Integer(), revision_hash: Nullable(RevisionHash) }),
  ),
  tools: Type.Array(
    Type.Object({
      tool_name: ToolName,
      status: Type.Enum(['enforced', 'observed', 'ungoverned']),
      contract_name: Nullable(Type.String()),
      contract_type: Nullable(Type.String()),
      mode: Nullable(Type.String()),
      bundle_name: Nullable(Type.String()),
      source: Nullable(Type.String({ description: 'console, or local for contracts the agent reported.' })),
      event_count: Type.Integer(),
      last_used: Instant,
      deny_count: Nullable(Type.Integer()),
      allow_count: Nullable(Type.Integer()),
      observe_count: Nullable(Type.Integer()),
    }),
  ),
  summary: Type.Object(Summary),
})

const FleetBody = Type.Object({
  time_window: Window,
  agents: Type.Array(
    Type.Object({
      agent_id: AgentId,
      environment: Type.String(),
      ...Summary,
      drift_status: Type.Enum(['current', 'drift', 'unknown']),
      last_seen: Instant,
      event_count_24h: Type.Integer({ description: 'Events in the window, however long it is.' }),
    }),
  ),
  fleet_summary: Type.Object({
    total_agents: Type.Integer(),
    fully_enforced: Type.Integer(),
    with_ungoverned: Type.Integer(),
    with_drift: Type.Integer(),
    total_ungoverned_tools: Type.Integer(),
    ungoverned_tools: Type.Array(
      Type.Object({
        tool_name: ToolName,
        agent_count: Type.Integer(),
        agent_ids: Type.Array(Type.String()),
      }),
    ),
  }),
})

/** Coverage of one agent and of the fleet. */
export function coverageRoutes(app: App, { coverage, clock }: { coverage: Coverage; clock: Clock }): void {
  app.get(
    '/api/v1/agents/fleet-coverage',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Which tools of the fleet its contracts govern',
        querystring: Type.Object({
          since: Since,
          env: Type.Optional(FreeText('Exactly this environment; empty for all.')),
        }),
        response: { 200: FleetBody, ...failures(400, 401) },
      },
    },
    async (request) => {
      const { since, env } = request.query
      const from = sinceOf(since, clock.now())
      // No environment has a NUL in its name, and PostgreSQL no text.
      const only = typeof env === 'string' && env !== '' ? env.replaceAll('\u0000', '\ufffd') : null
      return wireFleet(await coverage.ofFleet(userOf(request), from, only))
    },
  )

  app.get(
    '/api/v1/agents/:agent_id/coverage',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Which tools of an agent its contracts govern',
        description: 'As of at most a minute ago.',
        params: Type.Object({ agent_id: AgentId }),
        querystring: Type.Object({ since: Since, include_verdicts: Type.Boolean({ default: false }) }),
        response: { 200: AgentBody, ...failures(400, 401, 404, 422) },
      },
    },
    async (request) => {
      const { since, include_verdicts } = request.query
      const from = sinceOf(since, clock.now())
      const made = await coverage.ofAgent(userOf(request), request.params.agent_id, from, include_verdicts)
      return wireAgent(made, include_verdicts)
    },
  )
}

const wireSummary = (summary: CoverageSummary) => ({
  total_tools: summary.total,
  enforced: summary.enforced,
  observed: summary.observed,
  ungoverned: summary.ungoverned,
  coverage_pct: summary.percent,
})

const wireWindow = ({ since, until }: { since: number; until: number }) => ({
  since: toWireTime(since),
  until: toWireTime(until),
})

function wireAgent(made: AgentCoverage, withVerdicts: boolean) {
  const { deployedBundle: deployed } = made
  return {
    agent_id: made.agentId,
    environment: made.environment ?? 'unknown',
    time_window: wireWindow(made),
    deployed_bundle:
      deployed === null
        ? null
        : { name: deployed.bundleName, version: deployed.bundleVersion, revision_hash: deployed.revisionHash },
    tools: made.tools.map((tool) => ({
      tool_name: tool.toolName,
      status: tool.status,
      contract_name: tool.by?.contractName ?? null,
      contract_type: tool.by?.contractType ?? null,
      mode: tool.by?.mode ?? null,
      bundle_name: tool.by?.bundleName ?? null,
      source: tool.by?.source ?? null,
      event_count: tool.count,
      last_used: toWireTime(tool.lastUsed),
      deny_count: withVerdicts ? tool.denied : null,
      allow_count: withVerdicts ? tool.allowed : null,
      observe_count: withVerdicts ? tool.wouldDeny : null,
    })),
    summary: wireSummary(made.summary),
  }
}

function wireFleet(fleet: FleetCoverage) {
  const { agents, ungovernedTools } = fleet
  const countWhere = (condition: (agent: (typeof agents)[number]) => boolean) => agents.filter(condition).length
  return {
    time_window: wireWindow(fleet),
    agents: agents.map((agent) => ({
      agent_id: agent.agentId,
      environment: agent.environment ?? 'unknown',
      ...wireSummary(agent.summary),
      drift_status: agent.drift,
      last_seen: toWireTime(agent.lastSeen),
      event_count_24h: agent.eventCount,
    })),
    fleet_summary: {
      total_agents: agents.length,
      fully_enforced: countWhere(({ summary }) => summary.ungoverned === 0 && summary.observed === 0),
      with_ungoverned: countWhere(({ summary }) => summary.ungoverned > 0),
      with_drift: countWhere(({ drift }) => drift === 'drift'),
      total_ungoverned_tools: ungovernedTools.length,
      ungoverned_tools: ungovernedTools.map(({ toolName, agentIds }) => ({
        tool_name: toolName,
        agent_count: agentIds.length,
        agent_ids: [...agentIds],
      })),
    },
  }
}
