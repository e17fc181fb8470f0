import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EdictumConfigError } from '../errors.ts'
import { silentLogger } from '../logger.ts'
import { FakeConsole } from '../testing/fake-console.ts'
import { ManualClock, until } from '../testing/manual-clock.ts'
import { EdictumServerClient, type EdictumServerClientOptions } from './client.ts'
import { EdictumConnectionError, EdictumServerError } from './errors.ts'

const options = (more: Partial<EdictumServerClientOptions> = {}): EdictumServerClientOptions => ({
  baseUrl: 'https://console.example.com',
  apiKey: 'edk_production_x',
  agentId: 'agent-1',
  logger: silentLogger,
  ...more,
})

describe('what a client is made of is checked before anything is sent', () => {
  const refused = (more: Partial<EdictumServerClientOptions>) =>
    expect(() => new EdictumServerClient(options(more))).toThrow(EdictumConfigError)

  test('plaintext to another machine is refused unless allowed, loopback always passes', () => {
    refused({ baseUrl: 'http://remote.example' })
    for (const host of ['localhost', '127.0.0.1:8000', '[::1]:8000']) {
      expect(new EdictumServerClient(options({ baseUrl: `http://${host}` })).baseUrl).toBe(`http://${host}`)
    }
    const warnings: string[] = []
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) }
    new EdictumServerClient(options({ baseUrl: 'http://remote.example', allowInsecure: true, logger }))
    expect(warnings).toHaveLength(1)
  })

  test('other schemes, user names in the address and no address at all are refused', () => {
    for (const baseUrl of ['ftp://a.example', 'https://u:p@a.example', 'a.example', '', 'https://a.example/?q=1'])
      refused({ baseUrl })
  })

  test('trailing slashes go, a path prefix stays', () => {
    expect(new EdictumServerClient(options({ baseUrl: 'https://a.example/console//' })).baseUrl).toBe(
      'https://a.example/console',
    )
  })

  test('identifiers have 1 to 128 plain characters', () => {
    expect(new EdictumServerClient(options({ agentId: 'a'.repeat(128) })).agentId).toHaveLength(128)
    for (const bad of ['a'.repeat(129), '', '.a', 'a b', 'a/b', 'a\n']) {
      refused({ agentId: bad })
      refused({ env: bad })
      refused({ bundleName: bad })
    }
  })

  test('tags are at most 64 short strings', () => {
    refused({ tags: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v'])) })
    refused({ tags: { ['k'.repeat(129)]: 'v' } })
    refused({ tags: { k: 'v'.repeat(257) } })
    refused({ tags: { k: 1 as unknown as string } })
    expect(new EdictumServerClient(options({ tags: { ['k'.repeat(128)]: 'v'.repeat(256) } })).tags).not.toBeNull()
  })

  test('key, timeout and retries are checked', () => {
    for (const more of [{ apiKey: '' }, { apiKey: 'a\nb' }, { timeout: 0 }, { maxRetries: 0 }, { maxRetries: 1.5 }])
      refused(more)
  })
})

describe('requests', () => {
  let console_: FakeConsole
  let clock: ManualClock
  const connect = (more: Partial<EdictumServerClientOptions> = {}) =>
    new EdictumServerClient(options({ baseUrl: console_.url, clock, random: () => 0, ...more }))

  beforeEach(async () => {
    console_ = await FakeConsole.start()
    clock = new ManualClock()
  })
  afterEach(() => console_.close())

  test('every request carries the three headers', async () => {
    console_.answer = () => ({ json: { ok: true } })
    const client = connect()
    await client.get('/a')
    await client.post('/b', { x: 1 })
    await client.put('/c', { x: 1 })
    await client.delete('/d')
    expect(console_.requests.map((seen) => seen.method)).toEqual(['GET', 'POST', 'PUT', 'DELETE'])
    for (const seen of console_.requests) {
      expect(seen.headers).toMatchObject({
        authorization: 'Bearer edk_production_x',
        'x-edictum-agent-id': 'agent-1',
        'content-type': 'application/json',
      })
    }
    expect(console_.requests[1]?.body).toEqual({ x: 1 })
  })

  test('a 4xx, 429 too, is thrown at once with status and body', async () => {
    for (const status of [400, 401, 404, 422, 429]) {
      console_.requests.length = 0
      console_.answer = () => ({ status, text: '{"detail":"no"}' })
      const error = await connect()
        .get('/a')
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(EdictumServerError)
      expect(error).toMatchObject({
        statusCode: status,
        detail: '{"detail":"no"}',
        message: `HTTP ${status}: {"detail":"no"}`,
      })
      expect(console_.requests).toHaveLength(1)
    }
  })

  test('502, 502, 200 succeeds after half a second and a second', async () => {
    let calls = 0
    console_.answer = () => (++calls < 3 ? { status: 502, text: 'bad gateway' } : { json: { value: 7 } })
    const result = connect().get('/a')
    await until(() => clock.nextDelay === 500, 'first back-off')
    await clock.advance(499)
    expect(calls).toBe(1)
    await clock.advance(1)
    await until(() => clock.nextDelay === 1_000, 'second back-off')
    await clock.advance(1_000)
    expect(await result).toEqual({ value: 7 })
    expect(calls).toBe(3)
  })

  test('a server that says when to come back is left alone until then, however long the own pause', async () => {
    let calls = 0
    console_.answer = () => (++calls === 1 ? { status: 503, headers: { 'Retry-After': '7' } } : { json: { value: 7 } })
    const result = connect().get('/a')
    await until(() => clock.nextDelay === 7_000, 'what the server asked for')
    await clock.advance(7_000)
    expect(await result).toEqual({ value: 7 })
  })

  test('chance makes a pause longer, never shorter', async () => {
    let calls = 0
    console_.answer = () => (++calls === 1 ? { status: 503 } : { json: {} })
    const result = connect({ random: () => 0.5 }).get('/a')
    await until(() => clock.nextDelay === 562.5, 'half a second and an eighth of it')
    await clock.advance(563)
    await result
  })

  test('three 502 throw the last', async () => {
    console_.answer = () => ({ status: 502, text: 'bad gateway' })
    const result = connect()
      .get('/a')
      .catch((thrown: unknown) => thrown)
    await until(() => clock.nextDelay === 500, 'first back-off')
    await clock.advance(500)
    await until(() => clock.nextDelay === 1_000, 'second back-off')
    await clock.advance(1_000)
    expect(await result).toMatchObject({ statusCode: 502 })
    expect(console_.requests).toHaveLength(3)
    expect(clock.pendingTimers).toBe(0)
  })

  test('all attempts of one POST carry one Idempotency-Key, two POSTs two', async () => {
    let calls = 0
    console_.answer = () => (++calls === 1 ? { status: 503 } : { json: {} })
    const client = connect()
    const result = client.post('/a', {})
    await until(() => clock.nextDelay === 500, 'back-off')
    await clock.advance(500)
    await result
    await client.post('/a', {})
    const keys = console_.requests.map((seen) => seen.headers['idempotency-key'])
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(keys[1]).toBe(keys[0])
    expect(keys[2]).not.toBe(keys[0])
  })

  test('a refused connection is tried again on the same schedule', async () => {
    const client = connect()
    await console_.close()
    const result = client.get('/a').catch((thrown: unknown) => thrown)
    await until(() => clock.nextDelay === 500, 'first back-off')
    await clock.advance(500)
    await until(() => clock.nextDelay === 1_000, 'second back-off')
    await clock.advance(1_000)
    expect(await result).toBeInstanceOf(EdictumConnectionError)
    console_ = await FakeConsole.start()
  })

  test('a server that never answers is given up after the timeout', async () => {
    console_.answer = () => new Promise(() => {})
    const result = connect({ maxRetries: 1, timeout: 5_000 })
      .get('/a')
      .catch((thrown: unknown) => thrown)
    await until(() => console_.requests.length === 1, 'the request arrived')
    await clock.advance(5_000)
    expect(await result).toBeInstanceOf(EdictumConnectionError)
  })

  test('204, an empty body and a body that is no JSON resolve to {}', async () => {
    for (const reply of [{ status: 204 }, { status: 200, text: '' }, { status: 200, text: '<html>' }]) {
      console_.answer = () => reply
      expect(await connect().delete('/a')).toEqual({})
    }
  })

  test('redirects are not followed, so the key never goes elsewhere', async () => {
    console_.answer = () => ({ status: 302, headers: { Location: `${console_.url}/elsewhere` } })
    await expect(connect().get('/a')).rejects.toMatchObject({ statusCode: 302 })
    expect(console_.requests).toHaveLength(1)
  })

  test('an answer of more than 10 MiB is refused', async () => {
    console_.answer = () => ({ text: 'x'.repeat(10 * 1024 * 1024 + 1) })
    await expect(connect().get('/a')).rejects.toBeInstanceOf(EdictumConnectionError)
    expect(console_.requests).toHaveLength(1)
  })

  test('close ends what is under way and refuses what comes after', async () => {
    console_.answer = () => new Promise(() => {})
    const client = connect()
    const result = client.get('/a').catch((thrown: unknown) => thrown)
    await until(() => console_.requests.length === 1, 'the request arrived')
    client.close()
    expect(await result).toBeInstanceOf(EdictumConnectionError)
    await expect(client.get('/a')).rejects.toBeInstanceOf(EdictumConnectionError)
    expect(clock.pendingTimers).toBe(0)
  })
})
