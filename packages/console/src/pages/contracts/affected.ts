import type { AgentConnection, Registration } from '../../api/types.ts'
import type { Readable } from './reading.ts'

/** An agent that a deployment concerns. */
export interface AffectedAgent {
  readonly id: string
  readonly isConnected: boolean
  /** The revision it last reported. */
  readonly runs: string | null
  /** Why it will not take the version, or may not; null where nothing speaks against it. */
  readonly obstacle: { readonly certain: boolean; readonly reason: string } | null
}

/** Agents that were last seen longer ago are taken to be gone, as the server counts them. */
const COUNTED_FOR_MS = 24 * 3_600_000
const LANGUAGES = { python: 'Python', typescript: 'TypeScript', go: 'Go' } as const

/**
 * Agents of the environment that run the bundle, or should: those that will hear of the deployment, at once or when they connect.
 * Those with an obstacle come first.
 *
 * @param now milliseconds since the epoch
 */
export function affectedAgents(
  { env, bundle }: { readonly env: string; readonly bundle: string },
  registrations: readonly Registration[],
  connections: readonly AgentConnection[],
  readable: Readable | undefined,
  now: number,
): readonly AffectedAgent[] {
  const connected = new Map(
    connections.filter((one) => one.env === env && one.bundle_name === bundle).map((one) => [one.agent_id, one]),
  )
  const isConcerned = (one: Registration) =>
    one.env === env &&
    (one.running_bundle ?? one.resolved_bundle) === bundle &&
    now - Date.parse(one.last_seen_at ?? '') < COUNTED_FOR_MS
  const known = new Map(registrations.map((one) => [one.agent_id, one]))
  const ids = new Set([...connected.keys(), ...registrations.filter(isConcerned).map((one) => one.agent_id)])
  return [...ids]
    .map((id) => ({
      id,
      isConnected: connected.has(id),
      runs: connected.get(id)?.policy_version ?? known.get(id)?.policy_version ?? null,
      obstacle: readable ? obstacleOf(known.get(id)?.reads ?? null, readable) : null,
    }))
    .sort((a, b) => Number(b.obstacle !== null) - Number(a.obstacle !== null) || a.id.localeCompare(b.id))
}

function obstacleOf(reads: Registration['reads'], { contracts, rulesets, refusals }: Readable) {
  if (reads === 'contracts' && !contracts)
    return { certain: true, reason: 'Its SDK, older than 0.17, refuses a Ruleset and keeps the contracts it has.' }
  if (reads === 'rulesets' && !rulesets)
    return { certain: true, reason: 'It reads rulesets, and this version cannot be written as one.' }
  const languages = [...new Set(refusals.map(({ reader }) => LANGUAGES[reader]))]
  if (reads !== 'contracts' && languages.length > 0)
    return {
      certain: false,
      reason: `With the ${languages.join(' or ')} SDK it refuses this version: ${refusals[0]?.message ?? ''}`,
    }
  return null
}
