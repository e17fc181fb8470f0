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
