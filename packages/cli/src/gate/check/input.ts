import { read } from 'node:fs'

/** What is read of a question; what is longer is refused. */
export const MAX_INPUT_BYTES = 10 * 1024 * 1024

export type Input = { readonly text: string } | { readonly refusal: string }

/**
 * Standard input to its end, without the streams of Node, which take longer to load than a check. What is beyond the limit is
 * read and dropped, so that the assistant can finish writing.
 */
export function readInput(descriptor = 0): Promise<Input> {
  const chunks: Buffer[] = []
  let length = 0
  return new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafe(64 * 1024)
    const next = () => read(descriptor, buffer, 0, buffer.length, null, took)
    const took = (error: NodeJS.ErrnoException | null, count: number) => {
      // A pipe that does not wait has nothing yet.
      if (error?.code === 'EAGAIN') return void setTimeout(next, 2)
      // The end of standard input, as Windows tells it.
      if (error !== null && error.code !== 'EOF') return reject(error)
      if (error !== null || count === 0) return resolve(inputOf(chunks, length))
      length += count
      if (length <= MAX_INPUT_BYTES) chunks.push(Buffer.from(buffer.subarray(0, count)))
      next()
    }
    next()
  })
}

function inputOf(chunks: readonly Buffer[], length: number): Input {
  if (length > MAX_INPUT_BYTES)
    return { refusal: `The question has ${length} bytes; at most ${MAX_INPUT_BYTES} are read` }
  return { text: Buffer.concat(chunks).toString('utf8') }
}
