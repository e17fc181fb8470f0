import { hitsAt, type SearchWire } from './service.ts'

/** Brave Search: `GET /res/v1/web/search`, the key in a header of its own. */
export const braveWire = (key: string, base = 'https://api.search.brave.com'): SearchWire => ({
  name: 'Brave Search',
  request(query, limit) {
    const url = below(base, 'res/v1/web/search')
    url.searchParams.set('q', query)
    url.searchParams.set('count', String(limit))
    return { url, init: { headers: { accept: 'application/json', 'x-subscription-token': key } } }
  },
  read: (body) => {
    const answer = body as { web?: { results?: unknown }; type?: unknown } | null
    // A search without results has no `web` at all.
    if (answer?.web === undefined) return answer?.type === 'search' ? [] : null
    return hitsAt(answer.web.results, 'description')
  },
})

/** Tavily: `POST /search`, the key as bearer. */
export const tavilyWire = (key: string, base = 'https://api.tavily.com'): SearchWire => ({
  name: 'Tavily',
  request: (query, limit) => ({
    url: below(base, 'search'),
    init: {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, max_results: limit }),
    },
  }),
  read: (body) => hitsAt((body as { results?: unknown } | null)?.results, 'content'),
})

/** SearXNG: `GET /search` with `format=json`, which its settings must allow; no key. */
export const searxngWire = (base: string): SearchWire => ({
  name: 'SearXNG',
  request(query) {
    const url = below(base, 'search')
    url.searchParams.set('q', query)
    url.searchParams.set('format', 'json')
    return { url, init: { headers: { accept: 'application/json' } } }
  },
  read: (body) => hitsAt((body as { results?: unknown } | null)?.results, 'content'),
})

const below = (base: string, path: string): URL => new URL(path, base.endsWith('/') ? base : `${base}/`)
