/** The server under test. Prints its address; answers the message `rss` with its resident bytes, after collecting garbage. */
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'

const server = await createServer(readConfig(process.env), pino({ level: 'error' }), { consoleDir: null })
console.log(await server.listen())
process.on('message', () => {
  globalThis.gc?.()
  process.send?.(process.memoryUsage().rss)
})
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
