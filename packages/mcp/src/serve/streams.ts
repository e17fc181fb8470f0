import type { McpClock } from '../clock.ts'

/** Where the events of a stream go: one connection of a client. */
export interface Sink {
  write(event: string): void
  /** Nothing more comes. */
  end(): void
}

/** Messages to one client, in order, each with an id by which it can say what it has. */
export interface EventStream {
  readonly id: string
  send(text: string): void
  /** After the last message. */
  finish(): void
  /**
   * Send all that comes, and first what has come: behind the event `after`, or all that no connection got yet.
   * @returns false where a connection has it already, or where what it asks for is kept no more
   */
  attach(sink: Sink, after?: number): boolean
  detach(sink: Sink): void
  isAttached(): boolean
}

/** The streams of one session, kept for a while, so that a client that lost its connection gets what it missed. */
export interface Streams {
  /** @param withPriming an empty event comes first, by which a client has an id before the first message */
  open(withPriming: boolean): EventStream
  /** Of an id that an event of this session had. */
  find(eventId: string): { readonly stream: EventStream; readonly after: number } | null
  close(): void
}

/** Bytes that are kept for one session, and how long those of streams that have ended are. */
export const KEPT = { bytes: 16 * 1024 * 1024, finishedMs: 300_000 }

interface Kept {
  readonly number: number
  readonly text: string
}

interface Own extends EventStream {
  events: Kept[]
  bytes: number
  isFinished(): boolean
  forget(): void
}

/** Bytes that one message takes beside its text, about: with very many small ones that is most of it. */
const BESIDE_TEXT = 256
const sizeOf = ({ text }: Kept): number => text.length + BESIDE_TEXT

/** @param newId names a stream: nobody outside the session may guess what it means, and within it nobody needs to */
export function createStreams(clock: McpClock, newId: () => string, kept = KEPT): Streams {
  /** Oldest first. */
  const streams = new Map<string, Own>()
  let bytes = 0

  function drop(stream: Own): void {
    streams.delete(stream.id)
    bytes -= stream.bytes
    stream.forget()
  }

  /** What is oldest goes first: streams that ended, then messages of those that did not. */
  function makeRoom(): void {
    if (bytes <= kept.bytes) return
    for (const stream of streams.values()) {
      if (bytes <= kept.bytes) return
      if (stream.isFinished()) drop(stream)
    }
    for (const stream of streams.values())
      while (bytes > kept.bytes && stream.events.length > 1) {
        const size = sizeOf(stream.events.shift() as Kept)
        stream.bytes -= size
        bytes -= size
      }
  }

  function open(withPriming: boolean): Own {
    const id = newId()
    let next = withPriming ? 0 : 1
    let delivered = -1
    let sink: Sink | null = null
    let finished = false
    let cancelExpiry = () => {}

    const write = (to: Sink, { number, text }: Kept) => {
      to.write(
        text === '' ? `id: ${id}_${number}\ndata: \n\n` : `id: ${id}_${number}\nevent: message\ndata: ${text}\n\n`,
      )
      delivered = Math.max(delivered, number)
    }

    const stream: Own = {
      id,
      events: [],
      bytes: 0,
      isFinished: () => finished,
      forget: () => cancelExpiry(),
      isAttached: () => sink !== null,
      send(text) {
        if (finished) return
        const event = { number: next++, text }
        stream.events.push(event)
        stream.bytes += sizeOf(event)
        bytes += sizeOf(event)
        if (sink !== null) write(sink, event)
        makeRoom()
      },
      finish() {
        if (finished) return
        finished = true
        sink?.end()
        sink = null
        cancelExpiry = clock.after(kept.finishedMs, () => drop(stream))
      },
      attach(to, after) {
        if (sink !== null) return false
        const from = after ?? delivered
        const first = stream.events[0]?.number ?? next
        if (after !== undefined && (after >= next || after + 1 < first)) return false
        for (const event of stream.events) if (event.number > from) write(to, event)
        if (finished) to.end()
        else sink = to
        return true
      },
      detach(from) {
        if (sink === from) sink = null
      },
    }
    streams.set(id, stream)
    if (withPriming) stream.send('')
    return stream
  }

  return {
    open,
    find(eventId) {
      const at = eventId.lastIndexOf('_')
      const stream = streams.get(eventId.slice(0, at))
      const after = eventId.slice(at + 1)
      return stream === undefined || !/^\d{1,9}$/.test(after) ? null : { stream, after: Number(after) }
    },
    close() {
      for (const stream of [...streams.values()]) {
        stream.finish()
        drop(stream)
      }
    },
  }
}
