import type { Library } from './library.ts'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** What agents report and ask. */
export async function recordReports({
  call,
  succeed,
  as,
  clock,
  minute,
  person,
  agent,
  token,
  current,
}: Stage & People & Library) {
  const event = (call_id: string, verdict: string, path: string, more: object = {}) => ({
    call_id,
    agent_id: 'research-agent',
    tool_name: 'read_file',
    verdict,
    mode: 'enforce',
    timestamp: new Date(clock.now()).toISOString(),
    payload: { tool_args: { path }, policy_version: current.revision_hash, ...more },
  })
  await succeed('POST /api/v1/events', {
    headers: agent,
    body: {
      events: [
        event('5b0c7b1e-8f0e-4f0e-9a0e-0d8f5f2c1a11', 'call_denied', '.env', {
          decision_name: 'no-env',
          decision_source: 'yaml_precondition',
          reason: '.env holds secrets.',
        }),
        event('7f8d2c9a-5b6e-4d3f-8a1b-2c3d4e5f6a7b', 'call_allowed', 'secrets/.env.example'),
        { call_id: 'broken' },
      ],
      agent_manifest: {
        agent_id: 'research-agent',
        policy_version: current.revision_hash,
        contracts: [{ id: 'no-env', type: 'pre', tool: 'read_file', mode: 'enforce' }],
      },
    },
  })
  await call('POST /api/v1/events', { headers: agent, body: { events: [{ call_id: 'broken' }] } })
  await minute()
  const since = '2026-03-01T11:00:00Z'
  await succeed('GET /api/v1/events', { ...as(person), query: { verdict: 'call_denied', since, limit: '1' } })
  const [stored] = await succeed<{ id: string }[]>('GET /api/v1/events', {
    ...as(person),
    query: { after_seq: '0', limit: '1' },
  })
  await succeed('GET /api/v1/events/:event_id', { ...as(person), path: { event_id: stored?.id ?? '' } })
  await call('GET /api/v1/events/export', as(person))
  await succeed('POST /api/v1/agents/ack', {
    headers: agent,
    body: { bundle_name: 'assistant', policy_version: current.revision_hash },
  })
  await succeed('GET /api/v1/events/histogram', {
    ...as(person),
    query: { since, until: '2026-03-01T13:00:00Z', bucket_seconds: '3600' },
  })
  const elsewhere = { headers: agent, query: { env: 'staging', since, until: since } }
  await call('GET /api/v1/events', elsewhere)
  await call('GET /api/v1/events/histogram', elsewhere)
  await call('GET /api/v1/events/facets', elsewhere)
  await succeed('GET /api/v1/events/facets', { ...as(person), query: { since, verdict: 'call_denied' } })
  const action_digest = '3f'.repeat(32)
  const asked = await succeed<{ id: string }>('POST /api/v1/approvals', {
    headers: agent,
    body: {
      agent_id: 'research-agent',
      tool_name: 'delete_file',
      tool_args: { path: 'old.csv' },
      message: 'Delete old.csv?',
      action_digest,
      timeout: 300,
      contract_name: 'ask-first',
      decision_source: 'yaml_precondition',
    },
  })
  const second = await succeed<{ id: string }>('POST /api/v1/approvals', {
    headers: agent,
    body: {
      agent_id: 'research-agent',
      tool_name: 'delete_file',
      tool_args: { path: 'new.csv' },
      message: 'Delete new.csv?',
    },
  })
  const third = await succeed<{ id: string }>('POST /api/v1/approvals', {
    headers: agent,
    body: {
      agent_id: 'research-agent',
      tool_name: 'delete_file',
      tool_args: { path: 'all.csv' },
      message: 'Delete all.csv?',
    },
  })
  await succeed('GET /api/v1/approvals', { ...as(person), query: { status: 'pending', limit: '1' } })
  await succeed('GET /v1/human-approvals', as(token))
  await succeed('GET /v1/human-approvals/:id', { ...as(token), path: { id: second.id } })
  await succeed('POST /v1/human-approvals/:id/approve', {
    ...as(token),
    path: { id: second.id },
    body: { feedback: 'It is a copy.' },
  })
  for (const how of ['approve', 'reject'])
    await call(`POST /v1/human-approvals/:id/${how}`, {
      ...as(token),
      path: { id: second.id },
      body: how === 'reject' ? { reason: 'Keep it.' } : {},
    })
  await succeed('POST /v1/human-approvals/:id/reject', {
    ...as(token),
    path: { id: third.id },
    body: { reason: 'Keep it.' },
  })
  const decide = { ...as(person), path: { approval_id: asked.id }, body: { approved: true, reason: 'It is a copy.' } }
  await succeed('PUT /api/v1/approvals/:approval_id', decide)
  await call('PUT /api/v1/approvals/:approval_id', decide)
  await succeed('GET /api/v1/approvals/:approval_id', {
    ...as(agent),
    path: { approval_id: asked.id },
    query: { wait: '30' },
  })
  const use = { ...as(agent), path: { approval_id: asked.id }, body: { action_digest } }
  await succeed('POST /api/v1/approvals/:approval_id/consume', use)
  await call('POST /api/v1/approvals/:approval_id/consume', use)
  const { lease } = await succeed<{ lease: string }>('POST /api/v1/sessions/reserve', {
    ...as(agent),
    body: {
      session: 'run-1',
      tool: 'read_file',
      bounds: { max_attempts: 500, max_tool_calls: 100, max_calls_per_tool: 20 },
      count_attempt: true,
    },
  })
  await succeed('POST /api/v1/sessions/renew', { ...as(agent), body: { lease } })
  await succeed('POST /api/v1/sessions/settle', { ...as(agent), body: { lease, outcome: 'success' } })
  await call('POST /api/v1/sessions/renew', { ...as(agent), body: { lease } })
  const session = { ...as(agent), path: { key: 'research-agent:calls' } }
  await succeed('POST /api/v1/sessions/:key/increment', { ...session, body: { amount: 1 } })
  await succeed('GET /api/v1/sessions/:key', session)
  await succeed('POST /api/v1/sessions/batch', { ...as(agent), body: { keys: ['research-agent:calls', 'unknown'] } })
  await succeed('PUT /api/v1/sessions/:key', { ...session, body: { value: 'seen' } })
  await call('POST /api/v1/sessions/:key/increment', { ...session, body: { amount: 1 } })
  await succeed('DELETE /api/v1/sessions/:key', session)
  return { event, asked }
}

export type Reports = Awaited<ReturnType<typeof recordReports>>
