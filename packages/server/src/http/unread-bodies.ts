import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../ports/clock.ts'

/** What is read of a body that nobody wants, so that its sender comes to read the answer. */
const MOST_DRAINED_BYTES = 64 * 1024 ** 2
const LONGEST_DRAIN_MS = 30_000

/**
 * Answers that are given before the whole body came, such as 413. Many clients read nothing until they have sent everything,
 * and what is sent to a closed connection destroys the answer that waits on it. So the answer leaves at once, and the rest of
 * the body is read and thrown away, within bounds, before the answer ends. Who asked first (`Expect: 100-continue`) is told
 * to go on only when the body is wanted.
 */
export function registerUnreadBodies(app: FastifyInstance, { clock }: { clock: Clock }): void {
  const asking = new WeakSet<IncomingMessage>()
  const drained = new Set<() => void>()
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    asking.add(request)
    // Until the body is asked for, an answer is the last on this connection: nobody knows whether the body follows.
    response.shouldKeepAlive = false
    app.server.emit('request', request, response)
  })
  app.addHook('preParsing', async (request, reply) => {
    if (!asking.delete(request.raw)) return
    reply.raw.shouldKeepAlive = request.raw.httpVersion === '1.1' && !isLast(request)
    reply.raw.writeContinue()
  })

  const send = async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
    const { raw } = request
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload)
    const isRead = raw.complete || raw.readableEnded || raw.destroyed
    if (!isWhole || isRead || asking.has(raw) || !hasBody(raw)) return payload
    reply.header('content-length', Buffer.byteLength(payload))
    return untilDrained(payload, raw, { clock, drained })
  }
  app.addHook('preClose', async () => {
    for (const give of [...drained]) give()
  })
  // After every other hook, those that compress included, which routes have of their own.
  app.addHook('onRoute', (route) => {
    route.onSend = [...[route.onSend ?? []].flat(), send]
  })
  app.addHook('onSend', async (request, reply, payload) => (request.is404 ? send(request, reply, payload) : payload))
}

const isLast = ({ headers }: FastifyRequest): boolean => /\bclose\b/i.test(headers.connection ?? '')

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** The answer, which ends when the body has, or when enough of it was read. `drained` has what ends it before. */
function untilDrained(
  answer: string | Buffer,
  body: IncomingMessage,
  { clock, drained }: { clock: Clock; drained: Set<() => void> },
): Readable {
  const stream = new Readable({ read() {} })
  stream.push(answer)
  let left = MOST_DRAINED_BYTES
  const end = () => {
    cancel()
    drained.delete(give)
    body.off('data', count).off('end', end).off('close', end)
    stream.push(null)
  }
  const give = () => {
    end()
    // The answer is complete: what ends is a connection whose sender does not stop.
    body.socket.destroySoon()
  }
  drained.add(give)
  const cancel = clock.after(LONGEST_DRAIN_MS, give)
  const count = (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) give()
  }
  body.on('data', count).once('end', end).once('close', end)
  return stream
}
