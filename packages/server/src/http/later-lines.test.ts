import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../test/harness.ts'
import { LATER_LINE, workingSdkVersions } from './later-lines.ts'

describe('clients of the later lines of the SDK', () => {
  let t: TestServer
  let agent: Record<string, string>
  beforeAll(async () => {
    t = await startTestServer({ environment: { LICTOR_BASE_URL: 'https://example.com/lictor' } })
    agent = { ...(await t.agent()), 'content-type': 'application/json' }
  })
  afterAll(() => t.close())

  it.each([
    ['GET', '/v1/rulesets/devops/current?env=production'],
    ['GET', '/v1/rulesets/devops/current'],
    ['GET', '/v1/stream?env=production&bundle_name=devops&policy_version=x&tags=%7B%7D'],
    ['GET', '/v1/stream'],
    ['POST', '/v1/events'],
    ['POST', '/v1/approvals'],
    ['GET', '/v1/approvals/00000000-0000-4000-8000-000000000000'],
    ['GET', '/v1/sessions/s:one:attempts'],
    ['GET', '/v1/sessions/s%3Aone%3Aattempts'],
    ['PUT', '/v1/sessions/s:one:consec_fail'],
    ['DELETE', '/v1/sessions/s:one:consec_fail'],
    ['POST', '/v1/sessions/s:one:attempts/increment'],
    ['POST', '/v1/sessions/batch'],
    ['POST', '/v1/skill-scan'],
  ] as const)('%s %s is refused with the versions that work', async (method, url) => {
    const payload = method === 'POST' || method === 'PUT' ? { payload: '{"events":[]}' } : {}
    for (const headers of [agent, {}]) {
      const answer = await t.request({ method, url, headers, ...payload })
      expect([answer.statusCode, answer.json()]).toEqual([400, { error: 'unsupported_sdk', message: LATER_LINE }])
    }
  })

  it('an event of 0.17, which is all that tells it from 0.16, is refused alike', async () => {
    const event = {
      call_id: 'c',
      agent_id: 'a',
      tool_name: 't',
      decision: 'call_allowed',
      mode: 'enforce',
      timestamp: 0,
    }
    const answer = await t.request({
      method: 'POST',
      url: '/api/v1/events',
      headers: agent,
      payload: { events: [event] },
    })
    expect(answer.statusCode).toBe(422)
    expect(answer.body).toContain('does not serve this version of the Edictum SDK yet')
  })

  it('what else is not there is not found, as before', async () => {
    for (const url of ['/v1/nothing', '/v1/rulesetsx', '/v1/streams', '/api/v1/rulesets/x/current'])
      expect([url, (await t.request({ method: 'GET', url, headers: agent })).statusCode]).toEqual([url, 404])
  })

  it('the message names the versions of the guide', () => {
    const guide = readFileSync(new URL('../../../../docs/guide.md', import.meta.url), 'utf8')
    const named = [...guide.matchAll(/^\| (\d+\.\d+\.\d+) \| yes \|$/gm)].map(([, version]) => version)
    expect(named).toEqual([...workingSdkVersions])
    expect(LATER_LINE).toContain('Use edictum 0.13.0, 0.15.0, or 0.16.0, or @lictor/guard.')
  })
})
