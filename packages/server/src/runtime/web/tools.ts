import { SearchFailed, type WebSearch } from '../../ports/web-search.ts'
import { builtin, type Tool, ToolFailed, ToolFatal } from '../tools/tool.ts'
import type { FetchPage } from './fetch.ts'

const own = {
  ...builtin,
  category: 'web_network',
  tags: ['read-only', 'network'],
  sideEffect: 'read',
  isIdempotent: true,
} as const
const MOST_RESULTS = 20

/** @param deps.search the service, or a sentence that says what is missing to have one */
export function webTools(deps: { fetchPage: FetchPage; search: WebSearch | string }): Tool[] {
  const { fetchPage, search } = deps
  return [
    {
      ...own,
      name: 'web.search',
      description: 'Search the web.',
      arguments: {
        query: { is: 'content', schema: { type: 'string', minLength: 1, description: 'What is looked for.' } },
        max_results: {
          is: 'setting',
          isOptional: true,
          schema: { type: 'integer', minimum: 1, description: 'How many results at most (10; at most 20 are given).' },
        },
      },
      run: async ({ args, signal }) => {
        if (typeof search === 'string') throw new ToolFatal('web.search', search)
        const query = String(args.query)
        const limit = Math.min(Number(args.max_results ?? 10), MOST_RESULTS)
        try {
          const results = await search.search(query, limit, signal)
          return { status: 'success', query, results, count: results.length }
        } catch (error) {
          if (error instanceof SearchFailed) throw new ToolFailed(error.message, 502, { cause: error })
          throw error
        }
      },
    },
    {
      ...own,
      name: 'web.fetch',
      description: 'Read a page of the web, as Markdown.',
      arguments: {
        url: { is: 'url', schema: { type: 'string', description: 'Address, with http:// or https://.' } },
        to_markdown: setting('boolean', 'Whether HTML is turned into Markdown (true).'),
        follow_redirects: setting('boolean', 'Whether redirects are followed, at most ten (true).'),
        timeout_secs: setting('integer', 'Seconds that it may take (30).', { minimum: 1, maximum: 300 }),
      },
      run: ({ args, judgeAgain, signal }) =>
        fetchPage(
          {
            url: String(args.url),
            toMarkdown: args.to_markdown !== false,
            followRedirects: args.follow_redirects !== false,
            timeoutSeconds: Number(args.timeout_secs ?? 30),
          },
          (url) => judgeAgain({ ...args, url }),
          signal,
        ),
    },
  ]
}

const setting = (type: string, description: string, range: object = {}) =>
  ({ is: 'setting', isOptional: true, schema: { type, ...range, description } }) as const
