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
