import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { AddressRefused, HostNotFound, OutboundFailed } from '../../ports/outbound.ts'
import { createAddressGuard } from './guard.ts'
import { createHttpOutbound } from './http.ts'

let close = async () => {}
afterEach(() => close())

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close = () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  return (server.address() as AddressInfo).port
}

/** A name server that answers so, one answer a question, the last for ever. */
function names(...answers: readonly string[][]) {
  const asked: string[] = []
  return {
    asked,
    resolve: async (hostname: string) => {
      asked.push(hostname)
      return answers[Math.min(asked.length, answers.length) - 1] ?? []
    },
  }
}

function client(resolve: (hostname: string) => Promise<readonly string[]>, allowed: readonly string[] = []) {
  const clock = manualClock()
  return { clock, outbound: createHttpOutbound({ guard: createAddressGuard({ resolve, allowed }), clock }) }
}

const post = (url: string, headers = {}) => ({ method: 'POST', url, headers, body: '{"a":"ä"}' }) as const

describe('calls to configured addresses', () => {
  it.each([
    ['', 'URL cannot be empty'],
    ['ftp://example.com', "URL scheme 'ftp' not allowed. Only HTTP/HTTPS are permitted."],
    ['file:///etc/passwd', "URL scheme 'file' not allowed. Only HTTP/HTTPS are permitted."],
    ['gopher://example.com', "URL scheme 'gopher' not allowed. Only HTTP/HTTPS are permitted."],
    ['example.com/hook', "URL scheme '' not allowed. Only HTTP/HTTPS are permitted."],
    ['http://', 'URL must include a hostname'],
    ['http:///path', 'URL must include a hostname'],
    ['https://?query', 'URL must include a hostname'],
    ['http://[::1', 'URL must include a hostname'],
  ])('%s is refused', async (url, message) => {
    const { outbound } = client(names(['93.184.216.34']).resolve)
    await expect(outbound.check(url)).rejects.toThrow(new AddressRefused(message))
  })

  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.1:8000/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
    'https://user:password@10.0.0.5/',
    'http://100.64.1.1/',
  ])('%s is refused, however it is spelled', async (url) => {
    const { outbound } = client(names(['93.184.216.34']).resolve)
    await expect(outbound.check(url)).rejects.toThrow(/^URL resolves to blocked address /)
    await expect(outbound.send(post(url))).rejects.toThrow(AddressRefused)
  })

  it('a name is refused when any of its addresses is private', async () => {
    const { outbound } = client(names(['93.184.216.34', '10.0.0.5']).resolve)
    await expect(outbound.send(post('https://example.com/hook'))).rejects.toThrow(
      'URL resolves to blocked address 10.0.0.5 (network 10.0.0.0/8).',
    )
  })

  it('a name that does not resolve is told from one that may not be called', async () => {
    const failing = client(async () => {
      throw new Error('getaddrinfo ENOTFOUND nowhere.example')
    })
    await expect(failing.outbound.check('https://nowhere.example/')).rejects.toThrow(
      new HostNotFound("Cannot resolve hostname 'nowhere.example': getaddrinfo ENOTFOUND nowhere.example"),
    )
    const empty = client(names([]).resolve)
    await expect(empty.outbound.check('https://nowhere.example/')).rejects.toThrow(HostNotFound)
  })

  it('goes to the very address that was checked, under the name that was asked for', async () => {
    let seen: unknown
    const port = await serve((request, response) => {
      request.setEncoding('utf8').on('data', (body) => {
        seen = { host: request.headers.host, url: request.url, body, length: request.headers['content-length'] }
        response.writeHead(201, { 'x-answer': 'yes' }).end('grüße')
      })
    })
    const dns = names(['127.0.0.1'])
    const { outbound } = client(dns.resolve, ['127.0.0.1'])
    const answer = await outbound.send(post(`http://hook.invalid:${port}/path?q=1`))
    expect(answer).toMatchObject({ status: 201, body: 'grüße', headers: { 'x-answer': 'yes' } })
    expect(seen).toEqual({ host: `hook.invalid:${port}`, url: '/path?q=1', body: '{"a":"ä"}', length: '10' })
    expect(dns.asked).toEqual(['hook.invalid'])
  })

  it('a name that turns to a private address after it was checked reaches nothing', async () => {
    let calls = 0
    const port = await serve((_request, response) => {
      calls += 1
      response.end()
    })
    const { outbound } = client(names(['93.184.216.34'], ['127.0.0.1']).resolve)
    const url = `http://rebind.example:${port}/`
    await outbound.check(url)
    await expect(outbound.send(post(url))).rejects.toThrow('URL resolves to blocked address 127.0.0.1')
    expect(calls).toBe(0)
  })

  it('a redirect is an answer, not an errand', async () => {
    const seen: string[] = []
    const port = await serve((request, response) => {
      seen.push(request.url ?? '')
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end()
    })
    const { outbound } = client(names(['127.0.0.1']).resolve, ['127.0.0.1'])
    const answer = await outbound.send(post(`http://hook.invalid:${port}/first`))
    expect([answer.status, seen]).toEqual([302, ['/first']])
  })

  it('a header with a line break is not sent', async () => {
    const port = await serve((_request, response) => response.end())
    const { outbound } = client(names(['127.0.0.1']).resolve, ['127.0.0.1'])
    await expect(
      outbound.send(post(`http://hook.invalid:${port}/`, { authorization: 'Bearer x\r\nX-Injected: 1' })),
    ).rejects.toThrow(OutboundFailed)
  })

  it('an endless answer is cut', async () => {
    const port = await serve((_request, response) => {
      const chunk = 'x'.repeat(16_384)
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', more)
      more()
    })
    const { outbound } = client(names(['127.0.0.1']).resolve, ['127.0.0.1'])
    const answer = await outbound.send(post(`http://hook.invalid:${port}/`))
    expect(answer.body).toBe('x'.repeat(65_536))
  })

  it('who does not answer is left after ten seconds', async () => {
    let arrived = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const port = await serve(() => arrived())
    const { outbound, clock } = client(names(['127.0.0.1']).resolve, ['127.0.0.1'])
    const outcome = outbound.send(post(`http://hook.invalid:${port}/`)).catch((error: unknown) => error)
    await arrival
    await clock.advance(10_000)
    expect(await outcome).toEqual(new OutboundFailed('hook.invalid did not answer within 10 seconds'))
  })

  it('a name server that does not answer is left after ten seconds', async () => {
    const { outbound, clock } = client(() => new Promise(() => {}))
    const outcome = outbound.send(post('https://hook.invalid/')).catch((error: unknown) => error)
    await clock.advance(10_000)
    expect(await outcome).toEqual(new OutboundFailed('hook.invalid did not answer within 10 seconds'))
  })

  it('who is not there is said to be not there', async () => {
    const port = await serve(() => {})
    await close()
    close = async () => {}
    const { outbound } = client(names(['127.0.0.1']).resolve, ['127.0.0.1'])
    await expect(outbound.send(post(`http://hook.invalid:${port}/`))).rejects.toThrow(
      new OutboundFailed(`connect ECONNREFUSED 127.0.0.1:${port}`),
    )
  })
})
