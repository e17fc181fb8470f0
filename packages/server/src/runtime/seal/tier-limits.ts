import type { RateLimiter, RateVerdict } from '../../ports/rate-limiter.ts'
import type { SealSession } from '../seal-sessions/session.ts'
import { refusal } from './refusal.ts'

const MINUTE = 60
const HOUR = 3600

/** Tools that are counted together, and how many calls of them each tier has. The first that matches counts. */
const classes = [
  {
    name: 'search',
    matches: (tool: string) => tool === 'aegis.agent.search' || tool === 'aegis.workflow.search',
    isPerTool: true,
    seconds: HOUR,
    calls: { free: 30, pro: 300, business: 1000, enterprise: 5000 },
  },
  {
    name: 'files',
    matches: (tool: string) => /^fs[._]/.test(tool),
    isPerTool: false,
    seconds: MINUTE,
    calls: { free: 60, pro: 300, business: 600, enterprise: 1200 },
  },
  {
    name: 'web_search',
    matches: (tool: string) => /^web[._]search$/.test(tool),
    isPerTool: false,
    seconds: MINUTE,
    calls: { free: 20, pro: 60, business: 200, enterprise: 500 },
  },
  {
    name: 'others',
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

/** Count a call of a session among those of its tenant and user; by the tool's canonical name. */
export const countByTier =
  (limiter: Pick<RateLimiter, 'hit'>, { tenantId, userId, agentId, zaruTier }: SealSession) =>
  (tool: string): Promise<RateVerdict> => {
    const counted = classes.find(({ matches }) => matches(tool)) ?? classes[3]
    const bucket = counted.isPerTool ? tool : counted.name
    return limiter.hit(
      `seal-tier:${tenantId}:${userId ?? agentId}:${bucket}`,
      counted.calls[tierOf(zaruTier)],
      counted.seconds,
    )
  }
