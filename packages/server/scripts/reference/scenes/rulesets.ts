import type { Library } from './library.ts'
import type { People } from './people.ts'
import type { Stage } from './stage.ts'

/** What agents of the later SDKs ask and report. */
export async function recordRulesets({
  call,
  succeed,
  as,
  clock,
  person,
  agent,
  r,
  address,
}: Stage & People & Library) {
  const timestamp = new Date(clock.now()).toISOString()
  const ruleset = await succeed<{ revision_hash: string }>('GET /v1/rulesets/:name/current', {
    ...as(agent),
    path: { name: 'assistant' },
  })
  await call('GET /v1/rulesets/:name/current', { ...as(agent), path: { name: 'unknown' } })
  await call('GET /v1/rulesets/:name/current', { ...as(agent), path: { name: 'assistant' }, query: { env: 'staging' } })
  const event = {
    schema_version: '0.3.0',
    call_id: '0c9f1a2e-7d5b-4c1e-9a64-2f1d3b5c7e90',
    agent_id: 'research-agent',
    tool_name: 'read_file',
    tool_args: { path: '.env' },
    action: 'call_blocked',
    mode: 'enforce',
    decision_name: 'no-env',
    policy_version: ruleset.revision_hash,
    timestamp,
  }
  await succeed('POST /v1/events', { headers: agent, body: { events: [event, { tool_name: 'read_file' }] } })
  const asked = await succeed<{ id: string }>('POST /v1/approvals', {
    headers: agent,
    body: {
      agent_id: 'research-agent',
      tool_name: 'delete_file',
      tool_args: { path: 'old.csv' },
      message: 'Delete old.csv?',
      timeout: 300,
      timeout_action: 'block',
      session_id: 'run-1',
    },
  })
  await succeed('GET /v1/approvals/:approval_id', { ...as(agent), path: { approval_id: asked.id } })
  await call('GET /v1/approvals/:approval_id', {
    ...as(agent),
    path: { approval_id: '00000000-0000-4000-8000-000000000000' },
  })
  await r.follow(address, 'GET /v1/stream', { ...as(agent), query: { env: 'production', bundle_name: 'assistant' } }, 1)
  await call('GET /v1/stream', { ...as(agent), query: { env: 'staging' } })
  await call('GET /v1/stream', { headers: { ...agent, 'x-edictum-agent-id': 'a'.repeat(600) } })
  await call('PUT /api/v1/approvals/:approval_id', {
    ...as(person),
    path: { approval_id: asked.id },
    body: { approved: false, reason: 'Keep it.' },
  })
  const session = { ...as(agent), path: { key: 's:run 1:execs' } }
  await succeed('POST /v1/sessions/:key/increment', { ...session, body: { amount: 1 } })
  await succeed('GET /v1/sessions/:key', session)
  await succeed('POST /v1/sessions/batch', { ...as(agent), body: { keys: ['s:run 1:execs', 'unknown'] } })
  await succeed('PUT /v1/sessions/:key', { ...session, body: { value: 'seen' } })
  await call('POST /v1/sessions/:key/increment', { ...session, body: { amount: 1 } })
  await succeed('DELETE /v1/sessions/:key', session)
  await call('GET /v1/sessions/:key', session)
  const scan = {
    scanner_version: '0.16.0',
    skills_dir: '~/.claude/skills',
    total_scanned: 12,
    violations: [{ skill_name: 'deploy', risk_level: 'high', violations: [{ message: 'Reads credentials', line: 7 }] }],
    stats: { critical: 0, high: 1, medium: 0, clean: 11 },
  }
  for (const door of ['POST /v1/skill-scan', 'POST /api/v1/skill-scan'])
    await succeed(door, { headers: agent, body: scan })
  await succeed('GET /api/v1/skill-scans', as(person))
  await succeed('GET /v1/health', {})
}
