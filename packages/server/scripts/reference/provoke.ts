import type { Access } from '../../src/http/access.ts'
import type { DeclaredRoute } from '../../src/http/server.ts'
import { impliedFailures } from './errors.ts'
import type { Recorder, Sent } from './recorder.ts'

type Headers = Readonly<Record<string, string>>

/** Callers of every kind; the weak token has no permission that anything needs. */
export interface Callers {
  readonly person: Headers
  readonly agent: Headers
  readonly token: Headers
  readonly weakToken: Headers
}

const NOWHERE = '00000000-0000-4000-8000-000000000000'

/** Fail each operation in every way that its access and its input imply, where the story has not done so already. */
export async function provoke(r: Recorder, routes: readonly DeclaredRoute[], callers: Callers): Promise<void> {
  for (const route of routes) {
    // Signing out would end the session that provokes the rest.
    if (route.schema.hide || route.method === 'HEAD' || route.url === '/api/v1/auth/logout') continue
    const { url } = route
    const operation = `${route.method} ${url}`
    const { responses, sent } = r.recordOf(route.method, url)
    const declared = Object.keys((route.schema.response as object | undefined) ?? {}).map(Number)
    const failures = [...new Set([...declared, ...impliedFailures(route)])].filter((status) => status >= 400)
    // A stream that opens would never end here: what it refuses otherwise is part of the story.
    const isStream = route.schema.produces?.includes('text/event-stream')
    const isSafe = (status: number) =>
      !isStream || [401, 404].includes(status) || (status === 403 && !url.startsWith('/api/v1/stream'))
    for (const status of failures.filter(isSafe))
      for (const attempt of attemptsAt(status, route, sent ?? {}, callers)) {
        if (responses[status] !== undefined) break
        await r.call(operation, attempt)
        keepOnly(responses, failures)
      }
  }
}

/** What an attempt was answered beside what it was after is no part of the reference. */
function keepOnly(responses: Record<string, unknown>, failures: readonly number[]): void {
  for (const status of Object.keys(responses).map(Number))
    if (status >= 400 && !failures.includes(status)) delete responses[status]
}

function attemptsAt(
  status: number,
  { url, method, config, schema }: DeclaredRoute,
  sent: Sent,
  callers: Callers,
): Sent[] {
  const access = config.access as Access
  const headers = sent.headers ?? usual(access, callers)
  const names = [...url.matchAll(/:([a-z_]+)/gi)].map((match) => match[1] ?? '')
  const withPath = (value: string): Sent => ({
    ...sent,
    headers,
    path: { ...sent.path, ...Object.fromEntries(names.map((name) => [name, name === 'version' ? '999' : value])) },
  })
  switch (status) {
    case 400:
      return [
        withPath('not-an-id'),
        { ...sent, headers, query: { ...sent.query, since: 'yesterday' } },
        { ...sent, headers, query: { ...sent.query, limit: 'many' } },
        { ...sent, headers: { ...headers, 'content-type': 'application/json' }, body: '{' },
        { ...sent, headers, path: { realm: '?' } },
      ]
    case 401:
      return [{ ...sent, headers: { 'x-requested-with': 'reference' } }]
    case 403: {
      const { 'x-requested-with': _, ...bare } = callers.person
      return access === 'bearer' ? [{ ...sent, headers: callers.weakToken }] : [{ ...sent, headers: bare }]
    }
    case 404:
      return [withPath(NOWHERE), withPath('unknown'), withPath('u'.repeat(4100))]
    case 413:
      return method === 'GET'
        ? []
        : [{ ...sent, headers: { ...headers, 'content-length': '100000000' }, body: sent.body ?? {} }]
    case 422:
      return [
        ...(method === 'GET'
          ? []
          : [
              { ...sent, headers, body: {} },
              { ...sent, headers, body: [] },
            ]),
        {
          ...sent,
          headers,
          query: {
            ...sent.query,
            limit: '0',
            days: '0',
            status: 'lost',
            older_than_days: '0',
            until: 'x',
            scope: '\0',
          },
        },
        { ...sent, headers, query: { ...sent.query, ...withNul(schema.querystring) } },
        withPath('not\0an-id'),
        ...(method === 'GET'
          ? []
          : [{ ...sent, headers: { ...headers, 'content-type': 'application/json' }, body: '{' }]),
      ]
    default:
      return []
  }
}

const usual = (access: Access, { person, agent, token }: Callers): Headers =>
  access === 'agent' ? agent : access === 'bearer' || access === 'dispatch' ? token : person

/** Every parameter of the query with a character that no text may hold. */
const withNul = (querystring: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.keys((querystring as { properties?: object } | undefined)?.properties ?? {}).map((name) => [name, '\0']),
  )
