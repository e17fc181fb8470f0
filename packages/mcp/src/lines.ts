/** A line is longer than its reader takes; what comes after it cannot be told apart any more. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong'
  constructor(limit: number) {
    super(`A line exceeds ${limit} bytes.`)
  }
}

/** Takes a stream of bytes apart into lines of UTF-8. */
export interface LineReader {
  /** The lines that these bytes complete, without their ends; empty ones are left out. @throws LineTooLong */
  push(chunk: Uint8Array): string[]
}

/** @param limit bytes that one line may have */
export function createLineReader(limit: number): LineReader {
  let held: Uint8Array[] = []
  let size = 0
  return {
    push(chunk) {
      const lines: string[] = []
      let start = 0
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        const line = take(chunk.subarray(start, end))
        if (line !== '') lines.push(line)
        start = end + 1
      }
      hold(chunk.subarray(start))
      return lines
    },
  }

  function hold(part: Uint8Array): void {
    if (part.length === 0) return
    size += part.length
    if (size > limit) throw new LineTooLong(limit)
    // A part of a larger buffer would keep all of it alive.
    held.push(Uint8Array.from(part))
  }

  function take(last: Uint8Array): string {
    if (size + last.length > limit) throw new LineTooLong(limit)
    const line = Buffer.concat([...held, last]).toString('utf8')
    held = []
    size = 0
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
}

/** A line that was longer than its reader takes, and was dropped: how it began and ended. */
export interface DroppedLine {
  readonly bytes: number
  readonly head: string
  readonly tail: string
}

/** Bytes that are kept of the beginning and of the end of a line that is dropped. */
const KEPT = 256

/** As `createLineReader`, for streams that go on behind a line that is too long. */
export function createSkippingReader(limit: number, dropped: (line: DroppedLine) => void): LineReader {
  let held: Uint8Array[] = []
  let size = 0
  let head: Uint8Array | null = null
  let tail = new Uint8Array()
  return {
    push(chunk) {
      const lines: string[] = []
      let start = 0
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        add(chunk.subarray(start, end))
        const line = take()
        if (line !== null && line !== '') lines.push(line)
        start = end + 1
      }
      // A part of a larger buffer would keep all of it alive.
      if (start < chunk.length) add(start === 0 ? chunk : Uint8Array.from(chunk.subarray(start)))
      return lines
    },
  }

  function add(part: Uint8Array): void {
    size += part.length
    if (head === null && size <= limit) {
      held.push(part)
      return
    }
    if (head === null) {
      head = Buffer.concat([...held, part].map((one) => one.subarray(0, KEPT))).subarray(0, KEPT)
      tail = new Uint8Array()
      held = []
    }
    tail = Uint8Array.from(Buffer.concat([tail, part]).subarray(-KEPT))
  }

  function take(): string | null {
    const text = Buffer.concat(held).toString('utf8')
    const was = head === null ? null : { bytes: size, head: textOf(head), tail: textOf(tail) }
    held = []
    size = 0
    head = null
    if (was !== null) {
      dropped(was)
      return null
    }
    return text.endsWith('\r') ? text.slice(0, -1) : text
  }
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8')
