import type { Library } from './library.ts'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** What the console shows of them. */
export async function recordConsole({
  call,
  succeed,
  as,
  server,
  until,
  address,
  person,
  agent,
  bundle,
  deployment,
  current,
}: Stage & People & Library) {
  await succeed('GET /api/v1/deployments', { ...as(person), query: { env: 'production', bundle_name: 'assistant' } })
  await succeed('GET /api/v1/deployments/:id/rollout', { ...as(person), path: { id: deployment.id } })
  await succeed('POST /api/v1/bundles', {
    ...as(person),
    body: { yaml_content: bundle.replace('contains: .env }', 'contains: .pem }') },
  })
  await succeed('POST /api/v1/bundles/:name/:version/replay', {
    ...as(person),
    path: { name: 'assistant', version: '2' },
    query: { env: 'production', since: '7d', limit: '1000' },
  })
  const connected = new AbortController()
  const open = await fetch(
    `${address}/api/v1/stream?env=production&bundle_name=assistant&policy_version=${current.revision_hash}`,
    {
      headers: agent,
      signal: connected.signal,
    },
  )
  const isSeen = async () =>
    (await server.http.inject({ url: '/api/v1/agents/status', headers: person })).body.includes('research-agent')
  await until(isSeen)
  await succeed('GET /api/v1/agents/status', as(person))
  connected.abort()
  await open.text().catch(() => '')
  await succeed('GET /api/v1/agents/:agent_id/coverage', {
    ...as(person),
    path: { agent_id: 'research-agent' },
    query: { since: '24h', include_verdicts: 'true' },
  })
  await succeed('GET /api/v1/agents/fleet-coverage', { ...as(person), query: { since: '24h', env: 'production' } })
  await succeed('GET /api/v1/agents/:agent_id/history', {
    ...as(person),
    path: { agent_id: 'research-agent' },
    query: { limit: '2' },
  })
  await succeed('GET /api/v1/agent-registrations', as(person))
  await succeed('PATCH /api/v1/agent-registrations/:agent_id', {
    ...as(person),
    path: { agent_id: 'research-agent' },
    body: { display_name: 'Research', tags: { team: 'research' } },
  })
  await succeed('POST /api/v1/agent-registrations/bulk-assign', {
    ...as(person),
    body: { agent_ids: ['research-agent'], bundle_name: 'assistant' },
  })
  const rule = {
    priority: 10,
    pattern: 'research-*',
    tag_match: { team: 'research' },
    bundle_name: 'assistant',
    env: 'production',
  }
  const made = await succeed<{ id: string }>('POST /api/v1/assignment-rules', { ...as(person), body: rule })
  const other = await succeed<{ id: string }>('POST /api/v1/assignment-rules', {
    ...as(person),
    body: { ...rule, priority: 20, pattern: '*', tag_match: null },
  })
  await call('POST /api/v1/assignment-rules', { ...as(person), body: rule })
  await call('POST /api/v1/assignment-rules', { ...as(person), body: { ...rule, pattern: 'research/*' } })
  await call('PATCH /api/v1/assignment-rules/:rule_id', {
    ...as(person),
    path: { rule_id: other.id },
    body: { priority: 10 },
  })
  await call('PATCH /api/v1/assignment-rules/:rule_id', {
    ...as(person),
    path: { rule_id: other.id },
    body: { pattern: 'a/*' },
  })
  await succeed('PATCH /api/v1/assignment-rules/:rule_id', {
    ...as(person),
    path: { rule_id: made.id },
    body: { priority: 5 },
  })
  await succeed('GET /api/v1/assignment-rules', as(person))
  await succeed('GET /api/v1/assignment-rules/resolve/:agent_id', {
    ...as(person),
    path: { agent_id: 'research-agent' },
    query: { env: 'production' },
  })
  await succeed('DELETE /api/v1/assignment-rules/:rule_id', { ...as(person), path: { rule_id: other.id } })
  await succeed('GET /api/v1/stats/overview', as(person))
  await succeed('GET /api/v1/stats/contracts', as(person))
  await succeed('GET /api/v1/health/details', as(person))
  for (const probe of ['/api/v1/health/live', '/api/v1/health/ready', '/health', '/health/live', '/health/ready'])
    await succeed(`GET ${probe}`)
}
