import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createSealEnvelope, Ed25519Key, verifySealEnvelope } from '@lictor/seal'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  AegisApiError,
  AegisClient,
  type AegisClientOptions,
  AegisConnectionError,
  AegisProtocolError,
  AegisTimeoutError,
  AegisTokenError,
  AegisUsageError,
  AgentManifest,
  AuthenticationError,
  type ExecutionEvent,
  NotFoundError,
  RateLimitError,
} from './index.ts'

interface Seen {
  readonly call: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
type Answer = (response: ServerResponse, seen: Seen) => void

let server: Server
let baseUrl: string
let seen: Seen[]
let answers: Answer[]
/** What the client waited between attempts, in milliseconds. */
let waited: number[]
let now: number
let clients: AegisClient[]

beforeEach(async () => {
  seen = []
  answers = []
  waited = []
  clients = []
  now = Date.parse('2026-04-26T10:00:00Z')
  server = createServer(async (request, response) => {
    const one = { call: `${request.method} ${request.url}`, headers: request.headers, body: await text(request) }
    seen.push(one)
    const answer = answers.shift()
    if (answer) answer(response, one)
    else response.writeHead(500).end('no answer was prepared')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  await Promise.all(clients.map((client) => client.aclose()))
  server.closeAllConnections()
  server.close()
})

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

const token = (name: string, fields: Record<string, unknown> = { expires_in: 300 }): Answer =>
  json({ access_token: name, token_type: 'Bearer', ...fields })

function connect(options: Partial<AegisClientOptions> = {}): AegisClient {
  const client = new AegisClient({
    baseUrl,
    bearerToken: 'token-0',
    environment: {
      now: () => now,
      random: () => 0,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted()
        waited.push(ms)
      },
    },
    ...options,
  })
  clients.push(client)
  return client
}

const credentials = { bearerToken: '', clientId: 'ci', clientSecret: 's3cret' }

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Error)
  return error as Error
}

async function collect(stream: AsyncIterable<ExecutionEvent>): Promise<string[]> {
  const types: string[] = []
  for await (const event of stream) types.push(event.event_type)
  return types
}

describe('every method calls its route', () => {
  const cases: [call: string, run: (client: AegisClient) => Promise<unknown>, body?: unknown][] = [
    ['POST /v1/agents', (c) => c.deployAgent({ name: 'a', instruction: 'Go' }), { name: 'a', instruction: 'Go' }],
    [
      'POST /v1/agents?force=true&scope=global',
      (c) => c.deployAgent('name: a', { force: true, scope: 'global' }),
      'name: a',
    ],
    ['GET /v1/agents', (c) => c.listAgents()],
    ['GET /v1/agents?limit=5&visible=false', (c) => c.listAgents({ limit: 5, visible: false })],
    ['GET /v1/agents/a1', (c) => c.getAgent('a1')],
    ['GET /v1/agents/lookup/my%20agent%2Fx', (c) => c.lookupAgent('my agent/x')],
    ['PATCH /v1/agents/a1', (c) => c.updateAgent('a1', { description: null }), { description: null }],
    ['DELETE /v1/agents/a1', (c) => c.deleteAgent('a1')],
    ['GET /v1/agents/a1/versions?limit=2', (c) => c.listAgentVersions('a1', { limit: 2 })],
    ['PATCH /v1/agents/a1/scope', (c) => c.updateAgentScope('a1', { scope: 'global' }), { scope: 'global' }],
    ['POST /v1/workflows?force=true', (c) => c.registerWorkflow('kind: Workflow', { force: true }), 'kind: Workflow'],
    [
      'POST /v1/workflows/temporal/register',
      (c) => c.registerTemporalWorkflow({ name: 'w', definition: 'states: {}' }),
      { name: 'w', definition: 'states: {}' },
    ],
    ['POST /v1/workflows/validate', (c) => c.validateWorkflow('kind: Workflow'), 'kind: Workflow'],
    ['GET /v1/workflows?visible=true', (c) => c.listWorkflows({ visible: true })],
    ['GET /v1/workflows/my%20flow%2Fx', (c) => c.getWorkflow('my flow/x')],
    ['GET /v1/workflows/w1/yaml', (c) => c.getWorkflowYaml('w1')],
    ['DELETE /v1/workflows/w1', (c) => c.deleteWorkflow('w1')],
    ['GET /v1/workflows/w1/versions?limit=2', (c) => c.listWorkflowVersions('w1', { limit: 2 })],
    ['POST /v1/workflows/w1/run?version=2', (c) => c.runWorkflow('w1', { input: 1 }, { version: '2' }), { input: 1 }],
    [
      'POST /v1/workflows/temporal/execute',
      (c) => c.executeTemporalWorkflow({ workflow_name: 'w' }),
      { workflow_name: 'w' },
    ],
    ['GET /v1/workflows/executions?status=failed', (c) => c.listWorkflowExecutions({ status: 'failed' })],
    ['GET /v1/workflows/executions/x1', (c) => c.getWorkflowExecution('x1')],
    ['DELETE /v1/workflows/executions/x1', (c) => c.removeWorkflowExecution('x1')],
    [
      'POST /v1/workflows/executions/x1/signal',
      (c) => c.signalWorkflowExecution('x1', { response: 'yes' }),
      { response: 'yes' },
    ],
    ['POST /v1/workflows/executions/x1/cancel', (c) => c.cancelWorkflowExecution('x1'), {}],
    ['GET /v1/workflows/executions/x1/logs?limit=5', (c) => c.getWorkflowExecutionLogs('x1', { limit: 5 })],
    ['PATCH /v1/workflows/w1/scope', (c) => c.updateWorkflowScope('w1', { scope: 'global' }), { scope: 'global' }],
    ['POST /v1/agents/a1/execute', (c) => c.executeAgent('a1', 'hi', 'greet'), { input: 'hi', intent: 'greet' }],
    [
      'POST /v1/agents/a1/execute?version=1.0.0',
      (c) => c.executeAgent('a1', { input: { n: 1 } }, { version: '1.0.0' }),
      { input: { n: 1 } },
    ],
    [
      'POST /v1/executions',
      (c) => c.startExecution('a1', 'hi', 'greet', { k: 1 }),
      { agent_id: 'a1', input: 'hi', intent: 'greet', context_overrides: { k: 1 } },
    ],
    ['POST /v1/executions', (c) => c.startExecution({ agent_id: 'a1', input: [1] }), { agent_id: 'a1', input: [1] }],
    ['GET /v1/executions/e1', (c) => c.getExecution('e1')],
    ['GET /v1/executions?status=failed&limit=3', (c) => c.listExecutions({ status: 'failed', limit: 3 })],
    ['POST /v1/executions/e1/cancel', (c) => c.cancelExecution('e1', { reason: 'enough' }), { reason: 'enough' }],
    ['DELETE /v1/executions/e1', (c) => c.deleteExecution('e1')],
    ['GET /v1/executions/e1/files/src/a%20b.txt', (c) => c.getExecutionFile('e1', '/src/./a b.txt')],
    ['GET /v1/human-approvals', (c) => c.listPendingApprovals()],
    ['GET /v1/human-approvals/h1', (c) => c.getPendingApproval('h1')],
    [
      'POST /v1/human-approvals/h1/approve',
      (c) => c.approveRequest('h1', 'Good', 'me'),
      { feedback: 'Good', approved_by: 'me' },
    ],
    ['POST /v1/human-approvals/h1/approve', (c) => c.approveRequest('h1', { feedback: 'Good' }), { feedback: 'Good' }],
    ['POST /v1/human-approvals/h1/approve', (c) => c.approveRequest('h1'), {}],
    [
      'POST /v1/human-approvals/h1/reject',
      (c) => c.rejectRequest('h1', 'No', 'me'),
      { reason: 'No', rejected_by: 'me' },
    ],
    ['POST /v1/human-approvals/h1/reject', (c) => c.rejectRequest('h1', { reason: 'No' }), { reason: 'No' }],
    [
      'POST /v1/seal/attest',
      (c) => c.attestSeal({ agent_public_key: 'k', security_context: 'default', user_id: null }),
      { agent_public_key: 'k', security_context: 'default', user_id: null },
    ],
    ['GET /v1/seal/tools', (c) => c.listSealTools()],
    ['GET /v1/seal/tools?security_context=a+b', (c) => c.listSealTools('a b')],
    [
      'POST /v1/seal/workloads',
      (c) => c.registerSealWorkload({ workload_id: 'w', allowed_contexts: ['default'] }),
      { workload_id: 'w', allowed_contexts: ['default'] },
    ],
    ['GET /v1/seal/workloads', (c) => c.listSealWorkloads()],
    ['DELETE /v1/seal/workloads/a%2Fb', (c) => c.revokeSealWorkload('a/b')],
    ['GET /v1/seal/sessions', (c) => c.listSealSessions()],
    ['DELETE /v1/seal/sessions/e1', (c) => c.revokeSealSession('e1')],
    ['GET /v1/security-contexts', (c) => c.listSecurityContexts()],
    ['GET /v1/security-contexts/lab', (c) => c.getSecurityContext('lab')],
    [
      'POST /v1/security-contexts',
      (c) => c.saveSecurityContext({ name: 'lab', capabilities: [] }),
      { name: 'lab', capabilities: [] },
    ],
    ['DELETE /v1/security-contexts/lab', (c) => c.deleteSecurityContext('lab')],
    ['GET /health/live', (c) => c.healthLive()],
    ['GET /health/ready', (c) => c.healthReady()],
    ['GET /v1/tools?source=builtin&limit=2', (c) => c.listTools({ source: 'builtin', limit: 2 })],
    ['GET /v1/tools/web%2Fx', (c) => c.getTool('web/x')],
    ['GET /v1/tools/servers', (c) => c.listToolServers()],
    [
      'POST /v1/volumes',
      (c) => c.createVolume({ label: 'v', size_limit_bytes: 9 }),
      { label: 'v', size_limit_bytes: 9 },
    ],
    ['GET /v1/volumes?limit=2', (c) => c.listVolumes({ limit: 2 })],
    ['GET /v1/volumes/v1', (c) => c.getVolume('v1')],
    ['PATCH /v1/volumes/v1', (c) => c.renameVolume('v1', { label: 'w' }), { label: 'w' }],
    ['DELETE /v1/volumes/v1', (c) => c.deleteVolume('v1')],
    ['GET /v1/volumes/quota', (c) => c.getVolumeQuota()],
    ['GET /v1/volumes/quota', (c) => c.getQuota()],
    ['GET /v1/volumes/v1/files', (c) => c.listFiles('v1')],
    ['GET /v1/volumes/v1/files?path=a+b%2Fc', (c) => c.listFiles('v1', 'a b/c')],
    ['GET /v1/volumes/v1/files/download?path=a%3Fb', (c) => c.downloadFile('v1', 'a?b')],
    ['GET /v1/volumes/v1/files/download?path=a', (c) => c.streamFile('v1', 'a')],
    ['POST /v1/volumes/v1/files/mkdir', (c) => c.mkdir('v1', 'a/b'), { path: 'a/b' }],
    ['POST /v1/volumes/v1/files/move', (c) => c.movePath('v1', { from: 'a', to: 'b' }), { from: 'a', to: 'b' }],
    [
      'POST /v1/volumes/v1/files/move',
      (c) => c.movePath('v1', { source: 'a', destination: 'b' }),
      { source: 'a', destination: 'b' },
    ],
    ['DELETE /v1/volumes/v1/files?path=a%2Fb', (c) => c.deletePath('v1', 'a/b')],
    [
      'GET /v1/storage/violations?volume_id=v&limit=2&offset=3',
      (c) => c.listStorageViolations({ volume_id: 'v', limit: 2, offset: 3 }),
    ],
    ['GET /v1/credentials', (c) => c.listCredentials()],
    ['GET /v1/credentials/c1', (c) => c.getCredential('c1')],
    [
      'POST /v1/credentials/api-keys',
      (c) => c.storeApiKey({ provider: 'p', api_key_value: 'k' }),
      { provider: 'p', api_key_value: 'k' },
    ],
    ['DELETE /v1/credentials/c1', (c) => c.revokeCredential('c1')],
    ['POST /v1/credentials/c1/rotate', (c) => c.rotateCredential('c1'), {}],
    ['POST /v1/credentials/c1/rotate', (c) => c.rotateCredential('c1', { new_value: 'k' }), { new_value: 'k' }],
    ['POST /v1/credentials/oauth/initiate', (c) => c.oauthInitiate({ provider: 'p' }), { provider: 'p' }],
    ['GET /v1/credentials/oauth/callback?code=a+b&state=s', (c) => c.oauthCallback({ code: 'a b', state: 's' })],
    ['POST /v1/credentials/oauth/device/initiate', (c) => c.deviceInitiate({ provider: 'p' }), { provider: 'p' }],
    [
      'POST /v1/credentials/oauth/device/poll',
      (c) => c.devicePoll({ device_code: 'd', provider: 'p' }),
      { device_code: 'd', provider: 'p' },
    ],
    ['GET /v1/credentials/c1/grants', (c) => c.listGrants('c1')],
    ['POST /v1/credentials/c1/grants', (c) => c.addGrant('c1', { agent_id: 'a1' }), { agent_id: 'a1' }],
    ['DELETE /v1/credentials/c1/grants/g1', (c) => c.revokeGrant('c1', 'g1')],
    ['PUT /v1/credentials/providers/p', (c) => c.putOAuthProvider('p', { client_id: 'x' }), { client_id: 'x' }],
    ['GET /v1/credentials/providers', (c) => c.listOAuthProviders()],
    ['DELETE /v1/credentials/providers/p', (c) => c.deleteOAuthProvider('p')],
    ['GET /v1/secrets?path_prefix=db%2F', (c) => c.listSecrets('db/')],
    ['GET /v1/secrets/db/pass%20word', (c) => c.getSecret('/db//pass word')],
    ['GET /v1/secrets/db?version=2', (c) => c.getSecret('db', 2)],
    ['PUT /v1/secrets/db', (c) => c.writeSecret('db', { value: 'v' }), { value: 'v' }],
    ['DELETE /v1/secrets/db', (c) => c.deleteSecret('db')],
    ['DELETE /v1/secrets/db?version=2', (c) => c.destroySecretVersion('db', 2)],
    ['GET /v1/secret-versions/db', (c) => c.listSecretVersions('db')],
    ['GET /v1/api-keys', (c) => c.listApiKeys()],
    [
      'POST /v1/api-keys',
      (c) => c.createApiKey({ name: 'k', scopes: ['agent:list'] }),
      { name: 'k', scopes: ['agent:list'] },
    ],
    ['DELETE /v1/api-keys/k1', (c) => c.revokeApiKey('k1')],
    ['GET /v1/stimuli?limit=5', (c) => c.listStimuli({ limit: 5 })],
    ['GET /v1/stimuli/s1', (c) => c.getStimulus('s1')],
    ['POST /v1/stimuli', (c) => c.ingestStimulus({ content: { a: 1 } }), { content: { a: 1 } }],
    ['POST /v1/webhooks/my%20shop', (c) => c.sendWebhook('my shop', { a: 1 }), { a: 1 }],
    [
      'POST /v1/stimuli/sources',
      (c) => c.putStimulusSource({ source: 'shop', workflow: 'w' }),
      { source: 'shop', workflow: 'w' },
    ],
    ['GET /v1/stimuli/sources', (c) => c.listStimulusSources()],
    ['DELETE /v1/stimuli/sources/shop', (c) => c.deleteStimulusSource('shop')],
    [
      'PUT /v1/schedules/nightly',
      (c) => c.putSchedule('nightly', { workflow: 'w', cron: '0 3 * * *' }),
      { workflow: 'w', cron: '0 3 * * *' },
    ],
    ['GET /v1/schedules', (c) => c.listSchedules()],
    ['GET /v1/schedules/nightly', (c) => c.getSchedule('nightly')],
    ['DELETE /v1/schedules/nightly', (c) => c.deleteSchedule('nightly')],
    [
      'POST /v1/admin/tenants',
      (c) => c.createTenant('acme', 'Acme'),
      { slug: 'acme', display_name: 'Acme', tier: 'enterprise' },
    ],
    ['GET /v1/admin/tenants', (c) => c.listTenants()],
    ['GET /v1/admin/tenants/acme', (c) => c.getTenant('acme')],
    ['POST /v1/admin/tenants/acme/suspend', (c) => c.suspendTenant('acme')],
    ['POST /v1/admin/tenants/acme/resume', (c) => c.resumeTenant('acme')],
    ['DELETE /v1/admin/tenants/acme', (c) => c.deleteTenant('acme')],
    ['PUT /v1/admin/tenants/acme/quotas', (c) => c.setTenantQuotas('acme', { max_agents: 3 }), { max_agents: 3 }],
    [
      'POST /v1/admin/tenants/acme/invitations',
      (c) => c.inviteToTenant('acme', { email: 'a@example.com' }),
      { email: 'a@example.com' },
    ],
    ['GET /v1/colony/members?limit=5', (c) => c.listMembers(5)],
    ['POST /v1/colony/members', (c) => c.inviteMember({ email: 'a@example.com' }), { email: 'a@example.com' }],
    ['DELETE /v1/colony/members/u1', (c) => c.removeMember('u1')],
    ['PUT /v1/colony/roles', (c) => c.updateRole({ user_id: 'u1', role: 'viewer' }), { user_id: 'u1', role: 'viewer' }],
    ['POST /v1/colony/invitations/t1/accept', (c) => c.acceptInvitation('t1')],
    ['GET /v1/colony/saml', (c) => c.getSamlConfig()],
    [
      'PUT /v1/colony/saml',
      (c) => c.setSamlConfig({ entity_id: 'e', sso_url: 'https://e.example', certificate: 'c' }),
      { entity_id: 'e', sso_url: 'https://e.example', certificate: 'c' },
    ],
    ['GET /v1/colony/subscription', (c) => c.getSubscription()],
    ['GET /v1/cortex/patterns?query=x&limit=5', (c) => c.listCortexPatterns({ query: 'x', limit: 5 })],
    ['GET /v1/cortex/skills?limit=5', (c) => c.getCortexSkills({ limit: 5 })],
    ['GET /v1/cortex/metrics', (c) => c.getCortexMetrics()],
    ['GET /v1/admin/rate-limits/overrides?tenant_id=t&user_id=u', (c) => c.listRateLimitOverrides('t', 'u')],
    [
      'POST /v1/admin/rate-limits/overrides',
      (c) => c.createRateLimitOverride({ resource_type: 'tool_call', bucket: 'hourly', limit_value: 5 } as never),
      { resource_type: 'tool_call', bucket: 'hourly', limit_value: 5 },
    ],
    ['DELETE /v1/admin/rate-limits/overrides/o1', (c) => c.deleteRateLimitOverride('o1')],
    ['GET /v1/admin/rate-limits/usage?scope_type=user&scope_id=u', (c) => c.getRateLimitUsage('user', 'u')],
    ['GET /v1/user/rate-limits/usage', (c) => c.getUserRateLimitUsage()],
    ['GET /v1/cluster/status', (c) => c.getClusterStatus()],
    ['GET /v1/swarms?limit=5', (c) => c.listSwarms({ limit: 5 })],
    ['GET /v1/swarms/s1', (c) => c.getSwarm('s1')],
    ['GET /v1/cluster/nodes', (c) => c.getClusterNodes()],
    ['POST /v1/cluster/nodes/n1/drain', (c) => c.drainNode('n1')],
    ['POST /v1/cluster/nodes/n1/activate', (c) => c.activateNode('n1')],
    ['DELETE /v1/cluster/nodes/n1', (c) => c.removeNode('n1')],
    ['GET /v1/dashboard/summary', (c) => c.getDashboardSummary()],
    ['GET /v1/security/incidents', (c) => c.listSecurityIncidents()],
    ['GET /v1/billing/prices', (c) => c.listPrices()],
    [
      'POST /v1/billing/checkout',
      (c) => c.createCheckoutSession('price_1', { seats: 2, successUrl: 'https://example.com/ok' }),
      { price_id: 'price_1', seats: 2, success_url: 'https://example.com/ok' },
    ],
    ['POST /v1/billing/portal', (c) => c.createPortalSession()],
    ['GET /v1/billing/subscription', (c) => c.getSubscriptionBilling()],
    ['GET /v1/billing/invoices', (c) => c.getInvoices()],
  ]
  /** These take more than a row: their own tests follow, here or under `streams` and `ending a call`. */
  const apart = [
    ...['uploadFile', 'attachToVolume', 'invokeSeal', 'dispatchGateway', 'streamExecution', 'streamAgentEvents'],
    ...['streamWorkflowExecutionLogs', 'withOptions', 'aclose'],
  ]
  test('no method is missing', () => {
    const called = new Set<string>(apart)
    const noting = new Proxy({}, { get: (_, name) => () => called.add(String(name)) }) as AegisClient
    for (const [, run] of cases) run(noting)
    const members = [...Object.keys(connect()), ...Object.getOwnPropertyNames(AegisClient.prototype)]
    expect([...called].sort()).toEqual(members.filter((name) => name !== 'constructor').sort())
  })

  test.each(cases)('%s', async (call, run, body) => {
    answers = [json({ status: 'ok' })]
    await run(connect())
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ call, headers: { authorization: 'Bearer token-0' } })
    if (typeof body === 'object') {
      expect(JSON.parse(seen[0]!.body)).toEqual(body)
      expect(seen[0]!.headers['content-type']).toBe('application/json')
    } else if (typeof body === 'string') {
      expect(seen[0]!.body).toBe(body)
      expect(seen[0]!.headers['content-type']).toBe('text/yaml')
    } else {
      expect(seen[0]!.body).toBe('')
    }
  })

  test('a manifest object is deployed as JSON', async () => {
    answers = [json({ agent_id: 'a1' })]
    const manifest = AgentManifest.from({ name: 'a', language: 'go', version: '1.21', instruction: 'Go' })
    await connect().deployAgent(manifest)
    expect(AgentManifest.parse(seen[0]!.body).toJSON()).toEqual(manifest.toJSON())
  })

  test('approvals are unwrapped, files are bytes', async () => {
    answers = [
      json({ pending_requests: [{ id: 'h1' }], count: 1 }),
      json({ request: { id: 'h2' } }),
      (response) => response.end(Buffer.from([0, 255, 10])),
    ]
    const client = connect()
    expect(await client.listPendingApprovals()).toEqual([{ id: 'h1' }])
    expect(await client.getPendingApproval('h2')).toEqual({ id: 'h2' })
    expect(await client.getExecutionFile('e1', 'x')).toEqual(new Uint8Array([0, 255, 10]))
  })

  test('a file is sent as its bytes, named by a header, to where the query says; an attachment is told in one form', async () => {
    const kept = {
      path: 'a/é.txt',
      name: 'é.txt',
      mime_type: 'text/plain',
      size: 2,
      size_bytes: 2,
      sha256: 'd',
      more: 1,
    }
    answers = [json(kept), json(kept)]
    const client = connect()
    expect(await client.uploadFile('v1', 'é', 'a/é.txt')).toEqual(kept)
    expect(await client.attachToVolume('v1', new File(['é'], 'é.txt'))).toEqual({
      volume_id: 'v1',
      path: 'a/é.txt',
      name: 'é.txt',
      mime_type: 'text/plain',
      size: 2,
      sha256: 'd',
    })
    expect(seen.map(({ call, body, headers }) => [call, body, headers['content-type'], headers['x-filename']])).toEqual(
      [
        ['POST /v1/volumes/v1/files/upload?path=a%2F%C3%A9.txt', 'é', 'application/octet-stream', undefined],
        ['POST /v1/volumes/v1/files/upload', 'é', 'application/octet-stream', '%C3%A9.txt'],
      ],
    )
    expect(await failure(client.uploadFile('v1', 'x'))).toBeInstanceOf(AegisUsageError)
    expect(seen).toHaveLength(2)
  })

  test('a signed envelope is sent as it was signed, and once: a second time it would be a replay', async () => {
    const key = Ed25519Key.generate()
    const payload = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 't', arguments: { n: 2n ** 60n } } }
    const envelope = createSealEnvelope('a.b.c', payload, key)
    answers = [json({ status: 'success', result: { ok: true }, ok: true })]
    expect(await connect().invokeSeal(envelope)).toMatchObject({ ok: true, result: { ok: true } })
    expect(verifySealEnvelope(seen[0]!.body, key.getPublicKeyBytes())).toEqual(payload)
    expect(seen[0]).toMatchObject({ call: 'POST /v1/seal/invoke', headers: { 'content-type': 'application/json' } })
    const refusal = { status: 'error', message: 'away', error: { code: 4502, message: 'away' } }
    answers = [json(refusal, 503)]
    expect(await failure(connect().invokeSeal(seen[0]!.body))).toMatchObject({ status: 503, body: refusal })
    expect(seen).toHaveLength(2)
  })

  test('the dispatch gateway answers with a checked message, and is asked once', async () => {
    const client = connect()
    answers = [json({ content: 'done', tool_calls_executed: 2 })]
    const message = { type: 'generate', execution_id: 'e1', iteration_number: 1, prompt: 'p' } as const
    expect(await client.dispatchGateway(message)).toEqual({
      type: 'final',
      content: 'done',
      tool_calls_executed: 2,
      conversation: [],
    })
    answers = [json({ type: 'dispatch' }), json({ error: 'upstream_unavailable: x' }, 503)]
    expect((await failure(client.dispatchGateway(message))).message).toBe(
      'not a dispatch message: dispatch_id is required; action is required',
    )
    expect(await failure(client.dispatchGateway(message))).toMatchObject({ status: 503 })
    expect(seen).toHaveLength(3)
  })
})

describe('a call that would reach another route is not sent', () => {
  const cases: [name: string, run: (client: AegisClient) => Promise<unknown>][] = [
    ['empty id', (c) => c.getAgent('')],
    ['dot segment', (c) => c.deleteExecution('..')],
    ['missing id', (c) => c.getExecution(undefined as unknown as string)],
    ['climbing file path', (c) => c.getExecutionFile('e1', 'a/../../../agents')],
    ['empty file path', (c) => c.getExecutionFile('e1', '/')],
  ]
  test.each(cases)('%s', async (_, run) => {
    expect(await failure(run(connect()))).toBeInstanceOf(AegisUsageError)
    expect(seen).toEqual([])
  })
})

describe('errors', () => {
  test('carry status, code, message, body and request id', async () => {
    const body = { error: 'agent_gone', message: 'Agent not found' }
    answers = [json(body, 404, { 'x-request-id': 'req-7' })]
    const error = await failure(connect().getAgent('a1'))
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toBeInstanceOf(AegisApiError)
    expect(error).toMatchObject({
      name: 'NotFoundError',
      status: 404,
      code: 'agent_gone',
      requestId: 'req-7',
      body,
      message: 'GET /v1/agents/a1 answered 404: Agent not found',
    })
  })

  const bodies: [name: string, body: string, code: string, message: string][] = [
    ['only error', '{"error":"Agent not found"}', 'Agent not found', 'GET /v1/agents answered 400: Agent not found'],
    ['detail', '{"detail":"no"}', 'http_400', 'GET /v1/agents answered 400: no'],
    ['plain text', 'Bad thing', 'http_400', 'GET /v1/agents answered 400: Bad thing'],
    ['empty', '', 'http_400', 'GET /v1/agents answered 400'],
    ['other JSON', '[1]', 'http_400', 'GET /v1/agents answered 400'],
  ]
  test.each(bodies)('are read from a body with %s', async (_, body, code, message) => {
    answers = [(response) => response.writeHead(400).end(body)]
    expect(await failure(connect().listAgents())).toMatchObject({ code, message })
  })

  test('a redirect is an error, not a second request', async () => {
    answers = [(response) => response.writeHead(302, { location: '/elsewhere' }).end()]
    expect(await failure(connect().listAgents())).toMatchObject({ status: 302 })
    expect(seen).toHaveLength(1)
  })

  test('an answer that is no JSON is a protocol error', async () => {
    answers = [(response) => response.end('<html>')]
    expect(await failure(connect().listAgents())).toBeInstanceOf(AegisProtocolError)
  })

  test('a server that is away is a connection error that names the reason', async () => {
    server.close()
    const error = await failure(connect({ maxRetries: 0 }).listAgents())
    expect(error).toBeInstanceOf(AegisConnectionError)
    expect(error.message).toMatch(/^GET \/v1\/agents: the connection failed: .*ECONNREFUSED/)
  })

  test('a server that does not answer is a time-out error', async () => {
    answers = [() => {}]
    const error = await failure(connect({ timeoutMs: 50, maxRetries: 0 }).listAgents())
    expect(error).toBeInstanceOf(AegisTimeoutError)
    expect(error.message).toBe('GET /v1/agents: no answer within 50 ms')
  })

  test('a body that never ends is a time-out error too', async () => {
    answers = [(response) => response.writeHead(200).write('{')]
    expect(await failure(connect({ timeoutMs: 50, maxRetries: 0 }).listAgents())).toBeInstanceOf(AegisTimeoutError)
  })
})

describe('retries', () => {
  test('a GET is repeated after passing failures, waiting longer each time', async () => {
    answers = [json({}, 502), (response) => response.destroy(), json({ items: [], agents: [], count: 0 })]
    expect(await connect().listAgents()).toMatchObject({ count: 0 })
    expect(waited).toEqual([500, 1000])
  })

  test('retry-after is honoured in seconds and as a date', async () => {
    answers = [
      json({}, 429, { 'retry-after': '7' }),
      json({}, 503, { 'retry-after': 'Sun, 26 Apr 2026 10:00:03 GMT' }),
      json({ count: 0 }),
    ]
    await connect().listAgents()
    expect(waited).toEqual([7000, 3000])
  })

  test('a server that asks for more than a minute is not waited for', async () => {
    answers = [json({ error: 'rate_limited' }, 429, { 'retry-after': '3600' })]
    expect(await failure(connect().listAgents())).toBeInstanceOf(RateLimitError)
    expect(waited).toEqual([])
  })

  test('a POST is repeated when it was surely not carried out, with the same key', async () => {
    answers = [json({}, 429), json({}, 503), json({ execution_id: 'e1' })]
    expect(await connect().startExecution('a1', 'hi')).toMatchObject({ execution_id: 'e1' })
    const keys = seen.map(({ headers }) => headers['idempotency-key'])
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
    expect(new Set(keys).size).toBe(1)
  })

  const doubtful: [name: string, answer: Answer][] = [
    ['an error within the server', json({}, 500)],
    ['a broken connection', (response) => response.destroy()],
    ['a gateway time-out', json({}, 504)],
  ]
  test.each(doubtful)('a POST is not repeated after %s', async (_, answer) => {
    answers = [answer, json({ execution_id: 'e2' })]
    await failure(connect().startExecution('a1', 'hi'))
    expect(seen).toHaveLength(1)
  })

  test('a POST that never reached a server is repeated', async () => {
    const failed = new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) })
    let calls = 0
    const client = connect({
      fetch: async (...args) => {
        if (calls++ === 0) throw failed
        return fetch(...args)
      },
    })
    answers = [json({ execution_id: 'e1' })]
    await client.startExecution('a1', 'hi')
    expect(calls).toBe(2)
  })

  test('what the caller did wrong is not repeated', async () => {
    answers = [json({ error: 'x' }, 422)]
    await failure(connect().listAgents())
    expect(waited).toEqual([])
  })

  test('the number of retries is the client’s, or the call’s', async () => {
    answers = [json({}, 503), json({}, 503), json({}, 503), json({}, 503)]
    await failure(connect({ maxRetries: 0 }).listAgents())
    await failure(connect({ maxRetries: 0 }).listAgents({}, { maxRetries: 1 }))
    expect(seen).toHaveLength(3)
  })
})

describe('ending a call', () => {
  test('the caller’s signal ends it with the caller’s reason', async () => {
    const caller = new AbortController()
    answers = [() => caller.abort(new Error('changed my mind'))]
    expect((await failure(connect().listAgents({}, { signal: caller.signal }))).message).toBe('changed my mind')
    expect(seen).toHaveLength(1)
  })

  test('no retry follows an abort during the wait', async () => {
    const caller = new AbortController()
    const client = connect({
      environment: {
        sleep: async (_, signal) => {
          caller.abort(new Error('enough'))
          signal?.throwIfAborted()
        },
      },
    })
    answers = [json({}, 503)]
    expect((await failure(client.listAgents({}, { signal: caller.signal }))).message).toBe('enough')
    expect(seen).toHaveLength(1)
  })

  test('closing the client ends what is under way and refuses what comes after', async () => {
    const client = connect()
    answers = [() => void client.aclose()]
    expect(await failure(client.listAgents())).toBeInstanceOf(AegisUsageError)
    expect(await failure(client.listAgents())).toBeInstanceOf(AegisUsageError)
    expect(seen).toHaveLength(1)
  })
})

describe('client credentials', () => {
  test('are exchanged at the Keycloak path, as a form, once for many calls', async () => {
    answers = [token('token-1'), json({}), json({})]
    const client = connect({ ...credentials, keycloakUrl: `${baseUrl}/auth/`, realm: 'acme' })
    await Promise.all([client.listAgents(), client.listExecutions()])
    expect(seen.map(({ call }) => call)).toEqual([
      'POST /auth/realms/acme/protocol/openid-connect/token',
      expect.stringContaining('GET /v1/'),
      expect.stringContaining('GET /v1/'),
    ])
    expect(Object.fromEntries(new URLSearchParams(seen[0]!.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'ci',
      client_secret: 's3cret',
    })
    expect(seen[0]!.headers).not.toHaveProperty('authorization')
    expect(seen[1]!.headers.authorization).toBe('Bearer token-1')
  })

  test('default to the server’s own token endpoint', async () => {
    answers = [token('token-1'), json({})]
    await connect(credentials).listAgents()
    expect(seen[0]!.call).toBe('POST /realms/aegis-system/protocol/openid-connect/token')
  })

  test('a token is replaced shortly before it ends, and not earlier', async () => {
    answers = [token('token-1', { expires_in: 100 }), json({}), json({}), token('token-2', {}), json({})]
    const client = connect(credentials)
    await client.listAgents()
    now += 69_999
    await client.listAgents()
    now += 1
    await client.listAgents()
    expect(seen.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      'Bearer token-1',
      'Bearer token-1',
      undefined,
      'Bearer token-2',
    ])
  })

  test('a revoked token is replaced once; a second refusal is the answer', async () => {
    answers = [
      token('token-1'),
      json({}, 401),
      token('token-2'),
      json({ count: 1 }),
      json({}, 401),
      token('token-3'),
      json({}, 401),
    ]
    const client = connect(credentials)
    expect(await client.listAgents()).toEqual({ count: 1 })
    expect(await failure(client.listAgents())).toBeInstanceOf(AuthenticationError)
    expect(seen).toHaveLength(7)
  })

  test('a bearer token that is refused is not retried', async () => {
    answers = [json({ error: 'unauthorized' }, 401)]
    expect(await failure(connect().listAgents())).toBeInstanceOf(AuthenticationError)
    expect(seen).toHaveLength(1)
  })

  test('refused credentials are named as such, without the secret', async () => {
    answers = [json({ error: 'invalid_client' }, 401)]
    const error = await failure(connect(credentials).listAgents())
    expect(error).toBeInstanceOf(AegisTokenError)
    expect(error.message).toBe(
      `Failed to fetch access token from ${baseUrl}/realms/aegis-system/protocol/openid-connect/token: HTTP 401 — {"error":"invalid_client"}`,
    )
  })

  test('a token endpoint that is busy is asked again', async () => {
    answers = [json({}, 503), token('token-1'), json({})]
    await connect(credentials).listAgents()
    expect(seen).toHaveLength(3)
  })

  test('a token endpoint that stays away is given up after its own retries, not after the call’s as well', async () => {
    answers = [json({}, 503), json({}, 503), json({}, 503), json({}, 503)]
    expect(await failure(connect(credentials).listAgents())).toMatchObject({ name: 'AegisTokenError', status: 503 })
    expect(seen).toHaveLength(3)
    server.close()
    server.closeAllConnections()
    expect(await failure(connect(credentials).listAgents())).toMatchObject({
      name: 'AegisTokenError',
      status: undefined,
    })
    expect(waited).toEqual([500, 1000, 500, 1000])
  })

  const garbage: [name: string, answer: Answer][] = [
    ['no JSON', (response) => response.end('hello')],
    ['no token', json({ token_type: 'Bearer' })],
    ['null', json(null)],
  ]
  test.each(garbage)('a token endpoint that answers with %s is a protocol error', async (_, answer) => {
    answers = [answer]
    expect(await failure(connect(credentials).listAgents())).toBeInstanceOf(AegisProtocolError)
  })

  test('half of the credentials or a bad address are refused at once', () => {
    expect(() => connect({ bearerToken: '', clientId: 'ci' })).toThrow(/clientSecret/)
    expect(() => connect({ baseUrl: 'localhost:8000' })).toThrow(/baseUrl must be an http or https address/)
  })
})

describe('options', () => {
  test('headers of the client and of the call are sent; withOptions changes one client only', async () => {
    answers = [json({}), json({})]
    const client = connect({ headers: { 'X-Tenant-Id': 't-1' } })
    const other = client.withOptions({ bearerToken: 'token-9' })
    clients.push(other)
    await other.listAgents({}, { headers: { 'X-Trace': '1' } })
    await client.listAgents()
    expect(seen[0]!.headers).toMatchObject({ 'x-tenant-id': 't-1', 'x-trace': '1', authorization: 'Bearer token-9' })
    expect(seen[1]!.headers).toMatchObject({ 'x-tenant-id': 't-1', authorization: 'Bearer token-0' })
  })

  test('a base URL with slashes and a prefix keeps the prefix', async () => {
    answers = [json({})]
    await connect({ baseUrl: `${baseUrl}/prefix//` }).listAgents()
    expect(seen[0]!.call).toBe('GET /prefix/v1/agents')
  })
})

describe('streams', () => {
  const event = (id: number | undefined, fields: Record<string, unknown>): string =>
    `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(fields)}\n\n`
  const stream =
    (...parts: string[]): Answer =>
    (response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(parts.join(''))
  /** Sends the parts, then breaks the connection. */
  const broken =
    (...parts: string[]): Answer =>
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(parts.join(''), () => response.destroy())
    }

  test('events come typed, until the terminal one', async () => {
    answers = [
      stream(
        ': keepalive\n\n',
        event(1, { type: 'execution_started', execution_id: 'e1' }),
        event(2, { event_type: 'console_output', content: 'ü' }),
        event(3, { something: 'else' }),
        event(4, { type: 'execution_completed' }),
      ),
    ]
    const events: ExecutionEvent[] = []
    for await (const one of connect().streamExecution('e1', 'seal-token')) events.push(one)
    expect(events).toEqual([
      { event_type: 'execution_started', data: { type: 'execution_started', execution_id: 'e1' }, id: '1' },
      { event_type: 'console_output', data: { event_type: 'console_output', content: 'ü' }, id: '2' },
      { event_type: 'unknown', data: { something: 'else' }, id: '3' },
      { event_type: 'execution_completed', data: { type: 'execution_completed' }, id: '4' },
    ])
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      call: 'GET /v1/executions/e1/stream?token=seal-token',
      headers: { accept: 'text/event-stream' },
    })
  })

  test('a lost connection is taken up after the last event', async () => {
    answers = [
      broken(event(1, { type: 'execution_started' }), event(2, { type: 'iteration_started' })),
      stream(event(3, { type: 'iteration_completed' })),
      stream(event(4, { type: 'execution_failed' })),
    ]
    expect(await collect(connect().streamExecution('e1'))).toEqual([
      'execution_started',
      'iteration_started',
      'iteration_completed',
      'execution_failed',
    ])
    expect(seen.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '2', '3'])
  })

  test('the log of a workflow ends with its last entry, and is taken up before', async () => {
    answers = [
      broken(event(1, { type: 'WorkflowExecutionStarted' })),
      broken(event(2, { type: 'WorkflowExecutionCompleted' })),
    ]
    const types = await collect(connect().streamWorkflowExecutionLogs('x1'))
    expect(types).toEqual(['WorkflowExecutionStarted', 'WorkflowExecutionCompleted'])
    expect(seen.map(({ call, headers }) => [call, headers['last-event-id']])).toEqual([
      ['GET /v1/workflows/executions/x1/logs/stream', undefined],
      ['GET /v1/workflows/executions/x1/logs/stream', '1'],
    ])
  })

  test('a connection lost after the terminal event is no loss', async () => {
    answers = [broken(event(1, { type: 'execution_cancelled' }))]
    expect(await collect(connect().streamExecution('e1'))).toEqual(['execution_cancelled'])
    expect(seen).toHaveLength(1)
  })

  test('without ids nothing is repeated: a loss is reported', async () => {
    answers = [broken(event(undefined, { type: 'execution_started' }))]
    const types: string[] = []
    const error = await failure(
      (async () => {
        for await (const { event_type: type } of connect().streamExecution('e1')) types.push(type)
      })(),
    )
    expect(error).toBeInstanceOf(AegisConnectionError)
    expect(types).toEqual(['execution_started'])
    expect(seen).toHaveLength(1)
  })

  test('a stream that is lost again and again without an event is given up', async () => {
    answers = [broken(': hi\n\n'), broken(': hi\n\n'), broken(': hi\n\n'), broken(': hi\n\n')]
    expect(await failure(collect(connect().streamExecution('e1')))).toBeInstanceOf(AegisConnectionError)
    expect(seen).toHaveLength(3)
    expect(waited).toEqual([500, 1000])
  })

  test('a stream that falls silent is a time-out', async () => {
    answers = [(response) => response.writeHead(200).write(event(undefined, { type: 'execution_started' }))]
    const client = connect({ timeoutMs: 50, maxRetries: 0 })
    expect(await failure(collect(client.streamExecution('e1')))).toBeInstanceOf(AegisTimeoutError)
  })

  test('an unknown execution is an error before the first event', async () => {
    answers = [json({ error: 'Execution not found' }, 404)]
    expect(await failure(collect(connect().streamExecution('e1')))).toBeInstanceOf(NotFoundError)
  })

  test('leaving the loop closes the connection', async () => {
    let closed: Promise<unknown> | undefined
    answers = [
      (response) => {
        closed = once(response, 'close')
        response.writeHead(200).write(event(1, { type: 'execution_started' }))
      },
    ]
    for await (const _ of connect().streamExecution('e1')) break
    await closed
  })

  test('agent events end where the server ends them', async () => {
    answers = [stream(event(1, { type: 'execution_started' }), event(2, { type: 'execution_completed' }))]
    const stored = connect().streamAgentEvents('a1', { follow: false })
    expect(await collect(stored)).toEqual(['execution_started', 'execution_completed'])
    expect(seen.map(({ call }) => call)).toEqual(['GET /v1/agents/a1/events?follow=false'])
  })

  test.each(['data: nonsense\n\n', 'data: [1]\n\n'])(
    'an event that is no object is a protocol error: %j',
    async (part) => {
      answers = [stream(part)]
      expect(await failure(collect(connect().streamExecution('e1')))).toBeInstanceOf(AegisProtocolError)
    },
  )
})
