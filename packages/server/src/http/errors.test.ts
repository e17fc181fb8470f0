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
