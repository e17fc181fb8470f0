import { type BackOff, retryAfterMs, wasNeverDelivered } from '@lictor/wire'
import { AegisApiError, AegisConnectionError } from './errors.ts'

/** Half a second, doubling to eight, and up to a quarter more by chance. */
export const backOff: BackOff = { firstMs: 500, longestMs: 8_000, jitter: 0.25 }

const repeatableMethods = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])

/**
 * Whether a failed call may be sent again: any call the server surely did not carry out, and after doubtful failures
 * only those that may be carried out twice.
 */
export function mayRepeat(method: string, error: unknown): boolean {
  if (error instanceof AegisApiError) {
    if (error.status === 429 || error.status === 503) return true
    return repeatableMethods.has(method) && [408, 500, 502, 504].includes(error.status)
  }
  return error instanceof AegisConnectionError && (repeatableMethods.has(method) || wasNeverDelivered(error))
}

/** Milliseconds that the server asks to wait before the next attempt; undefined when it says nothing of that. */
export const askedBy = (error: unknown, now: number): number | undefined =>
  error instanceof AegisApiError ? retryAfterMs(error.headers.get('retry-after'), now) : undefined
