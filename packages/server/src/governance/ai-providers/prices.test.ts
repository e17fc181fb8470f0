import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { createPrices } from './prices.ts'

const use = { provider: 'openai', model: 'gpt-5-mini', inputTokens: 1_000, outputTokens: 500 } as const
let close = () => {}
afterEach(() => close())

/** A price list at a local address; how often it was asked for. */
async function listing(answer: () => { status?: number; body: string }) {
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    const { status = 200, body } = answer()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close = () => {
    server.closeAllConnections()
    server.close()
  }
  const clock = manualClock()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`
  return { clock, costOf: createPrices({ url, clock, fetch }).costOf, asked: () => asked }
}
const pricing = { prompt: '0.000001', completion: '0.000004' }
const list = (...ids: string[]) => JSON.stringify({ data: ids.map((id) => ({ id, pricing })) })

it('a cost is tokens times price, in millionths of a dollar; the list is asked for once an hour', async () => {
  const { clock, costOf, asked } = await listing(() => ({ body: list('openai/gpt-5-mini') }))
  expect(await costOf(use)).toBe(3_000)
  await costOf(use)
  clock.set(clock.now() + 3_599_999)
  await costOf(use)
  expect(asked()).toBe(1)
  clock.set(clock.now() + 1)
  expect(await costOf(use)).toBe(3_000)
  expect(asked()).toBe(2)
})

it('models go by the name that the list has for their provider; who is not on it, and Ollama, has no price', async () => {
  const { costOf } = await listing(() => ({
    body: list('openai/gpt-5-mini', 'anthropic/claude-haiku-4.5', 'qwen/qwen3-4b:free'),
  }))
  const known = async (provider: 'anthropic' | 'openai' | 'openrouter' | 'ollama', model: string) =>
    (await costOf({ ...use, provider, model })) !== null
  expect(await known('anthropic', 'claude-haiku-4-5-20251001')).toBe(true)
  expect(await known('openrouter', 'qwen/qwen3-4b:free')).toBe(true)
  expect(await known('openrouter', 'gpt-5-mini')).toBe(false)
  expect(await known('openai', 'claude-haiku-4-5-20251001')).toBe(false)
  expect(await known('ollama', 'gpt-5-mini')).toBe(false)
})

it.each([
  { status: 500, body: 'broken' },
  { body: 'no json' },
  { body: '{"data":7}' },
  { body: JSON.stringify({ data: [null, 7, { id: 'openai/gpt-5-mini', pricing: { prompt: 'x', completion: -1 } }] }) },
])('a list that cannot be read costs nothing but the price: %j', async (answer) => {
  const { costOf } = await listing(() => answer)
  expect(await costOf(use)).toBeNull()
})

it('a list that failed is asked for again after a minute', async () => {
  let answer = { status: 503, body: '' }
  const { clock, costOf, asked } = await listing(() => answer)
  expect(await costOf(use)).toBeNull()
  answer = { status: 200, body: list('openai/gpt-5-mini') }
  expect(await costOf(use)).toBeNull()
  clock.set(clock.now() + 60_000)
  expect([await costOf(use), asked()]).toEqual([3_000, 2])
})

it('without a list nothing is asked for', async () => {
  const { costOf } = createPrices({ url: '', clock: manualClock(), fetch })
  expect(await costOf(use)).toBeNull()
})
