import { type Clock, withDeadline } from '../clock.ts'
import type { EdictumServerClient, RequestOptions } from './client.ts'
import { EdictumConnectionError } from './errors.ts'

/** Milliseconds that one exchange may hold a tool call, its retries included. */
const EXCHANGE_MS = 8_000
/** Milliseconds of one attempt, so that a second one has its chance. */
const ATTEMPT_MS = 3_500

export type BoundedRequests = Pick<EdictumServerClient, 'get' | 'post' | 'put' | 'delete'>

/** The client's requests for which a tool call waits: together with their retries they end within eight seconds. */
export function boundRequests(client: EdictumServerClient, clock: Clock): BoundedRequests {
  const timeout = Math.min(client.timeout, ATTEMPT_MS)
  function bounded<T>(request: (options: RequestOptions) => Promise<T>, options: RequestOptions = {}): Promise<T> {
    const late = () =>
      new EdictumConnectionError(`No answer from ${client.baseUrl} within ${EXCHANGE_MS / 1000} s`, undefined)
    return withDeadline(clock, EXCHANGE_MS, late, (signal) => request({ timeout, ...options, signal }), options.signal)
  }
  return {
    get: (path, options) => bounded((within) => client.get(path, within), options),
    post: (path, body, options) => bounded((within) => client.post(path, body, within), options),
    put: (path, body, options) => bounded((within) => client.put(path, body, within), options),
    delete: (path, options) => bounded((within) => client.delete(path, within), options),
  }
}
