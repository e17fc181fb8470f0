/** Who listens to what on this process. */
export function createTopics() {
  const receivers = new Map<string, Set<(message: unknown) => void>>()
  return {
    has: (topic: string) => receivers.has(topic),
    add(topic: string, receive: (message: unknown) => void): () => void {
      const set = receivers.get(topic) ?? new Set()
      set.add(receive)
      receivers.set(topic, set)
      return () => {
        set.delete(receive)
        if (set.size === 0) receivers.delete(topic)
      }
    },
    deliver(topic: string, message: unknown): void {
      for (const receive of [...(receivers.get(topic) ?? [])]) receive(message)
    },
    clear: () => receivers.clear(),
  }
}
