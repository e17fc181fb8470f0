import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { registerUnderWay } from './under-way.ts'

/** A server whose one route is at work until `finish` is called; `begun` tells that it is. */
function atWork() {
  const http = Fastify()
  registerUnderWay(http)
  let finish = () => {}
  let tellBegun = () => {}
  const begun = new Promise<void>((resolve) => (tellBegun = resolve))
  const steps: string[] = []
  http.get('/', async () => {
    tellBegun()
    await new Promise<void>((resolve) => (finish = resolve))
    steps.push('answered')
    return 'done'
  })
  http.addHook('onError', async (_, __, error) => void steps.push(error.message))
  return { http, begun, steps, finish: () => finish() }
}

describe('a server that closes', () => {
  it('waits for the work of a request that came by no socket', async () => {
    const { http, begun, steps, finish } = atWork()
    const answer = http.inject({ method: 'GET', url: '/' })
    await begun
    const closed = http.close().then(() => steps.push('closed'))
    await new Promise(setImmediate)
    finish()
    await closed
    expect([(await answer).body, steps]).toEqual(['done', ['answered', 'closed']])
  })

  it('waits for the work of a request whose client has gone', async () => {
    const { http, begun, steps, finish } = atWork()
    const { port } = new URL(await http.listen({ host: '127.0.0.1', port: 0 }))
    const socket = connect(Number(port), '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await begun
    socket.destroy()
    await once(socket, 'close')
    const closed = http.close().then(() => steps.push('closed'))
    await expect.poll(() => http.server.listening).toBe(false)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    finish()
    await closed
    expect(steps).toEqual(['answered', 'closed'])
  })

  it('closes at once when nothing is under way, whatever was answered before', async () => {
    const { http, begun, finish } = atWork()
    const answer = http.inject({ method: 'GET', url: '/' })
    await begun
    finish()
    await answer
    expect((await http.inject({ method: 'GET', url: '/none' })).statusCode).toBe(404)
    await http.close()
  })

  it('ends a request whose handler failed after it took over the answer', async () => {
    const http = Fastify()
    registerUnderWay(http)
    http.get('/', async (_, reply) => {
      reply.hijack()
      reply.raw.writeHead(200)
      throw new Error('no stream after all')
    })
    const address = await http.listen({ host: '127.0.0.1', port: 0 })
    await expect(fetch(address).then((answer) => answer.text())).rejects.toThrow()
    await expect(http.inject({ method: 'GET', url: '/' })).rejects.toThrow('destroyed')
    await http.close()
  })
})
