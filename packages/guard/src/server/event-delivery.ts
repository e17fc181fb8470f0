import { errorText, type Logger } from '../logger.ts'
import type { EdictumServerClient } from './client.ts'
import { EdictumServerError } from './errors.ts'

/** What became of a delivery. */
export interface Delivered {
  /** How many events, from the first on, are dealt with: delivered, or refused for good. The rest waits for the server. */
  readonly settled: number
  /** How many of those the server refused. */
  readonly dropped: number
  /** Why it refused them; null when it refused none, or told only which. */
  readonly refusal: unknown
}

/** Delivers events, each as the JSON text it has on the wire, in order. Never rejects. */
export type DeliverEvents = (lines: readonly string[], signal?: AbortSignal) => Promise<Delivered>

/** The contracts of an agent that has them from elsewhere than this server. */
export interface AgentManifest {
  readonly agent_id: string
  readonly policy_version: string
  readonly contracts: readonly {
    readonly id: string
    readonly type: string
    readonly tool: string
    readonly mode: string
  }[]
}

/** What any console takes in one request: at most 1,000 events and 1 MB. */
const MAX_CHUNK_EVENTS = 1_000
const MAX_CHUNK_LENGTH = 900_000

/**
 * Delivers to the console, in as many requests as its limits ask for. While the server is away nothing is dropped.
 * @param deps.manifest what contracts the agent has, told with its events where the server did not give them out
 */
export function createEventDelivery(deps: {
  client: EdictumServerClient
  logger: Logger
  manifest?: AgentManifest | null
}): DeliverEvents {
  const { client, logger } = deps
  const manifest = deps.manifest ? `,"agent_manifest":${JSON.stringify(deps.manifest)}` : ''

  /** Null when the chunk should be tried again later. */
  async function deliverChunk(
    chunk: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Omit<Delivered, 'settled'> | null> {
    const jsonText = `{"events":[${chunk.join(',')}]${manifest}}`
    try {
      const { rejected } = await client.post('/api/v1/events', { jsonText }, signal ? { signal } : {})
      if (!Array.isArray(rejected) || rejected.length === 0) return { dropped: 0, refusal: null }
      logger.error(`the server rejected ${rejected.length} audit events: ${JSON.stringify(rejected[0])}`)
      return { dropped: rejected.length, refusal: null }
    } catch (error) {
      const status = error instanceof EdictumServerError ? error.statusCode : 500
      if (status >= 500 || status === 429) {
        logger.warn(`${chunk.length} audit events wait for the server: ${errorText(error)}`)
        return null
      }
      if (chunk.length > 1 && (status === 400 || status === 413 || status === 422)) {
        // One malformed event must not take its neighbours along: halve until it stands alone.
        const middle = chunk.length >> 1
        const first = await deliverChunk(chunk.slice(0, middle), signal)
        const second = await deliverChunk(chunk.slice(middle), signal)
        // Events of a half that got through are sent again; the server knows them by their ids.
        if (first === null || second === null) return null
        return { dropped: first.dropped + second.dropped, refusal: second.refusal ?? first.refusal }
      }
      logger.error(`${chunk.length} audit events dropped, the server refuses them: ${errorText(error)}`)
      return { dropped: chunk.length, refusal: error }
    }
  }

  return async (lines, signal) => {
    let settled = 0
    let dropped = 0
    let refusal: unknown = null
    for (const chunk of chunksOf(lines)) {
      const outcome = await deliverChunk(chunk, signal)
      if (outcome === null) break
      settled += chunk.length
      dropped += outcome.dropped
      refusal = outcome.refusal ?? refusal
    }
    return { settled, dropped, refusal }
  }
}

function chunksOf(lines: readonly string[]): string[][] {
  const chunks: string[][] = []
  let chunk: string[] = []
  let length = 0
  for (const line of lines) {
    if (chunk.length > 0 && (chunk.length >= MAX_CHUNK_EVENTS || length + line.length > MAX_CHUNK_LENGTH)) {
      chunks.push(chunk)
      chunk = []
      length = 0
    }
    chunk.push(line)
    length += line.length
  }
  if (chunk.length > 0) chunks.push(chunk)
  return chunks
}
