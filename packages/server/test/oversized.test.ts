import { afterAll, beforeAll, expect, it } from 'vitest'
import { addressOf, everyCaller, type Operation, operations, plain, type Schema } from './every-operation.ts'
import { onEachDatabase, type TestServer } from './harness.ts'

/** Streams are followed, not answered; whoever signs out cannot ask the rest. */
const leftOut =
  /^(GET ((\/api)?\/v1\/stream(\/dashboard)?|\/v1\/.*\/(stream|events|logs))|POST \/api\/v1\/auth\/logout)$/
/** What may be out of order at an empty server: no model, no mail, no payments. */
const mayBeAway = [501, 503]
const UNLIMITED = 300_000
const MANY = 20_000
const SQL = `' or 1=1; drop table users; -- %_\\"`

/** One change of a valid body. */
interface Change {
  readonly what: string
  readonly body: unknown
  /** It is over a limit that the schema names. */
  readonly isOver: boolean
}

/** Each text and list of a body beyond its limit, one at a time, those included that the example leaves out. */
function* oversized(schema: Schema, example: unknown, put: (value: unknown) => unknown, path = ''): Generator<Change> {
  const {
    type,
    maxLength,
    maxItems,
    properties,
    items,
    enum: choices,
    pattern,
    format,
  } = plain(schema) as Schema & {
    maxLength?: number
    maxItems?: number
  }
  const change = (what: string, value: unknown, isOver: boolean) => ({
    what: `${path} ${what}`,
    body: put(value),
    isOver,
  })
  if (type === 'string') {
    const isBound = maxLength !== undefined || choices !== undefined || pattern !== undefined || format !== undefined
    yield change('too long', 'x'.repeat(maxLength === undefined ? UNLIMITED : maxLength * 10), isBound)
    yield change('SQL', SQL, false)
  }
  if (type === 'integer' || type === 'number') {
    for (const value of [1e308, -1e308, 2 ** 53, -(2 ** 31) - 1]) yield change(String(value), value, false)
  }
  if (type === 'array') {
    const one = Array.isArray(example) ? example[0] : null
    const count = maxItems === undefined ? MANY : maxItems * 10
    yield change(`${count} entries`, Array(Math.min(count, 200_000)).fill(one), maxItems !== undefined)
    if (items && Array.isArray(example) && example.length > 0)
      yield* oversized(items as Schema, one, (value) => put([value, ...example.slice(1)]), `${path}[0]`)
  }
  if (typeof properties === 'object' && properties !== null)
    for (const [name, part] of Object.entries(properties as Record<string, Schema>)) {
      const record = (example ?? {}) as Record<string, unknown>
      yield* oversized(part, record[name], (value) => put({ ...record, [name]: value }), `${path}.${name}`)
    }
}

onEachDatabase('oversized input, at every operation of the OpenAPI document', (start) => {
  let t: TestServer
  let callers: Record<string, Record<string, string>>
  beforeAll(async () => {
    t = await start({
      overrides: {
        outbound: { check: async () => {}, send: async () => ({ status: 200, headers: {}, body: '' }) },
        // Nothing here is a test of limits on rates.
        limiter: { hit: async () => ({ allowed: true }), peek: async () => ({ allowed: true }) },
        resolve: async () => [],
      },
    })
    callers = await everyCaller(t)
  })
  afterAll(() => t.close())

  const called = operations.filter(({ name }) => !leftOut.test(name))
  const withBody = called.filter(({ body }) => body !== null)
  async function send(
    operation: Operation,
    more: { url?: string; payload?: string; headers?: Record<string, string> },
  ) {
    const [kind = ''] = operation.credentials
    const answer = await t.request({
      method: operation.method as 'POST',
      url: more.url ?? addressOf(operation),
      headers: {
        'x-requested-with': 'test',
        ...(operation.method === 'GET' ? {} : { 'content-type': 'application/json' }),
        ...callers[kind],
        ...more.headers,
      },
      ...(operation.method === 'GET' ? {} : { payload: more.payload ?? JSON.stringify(operation.body?.example ?? {}) }),
    })
    return { status: answer.statusCode, body: answer.body.slice(0, 200) }
  }
  const failed = (status: number) => status >= 500 && !mayBeAway.includes(status)

  it('the document has operations, and bodies to vary', () => {
    expect(called.length).toBeGreaterThan(70)
    expect(withBody.length).toBeGreaterThan(35)
  })

  it('each text at ten times its length and each list at ten times its entries is refused, and nothing fails', async () => {
    const wrong: string[] = []
    let over = 0
    for (const operation of withBody)
      for (const { what, body, isOver } of oversized(operation.body?.schema ?? {}, operation.body?.example, (v) => v)) {
        const answer = await send(operation, { payload: JSON.stringify(body) })
        if (isOver) over++
        if (failed(answer.status) || (isOver && answer.status < 400))
          wrong.push(`${operation.name}${what}: ${answer.status} ${answer.body}`)
      }
    expect(wrong).toEqual([])
    expect(over).toBeGreaterThan(60)
  }, 120_000)

  it('a body that is deep, wide, a text, a number or nothing is refused or does no harm', async () => {
    const deep = `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`
    const arrays = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, index])))
    const list = JSON.stringify(Array(100_000).fill({}))
    const wrong: string[] = []
    for (const operation of called.filter(({ method }) => method !== 'GET'))
      for (const payload of [deep, arrays, wide, list, '"text"', '1e999', 'null', '', '{', '\u0000']) {
        const { status, body } = await send(operation, { payload })
        if (failed(status)) wrong.push(`${operation.name} ${payload.slice(0, 20)}: ${status} ${body}`)
      }
    expect(wrong).toEqual([])
  }, 120_000)

  it('parameters and headers of a hundred thousand characters, or of SQL, do no harm', async () => {
    const wrong: string[] = []
    for (const operation of called) {
      const names = operation.parameters
        .filter((one) => one.in === 'query' || one.in === 'path')
        .map(({ name }) => name)
      for (const name of names)
        for (const value of ['x'.repeat(100_000), SQL, '-1', '99999999999999999999', '\u{1f600}'.repeat(2_000)]) {
          const { status, body } = await send(operation, { url: addressOf(operation, { [name]: value }) })
          if (failed(status)) wrong.push(`${operation.name} ${name}=${value.slice(0, 20)}: ${status} ${body}`)
        }
      for (const header of [
        'x-edictum-agent-id',
        'idempotency-key',
        'last-event-id',
        'x-request-id',
        'if-none-match',
      ]) {
        const { status, body } = await send(operation, { headers: { [header]: 'y'.repeat(100_000) } })
        if (failed(status)) wrong.push(`${operation.name} ${header}: ${status} ${body}`)
      }
    }
    expect(wrong).toEqual([])
  }, 120_000)

  it('afterwards every list can still be read', async () => {
    const lists = called.filter(
      ({ method, path }) => method === 'GET' && !path.includes('{') && path.startsWith('/api/'),
    )
    expect(lists.length).toBeGreaterThan(15)
    const wrong: string[] = []
    for (const operation of lists.filter(({ credentials }) => credentials.includes('session'))) {
      const { status, body } = await send(operation, {})
      if (status !== 200) wrong.push(`${operation.name}: ${status} ${body}`)
    }
    expect(wrong).toEqual([])
  })
})
