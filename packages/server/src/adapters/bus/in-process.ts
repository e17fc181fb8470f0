import type { Bus } from '../../ports/bus.ts'

/** The bus of a single process. Messages are delivered in a later microtask, as from a network. */
export function inProcessBus(): Bus {
  const topics = new Map<string, Set<(message: unknown) => void>>()
  return {
    async publish(topic, message) {
      const receivers = topics.get(topic)
      if (!receivers) return
      await Promise.resolve()
      for (const receive of [...receivers]) receive(message)
    },
    subscribe(topic, receive) {
      const receivers = topics.get(topic) ?? new Set()
      receivers.add(receive)
      topics.set(topic, receivers)
      return () => {
        receivers.delete(receive)
        if (receivers.size === 0) topics.delete(topic)
      }
    },
    async close() {
      topics.clear()
    },
  }
}
