import Type from 'typebox'
import { failures, Instant } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf, userOrKeyOf } from '../../identity/caller.ts'
import { scopeOf } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Database } from '../../storage/database.ts'
import { type Micros, microsOf, toWireTime } from '../../storage/instants.ts'
import { instantOf } from '../wire-instant.ts'
import { createSharedRun } from './shared-run.ts'
import { createStatsStore, type StatsScope } from './store.ts'

const HOUR = microsOf(3_600_000)
const DAY = 24 * HOUR
const tags = { tags: ['statistics'] }

/** These instants alone are written with an offset. */
const withOffset = (instant: Micros) => toWireTime(instant).replace(/Z$/, '+00:00')

/** Numbers for the overview, and for the pages of contracts. */
export function statsRoutes(app: App, deps: { database: Database; clock: Clock }): void {
  const store = createStatsStore(deps.database)
  // Every open console asks again whenever events arrive, and counting a day of them takes a while.
  const overview = createSharedRun(
    async (scope: StatsScope) => {
      const now = microsOf(deps.clock.now())
      return {
        pending: await store.countPendingApprovals(scope),
        active: await store.countActiveAgents(scope, now - HOUR),
        total: await store.countAgents(scope),
        recent: await store.countRecent(scope, now - DAY),
      }
    },
    ({ tenantId, env }) => JSON.stringify([tenantId, env]),
  )
  const contractCounts = createSharedRun(
    async (asked: StatsScope & { since: Micros | undefined; until: Micros | undefined }) => {
      const now = microsOf(deps.clock.now())
      const { since = now - DAY, until = now } = asked
      const contracts = await store.countByContract(asked, since, until)
      return { since, until, contracts, total: await store.countEvents(asked, since, until) }
    },
    ({ tenantId, since, until }) => JSON.stringify([tenantId, since, until]),
  )

  app.get(
    '/api/v1/stats/overview',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'The numbers of the overview page',
        description: 'An API key sees its own environment.',
        response: {
          200: Type.Object({
            pending_approvals: Type.Integer(),
            active_agents: Type.Integer({ description: 'Agents with events in the last hour.' }),
            total_agents: Type.Integer(),
            events_24h: Type.Integer(),
            denials_24h: Type.Integer(),
            observe_findings_24h: Type.Integer(),
            contracts_triggered_24h: Type.Integer(),
          }),
          ...failures(401),
        },
      },
    },
    async (request) => {
      const caller = userOrKeyOf(request)
      const scope = { ...scopeOf(caller), env: caller.kind === 'key' ? caller.env : undefined }
      const { pending, active, total, recent } = await overview(scope)
      return {
        pending_approvals: pending,
        active_agents: active,
        total_agents: total,
        events_24h: recent.events,
        denials_24h: recent.denials,
        observe_findings_24h: recent.observeFindings,
        contracts_triggered_24h: recent.contractsTriggered,
      }
    },
  )

  app.get(
    '/api/v1/stats/contracts',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'How often each contract decided',
        description: 'Of the last 24 hours, unless `since` and `until` (both inclusive) say otherwise.',
        querystring: Type.Object({ since: Type.Optional(Type.String()), until: Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            coverage: Type.Array(
              Type.Object({
                decision_name: Type.String(),
                total_evaluations: Type.Integer(),
                total_denials: Type.Integer(),
                total_warnings: Type.Integer(),
                last_triggered: Instant,
              }),
            ),
            total_events: Type.Integer(),
            period_start: Instant,
            period_end: Instant,
          }),
          ...failures(401, 422),
        },
      },
    },
    async (request) => {
      const { since, until, contracts, total } = await contractCounts({
        ...scopeOf(userOf(request)),
        since: instantOf(request.query.since, 'since'),
        until: instantOf(request.query.until, 'until'),
      })
      return {
        coverage: contracts.map((contract) => ({
          decision_name: contract.decisionName,
          total_evaluations: contract.evaluations,
          total_denials: contract.denials,
          total_warnings: contract.warnings,
          last_triggered: withOffset(contract.lastTriggered),
        })),
        total_events: total,
        period_start: withOffset(since),
        period_end: withOffset(until),
      }
    },
  )
}
