import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import { nextAttemptIn } from './back-off.ts'
import type { Delivery, OutboxStore, Reference } from './store.ts'

/** At once, on this server, to different channels: a channel that hangs holds up nobody else. */
const LANES = 4
/** Longer than any single delivery can take; then another server takes it over. */
const LEASE_MS = 120_000

/** What went wrong, as far as it decides what to do next. */
export interface Failure {
  readonly message: string
  readonly isPermanent: boolean
  readonly retryAfterMs: number | null
}

/**
 * Brings what lies in the outbox to the channels: each delivery by one server at a time, and not again once that server knows that it was
 * taken. When it dies, or the line breaks, between the platform's taking a message and the answer, nobody knows; then the message is
 * sent again, because a request that nobody sees is worse than one seen twice. Every attempt carries the delivery's id where the
 * platform has a place for it (webhooks, Discord, mail), so that the second can be told.
 */
export interface Courier {
  /** There may be something due. */
  wake(): void
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>
  /** Begin nothing new. */
  stop(): void
}

export function createCourier(deps: {
  store: OutboxStore
  clock: Clock
  random: Random
  deliver: (delivery: Delivery) => Promise<Reference | null>
  failureOf: (error: unknown) => Failure
  onGivenUp: (delivery: Delivery, failure: Failure) => void
  onError: (error: unknown) => void
}): Courier {
  const { store, clock, random, deliver, failureOf, onGivenUp, onError } = deps
  const lanes = new Set<Promise<void>>()
  const busyChannels = new Set<string>()
  /** Delivered, but the database was away when that was to be written: not to be delivered again. */
  const unrecorded = new Map<string, { delivery: Delivery; reference: Reference | null }>()
  let wakes = 0
  let isStopped = false
  let lastClaim: Promise<unknown> = Promise.resolve()

  function openLane(): void {
    if (isStopped || lanes.size >= LANES) return
    const lane = run()
      .catch(onError)
      .finally(() => lanes.delete(lane))
    lanes.add(lane)
  }

  async function run(): Promise<void> {
    for (const { delivery, reference } of [...unrecorded.values()]) await record(delivery, reference)
    while (!isStopped) {
      const seen = wakes
      const delivery = await claimNext()
      if (!delivery && seen === wakes) return
      if (!delivery) continue
      // There may be more, for other channels.
      openLane()
      try {
        await carry(delivery)
      } finally {
        busyChannels.delete(delivery.channelId)
      }
    }
  }

  /** One lane after the other: two that claim at once would take two deliveries of one channel, and bring them in any order. */
  function claimNext(): Promise<Delivery | undefined> {
    const claim = lastClaim.then(async () => {
      const now = clock.now()
      const delivery = await store.claim(microsOf(now), microsOf(now + LEASE_MS), random.uuid(), [...busyChannels])
      if (delivery) busyChannels.add(delivery.channelId)
      return delivery
    })
    lastClaim = claim.catch(() => undefined)
    return claim
  }

  async function carry(delivery: Delivery): Promise<void> {
    const known = unrecorded.get(delivery.id)
    if (known) return record(delivery, known.reference)
    let reference: Reference | null
    try {
      reference = await deliver(delivery)
    } catch (error) {
      return postpone(delivery, failureOf(error))
    }
    await record(delivery, reference)
  }

  async function record(delivery: Delivery, reference: Reference | null): Promise<void> {
    unrecorded.set(delivery.id, { delivery, reference })
    await store.sent(delivery, reference)
    unrecorded.delete(delivery.id)
  }

  async function postpone(delivery: Delivery, failure: Failure): Promise<void> {
    const now = clock.now()
    const wait = nextAttemptIn(delivery.attempts, now - delivery.createdAt / 1000, failure)
    if (wait === null) {
      await store.fail(delivery, failure.message)
      return onGivenUp(delivery, failure)
    }
    const dueAt = microsOf(now + wait)
    await store.postpone(delivery, dueAt, failure.message)
    if (failure.retryAfterMs !== null) await store.holdChannel(delivery.channelId, microsOf(now + failure.retryAfterMs))
  }

  return {
    wake() {
      wakes += 1
      openLane()
    },
    async idle() {
      while (lanes.size > 0) await Promise.all(lanes)
    },
    stop() {
      isStopped = true
    },
  }
}
