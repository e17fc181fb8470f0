/**
 * Live messages between the server processes that share one database. At most once and unordered across topics:
 * whatever must not be lost is in the database, a message only says "look again" sooner.
 */
export interface Bus {
  /** Deliver `message` (JSON values) to every subscriber of `topic`: on this process always, on the others when they can be reached. */
  publish(topic: string, message: unknown): Promise<void>
  /** The returned function ends the subscription. */
  subscribe(topic: string, receive: (message: unknown) => void): () => void
  /** Called when messages of other processes may have been missed: read the database again. The returned function ends it. */
  onGap(listener: () => void): () => void
  /** Round trip in milliseconds; null where there is nothing to reach. @throws when it does not answer. */
  ping(): Promise<number | null>
  close(): Promise<void>
}
