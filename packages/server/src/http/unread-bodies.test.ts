import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'

const MIB = 1024 ** 2
const refusal = JSON.stringify({ detail: 'Request body too large. Maximum allowed: 16MB.' })

describe('a body that is refused before it is read', () => {
  let t: TestServer
  let address: string
  let agent: Record<string, string>
  beforeAll(async () => {
    t = await startTestServer()
    agent = await t.agent()
    address = await t.listen()
  })
  afterAll(() => t.close())

  const batch = (bytes: number) => Buffer.alloc(bytes, '{"events":[')
  const headers = () => ({ ...agent, 'content-type': 'application/json' })
  const url = () => `${address}/api/v1/events`

  it('fetch of 17 MB reads why, every time', async () => {
    for (let turn = 0; turn < 3; turn++) {
      const answer = await fetch(url(), { method: 'POST', headers: headers(), body: batch(17 * MIB) })
      expect([answer.status, await answer.text()]).toEqual([413, refusal])
    }
  })

  it('fetch of 17 MB of which nobody said how long reads why', async () => {
    async function* parts() {
      for (let part = 0; part < 17; part++) yield batch(MIB)
    }
    const answer = await fetch(url(), {
      method: 'POST',
      headers: headers(),
      body: parts(),
      duplex: 'half',
    } as RequestInit)
    expect([answer.status, await answer.text()]).toEqual([413, refusal])
  })

  /** A client that reads nothing before it has sent everything. */
  async function sendThenRead(head: string, body: Buffer): Promise<string> {
    const { hostname, port } = new URL(address)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.pause()
    const fields = Object.entries(headers()).map(([name, value]) => `${name}: ${value}\r\n`)
    const isSent = new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.write(`POST /api/v1/events HTTP/1.1\r\nHost: x\r\n${fields.join('')}${head}\r\n`)
      socket.write(body, () => resolve())
    })
    await isSent
    let received = ''
    socket.on('data', (chunk) => (received += chunk.toString()))
    socket.resume()
    await once(socket, 'close')
    return received
  }

  it.each([
    ['that keeps its connection', ''],
    ['that closes its connection', 'Connection: close\r\n'],
  ])('a client %s and sends all before it reads gets the answer', async (_, more) => {
    const body = batch(17 * MIB)
    const received = await sendThenRead(`${more}Content-Length: ${body.length}\r\n`, body)
    expect(received).toMatch(/^HTTP\/1\.1 413 /)
    expect(received.endsWith(refusal)).toBe(true)
  })

  it('a client that sends chunks and all of them before it reads gets the answer', async () => {
    const part = batch(MIB)
    const chunk = Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')])
    const body = Buffer.concat([...Array.from({ length: 17 }, () => chunk), Buffer.from('0\r\n\r\n')])
    const received = await sendThenRead('Transfer-Encoding: chunked\r\n', body)
    expect(received).toMatch(/^HTTP\/1\.1 413 /)
    expect(received.endsWith(refusal)).toBe(true)
  })

  it('so does one whose request no route takes, or which no other site may send', async () => {
    const body = batch(17 * MIB)
    for (const [path, more, status] of [
      ['/api/v1/nowhere', {}, 413],
      ['/nowhere', {}, 404],
      ['/api/v1/keys', { ...(await t.admin()), 'x-requested-with': '' }, 413],
    ] as const) {
      const answer = await fetch(`${address}${path}`, { method: 'POST', headers: { ...headers(), ...more }, body })
      expect([path, answer.status, (await answer.text()).length > 0]).toEqual([path, status, true])
    }
  })

  /** What a client hears that asks whether it may send. */
  async function asking(bytes: number) {
    const sent = httpRequest(url(), {
      method: 'POST',
      headers: { ...headers(), 'content-length': bytes, expect: '100-continue' },
    })
    let mayContinue = false
    sent.on('continue', () => {
      mayContinue = true
      sent.end('{"events":[]}'.padEnd(bytes))
    })
    sent.flushHeaders()
    const [response] = await once(sent, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    sent.destroy()
    return { mayContinue, status: response.statusCode, text, connection: response.headers.connection }
  }

  it('with Expect: 100-continue it is never sent', async () => {
    expect(await asking(17 * MIB)).toEqual({ mayContinue: false, status: 413, text: refusal, connection: 'close' })
  })

  it('with Expect: 100-continue a body that is wanted is asked for, and the connection stays', async () => {
    const answer = await asking(100)
    expect([answer.mayContinue, answer.status, answer.connection]).toEqual([true, 422, 'keep-alive'])
  })

  it('curl, which asks first, reads why', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'lictor-batch-')), 'batch.json')
    writeFileSync(file, batch(17 * MIB))
    const fields = Object.entries(headers()).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
    for (const more of [[], ['-H', 'Expect:'], ['-H', 'Transfer-Encoding: chunked'], ['-0']]) {
      const { stdout } = await promisify(execFile)('curl', [
        '-sS',
        ...more,
        ...fields,
        '--data-binary',
        `@${file}`,
        url(),
      ])
      expect([more, stdout]).toEqual([more, refusal])
    }
  })

  it('a sender that never stops is cut off, and one that stalls is let go in time', async () => {
    const { hostname, port } = new URL(address)
    const open = async (length: number) => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      socket.write(
        `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`,
      )
      await once(socket, 'data')
      socket.resume()
      return socket
    }
    const endless = await open(1024 ** 4)
    const part = batch(MIB)
    let sent = 0
    while (!endless.destroyed && sent < 1024) {
      sent++
      if (endless.write(part)) continue
      await new Promise<void>((resolve) => {
        endless.once('drain', resolve)
        endless.once('close', () => resolve())
      })
      endless.removeAllListeners('drain').removeAllListeners('close')
    }
    expect(sent).toBeLessThan(1024)
    const stalled = await open(20 * MIB)
    await t.clock.advance(29_999)
    expect(stalled.destroyed).toBe(false)
    await Promise.all([once(stalled, 'close'), t.clock.advance(1)])
  })

  it('a server that stops waits for none of them', async () => {
    const stopping = await startTestServer()
    const { hostname, port } = new URL(await stopping.listen())
    const socket = connect(Number(port), hostname)
    socket.write(
      `POST /api/v1/setup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${MIB}\r\n\r\n`,
    )
    await once(socket, 'data')
    socket.resume()
    await Promise.all([once(socket, 'close'), stopping.close()])
  })
})
