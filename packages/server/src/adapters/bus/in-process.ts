import type { Bus } from '../../ports/bus.ts'
import { createTopics } from './topics.ts'

/** The bus of a single process. Messages are delivered in a later microtask, as from a network. */
export function createInProcessBus(): Bus {
  const local = createTopics()
  return {
    async publish(topic, message) {
      await Promise.resolve()
      local.deliver(topic, message)
    },
    subscribe: (topic, receive) => local.add(topic, receive),
    onGap: () => () => {},
    ping: async () => null,
    async close() {
      local.clear()
    },
  }
}
