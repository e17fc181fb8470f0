import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import { expect, it } from 'vitest'
import { sendFile } from './send.ts'

const KIB = 1024

it('a large file arrives byte for byte, and the memory of its pieces goes back as they are sent', async () => {
  const pieces = Array.from({ length: 64 }, (_, index) => Buffer.from(new ArrayBuffer(256 * KIB)).fill(index))
  const whole = Buffer.concat(pieces)
  const app = Fastify()
  app.get('/', (call, reply) =>
    sendFile(call, reply, {
      name: 'f',
      size: whole.length,
      etag: null,
      open: async () => Readable.from(pieces, { objectMode: false }),
    }),
  )
  try {
    const call = request(await app.listen({ port: 0, host: '127.0.0.1' })).end()
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    const got: Buffer[] = []
    // One that reads slowly, so that pieces wait to be sent.
    for await (const part of response) {
      got.push(part as Buffer)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(Buffer.concat(got).equals(whole)).toBe(true)
    // What was sent last is not waited for.
    expect(pieces.slice(0, -2).every((piece) => piece.length === 0)).toBe(true)
  } finally {
    await app.close()
  }
})
