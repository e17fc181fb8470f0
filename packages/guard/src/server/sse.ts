import { createSseReader, type ServerSentEvent, type SseReader } from '@lictor/wire'

export { type ServerSentEvent, SseOverflowError } from '@lictor/wire'

/** Reads a `text/event-stream` from decoded text, whatever the boundaries of its chunks. */
export class SseParser {
  readonly #reader: SseReader

  /** @param limit characters that one event may have, default 16 Mi */
  constructor(limit?: number) {
    this.#reader = createSseReader(limit)
  }

  /** The events that this piece of text completes. @throws SseOverflowError */
  push(chunk: string): ServerSentEvent[] {
    return this.#reader.push(chunk)
  }
}
