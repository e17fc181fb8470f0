import { AnswerTooLargeError, readText, retryAfterMs } from '@lictor/wire'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { SearchFailed, type SearchHit, type WebSearch } from '../../ports/web-search.ts'

/** How one service is asked, and how it answers. */
export interface SearchWire {
  readonly name: string
  request(query: string, limit: number): { readonly url: URL; readonly init: RequestInit }
  /** @returns null when the answer is none of this service */
  read(body: unknown): readonly SearchHit[] | null
}

const ATTEMPTS = 3
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
const LARGEST_ANSWER = 4 * 1024 * 1024

/** A service that is asked over HTTP; what may go better a moment later is asked three times. */
export function createSearchService(deps: { wire: SearchWire; fetch: Fetch; clock: Clock }): WebSearch {
  const { wire, fetch, clock } = deps

  async function ask(query: string, limit: number, signal: AbortSignal): Promise<readonly SearchHit[]> {
    const { url, init } = wire.request(query, limit)
    let response: Response
    let text: string
    try {
      response = await fetch(url, { ...init, signal })
      text = await readText(response, LARGEST_ANSWER)
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof AnswerTooLargeError)
        throw new SearchFailed(`${wire.name} answered more than can be read.`, { isRetryable: false })
      const reason = (cause as Error).cause ?? cause
      const message = `${wire.name} cannot be reached: ${reason instanceof Error ? reason.message : String(reason)}`
      throw new SearchFailed(message, { isRetryable: true, cause })
    }
    if (!response.ok)
      throw new SearchFailed(`${wire.name} answered ${response.status}${explain(response.status)}`, {
        isRetryable: response.status === 429 || response.status >= 500,
        retryAfterMs: retryAfterMs(response.headers.get('retry-after'), clock.now()) ?? null,
      })
    const hits = wire.read(parsed(text))
    if (hits === null)
      throw new SearchFailed(`${wire.name} answered what is no list of results.`, { isRetryable: false })
    return hits.slice(0, limit)
  }

  return {
    name: wire.name,
    async search(query, limit, signal) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await ask(query, limit, signal)
        } catch (error) {
          if (!(error instanceof SearchFailed) || !error.isRetryable || attempt === ATTEMPTS) throw error
          const pause = error.retryAfterMs ?? FIRST_PAUSE_MS * 2 ** (attempt - 1)
          if (pause > LONGEST_PAUSE_MS) throw error
          await after(clock, pause, signal)
        }
      }
    },
  }
}

const explain = (status: number): string =>
  status === 401 || status === 403 ? ': the key in LICTOR_SEARCH_KEY is not accepted' : ''

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function after(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(milliseconds, () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    const abort = () => {
      cancel()
      reject(signal.reason)
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

/** The results at a place of an answer; entries without an address are none. */
export function hitsAt(results: unknown, snippet: string): readonly SearchHit[] | null {
  if (!Array.isArray(results)) return null
  return results.flatMap((one: unknown) => {
    const entry = (one ?? {}) as Record<string, unknown>
    if (typeof entry.url !== 'string') return []
    return [{ title: textOf(entry.title), url: entry.url, snippet: textOf(entry[snippet]) }]
  })
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
