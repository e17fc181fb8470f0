import type { FastifyInstance } from 'fastify'

/**
 * Closing the server waits for every request that was begun: also for one whose client has gone, whose work still
 * goes on, and for one that came by no socket. What they use (database, bus) is closed after it.
 * A handler that fails after it took over its answer leaves no client waiting.
 */
export function registerUnderWay(app: FastifyInstance): void {
  const underWay = new Set<object>()
  let tellEmpty = () => {}
  const end = (entry: object) => {
    underWay.delete(entry)
    if (underWay.size === 0) tellEmpty()
  }
  app.addHook('onRequest', async (request, reply) => {
    underWay.add(request)
    // A client that has gone: what its handler still does is kept apart, below.
    reply.raw.once('close', () => end(request))
  })
  app.addHook('onResponse', async (request) => end(request))
  app.addHook('onRoute', (route) => {
    const { handler } = route
    route.handler = async function (request, reply) {
      const entry = {}
      underWay.add(entry)
      try {
        return await handler.call(this, request, reply)
      } catch (error) {
        // The answer was taken over, as a stream is: nobody else will end it.
        if (reply.sent && !reply.raw.writableEnded) reply.raw.destroy()
        throw error
      } finally {
        end(entry)
      }
    }
  })
  app.addHook('onClose', async () => {
    if (underWay.size > 0) await new Promise<void>((resolve) => (tellEmpty = resolve))
  })
}
