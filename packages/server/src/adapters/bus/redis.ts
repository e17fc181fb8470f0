import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import type { Bus } from '../../ports/bus.ts'
import { redisReconnect } from '../redis-reconnect.ts'
import { createTopics } from './topics.ts'

const CHANNEL = 'lictor:bus'
/** Topic of the packet that a process sends when it could not send for a while: the others read the database again. */
const GAP = ''
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
 * on while Redis is away; after a reconnect `onGap` listeners, of this process and of the others, look at the database for what
 * they missed.
 *
 * @param onLag told how many seconds a message of this process took through Redis and back
 */
export async function createRedisBus(
  url: string,
  onError: (error: Error) => void,
  onLag: (seconds: number) => void = () => {},
): Promise<Bus> {
  const self = randomUUID()
  const local = createTopics()
  const gapListeners = new Set<() => void>()
  const options = {
    retryStrategy: redisReconnect,
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

  const send = async (topic: string, message: unknown) => {
    await publisher.publish(CHANNEL, JSON.stringify({ from: self, at: Date.now(), topic, message } satisfies Packet))
  }
  const gap = () => {
    for (const listener of [...gapListeners]) listener()
  }
  /** Something of others may have been missed, or others may have missed something of this process. */
  let missed = false
  let untold = false
  subscriber.on('close', () => {
    missed = true
  })
  publisher.on('close', () => {
    untold = true
  })
  subscriber.on('message', (_channel: string, text: string) => {
    const packet = JSON.parse(text) as Packet
    // Only one's own clock can be compared with itself.
    if (packet.from === self) onLag(Math.max(0, Date.now() - packet.at) / 1000)
    else if (packet.topic === GAP) gap()
    else local.deliver(packet.topic, packet.message)
  })
  try {
    await Promise.all([publisher.connect(), subscriber.connect()])
    await subscriber.subscribe(CHANNEL)
  } catch (error) {
    publisher.disconnect()
    subscriber.disconnect()
    throw error
  }
  // Each connection comes back by itself, in any order. What was missed is told when messages flow again both ways.
  const onBack = () => {
    if (publisher.status !== 'ready' || subscriber.status !== 'ready') return
    const [hadMissed, hadUntold] = [missed, untold]
    if (!hadMissed && !hadUntold) return
    missed = false
    untold = false
    void subscriber
      .subscribe(CHANNEL)
      .then(() => (hadUntold ? send(GAP, null) : undefined))
      .then(() => hadMissed && gap())
      .catch((error: Error) => {
        missed ||= hadMissed
        untold ||= hadUntold
        onError(error)
      })
  }
  publisher.on('ready', onBack)
  subscriber.on('ready', onBack)

  // A network that hangs, rather than refuses, shows only to who asks.
  const beats = setInterval(() => {
    for (const connection of [publisher, subscriber])
      if (connection.status === 'ready') connection.ping().catch(() => {})
  }, BEAT_MS).unref()

  return {
    async publish(topic, message) {
      await Promise.resolve()
      local.deliver(topic, message)
      await send(topic, message)
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
