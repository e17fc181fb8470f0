import { type Clock, systemClock } from '../clock.ts'
import { consoleLogger, type Logger } from '../logger.ts'
import type { SessionReservations } from '../reservations.ts'
import type { StorageBackend } from '../storage.ts'
import type { EdictumServerClient } from './client.ts'
import { type BoundedRequests, boundRequests } from './deadline.ts'
import { EdictumServerError } from './errors.ts'
import { createServerReservations } from './server-reservations.ts'
import { storedKey } from './stored-key.ts'

const BATCH_LIMIT = 100

export interface ServerBackendOptions {
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * Session values on the server, shared by every process of a session. Fails closed: an error of any read or write reaches
 * the guard, and the call does not run. A server that swallows requests holds a call for eight seconds at most.
 */
export class ServerBackend implements StorageBackend {
  readonly reservations: SessionReservations
  readonly #client: BoundedRequests
  #batchMissing = false

  constructor(client: EdictumServerClient, options: ServerBackendOptions = {}) {
    const { clock = systemClock, logger = consoleLogger } = options
    this.#client = boundRequests(client, clock)
    this.reservations = createServerReservations({ client: this.#client, logger })
  }

  async get(key: string): Promise<string | null> {
    try {
      const { value } = await this.#client.get(sessionPath(key))
      return toValue(value)
    } catch (error) {
      if (hasStatus(error, 404)) return null
      throw error
    }
  }

  async set(key: string, value: string): Promise<void> {
    await this.#client.put(sessionPath(key), { value })
  }

  /** A server that knows of no expectation just writes. */
  async replace(key: string, value: string, expected: string | null): Promise<boolean> {
    try {
      await this.#client.put(sessionPath(key), { value, expected })
      return true
    } catch (error) {
      if (hasStatus(error, 409)) return false
      throw error
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#client.delete(sessionPath(key))
    } catch (error) {
      if (!hasStatus(error, 404)) throw error
    }
  }

  async increment(key: string, amount = 1): Promise<number> {
    const { value } = await this.#client.post(`${sessionPath(key)}/increment`, { amount })
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new Error(`The server answered the increment of ${key} without a number; is this the console's address?`)
    }
    return value
  }

  async batchGet(keys: readonly string[]): Promise<Record<string, string | null>> {
    const found: Record<string, string | null> = {}
    for (let start = 0; start < keys.length; start += BATCH_LIMIT) {
      await this.#readBatch(keys.slice(start, start + BATCH_LIMIT), found)
    }
    return found
  }

  async #readBatch(keys: readonly string[], found: Record<string, string | null>): Promise<void> {
    if (!this.#batchMissing) {
      try {
        const { values } = await this.#client.post('/api/v1/sessions/batch', { keys: keys.map(storedKey) })
        const map = (typeof values === 'object' && values !== null ? values : {}) as Record<string, unknown>
        for (const key of keys) {
          const stored = storedKey(key)
          found[key] = Object.hasOwn(map, stored) ? toValue(map[stored]) : null
        }
        return
      } catch (error) {
        if (!hasStatus(error, 404) && !hasStatus(error, 405)) throw error
        // An older server without the batch route stays one for the life of this backend.
        this.#batchMissing = true
      }
    }
    for (const key of keys) found[key] = await this.get(key)
  }
}

function sessionPath(key: string): string {
  return `/api/v1/sessions/${encodeURIComponent(storedKey(key)).replaceAll('%3A', ':')}`
}

function toValue(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw new Error(
    "The server answered a session value that is neither text nor a number; is this the console's address?",
  )
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof EdictumServerError && error.statusCode === status
}
