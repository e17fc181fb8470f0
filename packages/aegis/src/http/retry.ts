import { AegisApiError, AegisConnectionError } from './errors.ts'

const firstDelayMs = 500
const maxDelayMs = 8_000
/** A server that asks for more patience than this is not waited for; the caller hears of it instead. */
const maxRetryAfterMs = 60_000

const repeatableMethods = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])
const neverDelivered = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/**
 * Whether a failed call may be sent again: any call the server surely did not carry out, and after doubtful failures
 * only those that may be carried out twice.
 */
export function mayRepeat(method: string, error: unknown): boolean {
  if (error instanceof AegisApiError) {
    if (error.status === 429 || error.status === 503) return true
    return repeatableMethods.has(method) && [408, 500, 502, 504].includes(error.status)
  }
  if (error instanceof AegisConnectionError) {
    return repeatableMethods.has(method) || neverDelivered.has(causeCode(error))
  }
  return false
}

function causeCode(error: Error): string {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && neverDelivered.has(cause.code)) return cause.code
  }
  return ''
}

/**
 * Milliseconds to wait before the next attempt: what the server asked for, else doubling from half a second to eight
 * with up to a quarter taken off by chance. `undefined`: do not wait, give up.
 *
 * @param attempt counts failed attempts from 0
 */
export function retryDelay(
  error: unknown,
  attempt: number,
  { now, random }: { now(): number; random(): number },
): number | undefined {
  const asked = error instanceof AegisApiError ? retryAfter(error.headers, now()) : undefined
  if (asked !== undefined) return asked > maxRetryAfterMs ? undefined : asked
  return Math.min(maxDelayMs, firstDelayMs * 2 ** attempt) * (1 - random() * 0.25)
}

/** Milliseconds of a `Retry-After` header, in seconds or as a date. */
function retryAfter(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
