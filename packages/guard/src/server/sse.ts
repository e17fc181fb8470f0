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

/**
 * Parses a stream of text by the rules of the HTML standard: lines end in LF, CR or CRLF, also across chunks; one space
 * after the colon is optional; `data` lines join with LF; comments are skipped. Feed it decoded text.
 */
export class SseParser {
  readonly #limit: number
  /** Pieces of the line that is still open: joined once, when its end arrives. */
  #open: string[] = []
  #openLength = 0
  #afterCarriageReturn = false
  #atStart = true
  #event = ''
  #data: string[] = []
  #dataLength = 0
  #id = ''

  constructor(limit = 16 * 1024 * 1024) {
    this.#limit = limit
  }

  /** The events that this piece of text completes. */
  push(chunk: string): ServerSentEvent[] {
    let text = chunk
    if (text === '') return []
    if (this.#atStart) {
      this.#atStart = false
      if (text.startsWith('\ufeff')) text = text.slice(1)
    }
    if (this.#afterCarriageReturn) {
      this.#afterCarriageReturn = false
      if (text.startsWith('\n')) text = text.slice(1)
    }
    const events: ServerSentEvent[] = []
    let start = 0
    for (;;) {
      const end = nextLineEnd(text, start)
      if (end === -1) break
      this.#open.push(text.slice(start, end))
      const line = this.#open.length === 1 ? (this.#open[0] ?? '') : this.#open.join('')
      this.#open = []
      this.#openLength = 0
      start = end + 1
      if (text[end] === '\r') {
        if (start === text.length) this.#afterCarriageReturn = true
        else if (text[start] === '\n') start++
      }
      const event = this.#line(line)
      if (event) events.push(event)
    }
    if (start < text.length) {
      this.#open.push(text.slice(start))
      this.#openLength += text.length - start
      if (this.#openLength + this.#dataLength > this.#limit) throw new SseOverflowError(this.#limit)
    }
    return events
  }

  #line(line: string): ServerSentEvent | null {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return null
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    else if (field === 'data') {
      this.#data.push(value)
      this.#dataLength += value.length
      if (this.#dataLength > this.#limit) throw new SseOverflowError(this.#limit)
    }
    return null
  }

  #dispatch(): ServerSentEvent | null {
    const hasData = this.#data.length > 0
    const event = hasData ? { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id } : null
    this.#event = ''
    this.#data = []
    this.#dataLength = 0
    return event
  }
}

function nextLineEnd(text: string, from: number): number {
  const lineFeed = text.indexOf('\n', from)
  const carriageReturn = text.indexOf('\r', from)
  if (lineFeed === -1) return carriageReturn
  return carriageReturn === -1 ? lineFeed : Math.min(lineFeed, carriageReturn)
}
