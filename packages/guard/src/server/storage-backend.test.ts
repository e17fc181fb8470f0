import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../logger.ts'
import { FakeConsole } from '../testing/fake-console.ts'
import { EdictumServerClient } from './client.ts'
import { ServerBackend } from './storage-backend.ts'
import { storedKey } from './stored-key.ts'

let console_: FakeConsole
let backend: ServerBackend

beforeEach(async () => {
  console_ = await FakeConsole.start()
  const client = new EdictumServerClient({ baseUrl: console_.url, apiKey: 'k', maxRetries: 1, logger: silentLogger })
  backend = new ServerBackend(client)
})
afterEach(() => console_.close())

test('get answers null on 404 and rejects on anything else', async () => {
  expect(await backend.get('s:a:execs')).toBeNull()
  console_.answer = () => ({ json: { value: '3' } })
  expect(await backend.get('s:a:execs')).toBe('3')
  expect(console_.requests[1]?.path).toBe('/api/v1/sessions/s:a:execs')
  console_.answer = () => ({ status: 500 })
  await expect(backend.get('s:a:execs')).rejects.toMatchObject({ statusCode: 500 })
  await console_.close()
  await expect(backend.get('s:a:execs')).rejects.toThrow()
  console_ = await FakeConsole.start()
})

test('delete ignores 404 and rejects on 500; set passes every error on', async () => {
  await backend.delete('k')
  await expect(backend.set('k', 'v')).rejects.toMatchObject({ statusCode: 404 })
  console_.answer = () => ({ status: 500 })
  await expect(backend.delete('k')).rejects.toMatchObject({ statusCode: 500 })
})

test('increment posts the amount, 1 by default, and returns the number', async () => {
  console_.answer = () => ({ json: { value: 42 } })
  expect(await backend.increment('k')).toBe(42)
  expect(await backend.increment('k', 5)).toBe(42)
  expect(console_.requests.map((seen) => [seen.path, seen.body])).toEqual([
    ['/api/v1/sessions/k/increment', { amount: 1 }],
    ['/api/v1/sessions/k/increment', { amount: 5 }],
  ])
  console_.answer = () => ({ json: {} })
  await expect(backend.increment('k')).rejects.toThrow(/number/)
})

test('an empty batch asks nothing, missing keys read as null', async () => {
  expect(await backend.batchGet([])).toEqual({})
  expect(console_.requests).toHaveLength(0)
  console_.answer = () => ({ json: { values: { a: '1' } } })
  expect(await backend.batchGet(['a', 'b'])).toEqual({ a: '1', b: null })
  expect(console_.requests[0]).toMatchObject({
    path: '/api/v1/sessions/batch',
    method: 'POST',
    body: { keys: ['a', 'b'] },
  })
})

test('a server without the batch route is read key by key, and asked for the route once', async () => {
  for (const status of [404, 405]) {
    const client = new EdictumServerClient({ baseUrl: console_.url, apiKey: 'k', maxRetries: 1, logger: silentLogger })
    const older = new ServerBackend(client)
    console_.requests.length = 0
    console_.answer = (seen) => (seen.path.endsWith('/batch') ? { status } : { json: { value: '1' } })
    expect(await older.batchGet(['a', 'b'])).toEqual({ a: '1', b: '1' })
    expect(await older.batchGet(['a'])).toEqual({ a: '1' })
    expect(console_.to('/api/v1/sessions/batch')).toHaveLength(1)
  }
})

test('a failing batch rejects', async () => {
  console_.answer = () => ({ status: 500 })
  await expect(backend.batchGet(['a'])).rejects.toMatchObject({ statusCode: 500 })
})

test('more than 100 keys are read in several batches', async () => {
  console_.answer = (seen) => ({
    json: { values: Object.fromEntries(seen.body.keys.map((key: string) => [key, '1'])) },
  })
  const keys = Array.from({ length: 250 }, (_, index) => `k${index}`)
  expect(Object.keys(await backend.batchGet(keys))).toHaveLength(250)
  expect(console_.requests.map((seen) => seen.body.keys.length)).toEqual([100, 100, 50])
})

test('keys of unusual tool names fit the documented pattern, plain ones stay', () => {
  const legal = /^[a-zA-Z0-9_\-.:/]{1,256}$/
  expect(storedKey('s:x:tool:read_file')).toBe('s:x:tool:read_file')
  expect(storedKey('s:x:attempts')).toBe('s:x:attempts')
  expect(storedKey('s:x:tool:Search Docs')).toBe('s:x:tool:Search_x20Docs')
  for (const tool of ['Search Docs', 'größe', "it's (new)*~!", 'a:b', 'x'.repeat(400), '\ud800', '名前']) {
    expect(storedKey(`s:x:tool:${tool}`)).toMatch(legal)
  }
  expect(storedKey(`s:x:tool:${'x'.repeat(400)}`)).not.toBe(storedKey(`s:x:tool:${'x'.repeat(401)}`))
})

test('an unusual tool name is read under the key it was written to', async () => {
  console_.answer = (seen) =>
    seen.path.endsWith('/batch')
      ? { json: { values: Object.fromEntries(seen.body.keys.map((key: string) => [key, '2'])) } }
      : { json: { value: 1 } }
  await backend.increment('s:x:tool:Search Docs')
  expect(await backend.batchGet(['s:x:tool:Search Docs'])).toEqual({ 's:x:tool:Search Docs': '2' })
  expect(console_.requests[0]?.path).toBe('/api/v1/sessions/s:x:tool:Search_x20Docs/increment')
  expect(console_.requests[1]?.body.keys).toEqual(['s:x:tool:Search_x20Docs'])
})

test('keys with :, %, ? and # reach the server intact', async () => {
  console_.answer = () => ({ json: { value: 'v' } })
  const key = 's:a%20b?c#d'
  await backend.get(key)
  expect(decodeURIComponent(console_.requests[0]?.path ?? '')).toBe(`/api/v1/sessions/${key}`)
})
