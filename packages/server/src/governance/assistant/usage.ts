import type { ChatProvider } from '../../ports/chat-model.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { DayOfUse } from './store.ts'

/** What one request to a model came to. */
export interface Usage {
  readonly provider: ChatProvider
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly durationMs: number
  /** Millionths of a dollar; null when the price is not known. */
  readonly cost: number | null
  readonly requestType: 'assist' | 'description'
}

/** Millionths of a dollar as the wire has them: dollars with six decimals. */
export const dollars = (cost: number | null): number | null => (cost === null ? null : cost / 1_000_000)

/** Tokens a second, one decimal; 0 when no time passed. */
export const speedOf = (tokens: number, durationMs: number): number =>
  durationMs <= 0 ? 0 : oneDecimal((tokens * 1000) / durationMs)

/** The answer of `GET /settings/ai/usage`. */
export function usageSummary(days: readonly DayOfUse[], averageSpeed: number) {
  const total = (count: (day: DayOfUse) => number) => days.reduce((sum, day) => sum + count(day), 0)
  const known = days.filter((day) => day.cost !== null)
  return {
    total_input_tokens: total((day) => day.inputTokens),
    total_output_tokens: total((day) => day.outputTokens),
    total_cost_usd: known.length === 0 ? null : dollars(total((day) => day.cost ?? 0)),
    query_count: total((day) => day.queries),
    avg_tokens_per_second: oneDecimal(averageSpeed),
    daily: days.map((day) => ({
      date: toWireTime(day.start).slice(0, 10),
      input_tokens: day.inputTokens,
      output_tokens: day.outputTokens,
      cost_usd: dollars(day.cost),
      queries: day.queries,
    })),
  }
}

const oneDecimal = (value: number): number => Math.round(value * 10) / 10
