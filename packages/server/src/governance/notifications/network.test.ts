import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../test/harness.ts'

let close: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of close) await end()
  close = []
})

async function receiver(): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (body) => bodies.push(body))
    request.on('end', () => response.end('ok'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close.push(() => new Promise((resolve) => server.close(() => resolve())))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, bodies }
}

async function start(environment: Record<string, string> = {}): Promise<TestServer> {
  const t = await startTestServer({ environment })
  close.unshift(() => t.close())
  return t
}

async function create(t: TestServer, url: string) {
  const answer = await t.request({
    method: 'POST',
    url: '/api/v1/notifications/channels',
    headers: await t.admin(),
    payload: { name: 'hook', channel_type: 'webhook', config: { url } },
  })
  return [answer.statusCode, answer.json()]
}

describe('the networks that notifications reach', () => {
  it('the machine of the server itself is out of reach', async () => {
    const { url, bodies } = await receiver()
    expect(await create(await start(), url)).toEqual([
      422,
      {
        detail:
          'Invalid url: URL resolves to blocked address 127.0.0.1 (network 127.0.0.0/8). Name a host outside private and local networks.',
      },
    ])
    expect(bodies).toEqual([])
  })

  it('a private network that the operator names is in reach', async () => {
    const { url, bodies } = await receiver()
    const t = await start({ LICTOR_OUTBOUND_ALLOW: '127.0.0.1, 10.0.0.0/8' })
    const [status, channel] = await create(t, url)
    expect(status).toBe(201)
    const answer = await t.request({
      method: 'POST',
      url: `/api/v1/notifications/channels/${channel.id}/test`,
      headers: await t.admin(),
    })
    expect(answer.json()).toEqual({ success: true, message: 'Webhook delivered successfully.' })
    expect(bodies).toEqual(['{"event":"test","message":"Edictum test notification — channel is working."}'])
  })

  it('a network that is none stops the start, by name', async () => {
    await expect(startTestServer({ environment: { LICTOR_OUTBOUND_ALLOW: '10.0.0.0/40' } })).rejects.toThrow(
      "LICTOR_OUTBOUND_ALLOW names '10.0.0.0/40', which is no network",
    )
  })
})
