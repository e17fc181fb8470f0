import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

/** 12 hex characters, new for each request; a value the client sends is not taken over. */
export const newRequestId = (): string => randomBytes(6).toString('hex')

export function registerRequestContext(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
}
