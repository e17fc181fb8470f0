// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
/**
 * Records the examples of the reference: starts a server in this process, does a bit of everything with it, and keeps what was sent
 * and answered. Run it when a route changes: `npm run examples -w @lictor/server`.
 */
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { stringify } from 'yaml'
import { createServer } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { publicBytesOf, signBytes } from '../../src/governance/signing/ed25519.ts'
import type { RateLimiter } from '../../src/ports/rate-limiter.ts'
import { aiProvider } from '../../test/ai-provider.ts'
import { manualClock } from '../../test/manual-clock.ts'
import { provoke } from './provoke.ts'
import { recorder } from './recorder.ts'

const folder = mkdtempSync(join(tmpdir(), 'lictor-examples-'))
const turns = join(folder, 'turns.yaml')
writeFileSync(
  turns,
  stringify({
    turns: [
      { tool_calls: [{ name: 'write_file', arguments: { path: 'greeting.txt', content: 'Hello, Ada!' } }] },
      { text: 'Hello, Ada!' },
    ],
  }),
)
const provider = await aiProvider([{ text: 'Denies reading files whose path contains .env.' }])
const clock = manualClock()
let drawn = 0
const bytes = (length: number): Buffer => {
  drawn++
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${drawn}.${index}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}
const random = {
  bytes,
  uuid: () => {
    const hex = bytes(16).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
  },
}
let isBusy = false
const limiter: RateLimiter = { hit: async () => (isBusy ? { allowed: false, retryAfter: 42 } : { allowed: true }) }
const server = await createServer(
  readConfig({
    LICTOR_DATA_DIR: folder,
    LICTOR_LOG_LEVEL: 'silent',
    LICTOR_PORT: '0',
    LICTOR_MODEL_SCRIPT: turns,
    LICTOR_ANTHROPIC_BASE_URL: `${provider.url}/v1`,
    LICTOR_AI_PRICES_URL: `${provider.url}/prices`,
    LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
    LICTOR_BASE_URL: 'https://lictor.example.com',
  }),
  pino({ level: process.env.LOG ?? 'silent' }),
  {
    clock,
    random,
    limiter,
    passwordCost: 16,
    consoleDir: null,
    outbound: { check: async () => {}, send: async () => ({ status: 200, headers: {}, body: '{"ok":true}' }) },
  },
)
await server.http.ready()
const r = recorder(() => server.http)
const { call, succeed } = r
const minute = () => clock.advance(60_000)
/** Let what runs beside the requests come to rest. */
const until = async (holds: () => Promise<boolean>) => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

// People and keys
const credentials = { email: 'admin@example.com', password: 'correct horse battery' }
await succeed('GET /api/v1/health')
const setup = { ...credentials, tenant_name: 'Example' }
await succeed('POST /api/v1/setup', { body: setup })
await call('POST /api/v1/setup', { body: setup })
await call('POST /api/v1/auth/login', { body: { ...credentials, password: 'wrong' } })
const login = await call('POST /api/v1/auth/login', { body: credentials })
const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
const person = { cookie, 'x-requested-with': 'reference' }
const as = (headers: Record<string, string>) => ({ headers })
const address = await server.listen()
const { secret } = JSON.parse(readFileSync(join(folder, 'local-access.json'), 'utf8')) as { secret: string }
await succeed('POST /api/v1/auth/local', { headers: { 'x-requested-with': 'reference' }, body: { secret } })
await succeed('GET /api/v1/auth/me', as(person))
const { key } = await succeed<{ key: string }>('POST /api/v1/keys', {
  ...as(person),
  body: { env: 'production', label: 'research agent' },
})
const agent = { authorization: `Bearer ${key}`, 'x-edictum-agent-id': 'research-agent' }
const spare = await succeed<{ id: string }>('POST /api/v1/keys', { ...as(person), body: { env: 'staging' } })
await succeed('GET /api/v1/keys', as(person))
await succeed('DELETE /api/v1/keys/:key_id', { ...as(person), path: { key_id: spare.id } })
const account = await succeed<{ id: string; client_id: string; client_secret: string }>(
  'POST /api/v1/service-accounts',
  {
    ...as(person),
    body: { name: 'ci', role: 'aegis:admin' },
  },
)
await succeed('GET /api/v1/service-accounts', as(person))
const weak = await succeed<typeof account>('POST /api/v1/service-accounts', {
  ...as(person),
  body: { name: 'watcher', role: 'aegis:readonly', scopes: ['workflow:list'] },
})
const idle = await succeed<typeof account>('POST /api/v1/service-accounts', { ...as(person), body: { name: 'idle' } })
const tokenOf = async ({ client_id, client_secret }: typeof account) => {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret })
  const { access_token } = await succeed<{ access_token: string }>(
    'POST /realms/:realm/protocol/openid-connect/token',
    {
      path: { realm: 'aegis-system' },
      body: form.toString(),
    },
  )
  return { authorization: `Bearer ${access_token}` }
}
const token = await tokenOf(account)
const weakToken = await tokenOf(weak)
await succeed('DELETE /api/v1/service-accounts/:id', { ...as(person), path: { id: idle.id } })
const realm = { path: { realm: 'aegis-system' } }
await call('POST /realms/:realm/protocol/openid-connect/token', {
  ...realm,
  body: 'grant_type=client_credentials&client_id=unknown&client_secret=wrong',
})
await call('POST /realms/:realm/protocol/openid-connect/token', { ...realm, body: 'grant_type=password' })
await succeed('GET /realms/:realm/protocol/openid-connect/certs', realm)
await succeed('GET /realms/:realm/.well-known/openid-configuration', realm)

// The library, compositions, bundles
const definition = {
  tool: 'read_file',
  when: { 'args.path': { contains: '.env' } },
  then: { effect: 'deny', message: '.env holds secrets.' },
}
const contract = {
  contract_id: 'no-env',
  name: 'No .env',
  description: 'Keeps secrets from agents.',
  type: 'pre',
  definition,
  tags: ['secrets'],
}
await succeed('POST /api/v1/contracts', { ...as(person), body: contract })
await call('POST /api/v1/contracts', { ...as(person), body: contract })
await call('POST /api/v1/contracts', { ...as(person), body: { ...contract, contract_id: 'No Env' } })
await succeed('GET /api/v1/contracts', { ...as(person), query: { type: 'pre', tag: 'secrets' } })
const ById = { path: { contract_id: 'no-env' } }
const composition = {
  name: 'house-rules',
  description: 'What every agent keeps to.',
  update_strategy: 'observe_first',
  contracts: [{ contract_id: 'no-env', position: 10 }],
}
await succeed('POST /api/v1/compositions', { ...as(person), body: composition })
await call('POST /api/v1/compositions', { ...as(person), body: composition })
const byName = { path: { name: 'house-rules' } }
await succeed('POST /api/v1/compositions/:name/preview', { ...as(person), ...byName })
await call('POST /api/v1/compositions/:name/promote', { ...as(person), ...byName, body: {} })
await succeed('POST /api/v1/compositions/:name/deploy', { ...as(person), ...byName, body: { env: 'production' } })
await minute()
await succeed('PUT /api/v1/contracts/:contract_id', {
  ...as(person),
  ...ById,
  body: { definition: { ...definition, then: { effect: 'deny', message: 'Secrets stay where they are.' } } },
})
await succeed('GET /api/v1/compositions', as(person))
await succeed('GET /api/v1/compositions/:name', { ...as(person), ...byName })
await succeed('POST /api/v1/compositions/:name/promote', { ...as(person), ...byName, body: { contract_id: 'no-env' } })
await succeed('PUT /api/v1/compositions/:name', { ...as(person), ...byName, body: { update_strategy: 'manual' } })
await succeed('GET /api/v1/contracts/:contract_id', { ...as(person), ...ById })
await succeed('GET /api/v1/contracts/:contract_id/versions/:version', {
  ...as(person),
  path: { contract_id: 'no-env', version: '1' },
})
await succeed('GET /api/v1/contracts/:contract_id/usage', { ...as(person), ...ById })
await call('DELETE /api/v1/contracts/:contract_id', { ...as(person), ...ById })
const bundle = `apiVersion: edictum/v1
kind: ContractBundle
metadata:
  name: assistant
defaults:
  mode: enforce
contracts:
  - id: no-env
    type: pre
    tool: read_file
    when: { args.path: { contains: .env } }
    then: { effect: deny, message: .env holds secrets. }
  - id: ask-first
    type: pre
    tool: delete_file
    when: { args.path: { exists: true } }
    then: { effect: approve, message: "Delete {args.path}?", timeout: 300 }
`
await succeed('POST /api/v1/contracts/import', {
  ...as(person),
  body: { yaml_content: bundle.replace('name: assistant', 'name: imported').replace('id: no-env', 'id: no-dotenv') },
})
await succeed('DELETE /api/v1/compositions/:name', { ...as(person), path: { name: 'imported' } })
await succeed('DELETE /api/v1/contracts/:contract_id', { ...as(person), path: { contract_id: 'no-dotenv' } })
await call('POST /api/v1/bundles', { ...as(person), body: { yaml_content: bundle.replace('contains:', 'contain:') } })
await succeed('POST /api/v1/bundles', { ...as(person), body: { yaml_content: bundle } })
const v1 = { path: { name: 'assistant', version: '1' } }
await call('POST /api/v1/bundles/:name/:version/deploy', {
  ...as(person),
  path: { name: 'assistant', version: '9' },
  body: { env: 'production' },
})
const deployment = await succeed<{ id: string }>('POST /api/v1/bundles/:name/:version/deploy', {
  ...as(person),
  ...v1,
  body: { env: 'production' },
})
await call('GET /api/v1/bundles/:name/current', {
  headers: agent,
  path: { name: 'assistant' },
  query: { env: 'staging' },
})
const current = await succeed<{ revision_hash: string }>('GET /api/v1/bundles/:name/current', {
  headers: agent,
  path: { name: 'assistant' },
  query: { env: 'production' },
})
await succeed('GET /api/v1/bundles', as(agent))
await succeed('GET /api/v1/bundles/:name', { ...as(person), path: { name: 'assistant' } })
await succeed('GET /api/v1/bundles/:name/:version', { ...as(agent), ...v1 })
await succeed('GET /api/v1/bundles/:name/:version/yaml', { ...as(agent), ...v1 })
await succeed('POST /api/v1/bundles/evaluate', {
  ...as(person),
  body: {
    yaml_content: bundle,
    tool_name: 'read_file',
    tool_args: { path: '/app/.env' },
    environment: 'production',
    principal: { user_id: 'ada', role: 'developer' },
  },
})

// What agents report
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
await succeed('GET /api/v1/events/histogram', {
  ...as(person),
  query: { since, until: '2026-03-01T13:00:00Z', bucket_seconds: '3600' },
})
const asked = await succeed<{ id: string }>('POST /api/v1/approvals', {
  headers: agent,
  body: {
    agent_id: 'research-agent',
    tool_name: 'delete_file',
    tool_args: { path: 'old.csv' },
    message: 'Delete old.csv?',
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
const session = { ...as(agent), path: { key: 'research-agent:calls' } }
await succeed('POST /api/v1/sessions/:key/increment', { ...session, body: { amount: 1 } })
await succeed('GET /api/v1/sessions/:key', session)
await succeed('POST /api/v1/sessions/batch', { ...as(agent), body: { keys: ['research-agent:calls', 'unknown'] } })
await succeed('PUT /api/v1/sessions/:key', { ...session, body: { value: 'seen' } })
await call('POST /api/v1/sessions/:key/increment', { ...session, body: { amount: 1 } })
await succeed('DELETE /api/v1/sessions/:key', session)

// What the console shows of them
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

// Channels and what chat platforms call
const discordKeys = generateKeyPairSync('ed25519')
const channel = (channel_type: string, config: object) =>
  succeed<{ id: string }>('POST /api/v1/notifications/channels', {
    ...as(person),
    body: { name: 'on call', channel_type, config, filters: { environments: ['production'] } },
  })
const hook = await channel('webhook', { url: 'https://hooks.example.com/lictor', secret: 'a secret of the receiver' })
await channel('slack_app', { bot_token: 'xoxb-example', slack_channel: 'C0123', signing_secret: 'signed' })
await channel('discord', {
  bot_token: 'example',
  public_key: publicBytesOf(discordKeys.privateKey).toString('hex'),
  discord_channel_id: '42',
})
const ofHook = { ...as(person), path: { channel_id: hook.id } }
await succeed('POST /api/v1/notifications/channels/:channel_id/test', ofHook)
await succeed('PUT /api/v1/notifications/channels/:channel_id', { ...ofHook, body: { enabled: false } })
await succeed('GET /api/v1/notifications/channels', as(person))
await succeed('DELETE /api/v1/notifications/channels/:channel_id', ofHook)
await succeed('GET /api/v1/slack/manifest')
const seconds = String(Math.floor(clock.now() / 1000))
const press = `payload=${encodeURIComponent(JSON.stringify({ type: 'block_actions', user: { username: 'ada' }, actions: [] }))}`
await call('POST /api/v1/slack/interactions', {
  body: press,
  headers: {
    'x-slack-request-timestamp': seconds,
    'x-slack-signature': `v0=${createHmac('sha256', 'signed').update(`v0:${seconds}:${press}`).digest('hex')}`,
  },
})
const ping = { type: 1 }
await call('POST /api/v1/discord/interactions', {
  body: ping,
  headers: {
    'x-signature-timestamp': seconds,
    'x-signature-ed25519': signBytes(discordKeys.privateKey, Buffer.from(seconds + JSON.stringify(ping))).toString(
      'hex',
    ),
  },
})
await call('POST /api/v1/telegram/webhook/:channel_id', { path: { channel_id: hook.id }, body: { update_id: 1 } })
await call('POST /api/v1/slack/interactions', { body: press })
await call('POST /api/v1/discord/interactions', { body: ping })

Object.assign(r.recordOf('POST', '/api/v1/telegram/webhook/:channel_id'), {
  path: { channel_id: hook.id },
  body: {
    update_id: 1,
    callback_query: { id: '4382', from: { id: 42, username: 'ada' }, data: `approve:${asked.id}` },
  },
})
await call('POST /api/v1/discord/interactions', {
  body: 'no JSON',
  headers: {
    'x-signature-timestamp': seconds,
    'x-signature-ed25519': signBytes(discordKeys.privateKey, Buffer.from(`${seconds}no JSON`)).toString('hex'),
  },
})

// The assistant
const describe = {
  ...as(person),
  body: { name: 'No .env', type: 'pre', definition_yaml: stringify(definition), tags: ['secrets'] },
}
const question = {
  ...as(person),
  body: { messages: [{ role: 'user', content: 'What does this contract do?' }], current_yaml: bundle },
}
await call('POST /api/v1/contracts/generate-description', describe)
await call('POST /api/v1/contracts/assist', question)
await call('POST /api/ai/assist', question)
await succeed('PUT /api/v1/settings/ai', {
  ...as(person),
  body: { provider: 'anthropic', api_key: 'an example of a key', model: 'claude-haiku-4-5' },
})
await succeed('GET /api/v1/settings/ai', as(person))
await succeed('POST /api/v1/settings/ai/test', as(person))
await succeed('POST /api/v1/contracts/generate-description', describe)
await succeed('POST /api/v1/contracts/assist', question)
await succeed('POST /api/ai/assist', question)
await succeed('GET /api/v1/settings/ai/usage', { ...as(person), query: { days: '7' } })
await succeed('DELETE /api/v1/settings/ai', as(person))

// The runtime
const manifest = (name: string) => ({
  apiVersion: '100monkeys.ai/v1',
  kind: 'Agent',
  metadata: { name, version: '1.0.0', description: 'Greets somebody.', labels: { team: 'examples' } },
  spec: {
    runtime: { language: 'javascript', version: '20' },
    task: { instruction: 'Write a greeting to greeting.txt, then answer with it.' },
    tools: ['write_file'],
  },
})
const deployed = await succeed<{ id: string }>('POST /v1/agents', {
  ...as(token),
  body: stringify(manifest('greeter')),
})
await call('POST /v1/agents', { ...as(token), body: stringify(manifest('greeter')) })
await call('POST /v1/agents', { ...as(token), body: 'kind: Agent' })
const gone = await succeed<{ id: string }>('POST /v1/agents', { ...as(token), body: stringify(manifest('spare')) })
const ofAgent = { ...as(token), path: { id: deployed.id } }
await succeed('GET /v1/agents', { ...as(token), query: { limit: '1' } })
await succeed('GET /v1/agents/lookup/:name', { ...as(token), path: { name: 'greeter' } })
await succeed('GET /v1/agents/:id', ofAgent)
await succeed('PATCH /v1/agents/:id', {
  ...ofAgent,
  body: { metadata: { version: '1.1.0', description: 'Greets anybody.' } },
})
await call('PATCH /v1/agents/:id', { ...ofAgent, body: { metadata: { name: 'spare' } } })
await succeed('GET /v1/agents/:id/versions', { ...ofAgent, query: { limit: '1' } })
await succeed('PATCH /v1/agents/:id/scope', { ...ofAgent, body: { scope: 'global' } })
await succeed('POST /v1/agents/:id/scope', { ...ofAgent, body: { target_scope: 'tenant' } })
const everywhere = await succeed<{ id: string }>('POST /v1/agents', {
  ...as(token),
  query: { scope: 'global' },
  body: stringify(manifest('greeter')),
})
for (const method of ['PATCH', 'POST'])
  await call(`${method} /v1/agents/:id/scope`, { ...ofAgent, body: { scope: 'global' } })
await succeed('DELETE /v1/agents/:id', { ...as(token), path: { id: everywhere.id } })
await succeed('DELETE /v1/agents/:id', { ...as(token), path: { id: gone.id } })
const started = await succeed<{ execution_id: string }>('POST /v1/executions', {
  ...as(token),
  body: { agent_id: deployed.id, input: { name: 'Ada' }, intent: 'Greet Ada.' },
})
await call('DELETE /v1/executions/:id', { ...as(token), path: { id: started.execution_id } })
const ofRun = { ...as(token), path: { id: started.execution_id } }
const stateOf = async (id: string) =>
  (await server.http.inject({ url: `/v1/executions/${id}`, headers: token })).json<{ status: string }>().status
await until(async () => !['pending', 'running'].includes(await stateOf(started.execution_id)))
await succeed('GET /v1/executions', { ...as(token), query: { status: 'completed', limit: '1' } })
await succeed('GET /v1/executions/:id', ofRun)
await succeed('GET /v1/executions/:id/files/*', {
  ...as(token),
  path: { id: started.execution_id, '*': 'greeting.txt' },
})
const past = { ...ofRun, query: { follow: 'false' } }
for (const name of ['stream', 'events']) await r.follow(address, `GET /v1/executions/:id/${name}`, past, 3)
for (const name of ['events', 'logs'])
  await r.follow(address, `GET /v1/agents/:id/${name}`, { ...ofAgent, query: { follow: 'false' } }, 3)
await r.follow(
  address,
  'GET /api/v1/stream',
  { ...as(agent), query: { env: 'production', bundle_name: 'assistant' } },
  1,
)
await r.follow(address, 'GET /api/v1/stream/dashboard', { headers: { ...person, 'last-event-id': '1' } }, 2)
await call('POST /v1/agents/:id/execute', { ...ofAgent, query: { version: '9.9.9' }, body: { input: 'go' } })
await call('POST /v1/executions', { ...as(token), body: { agent_id: gone.id } })
const further = await succeed<{ execution_id: string }>('POST /v1/agents/:id/execute', {
  ...ofAgent,
  query: { version: '1.1.0' },
  body: { input: { name: 'Grace' } },
})
await until(async () => (await stateOf(further.execution_id)) !== 'pending')
const generate = (execution_id: string) => ({
  ...as(token),
  body: {
    type: 'generate',
    agent_id: deployed.id,
    execution_id,
    iteration_number: 1,
    model_alias: 'default',
    prompt: 'Write a greeting to greeting.txt, then answer with it.',
    messages: [],
  },
})
await call('POST /v1/dispatch-gateway', generate(further.execution_id))
await call('POST /v1/dispatch-gateway', generate(started.execution_id))
await call('POST /v1/dispatch-gateway', generate('00000000-0000-4000-8000-000000000000'))
await call('POST /v1/dispatch-gateway', { ...as(token), body: { type: 'generate' } })
await call('POST /v1/executions', { ...as(token), body: { agent_id: '00000000-0000-4000-8000-000000000000' } })
await call('GET /v1/executions', { ...as(token), query: { workflow_name: 'nightly' } })
await succeed('POST /v1/executions/:id/cancel', {
  ...as(token),
  path: { id: further.execution_id },
  body: { reason: 'Not needed any more.' },
})
await succeed('DELETE /v1/executions/:id', ofRun)
await call('GET /api/v1/stream', { ...as(agent), query: { env: 'staging' } })
await call('GET /api/v1/stream', as(agent))
for (const stream of [
  '/v1/executions/:id/stream',
  '/v1/executions/:id/events',
  '/v1/agents/:id/events',
  '/v1/agents/:id/logs',
]) {
  await call(`GET ${stream}`, { ...as(token), path: { id: 'not-an-id' } })
  await call(`GET ${stream}`, { ...as(token), path: { id: deployed.id }, query: { follow: '\0' } })
}
for (const assist of ['/api/v1/contracts/assist', '/api/ai/assist']) {
  await call(`POST ${assist}`, { ...as(person), body: {} })
  await call(`POST ${assist}`, { headers: { cookie }, body: {} })
  await call(`POST ${assist}`, { headers: { ...person, 'content-length': '100000000' }, body: {} })
}

// Settings, last: they change what was recorded before
await succeed('POST /api/v1/settings/rotate-signing-key', as(person))
await succeed('DELETE /api/v1/settings/purge-events', { ...as(person), query: { older_than_days: '90' } })
isBusy = true
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
isBusy = false
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
r.save()
await server.close()
await provider.close()
rmSync(folder, { recursive: true, force: true })
