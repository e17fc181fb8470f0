import { type ClientRequest, type IncomingMessage, request } from 'node:http'

export interface ReceivedEvent {
  readonly type: string
  readonly id: string | null
  readonly data: Record<string, unknown>
}

/** A client of one event stream over a real socket. */
export interface SseClient {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** Everything received so far, in order. */
  readonly events: readonly ReceivedEvent[]
  /** Comments and retry lines, without their line ends. */
  readonly asides: readonly string[]
  /** Resolves with the next event not yet taken. @throws when the stream ends before. */
  next(): Promise<ReceivedEvent>
  /** Resolves when an aside equal to `text` has been received. */
  aside(text: string): Promise<void>
  /** Resolves when the server ended the stream or the connection broke. */
  readonly ended: Promise<void>
  /** The id to come back with. */
  readonly lastId: string
  /** Take nothing more from the socket. */
  pause(): void
  close(): void
  readonly body: Promise<string>
}

/** Open a stream; resolves when the answer's headers are here. */
export function openSse(url: string, headers: Record<string, string>): Promise<SseClient> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers: { accept: 'text/event-stream', ...headers }, agent: false })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => resolve(clientOf(outgoing, incoming)))
    outgoing.end()
  })
}

function clientOf(outgoing: ClientRequest, incoming: IncomingMessage): SseClient {
  const events: ReceivedEvent[] = []
  const asides: string[] = []
  let taken = 0
  let lastId = ''
  let isOver = false
  let wake: (() => void)[] = []
  const changed = () => {
    const woken = wake
    wake = []
    for (const one of woken) one()
  }
  let rest = ''
  let text = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (chunk: string) => {
    text += chunk
    rest += chunk
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const lines = rest.slice(0, end).split('\n')
      rest = rest.slice(end + 2)
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const id = field('id') ?? null
      if (id !== null) lastId = id
      const data = field('data')
      if (data === undefined) asides.push(...lines)
      else events.push({ type: field('event') ?? 'message', id, data: JSON.parse(data) as Record<string, unknown> })
    }
    changed()
  })
  const ended = new Promise<void>((resolve) => {
    incoming.on('close', () => {
      isOver = true
      changed()
      resolve()
    })
  })
  incoming.on('error', () => {})
  outgoing.on('error', () => {})
  async function until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (isOver) throw new Error(`the stream ended; it had sent: ${JSON.stringify(events.map((one) => one.type))}`)
      await new Promise<void>((resolve) => wake.push(resolve))
    }
  }
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    events,
    asides,
    next: () =>
      until(() => {
        const event = events[taken]
        if (event) taken++
        return event
      }),
    async aside(wanted) {
      await until(() => (asides.includes(wanted) ? true : undefined))
    },
    ended,
    get lastId() {
      return lastId
    },
    pause: () => incoming.pause(),
    close: () => outgoing.destroy(),
    body: ended.then(() => text),
  }
}
