import { AegisProtocolError } from './errors.ts'

/** One event of a stream as it was on the wire. */
export interface ServerSentEvent {
  readonly data: string
  readonly id: string | undefined
}

const maxEventLength = 64 * 1024 * 1024

/**
 * Split a byte stream into server-sent events, whatever the boundaries of its chunks. Comments, keepalives and events
 * without data yield nothing; an event the end of the stream cuts off is dropped.
 */
export async function* readServerSentEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let data: string[] = []
  let id: string | undefined
  for await (const line of readLines(chunks)) {
    if (line === '') {
      if (data.length > 0) yield { data: data.join('\n'), id }
      data = []
      continue
    }
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const rest = colon === -1 ? '' : line.slice(colon + 1)
    const value = rest.startsWith(' ') ? rest.slice(1) : rest
    if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
  }
}

/** Lines ended by CR, LF or CR LF. */
async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  let skipLineFeed = false
  for await (const chunk of chunks) {
    let text = decoder.decode(chunk, { stream: true })
    if (text === '') continue
    if (skipLineFeed && text.startsWith('\n')) text = text.slice(1)
    skipLineFeed = text.endsWith('\r')
    const lines = text.split(/\r\n|\r|\n/)
    const last = lines.pop() ?? ''
    for (const [index, line] of lines.entries()) {
      yield index === 0 ? rest + line : line
      if (index === 0) rest = ''
    }
    rest += last
    if (rest.length > maxEventLength) throw new AegisProtocolError('an event of the stream is larger than 64 MiB')
  }
}
