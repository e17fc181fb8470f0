import { afterEach, expect, test, vi } from 'vitest'
import { learnServerTime, serverNow } from './clock.ts'
import { ApiError, queryString, request, UnreachableError } from './http.ts'

afterEach(() => vi.unstubAllGlobals())

const answering = (response: Response) => {
  const fetch = vi.fn(async () => response)
  vi.stubGlobal('fetch', fetch)
  return fetch
}

test('every request says that it comes from the console, which no other site can', async () => {
  const fetch = answering(Response.json({ ok: true }))
  await request('/keys', { method: 'POST', body: { env: 'staging' } })
  expect(fetch).toHaveBeenCalledWith(
    '/api/v1/keys',
    expect.objectContaining({ method: 'POST', body: '{"env":"staging"}', credentials: 'same-origin' }),
  )
  const [, init] = fetch.mock.calls[0] as unknown as [string, RequestInit]
  expect(init.headers).toMatchObject({ 'X-Requested-With': 'lictor-console', 'Content-Type': 'application/json' })
})

test('a refusal carries its status, words, wait and request', async () => {
  answering(
    Response.json({ detail: 'Too many.' }, { status: 429, headers: { 'retry-after': '17', 'x-request-id': 'abc' } }),
  )
  const error = await request('/x').catch((e: unknown) => e)
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({ status: 429, message: 'Too many.', retryAfter: 17, requestId: 'abc', problems: [] })
})

test('a refusal in words keeps the places that stand beside them', async () => {
  const issues = [{ loc: ['body', 'yaml_content'], msg: 'YAML parse error: x', line: 3, column: 1 }]
  answering(Response.json({ detail: 'Invalid YAML: x', issues }, { status: 422 }))
  await expect(request('/x')).rejects.toMatchObject({ message: 'Invalid YAML: x', problems: issues })
})

test('a refusal by the runtime’s half carries its words and places too', async () => {
  const problems = [{ loc: ['body', 'manifest'], msg: 'x', line: 3 }]
  const fetch = answering(Response.json({ error: 'invalid', message: 'Not a manifest.', problems }, { status: 422 }))
  await expect(request('/v1/agents')).rejects.toMatchObject({ message: 'Not a manifest.', problems })
  expect(fetch).toHaveBeenCalledWith('/v1/agents', expect.anything())
})

test('a refusal with several problems keeps each, without the wire prefix in its words', async () => {
  answering(Response.json({ detail: [{ loc: ['body', 'password'], msg: 'Value error, too short' }] }, { status: 422 }))
  await expect(request('/x')).rejects.toMatchObject({ message: 'too short', problems: [{ loc: ['body', 'password'] }] })
})

test('an answer that is no JSON is still a readable error', async () => {
  answering(new Response('<html>', { status: 502 }))
  await expect(request('/x')).rejects.toMatchObject({ status: 502, message: 'The server answered 502.' })
})

test('no answer is told apart from a refusal', async () => {
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('Failed to fetch')
  })
  await expect(request('/x')).rejects.toBeInstanceOf(UnreachableError)
})

test('204 has no body, and text is given as it is', async () => {
  answering(new Response(null, { status: 204 }))
  expect(await request('/x', { method: 'DELETE' })).toBeUndefined()
  answering(new Response('a: 1\n'))
  expect(await request('/x', { as: 'text' })).toBe('a: 1\n')
})

test('a cleared filter is no filter', () => {
  expect(queryString({ agent_id: 'a b', verdict: undefined, search: '', limit: 5 })).toBe('?agent_id=a+b&limit=5')
  expect(queryString({})).toBe('')
})

test('countdowns follow the clock of the server when this one is wrong, and ignore the second it rounds away', () => {
  learnServerTime('Sun, 01 Mar 2026 12:05:00 GMT', Date.parse('2026-03-01T12:00:00Z'))
  expect(serverNow(0)).toBe(300_000)
  learnServerTime('Sun, 01 Mar 2026 12:00:00 GMT', Date.parse('2026-03-01T12:00:00.900Z'))
  expect(serverNow(0)).toBe(0)
  learnServerTime(null)
  expect(serverNow(5)).toBe(5)
})
