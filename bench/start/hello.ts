/** The floor of a start: Fastify with one route. */
import Fastify from 'fastify'

const app = Fastify()
app.get('/', async () => ({ hello: 'world' }))
await app.listen({ host: '127.0.0.1', port: 0 })
console.log('ready')
process.once('SIGTERM', () => process.exit(0))
