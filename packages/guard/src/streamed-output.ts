import type { Readable } from 'node:stream'
import type { ChunkJudge, PostDecision } from '@lictor/contracts'

/** What judges an output that comes piece by piece. */
export interface StreamJudges {
  /** For text and bytes, judged over the borders of the pieces. */
  readonly text: ChunkJudge
  /** For pieces that are neither: each is judged as an output of its own. */
  readonly value: (value: unknown) => PostDecision
  /** Called once, when the output has ended, failed, or is read no further. */
  readonly ended: (decision: PostDecision) => void
}

/**
 * The output in the form it has, judged as it is read: a `Response`, a stream of the web or of Node, an async or a plain
 * generator. Null for everything else, which is there as a whole, and where no contract judges it.
 */
export function judgedAsRead(output: unknown, judges: () => StreamJudges | null): { readonly output: unknown } | null {
  const kind = streamKind(output)
  if (kind === null) return null
  const found = judges()
  if (found === null) return null
  const judge = new PieceJudge(found)
  switch (kind) {
    case 'response': {
      const response = output as Response
      if (response.body === null) return { output }
      const headers = new Headers(response.headers)
      // What is hidden changes the length, and `fetch` has undone the encoding already.
      for (const name of ['content-length', 'content-encoding', 'etag', 'digest']) headers.delete(name)
      const { status, statusText } = response
      const body = ReadableStream.from(readAsync(response.body as AsyncIterable<unknown>, judge))
      return { output: new Response(body as ReadableStream<Uint8Array>, { status, statusText, headers }) }
    }
    case 'web-stream':
      return { output: ReadableStream.from(readAsync(output as AsyncIterable<unknown>, judge)) }
    case 'node-stream': {
      const { readableObjectMode: objectMode } = output as Readable
      const stream = process.getBuiltinModule('node:stream')
      return { output: stream.Readable.from(readAsync(output as AsyncIterable<unknown>, judge), { objectMode }) }
    }
    case 'async-iterable':
      return { output: readAsync(output as AsyncIterable<unknown>, judge) }
    case 'iterator':
      return { output: readSync(output as Iterable<unknown>, judge) }
  }
}

type StreamKind = 'response' | 'web-stream' | 'node-stream' | 'async-iterable' | 'iterator'

function streamKind(output: unknown): StreamKind | null {
  if (typeof output !== 'object' || output === null) return null
  // Naming these classes makes Node load them, which no plain object is worth.
  if ('body' in output && output instanceof Response) return 'response'
  if ('getReader' in output && output instanceof ReadableStream) return 'web-stream'
  if (Symbol.asyncIterator in output) return 'pipe' in output && 'read' in output ? 'node-stream' : 'async-iterable'
  // Arrays, maps and sets can be read again; what has `next` is used up by reading it.
  return Symbol.iterator in output && 'next' in output ? 'iterator' : null
}

async function* readAsync(source: AsyncIterable<unknown>, judge: PieceJudge): AsyncGenerator<unknown, void, undefined> {
  try {
    for await (const piece of source) {
      yield* judge.pieces(piece)
      if (judge.isWithheld) break
    }
    yield* judge.rest()
  } finally {
    judge.end()
  }
}

function* readSync(source: Iterable<unknown>, judge: PieceJudge): Generator<unknown, void, undefined> {
  try {
    for (const piece of source) {
      yield* judge.pieces(piece)
      if (judge.isWithheld) break
    }
    yield* judge.rest()
  } finally {
    judge.end()
  }
}

/** Text stays text and bytes stay bytes; what the first piece is, the others are. */
class PieceJudge {
  readonly #judges: StreamJudges
  #form: 'text' | 'bytes' | 'values' | null = null
  #values: PostDecision | null = null
  #ended = false
  isWithheld = false

  constructor(judges: StreamJudges) {
    this.#judges = judges
  }

  pieces(piece: unknown): unknown[] {
    this.#form ??= typeof piece === 'string' ? 'text' : piece instanceof Uint8Array ? 'bytes' : 'values'
    if (this.#form === 'values') return [this.#value(piece)]
    if (typeof piece !== 'string' && !(piece instanceof Uint8Array)) {
      throw new TypeError('The output mixes text with other values, which cannot be judged together.')
    }
    const passed = this.#judges.text.push(piece)
    this.isWithheld = this.#judges.text.isWithheld
    return this.#inForm(passed)
  }

  /** What was held back to the end. */
  rest(): unknown[] {
    if (this.#ended || this.#form === 'values') return []
    this.#ended = true
    const { text, decision } = this.#judges.text.end()
    this.#judges.ended(decision)
    return this.#inForm(text)
  }

  /** Also when the output failed, or its reader went away. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#judges.ended(this.#values ?? this.#judges.text.end().decision)
  }

  #inForm(text: string): unknown[] {
    if (text === '') return []
    return [this.#form === 'bytes' ? Buffer.from(text, 'utf8') : text]
  }

  #value(piece: unknown): unknown {
    const decision = this.#judges.value(piece)
    // The first piece that a contract fired for speaks for the whole.
    if (this.#values === null || (this.#values.postconditionsPassed && !decision.postconditionsPassed)) {
      this.#values = decision
    }
    this.isWithheld = decision.outputSuppressed
    return decision.replacement === null ? piece : decision.replacement.value
  }
}
