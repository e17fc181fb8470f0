import { jsonObjectIn, retryAfterMs } from '@lictor/wire'
import type { Outbound, OutboundRequest, OutboundResponse } from '../../ports/outbound.ts'
import { DeliveryFailed } from './channel.ts'

const SHOWN_CHARACTERS = 200
/** Refusals that say 'not now'; every other 4xx says 'not like this'. */
const passing = new Set([408, 425, 429])

/** Make a call that only 2xx answers. @throws DeliveryFailed otherwise. */
export async function call(outbound: Outbound, request: OutboundRequest): Promise<OutboundResponse> {
  const answer = await outbound.send(request)
  if (answer.status >= 200 && answer.status < 300) return answer
  throw new DeliveryFailed(`HTTP ${answer.status}: ${answer.body.slice(0, SHOWN_CHARACTERS)}`, {
    isPermanent: answer.status < 500 && !passing.has(answer.status),
    retryAfterMs: retryAfterOf(answer),
  })
}

export const postJson = (
  url: string,
  payload: unknown,
  headers: Readonly<Record<string, string>> = {},
  method: OutboundRequest['method'] = 'POST',
): OutboundRequest => ({
  method,
  url,
  headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Lictor', ...headers },
  body: JSON.stringify(payload),
})

/** The answer's JSON object, or an empty one. */
export const objectIn = (answer: OutboundResponse): Readonly<Record<string, unknown>> => jsonObjectIn(answer.body) ?? {}

/** `Retry-After`, in seconds or as a date, or what Telegram and Discord write into the body; null when nothing is said. */
function retryAfterOf(answer: OutboundResponse): number | null {
  const { retry_after, parameters } = objectIn(answer) as {
    retry_after?: unknown
    parameters?: { retry_after?: unknown }
  }
  const asked = retryAfterMs(answer.headers['retry-after'], Date.now())
  if (asked !== undefined) return Math.ceil(asked)
  const said = retry_after ?? parameters?.retry_after
  const seconds = Number(said)
  return said !== undefined && Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : null
}
