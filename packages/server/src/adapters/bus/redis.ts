import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Bus } from '../../ports/bus.ts'
import { topics } from './topics.ts'

const CHANNEL = 'lictor:bus'
const SLOWEST_RECONNECT_MS = 2_000
/** Each connection is asked this often whether it lives; one that is silent for longer than `SILENCE_MS` is made anew. */
const BEAT_MS = 1_000
const SILENCE_MS = 4_000

interface Packet {
  readonly from: string
  readonly topic: string
  readonly message: unknown
  /** When it was sent, by the sender's clock, in milliseconds. */
  readonly at: number
}

/**
 * The bus of many processes, over Redis publish/subscribe. Local subscribers are served without Redis, so one process alone goes
 * on while Redis is away; after a reconnect `onGap` listeners look at the database for what they missed.
 *
 * @param onLag told how many seconds a message of this process took through Redis and back
 */
export async function redisBus(
  url: string,
  onError: (error: Error) => void,
  onLag: (seconds: number) => void = () => {},
): Promise<Bus> {
  const self = randomUUID()
  const local = topics()
  const gapListeners = new Set<() => void>()
  const options = {
    retryStrategy: (attempt: number) => Math.min(attempt * 100, SLOWEST_RECONNECT_MS),
    lazyConnect: true,
    connectTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
  } as const
  const publisher = new Redis(url, {
    ...options,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: SILENCE_MS,
  })
  const subscriber = new Redis(url, { ...options, maxRetriesPerRequest: null })
  for (const connection of [publisher, subscriber]) connection.on('error', onError)

  let wasLost = false
  subscriber.on('close', () => {
    wasLost = true
  })
  subscriber.on('message', (_channel: string, text: string) => {
    const packet = JSON.parse(text) as Packet
    if (packet.from !== self) local.deliver(packet.topic, packet.message)
    // Only one's own clock can be compared with itself.
    else onLag(Math.max(0, Date.now() - packet.at) / 1000)
  })
  try {
    await Promise.all([publisher.connect(), subscriber.connect()])
    await subscriber.subscribe(CHANNEL)
  } catch (error) {
    publisher.disconnect()
    subscriber.disconnect()
    throw error
  }
  // Asked for anew after each reconnect, so that the listeners run when messages flow again.
  subscriber.on('ready', () => {
    void subscriber
      .subscribe(CHANNEL)
      .then(() => {
        if (!wasLost) return
        wasLost = false
        for (const listener of [...gapListeners]) listener()
      })
      .catch(onError)
  })

  // A network that hangs, rather than refuses, shows only to who asks.
  const beats = setInterval(() => {
    for (const connection of [publisher, subscriber])
      if (connection.status === 'ready') connection.ping().catch(() => {})
  }, BEAT_MS).unref()

  return {
    async publish(topic, message) {
      await Promise.resolve()
      local.deliver(topic, message)
      await publisher.publish(CHANNEL, JSON.stringify({ from: self, at: Date.now(), topic, message } satisfies Packet))
    },
    subscribe: (topic, receive) => local.add(topic, receive),
    onGap(listener) {
      gapListeners.add(listener)
      return () => gapListeners.delete(listener)
    },
    async ping() {
      const started = performance.now()
      await publisher.ping()
      return performance.now() - started
    },
    async close() {
      clearInterval(beats)
      local.clear()
      publisher.disconnect()
      subscriber.disconnect()
    },
  }
}
