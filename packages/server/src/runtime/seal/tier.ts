import { type Tier, tierNamed } from '../limits/resources.ts'
import { refusal } from './refusal.ts'

const named: readonly Tier[] = ['free', 'pro', 'business', 'enterprise']

/**
 * Which tier a session counts as: accounts and workloads of a tenant as enterprise, unless the attestation named another. That of the
 * tenant bounds it. @throws SealRefused for a tier that there is not
 */
export function tierOf(word: string | null): Tier {
  if (word === null) return 'enterprise'
  const tier = tierNamed(word)
  if (tier === null || !named.includes(tier))
    throw refusal('attestation_malformed', `There is no tier '${word.slice(0, 100)}'; there are ${named.join(', ')}.`)
  return tier
}
