import { StringDecoder } from 'node:string_decoder'

/**
 * The lines of a text, as they end with a line feed. Node's own line reader also ends them at U+2028 and U+2029, which JSON holds
 * as they are.
 */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let pieces: string[] = []
  for await (const chunk of source) {
    const lines = decoder.write(Buffer.from(chunk)).split('\n')
    for (const line of lines.slice(0, -1)) {
      yield pieces.length === 0 ? line : `${pieces.join('')}${line}`
      pieces = []
    }
    const rest = lines.at(-1)
    if (rest) pieces.push(rest)
  }
  const last = pieces.join('') + decoder.end()
  if (last !== '') yield last
}
