import type { Writable } from 'node:stream'

/**
 * Ends quietly when whoever reads the output has seen enough, as in `lictor replay … | head`. A server does not end with the
 * reader of its log: it goes on without one.
 */
export function endWithReader(streams: readonly Writable[], { isServer, end }: { isServer: boolean; end: () => void }) {
  for (const stream of streams) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (!isServer) end()
    })
  }
}
