import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { InvalidInput } from '../../errors.ts'
import { type Caller, principalOf } from '../../identity/caller.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { IdempotencyStore } from './store.ts'

const KEPT_MS = 24 * 3_600_000
const LONGEST_KEY = 255

/** One logical request, however often it is sent. */
export interface OnceKey {
  readonly tenantId: string
  /** What is asked for and for whom, for example `approval:production`. */
  readonly operation: string
  /** The client's `Idempotency-Key`. */
  readonly key: string
  /** What was sent: the same key with another request is refused. */
  readonly request: unknown
}

/** Repeated requests get the first answer, for 24 hours. */
export interface Idempotency {
  /** The answer given before, if any; none where there is no key. @throws InvalidInput when the key was used for another request. */
  answered<T>(once: OnceKey | null): Promise<T | undefined>
  /**
   * Do `work` unless it was done for this key, within the caller's transaction: the answer (a JSON value) is kept exactly when
   * the work is. Where there is no key it is done. Two at once: the second waits for the first, so this comes before any other
   * lock of the transaction. @throws InvalidInput when the key was used for another request.
   */
  once<T>(once: OnceKey | null, within: Queryable, work: () => Promise<T>): Promise<T>
  /** Forget that it was done, in the transaction that undoes it. */
  release(once: OnceKey | null, within: Queryable): Promise<void>
  /** Forget what is older than 24 hours. */
  purge(): Promise<void>
}

interface Kept<T> {
  readonly request: string
  readonly answer: T
}

export function createIdempotency(deps: { store: IdempotencyStore; clock: Clock }): Idempotency {
  const { store, clock } = deps
  const nameOf = (once: OnceKey) => `${once.operation}:${once.key}`
  const digestOf = (once: OnceKey) => hash('sha256', JSON.stringify(once.request), 'hex')

  function answerIn<T>(once: OnceKey, kept: string): T {
    const { request, answer } = JSON.parse(kept) as Kept<T>
    if (request === digestOf(once)) return answer
    throw new InvalidInput([
      {
        loc: ['header', 'Idempotency-Key'],
        msg: 'This key was used for another request. Send a new key with each request.',
      },
    ])
  }

  return {
    async answered(once) {
      if (once === null) return undefined
      const kept = await store.find(scopeOfRecord(once), nameOf(once), microsOf(clock.now()))
      return kept ? answerIn(once, kept) : undefined
    },
    async once(once, within, work) {
      if (once === null) return work()
      const now = microsOf(clock.now())
      const name = nameOf(once)
      if (!(await store.claim(scopeOfRecord(once), name, now, now + microsOf(KEPT_MS), within))) {
        const kept = await store.find(scopeOfRecord(once), name, now, within)
        if (kept) return answerIn(once, kept)
      }
      const answer = await work()
      await store.keep(scopeOfRecord(once), name, JSON.stringify({ request: digestOf(once), answer }), within)
      return answer
    },
    async release(once, within) {
      if (once !== null) await store.delete(scopeOfRecord(once), nameOf(once), within)
    },
    purge: () => store.purge(microsOf(clock.now())),
  }
}

/**
 * The request as its `Idempotency-Key` names it, or null where it has none: bound to the tenant, the caller, the route and
 * everything that was sent. @throws InvalidInput when the key is empty, too long or not printable.
 */
export function onceOf(request: FastifyRequest, caller: Caller): OnceKey | null {
  const key = idempotencyKeyOf(request)
  if (key === null) return null
  const { params, query, body } = request
  return {
    tenantId: caller.tenantId,
    operation: `${request.method} ${request.routeOptions.url}:${principalOf(caller)}`,
    key,
    // Taken now: whoever works with the body may change it.
    request: hash('sha256', JSON.stringify({ params, query, body }), 'hex'),
  }
}

/** The request's `Idempotency-Key`, or null. @throws InvalidInput when it is empty, too long or not printable. */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key']
  if (key === undefined) return null
  if (typeof key === 'string' && key.length <= LONGEST_KEY && /^[\x21-\x7e]+$/.test(key)) return key
  throw new InvalidInput([
    { loc: ['header', 'Idempotency-Key'], msg: `Input should be 1 to ${LONGEST_KEY} printable ASCII characters` },
  ])
}
