/** The server under test. Prints its address; on SIGUSR2 its resident bytes, after collecting garbage. */
import { createServer, readConfig } from '@lictor/server'
import pino from 'pino'

const server = await createServer(readConfig(process.env), pino({ level: 'error' }), { consoleDir: null })
console.log(await server.listen())
process.on('SIGUSR2', () => {
  globalThis.gc?.()
  console.log(process.memoryUsage().rss)
})
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)))
