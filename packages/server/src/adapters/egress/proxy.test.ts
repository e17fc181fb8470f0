import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import http, { createServer, type Server } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../../test/manual-clock.ts'
import type { EgressDoor, RefusedAccess } from '../../ports/egress.ts'
import { createAddressGuard } from '../outbound/guard.ts'
import { systemRandom } from '../random/system.ts'
import { createEgress, type EgressLimits } from './proxy.ts'

/** Names of the tests' own internet. */
const names: Record<string, string[]> = {
  'open.example': ['127.0.0.1'],
  'private.example': ['10.1.2.3'],
  'metadata.example': ['169.254.169.254'],
  'half.example': ['127.0.0.1', '10.1.2.3'],
  'mapped.example': ['::ffff:169.254.169.254'],
}

describe('the way out of a sandbox', () => {
  let folder: string
  let host: Server
  let port: number
  let clock: ManualClock
  let asked: string[]
  let refused: RefusedAccess[]
  let outcomes: string[]
  let doors: EgressDoor[]
  let seen: { method?: string; url?: string; headers: http.IncomingHttpHeaders; body: string }[]

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'egress-'))
    clock = manualClock()
    asked = []
    refused = []
    outcomes = []
    doors = []
    seen = []
    host = createServer(async (request, response) => {
      const { method, url, headers } = request
      seen.push({ ...(method ? { method } : {}), ...(url ? { url } : {}), headers, body: await text(request) })
      if (url === '/silent') return
      if (url === '/large') response.end(Buffer.alloc(3_000_000, 'x'))
      else response.writeHead(200, { 'x-answer': 'yes', connection: 'x-secret', 'x-secret': 'hop' }).end('the host')
    })
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
    port = (host.address() as AddressInfo).port
  })
  afterEach(async () => {
    for (const door of doors) await door.close()
    host.closeAllConnections()
    host.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(limits: Partial<EgressLimits> = {}, allowed = ['127.0.0.0/8']): Promise<EgressDoor> {
    const egress = createEgress({
      guard: createAddressGuard({
        resolve: async (name) => {
          asked.push(name)
          const found = names[name]
          if (!found) throw new Error('no such name')
          return found
        },
        allowed,
      }),
      clock,
      random: systemRandom,
      limits: { bytes: 1_000_000, ...limits },
      count: (outcome) => outcomes.push(outcome),
    })
    const door = await egress.open({
      folder,
      policy: { refusal: (name) => (name === 'closed.example' ? 'closed.example is not listed.' : null) },
      onRefused: (one) => refused.push(one),
    })
    doors.push(door)
    return door
  }

  /** A request to the proxy in the form of one for plain HTTP. */
  function ask(door: EgressDoor, url: string, options: http.RequestOptions = {}, body = '') {
    return new Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const request = http.request({ socketPath: door.socket, path: url, agent: false, ...options }, (response) =>
        text(response).then(
          (received) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: received }),
          reject,
        ),
      )
      request.on('error', reject)
      request.end(body)
    })
  }

  /** A tunnel through the proxy, or its answer. */
  function connect(door: EgressDoor, authority: string) {
    return new Promise<{ status: number; socket: net.Socket; body: Promise<string> }>((resolve, reject) => {
      const request = http.request({ socketPath: door.socket, method: 'CONNECT', path: authority, agent: false })
      request.on('connect', (response, socket) => {
        const body = text(socket)
        body.catch(() => {})
        resolve({ status: response.statusCode ?? 0, socket, body })
      })
      request.on('response', (response) =>
        resolve({ status: response.statusCode ?? 0, socket: request.socket as net.Socket, body: text(response) }),
      )
      request.on('error', reject)
      request.end()
    })
  }

  it('passes plain HTTP on, to the host that the address names whatever a header says', async () => {
    const door = await open()
    const answer = await ask(
      door,
      `http://open.example:${port}/path?x=%2e%2E`,
      {
        method: 'POST',
        headers: { host: 'closed.example', 'proxy-authorization': 'secret', 'x-own': 'kept', 'content-length': '4' },
      },
      'sent',
    )
    expect(answer).toMatchObject({ status: 200, body: 'the host' })
    expect(answer.headers).toMatchObject({ 'x-answer': 'yes' })
    expect(answer.headers['x-secret']).toBeUndefined()
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/path?x=%2e%2E',
        body: 'sent',
        headers: { host: `open.example:${port}`, 'x-own': 'kept', 'content-length': '4', connection: 'close' },
      },
    ])
    expect(asked).toEqual(['open.example'])
    expect(outcomes).toEqual(['opened'])
  })

  it('tunnels bytes in both directions', async () => {
    const { status, socket, body } = await connect(await open(), `open.example:${port}`)
    expect(status).toBe(200)
    socket.end('GET / HTTP/1.1\r\nhost: anything\r\nconnection: close\r\n\r\n')
    expect(await body).toContain('the host')
    expect(asked).toEqual(['open.example'])
  })

  it('what is not listed is refused before its name is resolved, and told once', async () => {
    const door = await open()
    expect(await ask(door, 'http://closed.example/')).toMatchObject({
      status: 403,
      body: 'closed.example is not listed.\n',
    })
    const tunnel = await connect(door, 'closed.example:80')
    expect(tunnel.status).toBe(403)
    expect(asked).toEqual([])
    expect(refused).toEqual([{ host: 'closed.example', port: 80, reason: 'closed.example is not listed.' }])
    expect(outcomes).toEqual(['refused', 'refused'])
  })

  it.each([
    'private.example',
    'metadata.example',
    'half.example',
    'mapped.example',
    '169.254.169.254',
    '[::1]',
    '0x7f.1',
    '10.1.2.3',
  ])('an address that is not public is refused although its name may be reached: %s', async (name) => {
    const door = await open({}, name === 'half.example' ? ['127.0.0.0/8'] : [])
    const answer = await ask(door, `http://${name}:${port}/`)
    expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('blocked address') })
    expect((await connect(door, `${name}:${port}`)).status).toBe(403)
    expect(refused).toHaveLength(1)
    expect(seen).toEqual([])
  })

  it('a private network is reached where the operator allows it', async () => {
    const { status } = await connect(await open({}, ['127.0.0.0/8']), `127.0.0.1:${port}`)
    expect(status).toBe(200)
  })

  it('a name that is not found, and a host that does not listen, are no refusals', async () => {
    const door = await open()
    expect((await ask(door, 'http://nowhere.example/')).status).toBe(502)
    expect((await connect(door, 'open.example:1')).status).toBe(502)
    expect(refused).toEqual([])
    expect(outcomes).toEqual(['failed', 'failed'])
  })

  it.each(['/', 'https://open.example/', 'http:///x', 'ftp://open.example/', 'http:open.example'])(
    'a request that is none to a proxy is told so: %s',
    async (path) => {
      expect(await ask(await open(), path)).toMatchObject({ status: 400 })
    },
  )

  it.each(['open.example', 'open.example:0', 'open.example:99999', 'a@open.example:80', 'a b:80', '/:80'])(
    'CONNECT to what is no host with a port is told so: %s',
    async (authority) => {
      const door = await open()
      const socket = net.connect(door.socket)
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: x\r\n\r\n`)
      expect(await text(socket)).toMatch(/^HTTP\/1.1 400 /)
      expect(asked).toEqual([])
    },
  )

  it('bytes are bounded: the transfer that goes beyond ends, and the next is refused', async () => {
    const door = await open()
    await expect(ask(door, `http://open.example:${port}/large`)).rejects.toThrow()
    expect(await ask(door, `http://open.example:${port}/`)).toMatchObject({
      status: 403,
      body: expect.stringContaining('1000000 bytes'),
    })
    expect(refused).toHaveLength(1)
  })

  it('connections are bounded', async () => {
    const door = await open({ connections: 2 })
    const first = await connect(door, `open.example:${port}`)
    await connect(door, `open.example:${port}`)
    expect((await connect(door, `open.example:${port}`)).status).toBe(503)
    first.socket.destroy()
    await expect.poll(async () => (await connect(door, `open.example:${port}`)).status).toBe(200)
  })

  it('time is bounded: a connection in which nothing moves ends', async () => {
    const door = await open({ idleMs: 60_000 })
    const { body } = await connect(door, `open.example:${port}`)
    const silent = ask(door, `http://open.example:${port}/silent`)
    const ended = expect(silent).rejects.toThrow()
    await expect.poll(() => seen.length).toBe(1)
    await clock.advance(61_000)
    expect(await body).toBe('')
    await ended
  })

  it('a name server that does not answer is given up', async () => {
    const never = createEgress({
      guard: createAddressGuard({ resolve: (name) => new Promise(() => void asked.push(name)), allowed: [] }),
      clock,
      random: systemRandom,
      limits: { bytes: 1000 },
    })
    const door = await never.open({ folder, policy: { refusal: () => null }, onRefused: () => {} })
    doors.push(door)
    const answer = ask(door, 'http://open.example/')
    await expect.poll(() => asked).toEqual(['open.example'])
    await clock.advance(11_000)
    expect(await answer).toMatchObject({ status: 504, body: "'open.example' was not resolved within 10 seconds.\n" })
  })

  it('closing ends what runs and leaves no socket', async () => {
    const door = await open()
    const { body } = await connect(door, `open.example:${port}`)
    await door.close()
    expect(await body).toBe('')
    expect(existsSync(door.socket)).toBe(false)
    expect(readdirSync(folder)).toEqual([])
  })

  it('a flood of refusals is told up to a hundred hosts', async () => {
    const door = await open({}, [])
    for (let index = 0; index < 120; index++) await ask(door, `http://127.0.0.1:${1000 + index}/`)
    expect(refused).toHaveLength(100)
  })
})
