import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'

const refusal = { detail: 'Missing CSRF header.' }

/** console-api §1.5. */
describe('changes that another page could send with a person’s cookie', () => {
  let t: TestServer
  let cookie: string
  beforeAll(async () => {
    t = await startTestServer()
    cookie = (await t.admin()).cookie ?? ''
  })
  afterAll(() => t.close())

  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    headers: Record<string, string> = {},
  ) => t.request({ method, url, headers, ...(method === 'GET' ? {} : { payload: {} }) })

  it.each([
    ['POST', '/api/v1/keys'],
    ['PUT', '/api/v1/settings/ai'],
    ['PATCH', '/api/v1/agent-registrations/a'],
    ['DELETE', '/api/v1/settings/ai'],
    ['POST', '/api/v1/auth/logout'],
    ['POST', '/api/v1/auth/local'],
    ['POST', '/api/v1/nothing'],
    ['POST', '/api/ai/assist'],
  ] as const)('%s %s needs X-Requested-With, before any credential is looked at', async (method, url) => {
    for (const headers of [{}, { cookie }, { cookie, 'x-requested-with': '' }] as Record<string, string>[]) {
      const answer = await send(method, url, headers)
      expect([answer.statusCode, answer.json()]).toEqual([403, refusal])
    }
    expect((await send(method, url, { 'x-requested-with': 'anything' })).json()).not.toEqual(refusal)
  })

  it.each([
    '/api/v1/auth/login',
    '/api/v1/setup',
    '/api/v1/telegram/webhook/x',
    '/api/v1/discord/interactions',
    '/api/v1/slack/interactions',
    '/api/v1/health',
  ])('%s needs none', async (url) => {
    expect((await send('POST', url)).body).not.toContain('CSRF')
  })

  it('a call with an API key needs none; the beginning of a key alone is none', async () => {
    const url = '/api/v1/sessions/batch'
    expect((await send('POST', url, { authorization: 'Bearer edk_' })).json()).toEqual(refusal)
    expect((await send('POST', url, { authorization: 'Bearer edk' })).json()).toEqual(refusal)
    expect((await send('POST', url, { authorization: 'Basic edk_production_x' })).json()).toEqual(refusal)
    expect((await send('POST', url, { authorization: 'bearer edk_production_x' })).json()).toEqual(refusal)
    expect((await send('POST', url, { authorization: 'Bearer edk_x' })).json()).toEqual({
      detail: 'Invalid or revoked API key.',
    })
  })

  it('reading needs none', async () => {
    expect((await send('GET', '/api/v1/auth/me', { cookie })).statusCode).toBe(200)
  })
})
