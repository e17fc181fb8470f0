import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'

describe('a path that cannot be read', () => {
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer()
  })
  afterAll(() => t.close())

  it.each([
    ['a segment too long', `/api/v1/bundles/${'a'.repeat(10_000)}`, 404, { detail: 'Not Found' }],
    ['no UTF-8', '/api/v1/bundles/%ff', 400, { detail: 'The path is not a valid URL path.' }],
    ['no escape', '/v1/agents/%zz', 400, { error: 'bad_request', message: 'The path is not a valid URL path.' }],
  ])('is answered like any other: %s', async (_, url, status, body) => {
    const answer = await t.request({ method: 'GET', url })
    expect([answer.statusCode, answer.json()]).toEqual([status, body])
    expect(answer.headers['x-frame-options']).toBe('DENY')
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{12}$/)
  })
})

describe('a method that no route takes', () => {
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer()
  })
  afterAll(() => t.close())

  it.each([
    ['TRACE', '/health/live', 'GET, HEAD'],
    ['POST', '/metrics', 'GET, HEAD'],
    ['TRACE', '/api/v1/health', 'GET, HEAD'],
    ['QUERY', '/api/v1/bundles', 'GET, POST'],
    ['QUERY', '/v1/executions', 'GET, POST'],
  ])('is answered 405 whatever it carries, and told which are taken: %s %s', async (method, url, allow) => {
    for (const carried of [{}, { payload: '{', headers: { 'content-type': 'application/json' } }]) {
      const answer = await t.request({ method: method as 'GET', url, ...carried })
      expect([answer.statusCode, answer.headers.allow, answer.body]).toEqual([
        405,
        allow,
        url.startsWith('/v1/')
          ? '{"error":"method_not_allowed","message":"Method Not Allowed"}'
          : '{"detail":"Method Not Allowed"}',
      ])
    }
  })

  it('on a path that is none stays 404, whatever it carries', async () => {
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/nowhere',
      headers: { 'content-type': 'application/json', 'x-requested-with': 'test' },
      payload: '{',
    })
    expect([answer.statusCode, answer.json()]).toEqual([404, { detail: 'Not Found' }])
  })
})

describe('what the runtime API refuses by its schema', () => {
  let t: TestServer
  beforeAll(async () => {
    t = await startTestServer()
  })
  afterAll(() => t.close())

  it.each([
    ['a field', 'POST', '/v1/stimuli/sources', { source: 5 }, 'body.source: Input must be string'],
    ['a field that is missing', 'POST', '/v1/stimuli/sources', {}, 'body.source: Field required'],
    [
      'two of them',
      'POST',
      '/v1/stimuli/sources',
      { source: 5, secret: [] },
      'body.source: Input must be string, and 1 more',
    ],
    ['the body', 'POST', '/v1/stimuli', [], 'body: Input must be object'],
    [
      'one of several',
      'POST',
      '/v1/stimuli/sources',
      { source: 'a', signature: 'b' },
      "body.signature: Input should be one of 'aegis', 'stripe'",
    ],
    ['a query', 'GET', '/v1/stimuli?limit=1&limit=2', undefined, 'query.limit: Input must be string'],
    [
      'a part of the path',
      'DELETE',
      '/v1/stimuli/sources/%00',
      undefined,
      'path.source: Value error, Null bytes are not allowed',
    ],
  ] as const)(
    'is told with its place in the one sentence that clients show: %s',
    async (_, method, url, payload, message) => {
      const headers = await t.admin()
      const answer = await t.request({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
      expect([answer.statusCode, answer.json()]).toMatchObject([422, { error: 'validation', message }])
    },
  )

  it('a key of a session that is too long is told as that, however long it is', async () => {
    const headers = await t.agent()
    for (const length of [1025, 1500, 4000]) {
      const url = `/v1/sessions/${'k'.repeat(length)}`
      const answer = await t.request({ method: 'PUT', url, headers, payload: { value: '1' } })
      expect([answer.statusCode, answer.json()]).toMatchObject([422, { problems: [{ loc: ['path', 'key'] }] }])
    }
  })
})
