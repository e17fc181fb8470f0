import type { RateLimiter, RateVerdict } from '../../ports/rate-limiter.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import type { SealSession } from '../seal-sessions/session.ts'
import { refusal } from './refusal.ts'

const MINUTE = 60
const HOUR = 3600

/** Tools that are counted together, and how many calls of them each tier has. The first that matches counts. */
const classes = [
  {
    name: 'search',
    tools: 'aegis.*.search',
    matches: (tool: string) => tool === 'aegis.agent.search' || tool === 'aegis.workflow.search',
    isPerTool: true,
    seconds: HOUR,
    calls: { free: 30, pro: 300, business: 1000, enterprise: 5000 },
  },
  {
    name: 'files',
    tools: 'fs_*',
    matches: (tool: string) => /^fs[._]/.test(tool),
    isPerTool: false,
    seconds: MINUTE,
    calls: { free: 60, pro: 300, business: 600, enterprise: 1200 },
  },
  {
    name: 'web_search',
    tools: 'web_search',
    matches: (tool: string) => /^web[._]search$/.test(tool),
    isPerTool: false,
    seconds: MINUTE,
    calls: { free: 20, pro: 60, business: 200, enterprise: 500 },
  },
  {
    name: 'others',
    tools: '*',
    matches: () => true,
    isPerTool: false,
    seconds: MINUTE,
    calls: { free: 30, pro: 120, business: 300, enterprise: 600 },
  },
] as const

type Tier = keyof (typeof classes)[number]['calls']
const tiers: readonly Tier[] = ['free', 'pro', 'business', 'enterprise']

/**
 * Which tier a session counts as: accounts and workloads of a tenant as enterprise, unless the attestation named another, which can
 * only be a lower one. @throws SealRefused for a tier that there is not
 */
export function tierOf(named: string | null): Tier {
  if (named === null) return 'enterprise'
  const tier = tiers.find((one) => one === named.toLowerCase())
  if (tier === undefined)
    throw refusal('attestation_malformed', `There is no tier '${named.slice(0, 100)}'; there are ${tiers.join(', ')}.`)
  return tier
}

/** From this share of a limit on, it is warned of. */
const WARNING_PERCENT = 80

/**
 * Count a call of a session among those of its tenant and user; by the tool's canonical name. That the limit is near is told once in
 * its time, that a call was beyond it each time.
 */
export const countByTier =
  (
    { limiter, events }: { limiter: RateLimiter; events: Pick<TenantEvents, 'tell'> },
    { tenantId, userId, agentId, zaruTier }: SealSession,
  ) =>
  async (tool: string): Promise<RateVerdict> => {
    const counted = classes.find(({ matches }) => matches(tool)) ?? classes[3]
    const { seconds } = counted
    const limit = counted.calls[tierOf(zaruTier)]
    const key = `seal-tier:${tenantId}:${userId ?? agentId}:${counted.isPerTool ? tool : counted.name}`
    const of = {
      user_id: userId,
      tenant_id: tenantId,
      resource_type: `seal_tool:${counted.isPerTool ? tool : counted.tools}`,
      bucket: seconds === HOUR ? 'hourly' : 'per_minute',
      limit,
    }
    const tell = (event: EventDraft) =>
      events.tell({ tenantId, agentId, executionId: null }, async () => ({ made: undefined, events: [event] }))
    const verdict = await limiter.hit(key, limit, seconds)
    if (!verdict.allowed) {
      await tell(draft('rate_limit_exceeded', { ...of, counter: limit }))
      return verdict
    }
    const near = Math.ceil((limit * WARNING_PERCENT) / 100)
    const isNear = !(await limiter.peek(key, near, seconds)).allowed
    if (isNear && (await limiter.hit(`${key}:warned`, 1, seconds)).allowed)
      await tell(draft('rate_limit_warning', { ...of, current: near, threshold_percent: WARNING_PERCENT }))
    return verdict
  }
