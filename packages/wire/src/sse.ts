import { createParser, type ParseError } from 'eventsource-parser'

/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** `message` when the event named none. */
  readonly event: string
  readonly data: string
  /** The last id the stream gave, this event's or an earlier one's; empty when it gave none. */
  readonly id: string
}

/** An event exceeded the buffer; the connection is of no more use. */
export class SseOverflowError extends Error {
  constructor(limit: number) {
    super(`An event of the stream exceeds ${limit} characters.`)
    this.name = 'SseOverflowError'
  }
}

/** Reads a stream of decoded text by the rules of the HTML standard. */
export interface SseReader {
  /** The events that this piece of text completes. @throws SseOverflowError */
  push(chunk: string): ServerSentEvent[]
}

const DEFAULT_LIMIT = 16 * 1024 * 1024

/**
 * The parser of the standard is `eventsource-parser`. Three things around it are ours: the id stays until another comes;
 * a byte-order mark is one character of decoded text; and a lone CR ends its line at once, where the parser would wait
 * for the next chunk to see whether an LF follows, and so hold an event back until the next one.
 *
 * @param limit characters that one event may have
 */
export function createSseReader(limit: number = DEFAULT_LIMIT): SseReader {
  let completed: ServerSentEvent[] = []
  let id = ''
  let isOverflown = false
  let isAtStart = true
  let isAfterCarriageReturn = false
  const parser = createParser({
    maxBufferSize: limit,
    onEvent(event) {
      id = event.id ?? id
      completed.push({ event: event.event || 'message', data: event.data, id })
    },
    onError(error: ParseError) {
      if (error.type === 'max-buffer-size-exceeded') isOverflown = true
    },
  })

  return {
    push(chunk) {
      let text = chunk
      if (text === '') return []
      if (isAtStart && text.startsWith('\ufeff')) text = text.slice(1)
      isAtStart = false
      if (isAfterCarriageReturn && text.startsWith('\n')) text = text.slice(1)
      isAfterCarriageReturn = text.endsWith('\r')
      if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n')
      completed = []
      if (!isOverflown) parser.feed(text)
      if (isOverflown) throw new SseOverflowError(limit)
      return completed
    },
  }
}

/**
 * Split a byte stream into events, whatever the boundaries of its chunks. Comments and events without data yield nothing;
 * an event that the end of the stream cuts off is dropped.
 *
 * @throws SseOverflowError
 */
export async function* readServerSentEvents(
  chunks: AsyncIterable<Uint8Array>,
  limit: number = DEFAULT_LIMIT,
): AsyncGenerator<ServerSentEvent> {
  const reader = createSseReader(limit)
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for await (const chunk of chunks) yield* reader.push(decoder.decode(chunk, { stream: true }))
}
