import { expect, test } from 'vitest'
import { AnswerTooLargeError, jsonIn, jsonObjectIn, readText } from './body.ts'

test('a body is read up to its limit and not beyond: the rest is not even fetched', async () => {
  expect(await readText(new Response('\u00fc'.repeat(5)), 10)).toBe('\u00fc'.repeat(5))
  expect(await readText(new Response(null), 0)).toBe('')
  let pulled = 0
  let isCancelled = false
  const endless = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        pulled++
        controller.enqueue(new Uint8Array(4))
      },
      cancel: () => {
        isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  await expect(readText(new Response(endless), 10)).rejects.toBeInstanceOf(AnswerTooLargeError)
  expect([pulled, isCancelled]).toEqual([3, true])
})

test('a character that two chunks share is one character', async () => {
  const bytes = new TextEncoder().encode('\u00fc')
  const halves = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.subarray(0, 1))
      controller.enqueue(bytes.subarray(1))
      controller.close()
    },
  })
  expect(await readText(new Response(halves), 10)).toBe('\u00fc')
})

test('what is no JSON, or no object, is told apart from what is', () => {
  expect([jsonIn('[1]'), jsonIn('null'), jsonIn('<html>')]).toEqual([[1], null, undefined])
  expect(['{"a":1}', '[1]', 'null', '', '<html>'].map(jsonObjectIn)).toEqual([{ a: 1 }, null, null, null, null])
})
