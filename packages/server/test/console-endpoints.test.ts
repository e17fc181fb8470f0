import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Access } from '../src/http/access.ts'
import type { DeclaredRoute } from '../src/http/server.ts'
import { startTestServer, type TestServer } from './harness.ts'

type Row = readonly [method: string, path: string, access: Access, success: number]

/** The endpoint index of the console API: every path under `/api/v1`, who may call it, how it succeeds. */
const index: readonly Row[] = [
  ['POST', '/auth/login', 'public', 200],
  // Works without a session, so that a stale cookie can always be cleared.
  ['POST', '/auth/logout', 'public', 200],
  ['GET', '/auth/me', 'dashboard', 200],
  ['POST', '/setup', 'public', 201],
  ['GET', '/health', 'public', 200],
  ['GET', '/health/details', 'dashboard', 200],
  ['GET', '/health/live', 'public', 200],
  ['GET', '/health/ready', 'public', 200],
  ['POST', '/keys', 'admin', 201],
  ['GET', '/keys', 'dashboard', 200],
  ['DELETE', '/keys/{key_id}', 'admin', 204],
  ['GET', '/contracts', 'dashboard', 200],
  ['POST', '/contracts', 'dashboard', 201],
  ['POST', '/contracts/import', 'dashboard', 201],
  ['GET', '/contracts/{contract_id}', 'dashboard', 200],
  ['GET', '/contracts/{contract_id}/versions/{version}', 'dashboard', 200],
  ['PUT', '/contracts/{contract_id}', 'dashboard', 200],
  ['DELETE', '/contracts/{contract_id}', 'dashboard', 204],
  ['GET', '/contracts/{contract_id}/usage', 'dashboard', 200],
  ['GET', '/compositions', 'dashboard', 200],
  ['POST', '/compositions', 'dashboard', 201],
  ['GET', '/compositions/{name}', 'dashboard', 200],
  ['PUT', '/compositions/{name}', 'dashboard', 200],
  ['DELETE', '/compositions/{name}', 'dashboard', 204],
  ['POST', '/compositions/{name}/preview', 'dashboard', 200],
  ['POST', '/compositions/{name}/deploy', 'dashboard', 201],
  ['POST', '/bundles', 'dashboard', 201],
  ['GET', '/bundles', 'either', 200],
  ['GET', '/bundles/{name}', 'dashboard', 200],
  ['GET', '/bundles/{name}/current', 'either', 200],
  ['GET', '/bundles/{name}/{version}', 'either', 200],
  ['GET', '/bundles/{name}/{version}/yaml', 'either', 200],
  ['POST', '/bundles/{name}/{version}/deploy', 'dashboard', 201],
  ['POST', '/bundles/evaluate', 'dashboard', 200],
  ['GET', '/deployments', 'dashboard', 200],
  ['POST', '/events', 'agent', 200],
  ['GET', '/events', 'either', 200],
  ['GET', '/events/histogram', 'either', 200],
  ['POST', '/sessions/batch', 'agent', 200],
  ['GET', '/sessions/{key}', 'agent', 200],
  ['PUT', '/sessions/{key}', 'agent', 200],
  ['DELETE', '/sessions/{key}', 'agent', 200],
  ['POST', '/sessions/{key}/increment', 'agent', 200],
  ['POST', '/approvals', 'agent', 201],
  ['GET', '/approvals', 'dashboard', 200],
  ['GET', '/approvals/{approval_id}', 'either', 200],
  ['PUT', '/approvals/{approval_id}', 'dashboard', 200],
  ['GET', '/agents/status', 'dashboard', 200],
  ['GET', '/agents/fleet-coverage', 'dashboard', 200],
  ['GET', '/agents/{agent_id}/coverage', 'dashboard', 200],
  ['GET', '/agents/{agent_id}/history', 'dashboard', 200],
  ['GET', '/agent-registrations', 'dashboard', 200],
  ['PATCH', '/agent-registrations/{agent_id}', 'dashboard', 200],
  ['POST', '/agent-registrations/bulk-assign', 'dashboard', 200],
  ['GET', '/assignment-rules', 'dashboard', 200],
  ['POST', '/assignment-rules', 'dashboard', 201],
  ['PATCH', '/assignment-rules/{rule_id}', 'dashboard', 200],
  ['DELETE', '/assignment-rules/{rule_id}', 'dashboard', 204],
  ['GET', '/assignment-rules/resolve/{agent_id}', 'dashboard', 200],
  ['GET', '/stream', 'agent', 200],
  ['GET', '/stream/dashboard', 'dashboard', 200],
  ['GET', '/notifications/channels', 'dashboard', 200],
  ['POST', '/notifications/channels', 'admin', 201],
  ['PUT', '/notifications/channels/{channel_id}', 'admin', 200],
  ['DELETE', '/notifications/channels/{channel_id}', 'admin', 204],
  ['POST', '/notifications/channels/{channel_id}/test', 'admin', 200],
  ['POST', '/settings/rotate-signing-key', 'admin', 201],
  ['DELETE', '/settings/purge-events', 'admin', 200],
  ['GET', '/settings/ai', 'dashboard', 200],
  ['PUT', '/settings/ai', 'dashboard', 200],
  ['DELETE', '/settings/ai', 'dashboard', 204],
  ['POST', '/settings/ai/test', 'dashboard', 200],
  ['GET', '/settings/ai/usage', 'dashboard', 200],
  ['POST', '/contracts/assist', 'dashboard', 200],
  ['POST', '/contracts/generate-description', 'dashboard', 200],
  ['POST', '/telegram/webhook/{channel_id}', 'webhook', 200],
  ['POST', '/slack/interactions', 'webhook', 200],
  ['GET', '/slack/manifest', 'public', 200],
  ['POST', '/discord/interactions', 'webhook', 200],
  ['GET', '/stats/overview', 'either', 200],
  ['GET', '/stats/contracts', 'dashboard', 200],
]

/** What Lictor has beside them. */
const additions: readonly Row[] = [
  ['POST', '/bundles/{name}/{version}/replay', 'dashboard', 200],
  ['GET', '/deployments/{id}/rollout', 'dashboard', 200],
  ['POST', '/compositions/{name}/promote', 'dashboard', 200],
]

describe('the console API', () => {
  let t: TestServer
  let routes: DeclaredRoute[]
  beforeAll(async () => {
    t = await startTestServer()
    await t.server.http.ready()
    routes = t.server.http.declaredRoutes
  })
  afterAll(() => t.close())

  const templateOf = ({ url }: DeclaredRoute) => url.replace(/:([a-z_]+)/g, '{$1}')
  const routeOf = (method: string, path: string) =>
    routes.find((route) => route.method === method && templateOf(route) === path)
  const wrongOf = (rows: readonly Row[]) =>
    rows.flatMap(([method, path, access, success]) => {
      const route = routeOf(method, `/api/v1${path}`)
      const { response = {} } = (route?.schema ?? {}) as { response?: object }
      const isRight = route?.config.access === access && Object.keys(response).includes(String(success))
      return isRight ? [] : [`${method} ${path}: ${route?.config.access} ${Object.keys(response).join()}`]
    })

  it('has every endpoint of its index, open to whom it says, with the status it says', () => {
    expect(index).toHaveLength(81)
    expect(wrongOf(index)).toEqual([])
  })

  it('has what Lictor adds', () => {
    expect(wrongOf(additions)).toEqual([])
  })

  it('has the assistant under its other address as well', () => {
    expect(routeOf('POST', '/api/ai/assist')?.config.access).toBe('dashboard')
  })

  it('never takes a literal path for a parameter', async () => {
    const headers = await t.admin()
    const call = async (method: 'GET' | 'POST', url: string, payload?: object, as = headers) => {
      const answer = await t.request({ method, url: `/api/v1${url}`, headers: as, ...(payload ? { payload } : {}) })
      return [answer.statusCode, answer.json()]
    }
    expect(await call('POST', '/bundles/evaluate', {})).toMatchObject([
      422,
      { detail: [{ loc: ['body', 'yaml_content'] }, { loc: ['body', 'tool_name'] }] },
    ])
    expect(await call('GET', '/bundles/current/current?env=production')).toMatchObject([
      404,
      { detail: "No deployed bundle 'current' for env 'production'" },
    ])
    expect(await call('POST', '/contracts/import', {})).toMatchObject([
      422,
      { detail: [{ loc: ['body', 'yaml_content'] }] },
    ])
    expect((await call('POST', '/contracts/generate-description', {}))[0]).toBe(422)
    expect((await call('POST', '/contracts/assist', {}))[0]).toBe(422)
    const agent = await t.agent()
    expect(await call('POST', '/sessions/batch', { keys: ['a'] }, agent)).toEqual([200, { values: { a: null } }])
    expect(Object.keys((await call('GET', '/agents/status'))[1])).toEqual(['agents'])
    expect(Object.keys((await call('GET', '/agents/fleet-coverage'))[1])).toContain('fleet_summary')
    expect(await call('GET', '/events/histogram')).toMatchObject([
      422,
      { detail: [{ loc: ['query', 'since'] }, { loc: ['query', 'until'] }] },
    ])
    expect(await call('POST', '/agent-registrations/bulk-assign', { agent_ids: ['a'], bundle_name: 'b' })).toEqual([
      200,
      { updated: 0 },
    ])
    expect(await call('GET', '/assignment-rules/resolve/a')).toMatchObject([200, { source: 'none' }])
  })
})
