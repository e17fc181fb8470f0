import type { Config } from '../../config.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import type { WebSearch } from '../../ports/web-search.ts'
import { createSearchService, type SearchWire } from './service.ts'
import { braveWire, searxngWire, tavilyWire } from './wires.ts'

/** The search that the settings name; a sentence that says which setting is missing where they name none. */
export function createConfiguredSearch(deps: {
  config: Pick<Config, 'searchProvider' | 'searchKey' | 'searchUrl'>
  /** Reaches the address of the settings, which only the operator writes. */
  fetch: Fetch
  clock: Clock
}): WebSearch | string {
  const wire = wireOf(deps.config)
  return typeof wire === 'string' ? wire : createSearchService({ ...deps, wire })
}

function wireOf({
  searchProvider,
  searchKey,
  searchUrl,
}: Pick<Config, 'searchProvider' | 'searchKey' | 'searchUrl'>): SearchWire | string {
  switch (searchProvider) {
    case 'brave':
      return searchKey === '' ? withoutKey : braveWire(searchKey, searchUrl || undefined)
    case 'tavily':
      return searchKey === '' ? withoutKey : tavilyWire(searchKey, searchUrl || undefined)
    case 'searxng':
      return searchUrl === ''
        ? 'LICTOR_SEARCH_URL is empty: it takes the address of the SearXNG.'
        : searxngWire(searchUrl)
    default:
      return 'no search of the web is configured: set LICTOR_SEARCH_PROVIDER to brave, tavily or searxng.'
  }
}

const withoutKey = 'LICTOR_SEARCH_KEY is empty: it takes the key of the search service.'
