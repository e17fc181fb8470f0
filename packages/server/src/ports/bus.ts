/**
 * Live messages between the server processes that share one database. At most once and unordered across topics:
 * whatever must not be lost is in the database, a message only says "look again" sooner.
 */
export interface Bus {
  /** Deliver `message` (JSON values) to every subscriber of `topic`, on this process and all others. */
  publish(topic: string, message: unknown): Promise<void>
  /** The returned function ends the subscription. */
  subscribe(topic: string, receive: (message: unknown) => void): () => void
  close(): Promise<void>
}
