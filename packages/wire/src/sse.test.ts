import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSseReader, readServerSentEvents, type ServerSentEvent, SseOverflowError } from './sse.ts'

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0
  for (const size of sizes) {
    if (start >= bytes.length) return
    yield bytes.subarray(start, start + size)
    start += size
  }
  if (start < bytes.length) yield bytes.subarray(start)
}

async function read(text: string, sizes: readonly number[] = []): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = []
  for await (const event of readServerSentEvents(chunked(new TextEncoder().encode(text), sizes))) events.push(event)
  return events
}

test('comments, empty events and other fields yield nothing; an event cut off at the end is dropped', async () => {
  expect(await read(': hi\n\nevent: x\nretry: 3\n\nid: 7\ndata:a\ndata: b\n\ndata:  c\n\ndata: lost')).toEqual([
    { event: 'message', data: 'a\nb', id: '7' },
    { event: 'message', data: ' c', id: '7' },
  ])
})

test('events are the same wherever the chunks and whichever the line ends', async () => {
  const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
  const line = fc
    .string({ unit: 'grapheme', maxLength: 8 })
    .filter((text) => !/[\r\n]/.test(text) && !text.startsWith(' '))
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 5 }),
      lineEnd,
      fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 }),
      async (payloads, end, sizes) => {
        const text = payloads.map((data, index) => `id: ${index}${end}data: ${data}${end}${end}`).join('')
        const events = await read(text, sizes)
        expect(events).toEqual(payloads.map((data, index) => ({ event: 'message', data, id: String(index) })))
      },
    ),
    { numRuns: 500 },
  )
})

test('an event is given out with the line that ends it, also when that line ends in a lone CR', () => {
  const reader = createSseReader()
  expect(reader.push('data: 1\r\r')).toEqual([{ event: 'message', data: '1', id: '' }])
  expect(reader.push('\ndata: 2\r\n\r\n')).toEqual([{ event: 'message', data: '2', id: '' }])
})

test('a byte-order mark at the start is no part of the first field', async () => {
  expect(await read('\ufeffdata: 1\n\n', [1, 1, 1])).toEqual([{ event: 'message', data: '1', id: '' }])
})

test('an event beyond the limit ends the reading, now and for all that follows', () => {
  const reader = createSseReader(1_000)
  expect(() => reader.push('data: '.padEnd(2_000, 'x'))).toThrow(SseOverflowError)
  expect(() => reader.push('\n\n')).toThrow(SseOverflowError)
})
