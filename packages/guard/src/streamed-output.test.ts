import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { guardFrom, post } from './testing/guards.ts'

const SECRET = 'sk-live-0123456789abcdef0123'
/** Cut in the middle of what is looked for, and of a character. */
const PIECES = ['naïve start ', SECRET.slice(0, 9), SECRET.slice(9), ' and the end ✓']
const TEXT = PIECES.join('')
const REDACTED = TEXT.replace(SECRET, '[REDACTED]')

const redacting = () => guardFrom([post('hide', 'read_file', 'sk-live-[0-9a-f]{20}', 'redact')])
const suppressing = () => guardFrom([post('stop', 'read_file', 'sk-live-[0-9a-f]{20}', 'deny')])

async function* texts() {
  yield* PIECES
}
/** The same text in bytes, cut every seven. */
async function* bytes() {
  const all = Buffer.from(TEXT)
  for (let at = 0; at < all.length; at += 7) yield all.subarray(at, at + 7)
}
async function read(source: AsyncIterable<unknown>): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of source)
    parts.push(typeof part === 'string' ? Buffer.from(part) : Buffer.from(part as Uint8Array))
  return Buffer.concat(parts).toString('utf8')
}

describe.each([
  ['an async generator', () => texts(), (output: unknown) => read(output as AsyncIterable<unknown>)],
  [
    'a generator',
    () => PIECES.values(),
    (output: unknown) => Promise.resolve([...(output as Iterable<string>)].join('')),
  ],
  [
    'a stream of Node',
    () => Readable.from(bytes(), { objectMode: false }),
    (output: unknown) => read(output as Readable),
  ],
  ['a stream of the web', () => ReadableStream.from(bytes()), (output: unknown) => read(output as ReadableStream)],
  [
    'a Response',
    () =>
      new Response(ReadableStream.from(bytes()), { status: 203, headers: { 'content-length': '99', 'x-kept': 'yes' } }),
    (output: unknown) => (output as Response).text(),
  ],
])('%s that a tool returns', (_what, source, readAll) => {
  test('keeps its form, and a secret that is cut by its pieces does not come through', async () => {
    const { guard, actions, sink } = redacting()
    const output = await guard.run('read_file', {}, source as () => unknown)
    expect(Object.prototype.toString.call(output)).toBe(
      Object.prototype.toString.call(source()).replace('Array Iterator', 'Generator'),
    )
    expect(actions()).toEqual(['call_allowed', 'call_executed'])
    expect(sink.last().postconditionsPassed).toBeNull()
    expect(await readAll(output)).toBe(REDACTED)
    expect(actions()).toEqual(['call_allowed', 'call_executed', 'postcondition_warning'])
    expect(sink.last()).toMatchObject({ decisionName: 'hide', decisionSource: 'postcondition' })
  })

  test('is withheld by a contract that denies it', async () => {
    const { guard } = suppressing()
    const output = await readAll(await guard.run('read_file', {}, source as () => unknown))
    expect(output).not.toContain('sk-live')
    expect(output).toContain('[OUTPUT SUPPRESSED] Found by stop.')
  })

  test('is handed on untouched where no contract judges it', async () => {
    const { guard } = guardFrom([post('hide', 'other_tool', 'sk-live-[0-9a-f]{20}', 'redact')])
    const given = source()
    expect(await guard.run('read_file', {}, () => given)).toBe(given)
  })
})

test('a Response keeps its status and headers, but for those that its text no longer fits', async () => {
  const { guard } = redacting()
  const response = await guard.run('read_file', {}, () => {
    const headers = { 'content-length': '99', 'x-kept': 'yes' }
    return new Response(TEXT, { status: 203, headers })
  })
  expect(response.status).toBe(203)
  expect(response.headers.get('x-kept')).toBe('yes')
  expect(response.headers.get('content-length')).toBeNull()
})

test('values that are neither text nor bytes are judged one by one', async () => {
  const { guard } = redacting()
  async function* rows() {
    yield { id: 1, note: 'fine' }
    yield { id: 2, note: `key ${SECRET}` }
    yield { id: 3, note: 'fine too' }
  }
  const seen: unknown[] = []
  for await (const row of await guard.run('read_file', {}, () => rows())) seen.push(row)
  expect(JSON.stringify(seen)).not.toContain(SECRET)
  expect(seen).toHaveLength(3)
  expect(seen[0]).toEqual({ id: 1, note: 'fine' })
})

test('a reader that goes away ends the tool’s stream, and what was found so far is told', async () => {
  const { guard, actions } = redacting()
  let closed = false
  async function* source() {
    try {
      yield `${SECRET} `
      yield 'x'.repeat(40_000)
      yield 'never read'
    } finally {
      closed = true
    }
  }
  for await (const _ of await guard.run('read_file', {}, () => source())) break
  expect(closed).toBe(true)
  expect(actions().at(-1)).toBe('postcondition_warning')
})

test('a stream that fails fails for its reader, with the tool’s own error', async () => {
  const { guard } = redacting()
  async function* source() {
    yield 'some'
    throw new Error('connection lost')
  }
  const output = await guard.run('read_file', {}, () => source())
  await expect(read(output)).rejects.toThrow('connection lost')
})
