import { httpTransport, McpDisconnected } from '@lictor/mcp'
import { createSkippingReader } from '@lictor/mcp/gateway'
import type { OpenWay } from '@lictor/mcp/serve'
import { idIn, LARGEST_FROM_SERVER } from './messages.ts'
import { processClock } from './process-clock.ts'
import { startMcpProcess } from './server-process.ts'

/** Bytes that wait for a server that does not read. */
const MOST_UNREAD = 32 * 1024 * 1024

/** A server that each session starts for itself, and ends with all it started. */
export function processWay(command: readonly string[], options: Parameters<typeof startMcpProcess>[1]): OpenWay {
  return async (events) => {
    const server = await startMcpProcess(command, options)
    const lines = createSkippingReader(LARGEST_FROM_SERVER, ({ bytes, head, tail }) =>
      events.tooLong(Number(idIn(head, tail) ?? Number.NaN) || null, bytes),
    )
    server.onOutput((chunk) => {
      for (const line of lines.push(chunk)) events.message(line)
    })
    void server.ended.then(({ reason }) => events.closed(reason))
    return {
      async send(text) {
        if (server.unread() > MOST_UNREAD) throw new McpDisconnected('The server does not take what it is sent.')
        server.write(`${text}\n`)
      },
      close: () => server.end(),
    }
  }
}

/** A server at an address. Its answers are read whatever they are compressed with; redirects are not followed with its keys. */
export function httpWay(url: string, headers: Readonly<Record<string, string>>): OpenWay {
  return (events, state) =>
    httpTransport(
      {
        url,
        headers,
        fetch: (input, init) => fetch(input, { ...init, redirect: 'error' }),
        largestMessage: LARGEST_FROM_SERVER,
        listening: processClock,
      },
      state,
    )(events)
}
