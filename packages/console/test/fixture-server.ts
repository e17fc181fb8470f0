import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import type {
  AgentConnection,
  ApiKey,
  Approval,
  AuditEvent,
  BundleVersion,
  Deployment,
  EventFacets,
  FleetCoverage,
  Replay,
  Rollout,
} from '../src/api/types.ts'
import { createAnswerCheck } from './answer-check.ts'
import { seed } from './fixture-data.ts'

/** What the fixture holds; a test may change it between steps. */
export interface World {
  bootstrapped: boolean
  signedIn: boolean
  keys: ApiKey[]
  versions: (BundleVersion & { yaml: string })[]
  deployments: Deployment[]
  approvals: Approval[]
  events: AuditEvent[]
  agents: AgentConnection[]
  /** Requests as `METHOD /path`, in order, with what was sent. */
  readonly requests: { readonly line: string; readonly body: unknown; readonly csrf: string | undefined }[]
}

export interface Fixture {
  readonly url: string
  readonly world: World
  /** Answers that the server could not have given, by its OpenAPI document; a test expects none. */
  readonly unlike: readonly string[]
  /** Sends one event to every open dashboard stream. */
  push(event: { type: string; [field: string]: unknown }): void
  close(): Promise<void>
}

const PASSWORD = 'correct horse battery'
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.html': 'text/html',
  '.svg': 'image/svg+xml',
}

/** A stand-in for the server: answers as its OpenAPI document declares, and serves the built console. For tests only. */
export async function startFixture(dist: string, world: World = seed()): Promise<Fixture> {
  const streams = new Set<ServerResponse>()
  const unlike: string[] = []
  const check = createAnswerCheck()
  const server = createServer((request, response) => {
    void handle(request, response).catch((error) => {
      response.writeHead(500).end(String(error))
    })
  })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fixture')
    if (!url.pathname.startsWith('/api/v1')) return serveFile(url.pathname, response)
    const path = url.pathname.slice('/api/v1'.length)
    const body = await readBody(request)
    const csrf = request.headers['x-requested-with'] as string | undefined
    if (request.method !== 'GET' && request.method !== 'HEAD')
      world.requests.push({ line: `${request.method} ${path}`, body, csrf })
    const send: Send = (status, value) => {
      const wrong = check(request.method ?? 'GET', url.pathname, status, value)
      if (wrong) unlike.push(wrong)
      response.writeHead(status, value === undefined ? {} : { 'content-type': 'application/json' })
      response.end(value === undefined ? undefined : JSON.stringify(value))
    }
    const route = `${request.method} ${path}`
    if (route === 'GET /health') return void send(200, { status: 'ok', bootstrap_complete: world.bootstrapped })
    if (route === 'GET /auth/sso') return void send(200, { oidc: null, saml: null })
    if (route === 'POST /setup') {
      world.bootstrapped = true
      return void send(201, { message: 'Admin created', user_id: 'u', tenant_id: 't' })
    }
    if (route === 'POST /auth/login') {
      world.signedIn = (body as { password: string }).password === PASSWORD
      return void (world.signedIn
        ? send(200, { message: 'Logged in.' })
        : send(401, { detail: 'Invalid email or password.' }))
    }
    if (!world.signedIn) return void send(401, { detail: 'Session expired or invalid.' })
    if (path === '/stream/dashboard') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      if (request.method === 'HEAD') return void response.end()
      response.write(': keepalive\n\n')
      streams.add(response)
      response.on('close', () => streams.delete(response))
      return
    }
    if (route === 'POST /auth/logout') {
      world.signedIn = false
      return void send(200, { message: 'Logged out.' })
    }
    answer(world, route, url.searchParams, body, send, response, push)
  }

  function serveFile(path: string, response: ServerResponse): void {
    if (!path.startsWith('/dashboard/')) return void response.writeHead(302, { location: '/dashboard/' }).end()
    const asset = path.startsWith('/dashboard/assets/') ? path.slice('/dashboard'.length) : '/index.html'
    if (asset === '/index.html') {
      // As the server does: the page says where its files lie, however deep it is.
      const page = readFileSync(join(dist, asset), 'utf8').replaceAll('"./', '"/dashboard/')
      return void response
        .writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policyOf(page) })
        .end(page)
    }
    response
      .writeHead(200, { 'content-type': TYPES[extname(asset)] ?? 'application/octet-stream' })
      .end(readFileSync(join(dist, asset)))
  }

  function push(event: { type: string }): void {
    for (const stream of streams) stream.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    world,
    unlike,
    push,
    close: () => closeServer(server),
  }
}

/** As the server's: scripts are files of its own, and those inside the page by their hashes. */
function policyOf(html: string): string {
  const hashes = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  )
  return `default-src 'self'; script-src 'self' ${hashes.join(' ')}; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'`
}

type Send = (status: number, value?: unknown) => void

function answer(
  world: World,
  route: string,
  query: URLSearchParams,
  body: unknown,
  send: Send,
  response: ServerResponse,
  push: Fixture['push'],
): void {
  const deployed = world.deployments.find((one) => route === `GET /deployments/${one.id}/rollout`)
  const [, name, version, rest] = /^\w+ \/bundles\/([^/]+)(?:\/(\d+)\/(\w+))?$/.exec(route) ?? []
  const found = world.versions.find((v) => v.name === name && v.version === Number(version))
  if (route === 'GET /auth/tenants') {
    const tenant = { tenant_id: 't', slug: 'default', name: 'Default', kind: 'team', status: 'active' }
    send(200, [{ ...tenant, role: 'owner', current: true }])
  } else if (route === 'GET /auth/me')
    send(200, {
      user_id: 'u',
      tenant_id: 't',
      email: 'ops@example.com',
      is_admin: true,
      role: 'owner',
      is_operator: true,
    })
  else if (route === 'GET /stats/overview') send(200, stats(world))
  else if (route === 'GET /keys') send(200, world.keys)
  else if (route === 'POST /keys') {
    const key = {
      id: crypto.randomUUID(),
      prefix: 'edk_staging_0Hc9aQ2x',
      created_at: new Date().toISOString(),
      client: 'contracts' as const,
      signature: null,
      ...(body as object),
    } as ApiKey
    world.keys.push(key)
    send(201, { ...key, key: 'edk_staging_0Hc9aQ2xV7bTn1kLr5pWs8yZeCgMfJdUhXoRiAuNqEt' })
  } else if (route.startsWith('DELETE /keys/')) {
    world.keys = world.keys.filter((key) => !route.endsWith(key.id))
    send(204)
  } else if (route === 'GET /contracts' || route === 'GET /compositions') send(200, [])
  else if (route === 'GET /bundles') send(200, summaries(world))
  else if (route === 'POST /bundles') upload(world, (body as { yaml_content: string }).yaml_content, send)
  else if (route.startsWith('GET /bundles/') && rest === 'yaml')
    response.writeHead(200, { 'content-type': 'application/x-yaml' }).end(found?.yaml)
  else if (route.startsWith('GET /bundles/'))
    send(
      200,
      world.versions.filter((v) => v.name === name).sort((a, b) => b.version - a.version),
    )
  else if (rest === 'deploy' && name) {
    const { env } = body as { env: string }
    const id = crypto.randomUUID()
    const deployment = {
      id,
      env,
      bundle_name: name,
      bundle_version: Number(version),
      deployed_by: 'ops@example.com',
      created_at: new Date().toISOString(),
      rollout: null,
    }
    world.deployments.unshift(deployment)
    world.versions = world.versions.map((v) =>
      v.name !== name
        ? v
        : {
            ...v,
            deployed_envs:
              v.version === Number(version)
                ? [...new Set([...v.deployed_envs, env])]
                : v.deployed_envs.filter((e) => e !== env),
          },
    )
    send(201, deployment)
  } else if (rest === 'replay') send(200, noReplay(query.get('env') ?? ''))
  else if (deployed) send(200, rolloutOf(world, deployed))
  else if (route === 'GET /deployments')
    send(
      200,
      world.deployments.filter((d) => !query.get('bundle_name') || d.bundle_name === query.get('bundle_name')),
    )
  else if (route === 'GET /approvals')
    send(
      200,
      world.approvals.filter((a) => a.status === query.get('status')),
    )
  else if (route.startsWith('GET /approvals/')) {
    const approval = world.approvals.find((a) => route.endsWith(a.id))
    send(approval ? 200 : 404, approval ?? { detail: 'Approval not found.' })
  } else if (route.startsWith('PUT /approvals/'))
    decide(world, route, body as { approved: boolean; reason: string | null }, send, push)
  else if (route === 'GET /agents/status') send(200, { agents: world.agents })
  else if (route === 'GET /agent-registrations' || route === 'GET /assignment-rules') send(200, [])
  else if (route === 'GET /agents/fleet-coverage') send(200, noCoverage())
  else if (route === 'GET /events') listEvents(world.events, query, send, response)
  else if (route === 'GET /events/histogram') send(200, histogram(world.events, Number(query.get('bucket_seconds'))))
  else if (route === 'GET /events/facets') send(200, facetsOf(world.events))
  else send(404, { detail: 'Not Found' })
}

/** Every event, whatever is asked for. */
function facetsOf(events: readonly AuditEvent[]): EventFacets {
  const facet = (name: 'agent_id' | 'tool_name' | 'verdict' | 'mode') => ({
    values: [...Map.groupBy(events, (one) => one[name])]
      .map(([value, list]) => ({ value, count: list.length }))
      .sort((a, b) => b.count - a.count),
    more: 0,
  })
  const none = { values: [], more: 0 }
  return {
    events: events.length,
    truncated: false,
    facets: {
      agent_id: facet('agent_id'),
      tool_name: facet('tool_name'),
      verdict: facet('verdict'),
      mode: facet('mode'),
      contract: none,
      env: none,
      policy_version: none,
    },
  }
}

const noReplay = (env: string): Replay => ({
  env,
  since: new Date(0).toISOString(),
  events: 0,
  truncated: false,
  calls: 0,
  unchanged: 0,
  changed: 0,
  by_contract: [],
  examples: [],
  skipped: { without_arguments: 0, by_history: 0 },
})

const rolloutOf = (world: World, { id, env, bundle_name, bundle_version }: Deployment): Rollout => ({
  deployment_id: id,
  env,
  bundle_name,
  bundle_version,
  revision_hash:
    world.versions.find((v) => v.name === bundle_name && v.version === bundle_version)?.revision_hash ?? null,
  is_current: true,
  agents: 0,
  current: 0,
  summary: `0 of 0 agents run version ${bundle_version}`,
  by_agent: [],
})

const noCoverage = (): FleetCoverage => ({
  time_window: { since: new Date(0).toISOString(), until: new Date().toISOString() },
  agents: [],
  fleet_summary: {
    total_agents: 0,
    fully_enforced: 0,
    with_ungoverned: 0,
    with_drift: 0,
    total_ungoverned_tools: 0,
    ungoverned_tools: [],
  },
})

function decide(
  world: World,
  route: string,
  body: { approved: boolean; reason: string | null },
  send: Send,
  push: Fixture['push'],
): void {
  const approval = world.approvals.find((a) => route.endsWith(a.id))
  if (approval?.status !== 'pending') {
    const decision = approval && {
      status: approval.status,
      decided_by: approval.decided_by,
      decided_at: approval.decided_at,
      decided_via: approval.decided_via ?? 'system',
    }
    return void send(409, { detail: 'Approval not found or already decided.', decision })
  }
  const decided: Approval = {
    ...approval,
    status: body.approved ? 'approved' : 'denied',
    decided_by: 'ops@example.com',
    decided_at: new Date().toISOString(),
    decision_reason: body.reason,
    decided_via: 'console',
  }
  world.approvals = world.approvals.map((a) => (a.id === approval.id ? decided : a))
  send(200, decided)
  push({ type: 'approval_decided', approval_id: approval.id, status: decided.status, decided_by: 'ops@example.com' })
}

function upload(world: World, yaml: string, send: Send): void {
  const name = /name: (\S+)/.exec(yaml)?.[1]
  if (!name || yaml.includes('effect: explode'))
    return void send(422, {
      detail: [
        {
          loc: ['body', 'yaml_content', 'contracts', 0, 'then', 'effect'],
          msg: 'effect "explode" is not one of deny, approve',
          line: yaml.split('\n').findIndex((line) => line.includes('explode')) + 1,
          column: 15,
        },
      ],
    })
  const version = Math.max(0, ...world.versions.filter((v) => v.name === name).map((v) => v.version)) + 1
  const bundle = {
    ...seed().versions[0],
    id: crypto.randomUUID(),
    name,
    version,
    created_at: new Date().toISOString(),
    deployed_envs: [],
    yaml,
  }
  world.versions.push(bundle as World['versions'][number])
  send(201, { ...bundle, warnings: [], reader_warnings: [] })
}

/** As the server's: newest first by pages, or after a place in the order of arrival. What the world has first came last. */
function listEvents(all: readonly AuditEvent[], query: URLSearchParams, send: Send, response: ServerResponse): void {
  const numbered = all.map((event, index) => ({ ...event, seq: all.length - index }))
  const limit = Number(query.get('limit') ?? 100)
  const found = selectEvents(numbered, query)
  const after = query.get('after_seq')
  if (after !== null) {
    const events = found
      .filter(({ seq }) => seq > Number(after))
      .sort((a, b) => a.seq - b.seq)
      .slice(0, limit)
    response.setHeader('x-next-seq', events.at(-1)?.seq ?? after)
    return void send(200, events)
  }
  const from = Number(query.get('cursor') ?? 0)
  if (from + limit < found.length) response.setHeader('x-next-cursor', from + limit)
  send(200, found.slice(from, from + limit))
}

function selectEvents(events: readonly AuditEvent[], query: URLSearchParams): readonly AuditEvent[] {
  const is = (field: 'agent_id' | 'tool_name' | 'verdict' | 'mode') => (event: AuditEvent) =>
    !query.get(field) || event[field] === query.get(field)
  const [since, until, search] = [query.get('since'), query.get('until'), query.get('search')?.toLowerCase()]
  return events
    .filter(is('agent_id'))
    .filter(is('tool_name'))
    .filter(is('verdict'))
    .filter(is('mode'))
    .filter((event) => !since || Date.parse(event.timestamp) >= Date.parse(since))
    .filter((event) => !until || Date.parse(event.timestamp) <= Date.parse(until))
    .filter((event) => !search || JSON.stringify(event).toLowerCase().includes(search))
    .sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp))
}

function summaries(world: World) {
  return [...Map.groupBy(world.versions, (v) => v.name)].map(([name, versions]) => ({
    name,
    latest_version: Math.max(...versions.map((v) => v.version)),
    version_count: versions.length,
    last_updated: versions
      .map((v) => v.created_at)
      .sort()
      .at(-1),
    deployed_envs: [...new Set(versions.flatMap((v) => v.deployed_envs))].sort(),
    contract_count: 5,
    last_deployed_at: null,
  }))
}

function stats(world: World) {
  const of = (verdict: string) => world.events.filter((e) => e.verdict === verdict).length
  return {
    pending_approvals: world.approvals.filter((a) => a.status === 'pending').length,
    active_agents: new Set(world.events.map((e) => e.agent_id)).size,
    total_agents: new Set(world.events.map((e) => e.agent_id)).size,
    events_24h: world.events.length,
    denials_24h: of('call_denied'),
    observe_findings_24h: of('call_would_deny'),
    contracts_triggered_24h: 3,
  }
}

function histogram(events: readonly AuditEvent[], seconds: number) {
  const size = seconds * 1_000
  const groups = Map.groupBy(events, (e) => Math.floor(Date.parse(e.timestamp) / size) * size)
  return [...groups].map(([start, list]) => ({
    bucket_start: new Date(start).toISOString(),
    allowed: list.filter((e) => /allowed|executed|granted/.test(e.verdict)).length,
    denied: list.filter((e) => e.verdict === 'call_denied').length,
    pending: list.filter((e) => e.verdict === 'call_approval_requested').length,
    observed: list.filter((e) => e.verdict === 'call_would_deny').length,
  }))
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text ? JSON.parse(text) : undefined
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
