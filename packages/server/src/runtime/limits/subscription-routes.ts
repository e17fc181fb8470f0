import Type from 'typebox'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import { type Micros, toWireTimeOrNull } from '../../storage/instants.ts'
import { runtimeCallerOf } from '../http.ts'
import type { Limits } from './limits.ts'
import type { Tier } from './resources.ts'

/** What every tenant of this server has. */
export const everyTenants = [
  'contracts',
  'approvals',
  'agents',
  'workflows',
  'volumes',
  'schedules',
  'stimuli',
  'teams',
  'sso',
] as const

/** How many people each tier is meant for; told, not enforced. */
const membersOf: Readonly<Record<Tier, number>> = {
  free: 1,
  pro: 5,
  business: 25,
  enterprise: 2 ** 32 - 1,
  system: 2 ** 32 - 1,
}

const Use = Type.Object({ used: Type.Integer(), limit: Nullable(Type.Integer()) })

/** What a tenant has: its tier, what there is of what, and how much there may be. */
export function subscriptionRoutes(
  app: App,
  deps: {
    limits: Pick<Limits, 'standingOf'>
    /** Null where nothing was bought. */
    subscriptionOf(
      scope: TenantScope,
    ): Promise<{ readonly status: string; readonly seats: number; readonly currentPeriodEnd: Micros | null } | null>
    features: readonly string[]
  },
): void {
  app.get(
    '/v1/colony/subscription',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags: ['colony'],
        summary: 'What the tenant has, and how much of it is used',
        response: {
          200: Type.Object({
            tier: Type.String(),
            features: Type.Array(Type.String()),
            quota_usage: Type.Object({ concurrent_executions: Use, agents: Use, storage_bytes: Use }),
            members_used: Type.Integer(),
            members_limit: Type.Integer(),
            seat_count: Type.Integer(),
            status: Type.String(),
            current_period_end: Nullable(Instant),
            is_team: Type.Boolean(),
          }),
          ...runtimeFailures(401, 403),
        },
      },
    },
    async (request) => {
      const scope = scopeOf(runtimeCallerOf(request))
      const [standing, subscription] = await Promise.all([deps.limits.standingOf(scope), deps.subscriptionOf(scope)])
      const { tier, quotas } = standing
      return {
        tier,
        features: [...deps.features],
        quota_usage: {
          concurrent_executions: { used: standing.executions, limit: quotas.executions },
          agents: { used: standing.agents, limit: quotas.agents },
          storage_bytes: { used: standing.bytes, limit: quotas.bytes },
        },
        members_used: standing.members,
        members_limit: membersOf[tier],
        seat_count: subscription?.seats ?? 0,
        status: subscription?.status ?? 'none',
        current_period_end: toWireTimeOrNull(subscription?.currentPeriodEnd ?? null),
        is_team: standing.kind === 'team',
      }
    },
  )
}
