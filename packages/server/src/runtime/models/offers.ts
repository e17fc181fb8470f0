import { parse } from 'yaml'
import { StartupError } from '../../errors.ts'

export const providers = ['openai', 'openai-compatible', 'ollama', 'anthropic', 'gemini', 'scripted'] as const
export type Provider = (typeof providers)[number]

const strategies = ['PreferLocal', 'PreferCloud', 'CostOptimized', 'LatencyOptimized'] as const
export type Strategy = (typeof strategies)[number]

/** A model that a provider offers under names of the operator's. */
export interface Offer {
  readonly aliases: readonly string[]
  readonly provider: Provider
  /** The provider's name for it. */
  readonly model: string
  readonly temperature: number | undefined
  readonly maxTokens: number | undefined
  /** In whatever unit the operator compares by; offers without one come last. */
  readonly cost: number | undefined
}

/** The models of this server, by what `LICTOR_MODELS` says. */
export interface Offers {
  readonly list: readonly Offer[]
  /** How one of several offers of the same alias is chosen; null: the first that is written. */
  readonly strategy: Strategy | null
  /** An alias, or `provider:model`, that is asked once when all else failed; null: nothing is. */
  readonly fallback: string | null
}

export const noOffers: Offers = { list: [], strategy: null, fallback: null }

/**
 * Read the operator's list of models:
 *
 * ```yaml
 * selection: PreferLocal          # PreferCloud, CostOptimized, LatencyOptimized; left out: the order written here
 * fallback: anthropic:claude-sonnet-4-5
 * models:
 *   - { alias: default, provider: ollama, model: "qwen3:8b", temperature: 0.2, max_tokens: 4096 }
 *   - { alias: [default, smart], provider: gemini, model: gemini-2.5-pro, cost: 3 }
 * ```
 *
 * @throws StartupError naming the entry and the key
 */
export function readOffers(text: string): Offers {
  if (text.trim() === '') return noOffers
  let document: unknown
  try {
    document = parse(text)
  } catch (error) {
    throw refuse(`is no YAML: ${(error as Error).message.split('\n')[0]}`)
  }
  const { selection, fallback, models, ...rest } = recordOf(document, 'it')
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw refuse(`has the unknown key '${unknown}'. It takes selection, fallback and models`)
  if (selection !== undefined && !strategies.some((one) => one === selection))
    throw refuse(`has the selection '${selection}'. It takes one of ${strategies.join(', ')}`)
  if (fallback !== undefined && (typeof fallback !== 'string' || fallback === ''))
    throw refuse('has a fallback that is no alias and no provider:model')
  if (!Array.isArray(models) || models.length === 0) throw refuse("has no list 'models'")
  return {
    list: models.map((one, index) => offerOf(one, `models[${index}]`)),
    strategy: (selection as Strategy | undefined) ?? null,
    fallback: (fallback as string | undefined) ?? null,
  }
}

/** The offers of an alias in the order in which they are preferred. */
export function ordered(
  offers: readonly Offer[],
  strategy: Strategy | null,
  latencyOf: (offer: Offer) => number | null,
): readonly Offer[] {
  // Sorting keeps the written order of equals.
  const by = (value: (offer: Offer) => number) => [...offers].sort((one, other) => value(one) - value(other))
  switch (strategy) {
    case null:
      return offers
    case 'PreferLocal':
      return by((offer) => (isLocal(offer) ? 0 : 1))
    case 'PreferCloud':
      return by((offer) => (isLocal(offer) ? 1 : 0))
    case 'CostOptimized':
      return by((offer) => offer.cost ?? Number.MAX_VALUE)
    // One that was never asked is tried, so that its time becomes known.
    case 'LatencyOptimized':
      return by((offer) => latencyOf(offer) ?? 0)
  }
}

const isLocal = ({ provider }: Offer): boolean => provider === 'ollama' || provider === 'scripted'

function offerOf(value: unknown, where: string): Offer {
  const { alias, provider, model, temperature, max_tokens, cost, ...rest } = recordOf(value, where)
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined)
    throw refuse(
      `${where} has the unknown key '${unknown}'. It takes alias, provider, model, temperature, max_tokens, cost`,
    )
  const aliases = [alias].flat()
  if (aliases.length === 0 || aliases.some((one) => typeof one !== 'string' || one === ''))
    throw refuse(`${where} has no alias`)
  const found = providers.find((one) => one === provider)
  if (found === undefined)
    throw refuse(`${where} has the provider '${provider}'. It takes one of ${providers.join(', ')}`)
  if (typeof model !== 'string' || model === '') throw refuse(`${where} names no model`)
  return {
    aliases: aliases as string[],
    provider: found,
    model,
    temperature: numberOf(temperature, `${where}.temperature`, 0, 2),
    maxTokens: numberOf(max_tokens, `${where}.max_tokens`, 1, 10_000_000),
    cost: numberOf(cost, `${where}.cost`, 0, Number.MAX_VALUE),
  }
}

function numberOf(value: unknown, where: string, least: number, most: number): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw refuse(`${where} is no number from ${least}${most === Number.MAX_VALUE ? ' on' : ` to ${most}`}`)
}

function recordOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw refuse(`${where} is no mapping`)
}

const refuse = (what: string): StartupError => new StartupError('setting', `LICTOR_MODELS: ${what}.`)
