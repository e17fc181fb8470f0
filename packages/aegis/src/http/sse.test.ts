import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readServerSentEvents, type ServerSentEvent } from './sse.ts'

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
    { data: 'a\nb', id: '7' },
    { data: ' c', id: '7' },
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
        expect(events).toEqual(payloads.map((data, index) => ({ data, id: String(index) })))
      },
    ),
    { numRuns: 500 },
  )
})
