import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DeclaredRoute } from '../src/http/server.ts'
import { bundleYaml } from './documents.ts'
import { onEachDatabase, type TestServer } from './harness.ts'
import { libraryOf } from './library.ts'
import { deployAgent, requestToken, until } from './runtime.ts'
import { sealHand, workloadPrefix } from './seal.ts'
import { selfSignedRsa } from './self-signed.ts'
import { openSse } from './sse-client.ts'

/** Stands in every free text of tenant A; nobody else may ever read it. */
const MARK = 'tenant-a-mark'
/** Names of A's things, which a stranger may guess and send, and read back in a refusal. */
const names = {
  contract: 'guessable-contract',
  composition: 'guessable-composition',
  bundle: 'guessable-bundle',
  agent: 'guessable-agent',
  workflow: 'guessable-flow',
  session: 'guessable-session',
  secret: 'guessable-secret',
  file: 'guessable-file',
  provider: 'guessable-provider',
  context: 'guessable-context',
  source: 'guessable-source',
  schedule: 'guessable-schedule',
}

type Headers = Record<string, string>

/** Tenant A with one of everything in staging, and the ids by which its things are addressed. */
interface World {
  readonly tenantId: string
  readonly ids: Readonly<Record<string, string>>
}

const ok = (answer: { statusCode: number; body: string }, what: string): void => {
  if (answer.statusCode >= 300) throw new Error(`${what}: ${answer.statusCode} ${answer.body}`)
}

async function plant(t: TestServer): Promise<World> {
  const headers = await t.admin()
  const staging = await t.agent('staging', names.agent)
  const send = async (method: 'POST' | 'PUT' | 'PATCH', url: string, payload: object, as: Headers = headers) => {
    const answer = await t.request({ method, url, headers: as, payload })
    ok(answer, `${method} ${url}`)
    return answer
  }
  const library = libraryOf(t)
  const definition = {
    tool: 'read_file',
    when: { 'args.path': { contains: MARK } },
    // biome-ignore lint/suspicious/noThenProperty: a field of the contract language
    then: { effect: 'deny', message: MARK },
  }
  ok(await library.contract(names.contract, definition, { name: MARK, description: MARK, tags: [MARK] }), 'contract')
  ok(await library.compose(names.composition, [names.contract], { description: MARK }), 'composition')
  ok(await library.deploy(names.composition, 'staging'), 'deploy')
  await send('POST', '/api/v1/gates', {
    yaml_content: `{apiVersion: edictum/v1, kind: Workflow, metadata: {name: ${names.bundle}, description: ${MARK}}, stages: [{id: one, tools: [Read]}]}`,
  })
  await send('POST', '/api/v1/bundles', {
    yaml_content: `apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: {name: ${names.bundle}}\ndefaults: {mode: enforce}\ncontracts:\n  - {id: one, type: pre, tool: x, when: {args.a: {equals: ${MARK}}}, then: {effect: deny, message: ${MARK}}}\n`,
  })
  const deployment = (await send('POST', `/api/v1/bundles/${names.bundle}/1/deploy`, { env: 'staging' })).json<{
    id: string
  }>()
  await send(
    'POST',
    '/api/v1/events',
    {
      events: [
        {
          call_id: MARK,
          agent_id: names.agent,
          tool_name: MARK,
          verdict: 'call_denied',
          mode: 'enforce',
          timestamp: new Date(t.clock.now()).toISOString(),
          payload: { decision_name: MARK, reason: MARK },
        },
      ],
    },
    staging,
  )
  const approval = (
    await send(
      'POST',
      '/api/v1/approvals',
      { agent_id: names.agent, tool_name: MARK, tool_args: { path: MARK }, message: MARK, contract_name: MARK },
      staging,
    )
  ).json<{ id: string }>()
  await send('PUT', `/api/v1/sessions/${names.session}`, { value: MARK }, staging)
  await send('POST', '/api/v1/skill-scan', { skills_dir: MARK, violations: [MARK] }, staging)
  const rule = (
    await send('POST', '/api/v1/assignment-rules', {
      priority: 7,
      pattern: `${MARK}*`,
      tag_match: { team: MARK },
      bundle_name: names.bundle,
      env: 'staging',
    })
  ).json<{ id: string }>()
  const channel = (
    await send('POST', '/api/v1/notifications/channels', {
      name: MARK,
      channel_type: 'webhook',
      config: { url: `https://hooks.example.com/${MARK}`, secret: MARK },
    })
  ).json<{ id: string }>()
  await send('PUT', '/api/v1/settings/ai', { provider: 'openai', api_key: MARK, model: MARK })
  const key = (await send('POST', '/api/v1/keys', { env: 'staging', label: MARK })).json<{ id: string }>()
  const invitation = (await send('POST', '/api/v1/invitations', { email: `${MARK}@example.com` })).json<{
    id: string
  }>()
  const sso = { issuer: 'https://login.example.com', client_id: MARK, client_secret: MARK, label: 'guessable' }
  await send('PUT', '/api/v1/sso/oidc', sso)
  const { cert: certificate } = selfSignedRsa(MARK)
  const saml = { entity_id: MARK, sso_url: `https://${MARK}.example.com`, certificate, label: 'guessable' }
  await send('PUT', '/api/v1/sso/saml', saml)
  const account = (await send('POST', '/api/v1/service-accounts', { name: MARK })).json<{ id: string }>()
  await send('PUT', `/v1/secrets/${names.secret}/x`, { value: MARK })
  const volume = (await send('POST', '/v1/volumes', { label: MARK })).json<{ id: string }>()
  const file = { ...headers, 'content-type': 'application/octet-stream', 'x-filename': MARK }
  const upload = `/v1/volumes/${volume.id}/files/upload?path=${names.file}`
  ok(await t.request({ method: 'POST', url: upload, headers: file, payload: MARK }), 'upload')
  await t.request({ method: 'GET', url: `/v1/volumes/${volume.id}/files?path=../${MARK}`, headers })
  const credential = (
    await send('POST', '/v1/credentials/api-keys', { name: MARK, provider: MARK, api_key: MARK })
  ).json<{ id: string }>()
  const grant = (await send('POST', `/v1/credentials/${credential.id}/grants`, { permission_type: MARK })).json<{
    id: string
  }>()
  const runtimeKey = (await send('POST', '/v1/api-keys', { name: MARK })).json<{ id: string }>()
  await send('PUT', `/v1/credentials/providers/${names.provider}`, {
    authorization_url: `https://login.example.com/${MARK}`,
    token_url: 'https://login.example.com/token',
    client_id: MARK,
    client_secret: MARK,
  })
  const agent = await deployAgent(
    t,
    headers,
    { task: { instruction: MARK } },
    { name: 'guessable-worker', description: MARK, labels: { team: MARK } },
  )
  const workflow = {
    name: names.workflow,
    description: MARK,
    definition: { initial_state: 'ASK', states: { ASK: { kind: 'Human', prompt: MARK, transitions: [] } } },
  }
  await send('POST', '/v1/workflows', workflow)
  const workflowRun = await plantRun(t, headers)
  const stimulus = await plantStimulus(t, headers)
  const yearly = { workflow: names.workflow, cron: '0 0 1 1 *', input: { text: MARK } }
  await send('PUT', `/v1/schedules/${names.schedule}`, yearly)
  const executionId = await plantSeal(t, headers)
  const { db } = t.server.database
  const { tenant_id: tenantId } = await db.selectFrom('bundles').select('tenant_id').executeTakeFirstOrThrow()
  const owner = await db.selectFrom('members').select('user_id').executeTakeFirstOrThrow()
  const swarm = randomUUID()
  const ended = { status: 'dissolved' as const, reason: 'AllChildrenComplete', created_at: 1, dissolved_at: 2 }
  await db
    .insertInto('swarms')
    .values({ id: swarm, tenant_id: tenantId, parent_execution_id: executionId, ...ended })
    .execute()
  const known = await db
    .selectFrom('agent_registrations')
    .selectAll()
    .where('agent_id', '=', names.agent)
    .executeTakeFirst()
  if (known)
    await send('PATCH', `/api/v1/agent-registrations/${names.agent}`, { display_name: MARK, tags: { team: MARK } })
  return {
    tenantId,
    ids: {
      ...names,
      contract_id: names.contract,
      key_id: key.id,
      deployment: deployment.id,
      agent_id: names.agent,
      rule_id: rule.id,
      approval_id: approval.id,
      channel_id: channel.id,
      volume_id: volume.id,
      account: account.id,
      credential: credential.id,
      grant_id: grant.id,
      runtimeKey: runtimeKey.id,
      runtimeAgent: agent,
      execution_id: executionId,
      workflowRun,
      stimulus,
      swarm,
      workload_id: MARK,
      user_id: owner.user_id,
      invitation: invitation.id,
      slug: 'default',
    },
  }
}

/** A run of the workflow, which asked a person and was cancelled; nothing of it goes on. */
async function plantRun(t: TestServer, headers: Headers): Promise<string> {
  const send = (url: string, payload: object) => t.request({ method: 'POST', url, headers, payload })
  const begun = await send(`/v1/workflows/${names.workflow}/run`, { input: { text: MARK } })
  ok(begun, 'run')
  const { id } = begun.json<{ id: string }>()
  const { db } = t.server.database
  const asked = () => db.selectFrom('approvals').select('status').where('subject_id', '=', id).executeTakeFirst()
  await until(async () => (await asked()) !== undefined)
  ok(await send(`/v1/workflows/executions/${id}/cancel`, { reason: MARK }), 'cancel')
  const run = () => db.selectFrom('workflow_runs').select('is_released').where('id', '=', id).executeTakeFirstOrThrow()
  await until(async () => (await run()).is_released === 1)
  return id
}

/** A source, and what came from it; what it began is ended. */
async function plantStimulus(t: TestServer, headers: Headers): Promise<string> {
  const send = (url: string, payload: object) => t.request({ method: 'POST', url, headers, payload })
  const source = { source: names.source, workflow: names.workflow, secret: MARK.repeat(2) }
  ok(await send('/v1/stimuli/sources', source), 'source')
  const sent = await send('/v1/stimuli', { content: MARK, source: names.source, idempotency_key: MARK })
  ok(sent, 'stimulus')
  const { id, workflow_execution_id: run } = sent.json<{ id: string; workflow_execution_id: string }>()
  ok(await send(`/v1/workflows/executions/${run}/cancel`, {}), 'cancel')
  const { db } = t.server.database
  const ended = () =>
    db.selectFrom('workflow_runs').select('is_released').where('id', '=', run).executeTakeFirstOrThrow()
  await until(async () => (await ended()).is_released === 1)
  return id
}

/** A context, a workload, a session of it and a call that was refused. */
async function plantSeal(t: TestServer, headers: Headers): Promise<string> {
  const context = { name: names.context, description: MARK, capabilities: [{ tool_pattern: MARK }] }
  ok(await t.request({ method: 'POST', url: '/v1/security-contexts', headers, payload: context }), 'context')
  // Like the rest of the world it is in staging, by its agent's label.
  const staging = { name: 'guessable-seal', labels: { environment: 'staging' } }
  const agent_id = await deployAgent(t, headers, {}, staging)
  const asked = { workload_id: MARK, allowed_contexts: [names.context], agent_id }
  const { prefix, executionId } = await workloadPrefix(t, headers, asked)
  const hand = await sealHand(t, { workload_id: MARK, security_context: names.context }, { prefix })
  await hand.call(`${MARK}-2`)
  return executionId
}

/** The route's path with A's ids in it, asking for A's environment where one can be asked for. */
function aimed({ url, schema }: DeclaredRoute, { ids }: World): string {
  const idOf = (name: string): string => {
    switch (name) {
      case 'id':
        if (url.startsWith('/api/v1/deployments')) return ids.deployment ?? ''
        if (url.startsWith('/v1/agents')) return ids.runtimeAgent ?? ''
        if (url.startsWith('/v1/human-approvals')) return ids.approval_id ?? ''
        if (url.startsWith('/api/v1/service-accounts')) return ids.account ?? ''
        if (url.includes('/invitations')) return ids.invitation ?? ''
        if (url.startsWith('/v1/credentials')) return ids.credential ?? ''
        if (url.startsWith('/v1/api-keys')) return ids.runtimeKey ?? ''
        if (url.startsWith('/v1/workflows/executions')) return ids.workflowRun ?? ''
        if (url.startsWith('/v1/stimuli')) return ids.stimulus ?? ''
        if (url.startsWith('/v1/swarms')) return ids.swarm ?? ''
        return '00000000-0000-4000-8000-000000000000'
      case 'name':
        if (url.startsWith('/api/v1/compositions')) return names.composition
        if (url.startsWith('/v1/credentials/providers')) return names.provider
        if (url.startsWith('/v1/security-contexts')) return names.context
        if (url.startsWith('/v1/workflows')) return names.workflow
        if (url.startsWith('/v1/schedules')) return names.schedule
        return url.startsWith('/v1/agents') ? 'guessable-worker' : names.bundle
      case 'key':
        return names.session
      case 'version':
        return '1'
      default:
        return ids[name] ?? '00000000-0000-4000-8000-000000000000'
    }
  }
  const needed =
    schema.querystring === undefined ? {} : ((schema.querystring as { properties?: object }).properties ?? {})
  const query =
    'env' in needed
      ? '?env=staging'
      : 'follow' in needed
        ? '?follow=false'
        : /files\//.test(url) && 'path' in needed
          ? `?path=${names.file}`
          : ''
  const rest = /^\/v1\/secret/.test(url) ? `${names.secret}/x` : 'x'
  return url.replace(/:([a-z_]+)/gi, (_, name: string) => idOf(name)).replace('*', rest) + query
}

/** What a stranger sends: whole bodies, aimed at A's things wherever a body can name one. */
function bodyFor(route: DeclaredRoute, { ids }: World): object {
  const definition = { tool: 'x' }
  const bodies: Record<string, object> = {
    'POST /api/v1/keys': { env: 'production' },
    'PUT /api/v1/members/:user_id': { role: 'member' },
    'PATCH /v1/colony/members/:user_id': { role: 'member' },
    'PUT /v1/colony/roles': { user_id: ids.user_id, role: 'member' },
    'PUT /api/v1/auth/tenant': { tenant_id: '00000000-0000-4000-8000-000000000001' },
    'DELETE /api/v1/tenant': { slug: 'default' },
    'POST /api/v1/contracts': { contract_id: 'mine', name: 'mine', type: 'pre', definition },
    'PUT /api/v1/contracts/:contract_id': { name: 'taken over' },
    'POST /api/v1/compositions': { name: 'mine', contracts: [{ contract_id: names.contract, position: 10 }] },
    'PUT /api/v1/compositions/:name': { description: 'taken over' },
    'POST /api/v1/compositions/:name/deploy': { env: 'staging' },
    'POST /api/v1/bundles/:name/:version/deploy': { env: 'staging' },
    'POST /api/v1/assignment-rules': { priority: 7, pattern: '*', bundle_name: names.bundle, env: 'staging' },
    'PATCH /api/v1/assignment-rules/:rule_id': { pattern: '*' },
    'PATCH /api/v1/agent-registrations/:agent_id': { display_name: 'taken over' },
    'POST /api/v1/agent-registrations/bulk-assign': { agent_ids: [names.agent], bundle_name: names.bundle },
    'PUT /api/v1/approvals/:approval_id': { approved: true },
    'POST /api/v1/approvals/:approval_id/consume': { action_digest: 'a'.repeat(64) },
    'POST /api/v1/approvals': { agent_id: names.agent, tool_name: 'x', message: 'x' },
    'POST /api/v1/notifications/channels': {
      name: 'mine',
      channel_type: 'webhook',
      config: { url: 'https://hooks.example.com/mine' },
    },
    'PUT /api/v1/notifications/channels/:channel_id': { name: 'taken over', enabled: false },
    'PUT /api/v1/settings/ai': { provider: 'ollama' },
    'POST /api/v1/service-accounts': { name: 'mine' },
    'PUT /api/v1/sessions/:key': { value: 'mine' },
    'PUT /v1/sessions/:key': { value: 'mine' },
    'POST /v1/sessions/batch': { keys: [names.session] },
    'POST /api/v1/sessions/batch': { keys: [names.session] },
    'POST /v1/executions': { agent_id: ids.runtimeAgent ?? '', input: 'go' },
    'POST /v1/agents/:id/execute': { input: 'go' },
    'POST /v1/human-approvals/:id/reject': { reason: 'taken over' },
    'PUT /v1/secrets/*': { value: 'taken over' },
    'POST /v1/volumes': { label: 'mine' },
    'PATCH /v1/volumes/:volume_id': { label: 'taken over' },
    'POST /v1/volumes/:volume_id/files/mkdir': { path: 'taken-over' },
    'POST /v1/volumes/:volume_id/files/move': { from: names.file, to: 'taken-over' },
    'POST /v1/api-keys': { name: 'mine' },
    'POST /v1/credentials/api-keys': { name: 'mine', provider: 'x', api_key: 'x' },
    'POST /v1/credentials/:id/rotate': { new_value: 'taken over' },
    'POST /v1/credentials/:id/grants': {},
    'POST /v1/credentials/oauth/initiate': { provider: names.provider },
    'PUT /v1/credentials/providers/:name': {
      authorization_url: 'https://login.example.com/',
      token_url: 'https://login.example.com/token',
      client_id: 'mine',
      client_secret: 'mine',
    },
    'PATCH /v1/workflows/:name/scope': { scope: 'global' },
    'POST /v1/workflows/:name/scope': { scope: 'global' },
    'PUT /v1/schedules/:name': { workflow: names.workflow, cron: '0 0 1 1 *' },
    'POST /v1/stimuli': { content: 'mine', source: names.source },
    'POST /v1/stimuli/sources': { source: names.source, workflow: names.workflow },
    'POST /v1/workflows/temporal/execute': { workflow_name: names.workflow },
    'POST /v1/workflows/executions/:id/signal': { response: 'yes' },
    'PUT /api/v1/bundles/:name/gates': { env: 'staging', gates: null },
    'PATCH /v1/agents/:id': { metadata: { description: 'taken over' } },
    'PATCH /v1/agents/:id/scope': { scope: 'global' },
    'POST /v1/agents/:id/scope': { scope: 'global' },
  }
  return bodies[nameOf(route)] ?? {}
}

const nameOf = (route: DeclaredRoute) => `${route.method} ${route.url}`
/** Routes whose address names an environment. */
const asksEnvironment = ({ url }: DeclaredRoute) =>
  ['/api/v1/bundles/:name/current', '/api/v1/bundles/:name/gates', '/v1/rulesets/:name/current'].includes(url)
const isStream = ({ url }: DeclaredRoute) => ['/api/v1/stream', '/api/v1/stream/dashboard', '/v1/stream'].includes(url)

/** Every row of every table that belongs to the tenant. */
async function rowsOf(t: TestServer, tenantId: string): Promise<Record<string, unknown[]>> {
  const { db } = t.server.database
  const tables = (await db.introspection.getTables()).filter(({ columns }) =>
    columns.some(({ name }) => name === 'tenant_id'),
  )
  const rows: Record<string, unknown[]> = {}
  for (const { name } of tables) {
    const found = await db
      .selectFrom(name as 'events')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .execute()
    rows[name] = found.map((row) => JSON.stringify(row)).sort()
  }
  return rows
}

/** What a foreign thing looks like where it is not 404. */
const foreign: Readonly<Record<string, readonly number[]>> = {
  'PUT /v1/schedules/:name': [422],
  'GET /api/v1/contracts/:contract_id/usage': [200],
  // Limits and servers are the installation's, whatever their ids.
  'DELETE /v1/admin/rate-limits/overrides/:id': [403],
  'DELETE /v1/cluster/nodes/:id': [403],
  'POST /v1/cluster/nodes/:id/activate': [403],
  'POST /v1/cluster/nodes/:id/drain': [403],
  'PUT /api/v1/approvals/:approval_id': [409],
  'POST /api/v1/bundles/:name/:version/deploy': [422],
  'GET /api/v1/assignment-rules/resolve/:agent_id': [200],
  // The store is the tenant's: a key that another tenant uses too is simply another key.
  'PUT /api/v1/sessions/:key': [200],
  'POST /api/v1/sessions/:key/increment': [200],
  'DELETE /api/v1/sessions/:key': [200, 404],
  'PUT /v1/sessions/:key': [200],
  'POST /v1/sessions/:key/increment': [200],
  'DELETE /v1/sessions/:key': [200],
  // A path that another tenant uses too is simply another secret.
  'PUT /v1/secrets/*': [200],
  // Each tenant has providers of its own.
  'PUT /v1/credentials/providers/:name': [200],
  'DELETE /v1/credentials/providers/:name': [200, 404],
  'DELETE /v1/secrets/*': [200, 404],
  // A workflow that there is not has no versions.
  'GET /v1/workflows/:name/versions': [200],
  'POST /x/:token/v1/dispatch-gateway': [401, 403, 404],
  // Only those who look after the installation, whatever it names.
  ...Object.fromEntries(
    [
      ...['GET /v1/admin/tenants/:slug', 'DELETE /v1/admin/tenants/:slug', 'PUT /v1/admin/tenants/:slug/quotas'],
      ...['suspend', 'resume', 'invitations'].map((action) => `POST /v1/admin/tenants/:slug/${action}`),
      ...['PATCH', 'POST'].flatMap((method) => [
        `${method} /v1/agents/:id/scope`,
        `${method} /v1/workflows/:name/scope`,
      ]),
      'DELETE /v1/seal/keys/:kid',
    ].map((name) => [name, [403]]),
  ),
  // A program of the default role changes no members at all.
  'DELETE /v1/colony/invitations/:id': [404, 403],
  'DELETE /v1/colony/members/:user_id': [404, 403],
  // A program is no person, whatever team it names.
  'DELETE /v1/colony/teams/:team_id': [404, 403],
  'PATCH /v1/colony/members/:user_id': [404, 403],
}

/** Answers that hold counts and guessable names only. A new route that shows nothing planted fails: plant its resource above. */
const withoutText = [
  'GET /api/v1/agents/:agent_id/history',
  'GET /api/v1/agents/status',
  'GET /api/v1/assignment-rules/resolve/:agent_id',
  'GET /api/v1/auth/me',
  'GET /api/v1/auth/second-factor',
  'GET /api/v1/auth/sessions',
  'GET /api/v1/auth/tenants',
  'GET /api/v1/bundles',
  'GET /api/v1/bundles/:name',
  'GET /api/v1/bundles/:name/gates',
  'GET /api/v1/bundles/:name/gates/deployments',
  'GET /api/v1/gates',
  'GET /api/v1/bundles/:name/:version',
  'GET /api/v1/bundles/:name/current',
  'GET /api/v1/contracts/:contract_id/usage',
  'GET /api/v1/deployments',
  'GET /api/v1/deployments/:id/rollout',
  'GET /api/v1/health/details',
  'GET /api/v1/members',
  'GET /api/v1/settings/ai/usage',
  'GET /api/v1/stats/overview',
  'GET /v1/admin/rate-limits/overrides',
  // The servers are everybody's.
  'GET /v1/cluster/nodes',
  'GET /v1/cluster/status',
  'GET /v1/colony/subscription',
  'GET /v1/colony/teams',
  'GET /v1/dashboard/summary',
  'GET /v1/admin/tenants',
  'GET /v1/admin/tenants/:slug',
  'GET /v1/executions',
  'GET /v1/observability/dashboard',
  'GET /v1/secret-versions/*',
  'GET /v1/secrets',
  'GET /v1/stimuli/sources',
  'GET /v1/swarms',
  'GET /v1/swarms/:id',
  // The tools of the node are everybody's.
  'GET /v1/tools',
  'GET /v1/tools/servers',
  'GET /v1/user/rate-limits',
  'GET /v1/user/rate-limits/usage',
  'GET /v1/volumes/:volume_id/files',
  'GET /v1/volumes/:volume_id/files/stat',
  'GET /v1/volumes/quota',
]

onEachDatabase('isolation', (start) => {
  let t: TestServer
  let world: World
  let routes: DeclaredRoute[]
  beforeEach(async () => {
    t = await start({
      overrides: {
        outbound: {
          check: async () => {},
          send: async () => ({ status: 200, headers: {}, body: '' }),
        },
      },
    })
    await t.server.http.ready()
    routes = t.server.http.declaredRoutes.filter(
      (route) => route.config.access !== 'public' && route.method !== 'HEAD' && !isStream(route),
    )
    world = await plant(t)
  })
  afterEach(() => t.close())

  const call = (route: DeclaredRoute, headers: Headers) =>
    t.request({
      method: route.method as 'GET',
      url: aimed(route, world),
      headers: { 'x-requested-with': 'test', ...headers },
      ...(route.method === 'GET' ? {} : { payload: bodyFor(route, world) }),
    })

  async function strangers(): Promise<Record<string, Headers>> {
    const session = await t.otherTenant()
    const key = async (env: string): Promise<Headers> => {
      const answer = await t.request({ method: 'POST', url: '/api/v1/keys', headers: session, payload: { env } })
      return {
        authorization: `Bearer ${answer.json<{ key: string }>().key}`,
        'x-edictum-agent-id': names.agent,
      }
    }
    const account = await t.request({
      method: 'POST',
      url: '/api/v1/service-accounts',
      headers: session,
      payload: { name: 'b' },
    })
    ok(account, 'service account')
    const { client_id, client_secret } = account.json<{ client_id: string; client_secret: string }>()
    const token = await requestToken(t, { grant_type: 'client_credentials', client_id, client_secret })
    ok(token, 'token')
    return {
      session,
      'production key': await key('production'),
      'staging key': await key('staging'),
      token: { authorization: `Bearer ${token.json<{ access_token: string }>().access_token}` },
    }
  }

  /** Which credentials a route takes at all. */
  const taken: Record<string, readonly string[]> = {
    dashboard: ['session'],
    admin: ['session'],
    agent: ['production key', 'staging key'],
    either: ['session', 'production key', 'staging key'],
    bearer: ['session', 'token'],
    dispatch: ['token'],
    webhook: ['session'],
  }

  it('the planted world is seen by its own tenant, so that its absence elsewhere means something', async () => {
    const headers = await t.admin()
    const blind: string[] = []
    for (const route of routes) {
      const { access } = route.config
      // Followed until the agent ends, which this one never does.
      if (/^\/v1\/agents\/:id\/(events|logs)$/.test(route.url)) continue
      if (route.method !== 'GET' || !(access === 'dashboard' || access === 'either' || access === 'bearer')) continue
      const answer = await call(route, headers)
      if (answer.statusCode === 200 && !answer.body.includes(MARK)) blind.push(nameOf(route))
    }
    expect(blind.sort()).toEqual([...withoutText].sort())
  })

  it("another tenant reads nothing of A's, changes nothing of A's, and finds nothing", async () => {
    const callers = await strangers()
    const before = await rowsOf(t, world.tenantId)
    const wrong: string[] = []
    const ids = Object.values(world.ids).filter((id) => /^[0-9a-f]{8}-/.test(id))
    // First what only reads, and of that what tells of reading: later answers may hold what the stranger asked for or wrote itself.
    const turn = ({ method, url }: DeclaredRoute) => (method !== 'GET' ? 2 : url === '/v1/observability/events' ? 0 : 1)
    const ordered = [...routes].sort((a, b) => turn(a) - turn(b))
    for (const route of ordered) {
      for (const who of taken[route.config.access ?? ''] ?? []) {
        const answer = await call(route, callers[who] ?? {})
        const line = `${nameOf(route)} as ${who}: ${answer.statusCode} ${answer.body.slice(0, 200)}`
        const sent = aimed(route, world) + JSON.stringify(bodyFor(route, world))
        const text = answer.body + JSON.stringify(answer.headers)
        if (text.includes(MARK)) wrong.push(`marked: ${line}`)
        if (ids.some((id) => text.includes(id) && !sent.includes(id))) wrong.push(`id: ${line}`)
        if (route.method === 'GET' && Object.values(names).some((name) => text.includes(name) && !sent.includes(name)))
          wrong.push(`name: ${line}`)
        if (answer.statusCode >= 500 && ![501, 503].includes(answer.statusCode)) wrong.push(`failed: ${line}`)
        if (!/:[a-z]/.test(route.url) || route.config.access === 'webhook' || route.config.access === 'seal') continue
        const asksElsewhere = who === 'production key' && asksEnvironment(route)
        const expected = asksElsewhere ? [403] : (foreign[nameOf(route)] ?? [404])
        if (!expected.includes(answer.statusCode)) wrong.push(`status: ${line}`)
      }
    }
    expect(wrong).toEqual([])
    expect(await rowsOf(t, world.tenantId)).toEqual(before)
  })

  it("another tenant's streams carry nothing of A's", async () => {
    const address = await t.listen()
    const callers = await strangers()
    const streams = await Promise.all([
      openSse(`${address}/api/v1/stream/dashboard`, callers.session ?? {}),
      openSse(`${address}/api/v1/stream?env=staging`, callers['staging key'] ?? {}),
      openSse(`${address}/api/v1/stream?env=staging&bundle_name=${names.bundle}`, callers['staging key'] ?? {}),
    ])
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200])
    const admin = await t.admin()
    const post = async (url: string, payload: object, headers: Headers) =>
      ok(await t.request({ method: 'POST', url, headers, payload }), url)
    await post('/api/v1/keys', { env: 'staging', label: MARK }, admin)
    await post(`/api/v1/bundles/${names.bundle}/1/deploy`, { env: 'staging' }, admin)
    // What the stranger does next comes after everything of A's.
    const own = bundleYaml('own')
    await post('/api/v1/bundles', { yaml_content: own }, callers.session ?? {})
    await post('/api/v1/bundles/own/1/deploy', { env: 'staging' }, callers.session ?? {})
    const [dashboard, agent, named] = streams
    let event = await dashboard?.next()
    while (event?.type !== 'bundle_deployed') event = await dashboard?.next()
    expect((await agent?.next())?.data).toMatchObject({ bundle_name: 'own' })
    const heard = JSON.stringify(streams.map(({ events }) => events))
    expect(heard).not.toContain(MARK)
    expect(heard).not.toContain('"guessable-bundle"')
    expect(named?.events.filter(({ type }) => type === 'contract_update')).toEqual([])
    for (const stream of streams) stream.close()
  })

  it("A's own production key reads nothing of staging", async () => {
    const production = await t.agent('production', 'another-agent')
    const wrong: string[] = []
    for (const route of routes) {
      const { access, scope } = route.config
      if (access !== 'agent' && access !== 'either') continue
      // The session store is the tenant's, not the environment's.
      if (scope === 'tenant') continue
      const answer = await call(route, production)
      const line = `${nameOf(route)}: ${answer.statusCode} ${answer.body.slice(0, 200)}`
      if (answer.body.includes(MARK)) wrong.push(`marked: ${line}`)
      if (answer.statusCode >= 500) wrong.push(`failed: ${line}`)
      // Asking for another environment is refused; what lies in another one is not there.
      const expected = asksEnvironment(route) ? 403 : 404
      if (/:[a-z]/.test(route.url) && answer.statusCode !== expected) wrong.push(`status: ${line}`)
    }
    expect(wrong).toEqual([])
    const stream = await t.request({ method: 'GET', url: '/api/v1/stream?env=staging', headers: production })
    expect(stream.statusCode).toBe(403)
    expect(stream.body).not.toContain(MARK)
  })
})
