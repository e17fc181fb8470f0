import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** A limit that is set, used, looked at and taken back. */
export async function recordLimits({ call, succeed, as, person, token, weakToken }: Stage & People) {
  const overrides = '/v1/admin/rate-limits/overrides'
  const body = { resource_type: 'agent_execution', bucket: 'hourly', limit_value: 100, tenant_id: 'default' }
  const { id } = await succeed<{ id: string }>(`POST ${overrides}`, { ...as(person), body })
  await call(`POST ${overrides}`, { ...as(person), body: { ...body, bucket: 'yearly' } })
  await call(`POST ${overrides}`, { ...as(person), body: { ...body, limit_value: -1 } })
  await call(`POST ${overrides}`, { ...as(weakToken), body })
  await succeed(`GET ${overrides}`, { ...as(person), query: { tenant_id: 'default' } })
  await call(`GET ${overrides}`, { ...as(person), query: { tenant_id: 'unknown' } })
  await call(`GET ${overrides}`, as(weakToken))
  const usage = '/v1/admin/rate-limits/usage'
  await succeed(`GET ${usage}`, { ...as(person), query: { scope_type: 'tenant', scope_id: 'default' } })
  await call(`GET ${usage}`, { ...as(person), query: { scope_type: 'team', scope_id: 'default' } })
  await call(`GET ${usage}`, { ...as(weakToken), query: { scope_type: 'tenant', scope_id: 'default' } })
  for (const url of ['/v1/user/rate-limits/usage', '/v1/user/rate-limits']) await succeed(`GET ${url}`, as(token))
  await call(`DELETE ${overrides}/:id`, { ...as(weakToken), path: { id } })
  await call(`DELETE ${overrides}/:id`, { ...as(person), path: { id: 'x' } })
  await succeed(`DELETE ${overrides}/:id`, { ...as(person), path: { id } })
  await call(`DELETE ${overrides}/:id`, { ...as(person), path: { id } })
}
