/**
 * What counts of a generator: all its pieces, the last one, where each replaces the one before, or what it returned in the end,
 * where the pieces only tell how far it is.
 */
export type Keep = 'all' | 'last' | 'returned'

/**
 * What a tool returned, with its streams read to their end: frameworks hand a tool's result to the model as JSON, in which a
 * stream that nobody read is an empty object. Read here, it is judged as a whole, and the call ends when it has been read.
 *
 * Pieces of text or bytes become one text, other pieces a list. What a generator was to return and did not, its pieces are.
 */
export function collectedOutput(output: unknown, keep: Keep): unknown {
  if (typeof output !== 'object' || output === null) return output
  if ('body' in output && output instanceof Response) return output.text()
  if (Symbol.asyncIterator in output) return readAll((output as AsyncIterable<unknown>)[Symbol.asyncIterator](), keep)
  // Arrays, maps and sets can be read again; what has `next` is used up by reading it.
  if (Symbol.iterator in output && 'next' in output) return readAll(output as unknown as Iterator<unknown>, keep)
  return output
}

async function readAll(output: AsyncIterator<unknown> | Iterator<unknown>, keep: Keep): Promise<unknown> {
  const pieces: unknown[] = []
  for (;;) {
    const { done, value } = await output.next()
    if (!done) pieces.push(value)
    else if (keep === 'returned' && value !== undefined) return value
    else return keep === 'last' && isGenerator(output) ? pieces.at(-1) : joined(pieces)
  }
}

function joined(pieces: readonly unknown[]): unknown {
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('')
  if (pieces.every((piece) => piece instanceof Uint8Array)) return Buffer.concat(pieces).toString('utf8')
  return pieces
}

/** The reader of a web stream has no `throw`. */
const isGenerator = (output: object): boolean => 'throw' in output
