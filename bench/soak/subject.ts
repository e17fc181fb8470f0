/**
 * The built server under test, with eyes inside its process: started with `--expose-gc` and a channel to its parent, it answers
 * the message `look` with what it holds after collecting garbage. Prints its address.
 */
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'

/** What a process holds. Bytes. */
export interface Holding {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
  /** Open sockets, timers and files by kind, as Node counts them. */
  readonly handles: Readonly<Record<string, number>>
}

const server = await createServer(readConfig(process.env), pino({ level: 'error' }), { consoleDir: null })
process.on('message', () => {
  // Twice: what a finaliser lets go in the first collection goes in the second.
  globalThis.gc?.()
  setImmediate(() => {
    globalThis.gc?.()
    process.send?.(look())
  })
})
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
// It does not outlive who looks into it.
process.once('disconnect', () => process.exit(1))
console.log(await server.listen())

function look(): Holding {
  const { rss, heapUsed, external } = process.memoryUsage()
  const handles: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1
  return { rss, heapUsed, external, handles }
}
