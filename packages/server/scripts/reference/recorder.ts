import { writeFileSync } from 'node:fs'
import type { Response } from 'light-my-request'
import type { App } from '../../src/http/server.ts'
import { pathOf } from './document.ts'
import { examplesFile } from './examples.ts'

/** What is sent: the body as an object is JSON, as a text what it is. */
export interface Sent {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface Recorded {
  path?: Readonly<Record<string, string>>
  query?: Readonly<Record<string, string>>
  body?: unknown
  responses: Record<string, unknown>
  /** The request that succeeded, to provoke failures with. */
  sent?: Sent
}

/** Ask a server, and keep the first request that succeeded of each operation and its first answer of each status. */
export function recorder(http: () => App) {
  const kept = new Map<string, Recorded>()

  const recordOf = (operation: string): Recorded => {
    const found = kept.get(operation) ?? { responses: {} }
    kept.set(operation, found)
    return found
  }

  /** @param operation `METHOD /path` as the route declares it */
  async function call(operation: string, sent: Sent = {}): Promise<Response> {
    const [method = '', url = ''] = operation.split(' ')
    const answer = await http().inject({
      method: method as 'GET',
      url: targetOf(url, sent),
      headers: { ...(sent.body === undefined ? {} : { 'content-type': typeOf(sent.body) }), ...sent.headers },
      ...(sent.body === undefined ? {} : { payload: sent.body as object }),
    })
    const key = `${method} ${pathOf(url)}`
    const record = recordOf(key)
    const hasSucceeded = Object.keys(record.responses).some((status) => Number(status) < 400)
    if (answer.statusCode < 400 && !hasSucceeded) {
      record.sent = sent
      if (sent.path) record.path = sent.path
      if (sent.query) record.query = sent.query
      if (sent.body !== undefined) record.body = sent.body
    }
    const body = bodyOf(answer)
    if (body !== undefined) record.responses[answer.statusCode] ??= body
    return answer
  }

  /** As `call`, for what must succeed. */
  async function succeed<T = Record<string, never>>(operation: string, sent: Sent = {}): Promise<T> {
    const answer = await call(operation, sent)
    if (answer.statusCode >= 400) throw new Error(`${operation}: ${answer.statusCode} ${answer.body}`)
    return (answer.body.startsWith('{') || answer.body.startsWith('[') ? answer.json() : answer.body) as T
  }

  /** As `call`, over a real connection: the first `frames` events of a stream, or all until its end. */
  async function follow(address: string, operation: string, sent: Sent, frames: number): Promise<void> {
    const [method = '', url = ''] = operation.split(' ')
    const answer = await fetch(`${address}${targetOf(url, sent)}`, { method, headers: { ...sent.headers } })
    if (answer.status !== 200 || answer.body === null) throw new Error(`${operation}: ${answer.status}`)
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of answer.body) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      // Leaving the loop closes the connection.
      if (text.split('\n\n').filter((frame) => frame.includes('data:')).length >= frames && text.endsWith('\n\n')) break
    }
    const record = recordOf(`${method} ${pathOf(url)}`)
    Object.assign(record, {
      ...(sent.path ? { path: sent.path } : {}),
      ...(sent.query ? { query: sent.query } : {}),
      sent,
    })
    record.responses['200'] = text
      .split('\n\n')
      .slice(0, frames + 1)
      .join('\n\n')
  }

  return {
    call,
    succeed,
    follow,
    recordOf: (method: string, url: string) => recordOf(`${method} ${pathOf(url)}`),
    all: (): ReadonlyMap<string, Recorded> => kept,
    /** @param folder of the server, which the examples name as an operator would */
    save(folder: string) {
      const lines = [...kept]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([operation, { sent: _, ...record }]) => [operation, record])
      const text = JSON.stringify(Object.fromEntries(lines), null, 1).replaceAll(folder, '/etc/lictor')
      writeFileSync(examplesFile, `${text}\n`)
    },
  }
}

export type Recorder = ReturnType<typeof recorder>

function targetOf(url: string, { path = {}, query }: Sent): string {
  const filled = url
    .replace(/:([a-z_]+)/gi, (_, name: string) => encodeURIComponent(path[name] ?? ''))
    .replace('*', path['*'] ?? '')
  return query ? `${filled}?${new URLSearchParams(query)}` : filled
}

const typeOf = (body: unknown): string =>
  typeof body === 'string'
    ? body.startsWith('grant_type=') || body.startsWith('payload=')
      ? 'application/x-www-form-urlencoded'
      : 'text/yaml'
    : 'application/json'

function bodyOf({ headers, body }: Response): unknown {
  if (body === '') return undefined
  return String(headers['content-type']).startsWith('application/json') ? JSON.parse(body) : body
}
