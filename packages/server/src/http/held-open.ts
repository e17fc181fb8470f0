import type { FastifyInstance, FastifyReply } from 'fastify'
import { Unauthenticated } from '../errors.ts'
import type { OpenCalls } from '../identity/open-calls.ts'

export function registerOpenCalls(app: FastifyInstance, openCalls: OpenCalls): void {
  app.decorate('openCalls', openCalls)
}

/** The answer is going to take long: call `end` as soon as who asked for it may no longer have it. */
export function holdOpen(reply: FastifyReply, end: () => void): void {
  if (reply.raw.closed) return
  reply.raw.once('close', reply.server.openCalls.hold(reply.request.caller, end))
}

/**
 * Answer with what `wait` comes to. Its signal is aborted when the client goes away, and when its access is withdrawn.
 * @throws Unauthenticated when the access was withdrawn meanwhile, whatever `wait` came to.
 */
export async function holdLongPoll<T>(reply: FastifyReply, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController()
  let isWithdrawn = false
  reply.raw.once('close', () => over.abort())
  const release = reply.server.openCalls.hold(reply.request.caller, () => {
    isWithdrawn = true
    over.abort()
  })
  try {
    const result = await wait(over.signal)
    if (isWithdrawn) throw new Unauthenticated('Access was withdrawn while this call waited.')
    return result
  } finally {
    release()
  }
}
