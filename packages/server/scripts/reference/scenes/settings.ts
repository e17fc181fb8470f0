import { provoke } from '../provoke.ts'
import type { People } from './people.ts'
import type { Reports } from './reports.ts'
import { realm, type Stage } from './stage.ts'

/** Settings, refusals, the end of a session. Last, because they change what was recorded before. */
export async function recordSettings({
  call,
  succeed,
  as,
  server,
  limiter,
  r,
  credentials,
  cookie,
  person,
  agent,
  token,
  weakToken,
  event,
}: Stage & People & Reports) {
  await succeed('POST /api/v1/settings/rotate-signing-key', as(person))
  await succeed('DELETE /api/v1/settings/purge-events', { ...as(person), query: { older_than_days: '90' } })
  limiter.isBusy = true
  await call('POST /api/v1/auth/login', { body: credentials })
  await call('POST /api/v1/auth/local', {
    headers: { 'x-requested-with': 'reference' },
    body: { secret: 'not the secret' },
  })
  await call('POST /realms/:realm/protocol/openid-connect/token', {
    ...realm,
    body: 'grant_type=client_credentials&client_id=a',
  })
  await call('POST /api/v1/approvals', {
    headers: agent,
    body: { agent_id: 'a', tool_name: 'delete_file', message: 'May it?' },
  })
  await call('POST /api/v1/events', { headers: agent, body: { events: [event('c1', 'call_allowed', 'a')] } })
  limiter.isBusy = false
  await call('POST /api/v1/auth/local', {
    headers: { 'x-requested-with': 'reference' },
    body: { secret: 'not the secret' },
  })
  await provoke(r, server.http.declaredRoutes, { person, agent, token, weakToken })
  await succeed('POST /api/v1/auth/logout', as(person))
  await call('POST /api/v1/auth/logout', as({ cookie }))
  await call('POST /api/v1/auth/logout', { headers: { ...person, 'content-type': 'application/json' }, body: '{' })
  await call('POST /api/v1/auth/logout', { headers: { ...person, 'content-length': '100000000' }, body: {} })
  // An instance calls the same gateway at an address of its own, which only it knows.
  const gateway = r.recordOf('POST', '/v1/dispatch-gateway')
  Object.assign(r.recordOf('POST', '/x/:token/v1/dispatch-gateway'), {
    path: { token: 'ySDKt1XhVYkwSrsHBzx1oJ5PMQFv4hVjw4gwWvOd1nM' },
    body: gateway.body,
    responses: {
      200: gateway.responses[200],
      422: gateway.responses[422],
      ...r.recordOf('POST', '/x/:token/v1/dispatch-gateway').responses,
    },
  })
  // As the same answers read while Redis is away, which this server does not need.
  const away = { connected: false, latency_ms: null }
  const probes = {
    '/api/v1/health/ready': ['not_ready', away],
    '/health/ready': ['degraded', 'away'],
    '/api/v1/health/details': ['degraded', away],
  }
  for (const [url, [status, redis]] of Object.entries(probes)) {
    const { responses } = r.recordOf('GET', url)
    responses[503] = { ...(responses[200] as object), status, redis }
  }
}
