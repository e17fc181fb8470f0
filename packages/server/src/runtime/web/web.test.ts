import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { systemClock } from '../../adapters/clock/system.ts'
import { createPinnedFetches } from '../../adapters/outbound/fetch.ts'
import { createSearchService } from '../../adapters/search/service.ts'
import { braveWire, searxngWire, tavilyWire } from '../../adapters/search/wires.ts'
import type { Clock } from '../../ports/clock.ts'
import { SearchFailed } from '../../ports/web-search.ts'
import { ToolFailed } from '../tools/tool.ts'
import { createFetchPage, type PageRequest } from './fetch.ts'
import { markdownOf } from './markdown.ts'
import { createReadable } from './readable.ts'

let server: Server
let answer: RequestListener
let seen: { url: string; headers: Record<string, unknown>; body: string }[]
let base: string
beforeEach(async () => {
  seen = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      seen.push({ url: request.url ?? '', headers: request.headers, body })
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})
/** Every name leads to this machine, which only one of them may. */
const fetches = (allowed: string[] = ['127.0.0.1/32']) =>
  createPinnedFetches({ resolve: async () => ['127.0.0.1'], allowed })

describe('a page of the web', () => {
  const readable = createReadable({ clock: systemClock })
  afterAll(() => readable.stop())
  const signal = new AbortController().signal
  const judged: string[] = []
  const page = (over: Partial<PageRequest> = {}, allowed?: string[], clock: Clock = systemClock) =>
    createFetchPage({ fetch: fetches(allowed).guarded, clock, readable })(
      { url: `${base}/`, toMarkdown: true, followRedirects: true, timeoutSeconds: 30, ...over },
      async (url) => {
        judged.push(url)
        if (url.includes('forbidden')) throw new ToolFailed('Denied: not there')
      },
      signal,
    )
  beforeEach(() => {
    judged.length = 0
  })

  it('is Markdown, with its links made whole and without scripts', async () => {
    answer = (_request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(
        '<!doctype html><html><head><title>Cats</title><script>alert(1)</script></head><body><h2>Grün</h2><p>See <a href="/more">more</a>.</p><style>p{}</style></body></html>',
      )
    }
    expect(await page()).toMatchObject({
      status: 'success',
      http_status: 200,
      content_format: 'markdown',
      content: `# Cats\n\n## Grün\n\nSee [more](${base}/more).`,
    })
    expect(await page({ toMarkdown: false })).toMatchObject({ content_format: 'html' })
  })

  it('other text is told as it is, in its own character set; what is no text is not', async () => {
    answer = (_request, response) => {
      response.setHeader('content-type', 'text/plain; charset=iso-8859-1')
      response.end(Buffer.from([0x67, 0x72, 0xfc, 0x6e]))
    }
    expect(await page()).toMatchObject({ content: 'grün', content_format: 'text', content_length: 4 })
    answer = (_request, response) => {
      response.setHeader('content-type', 'image/png')
      response.end('x')
    }
    await expect(page()).rejects.toThrow('is no text')
  })

  it('redirects are followed, each judged before it is called; at most ten', async () => {
    answer = ({ url }, response) => {
      const step = Number(url?.slice(1))
      if (step < 3) response.writeHead(302, { location: `/${step + 1}` }).end()
      else response.end('there')
    }
    expect(await page({ url: `${base}/1` })).toMatchObject({ url: `${base}/3`, content: 'there' })
    expect(judged).toEqual([`${base}/2`, `${base}/3`])
    expect(await page({ url: `${base}/1`, followRedirects: false })).toMatchObject({ http_status: 302, location: '/2' })
    answer = (_request, response) => response.writeHead(302, { location: '/again' }).end()
    await expect(page()).rejects.toThrow('more than 10 times')
  })

  it('a redirect to where it may not go is not called', async () => {
    answer = (_request, response) => response.writeHead(302, { location: '/forbidden' }).end()
    await expect(page()).rejects.toThrow('Denied: not there')
    expect(seen).toHaveLength(1)
    for (const location of ['file:///etc/passwd', 'ftp://x/', 'gopher://x', 'javascript:alert(1)']) {
      answer = (_request, response) => response.writeHead(302, { location }).end()
      await expect(page()).rejects.toThrow('no address of the web')
    }
  })

  it('private addresses are not called, at first nor behind a redirect', async () => {
    await expect(page({ url: 'http://inside.example/' }, [])).rejects.toThrow('blocked address 127.0.0.1')
    answer = (_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end()
    await expect(page()).rejects.toThrow('blocked address 169.254.169.254')
    expect(seen).toHaveLength(1)
  })

  it('a host that never answers ends when its time is over', async () => {
    const clock = manualClock()
    let asked = () => {}
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    answer = () => asked()
    const late = page({ timeoutSeconds: 7 }, undefined, clock)
    const told = expect(late).rejects.toThrow('did not answer within 7 seconds')
    await isAsked
    clock.advance(7000)
    await told
  })

  it('of a page without end the beginning is read', async () => {
    answer = (_request, response) => {
      response.setHeader('content-type', 'text/plain')
      const more = () => response.write('x'.repeat(65_536), (error) => error ?? setImmediate(more))
      more()
    }
    const read = await page()
    expect(read).toMatchObject({ truncated: true })
    expect((read.content as string).length).toBe(5 * 1024 * 1024)
  })

  it.each(['file:///etc/passwd', 'ftp://example.com', 'example.com', ''])('%j is no address', async (url) => {
    await expect(page({ url })).rejects.toThrow('no address of the web')
  })

  it('a page that is made to take for ever is told as it is, and holds nobody up meanwhile', async () => {
    const html = `<html>${'<div>'.repeat(100_000)}`
    answer = (_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(html)
    }
    let turns = 0
    const counting = setInterval(() => turns++, 10)
    expect(await page()).toMatchObject({ content_format: 'html', content: html })
    clearInterval(counting)
    expect(turns).toBeGreaterThan(10)
  })

  it('broken elements break nothing', () => {
    expect(markdownOf('<a href="http://[">x</a><b', base)).toContain('x')
  })
})

describe('a search of the web', () => {
  const signal = new AbortController().signal
  /** Waits take no time, and are told. */
  let waits: number[]
  const clock: Clock = {
    now: () => 0,
    after: (milliseconds, task) => {
      waits.push(milliseconds)
      queueMicrotask(task)
      return () => {}
    },
  }
  beforeEach(() => {
    waits = []
  })
  const hit = { title: 'T', url: 'https://example.com/', snippet: 'S' }
  const json = (body: unknown) => (answer = (_request, response) => void response.end(JSON.stringify(body)))
  const search = (wire: Parameters<typeof createSearchService>[0]['wire']) =>
    createSearchService({ wire, fetch: fetches().operator, clock }).search('two words', 2, signal)

  it('Brave', async () => {
    json({
      type: 'search',
      web: { results: [{ title: 'T', url: hit.url, description: 'S' }, { title: 'no address' }] },
    })
    expect(await search(braveWire('the-key', base))).toEqual([hit])
    expect(seen[0]).toMatchObject({
      url: '/res/v1/web/search?q=two+words&count=2',
      headers: { 'x-subscription-token': 'the-key' },
    })
    json({ type: 'search' })
    expect(await search(braveWire('the-key', base))).toEqual([])
  })

  it('Tavily', async () => {
    json({ results: [{ title: 'T', url: hit.url, content: 'S' }] })
    expect(await search(tavilyWire('the-key', base))).toEqual([hit])
    expect(seen[0]).toMatchObject({ url: '/search', headers: { authorization: 'Bearer the-key' } })
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ query: 'two words', max_results: 2 })
  })

  it('SearXNG, below a path, and no more than was asked for', async () => {
    json({ results: [1, 2, 3].map(() => ({ title: 'T', url: hit.url, content: 'S' })) })
    expect(await search(searxngWire(`${base}/searx`))).toEqual([hit, hit])
    expect(seen[0]?.url).toBe('/searx/search?q=two+words&format=json')
  })

  it('is tried three times where that may help, with pauses that grow, and as long as the service asks', async () => {
    answer = (_request, response) => response.writeHead(503).end()
    await expect(search(tavilyWire('k', base))).rejects.toThrow('Tavily answered 503')
    expect([seen.length, waits]).toEqual([3, [250, 500]])
    seen.length = 0
    waits.length = 0
    answer = (_request, response) => {
      if (seen.length > 1) response.end('{"results":[]}')
      else response.writeHead(429, { 'retry-after': '2' }).end()
    }
    expect(await search(tavilyWire('k', base))).toEqual([])
    expect(waits).toEqual([2000])
  })

  it('a key that is not accepted is tried once, and not told', async () => {
    answer = (_request, response) => response.writeHead(401).end('the-key is wrong')
    const failed = await search(tavilyWire('the-key', base)).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(SearchFailed)
    expect((failed as Error).message).toContain('LICTOR_SEARCH_KEY')
    expect((failed as Error).message).not.toContain('the-key')
    expect(seen).toHaveLength(1)
  })

  it.each(['null', '[]', '{"results":{}}', 'x'])('an answer %s is no list of results', async (body) => {
    answer = (_request, response) => void response.end(body)
    await expect(search(tavilyWire('k', base))).rejects.toThrow('no list of results')
  })
})
