import type { Readable, Writable } from 'node:stream'
import { McpDisconnected } from './errors.ts'
import { createLineReader, LineTooLong } from './lines.ts'
import type { OpenTransport } from './transport.ts'

/** A server that runs as a process, started by whoever knows how: with which limits, and how it is ended with all it started. */
export interface ServerProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves once, when the process has ended: how, in words such as `exit code 1`. Never rejects. */
  readonly exited: Promise<string>
  /** End it, with everything that it started. */
  end(): Promise<void>
}

export interface StdioOptions {
  /** @throws when it cannot be started */
  start(): Promise<ServerProcess>
  /** Bytes that a message from the server may have. */
  readonly largestMessage: number
}

/** Bytes that are kept of what a server writes beside its messages: its end. */
const STDERR_BYTES = 4096

/** MCP over the standard streams of a process: one message a line. */
export const stdioTransport =
  ({ start, largestMessage }: StdioOptions): OpenTransport =>
  async (events) => {
    const child = await start()
    const lines = createLineReader(largestMessage)
    let said = Buffer.alloc(0)
    let isClosed = false
    const closed = (reason: string) => {
      if (isClosed) return
      isClosed = true
      const tail = said.toString('utf8').trim()
      events.closed(tail === '' ? reason : `${reason}; it last wrote: ${tail}`)
    }
    const broken = (reason: string) => {
      closed(reason)
      void child.end()
    }
    child.stdin.on('error', () => {})
    child.stdout.on('error', () => {})
    // However much a server writes there, it is read and its end is kept: a full pipe would hold the server up.
    child.stderr.on('error', () => {})
    child.stderr.on('data', (chunk: Buffer) => {
      said = Buffer.concat([said, chunk.subarray(-STDERR_BYTES)]).subarray(-STDERR_BYTES)
    })
    child.stdout.on('data', (chunk: Buffer) => {
      if (isClosed) return
      try {
        for (const line of lines.push(chunk)) events.message(line)
      } catch (error) {
        if (!(error instanceof LineTooLong)) throw error
        broken(`The server sent a message of more than ${largestMessage} bytes`)
      }
    })
    void child.exited.then((how) => closed(`The server ended (${how})`))
    return {
      async send(text) {
        if (isClosed) throw new McpDisconnected('The server is not running.')
        await new Promise<void>((resolve, reject) => {
          child.stdin.write(`${text}\n`, (error) => {
            if (error) reject(new McpDisconnected(`The server takes no messages (${error.message}).`, { cause: error }))
            else resolve()
          })
        })
      },
      async close() {
        closed('The connection was closed')
        child.stdin.end()
        await child.end()
      },
    }
  }
