import { readText } from '@lictor/wire'
import type { ChatProvider } from '../../ports/chat-model.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { providers } from './providers.ts'

const KEPT_MS = 3_600_000
const TIMEOUT_MS = 10_000
/** Bytes of the list. */
const LARGEST_LIST = 16 * 1024 ** 2
/** After a failure the list is asked again this much later. */
const RETRY_MS = 60_000

export interface Prices {
  /** Millionths of a dollar; null when the price is not known. Never throws. */
  costOf(use: {
    readonly provider: ChatProvider
    readonly model: string
    readonly inputTokens: number
    readonly outputTokens: number
  }): Promise<number | null>
}

interface Price {
  /** Dollars a token. */
  readonly prompt: number
  readonly completion: number
}

type PriceList = ReadonlyMap<string, Price>

/**
 * The public price list of models, kept an hour.
 * @param deps.url where it is; empty switches costs off
 */
export function createPrices(deps: { url: string; clock: Clock; fetch: Fetch }): Prices {
  const { url, clock, fetch } = deps
  let known: { readonly list: Promise<PriceList | null>; until: number } | null = null

  function current(): Promise<PriceList | null> {
    if (known && clock.now() < known.until) return known.list
    const list = fetchPrices(url, clock, fetch).catch(() => null)
    const asked = { list, until: clock.now() + KEPT_MS }
    known = asked
    void list.then((found) => {
      if (found === null) asked.until = clock.now() + RETRY_MS
    })
    return list
  }

  return {
    async costOf({ provider, model, inputTokens, outputTokens }) {
      const { pricePrefix } = providers[provider]
      if (pricePrefix === null || url === '') return null
      const list = await current()
      const price =
        list &&
        namesOf(pricePrefix, model)
          .map((name) => list.get(name))
          .find((found) => found)
      if (!price) return null
      return Math.round((price.prompt * inputTokens + price.completion * outputTokens) * 1_000_000)
    },
  }
}

/** The list leaves out the date of a model and writes `4.5` where the vendor writes `4-5`. */
function namesOf(prefix: string, model: string): string[] {
  const undated = model.replace(/-\d{4}-?\d\d-?\d\d$/, '')
  return [model, undated, undated.replace(/-(\d+)-(\d+)$/, '-$1.$2')].map((name) => `${prefix}${name}`)
}

async function fetchPrices(url: string, clock: Clock, fetch: Fetch): Promise<PriceList> {
  const gaveUp = new AbortController()
  const cancel = clock.after(TIMEOUT_MS, () => gaveUp.abort())
  try {
    const response = await fetch(url, { signal: gaveUp.signal })
    const { data } = JSON.parse(await readText(response, LARGEST_LIST)) as { data: readonly unknown[] }
    return new Map(data.flatMap(priceOf))
  } finally {
    cancel()
  }
}

function priceOf(entry: unknown): [string, Price][] {
  const { id, pricing } = (entry ?? {}) as { id?: unknown; pricing?: { prompt?: unknown; completion?: unknown } }
  const price = { prompt: Number(pricing?.prompt), completion: Number(pricing?.completion) }
  if (typeof id !== 'string' || !(price.prompt >= 0) || !(price.completion >= 0)) return []
  return [[id, price]]
}
