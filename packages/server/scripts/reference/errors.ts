import type { Access } from '../../src/http/access.ts'
import type { DeclaredRoute } from '../../src/http/server.ts'
import { rareOfPeople } from './errors-of-people.ts'

/** How an error of this status reads in the reference. */
export const meanings: Readonly<Record<number, string>> = {
  400: 'An id, a query or a body that cannot be read.',
  401: 'No credentials, or none that this operation takes; or they are unknown, revoked or expired.',
  402: 'It takes another tier than the tenant has.',
  403: 'The caller is known but not allowed: not an administrator, another environment, no permission, or no `X-Requested-With`.',
  404: "Not there, or not the caller's: the two look the same. A path parameter of more than 1,024 characters finds nothing.",
  409: 'Too late, or there already.',
  410: 'It was good once, or for a time, and is no more.',
  413: 'The body is larger than the limit; it is not read.',
  415: 'The body is of another media type than the operation takes.',
  416: 'The file has none of the bytes that were asked for; `Content-Range` says how many it has.',
  422: 'Readable, but not valid: one problem each, with its place.',
  429: 'Too often, or too many at once. `Retry-After` says in how many seconds again, where that is known.',
  500: 'A fault of the server; its log has the request id.',
  501: 'The operator has not switched this on.',
  502: 'Another server, which this one asked, did not answer as it should.',
  503: 'Something this server needs is away or not configured. `Retry-After` says in how many seconds to ask again, where that is known.',
}

const reads = new Set(['GET', 'HEAD'])

/** The failures an operation can have because of who may call it and what it takes, whatever it does. */
export function impliedFailures({ method, url, config, schema }: DeclaredRoute): number[] {
  const access = config.access as Access
  const implied = new Set<number>()
  const changes = !reads.has(method)
  if (!['public', 'webhook', 'seal'].includes(access)) implied.add(401)
  if (access === 'admin' || (access === 'bearer' && (changes || config.requires !== undefined))) implied.add(403)
  if (changes && url.startsWith('/api/') && !['public', 'webhook'].includes(access)) implied.add(403)
  const { params, querystring, body } = schema as Record<
    string,
    { properties?: Record<string, { type?: string }> } | undefined
  >
  if (params && url.includes(':')) implied.add(404)
  if (params || body || Object.values(querystring?.properties ?? {}).some(({ type }) => type !== undefined))
    implied.add(422)
  if (changes) implied.add(413)
  // What is announced as JSON is parsed before anything else, also where nothing is read of it.
  const ofGovernance = url.startsWith('/api/') || tagsOf(schema).includes('rulesets')
  if (changes && access !== 'webhook' && !config.rawBody) implied.add(ofGovernance ? 422 : 400)
  return [...implied]
}

const tagsOf = (schema: DeclaredRoute['schema']): readonly string[] => (schema as { tags?: string[] }).tags ?? []

const gateway = {
  403: "This token lacks the scope 'agent:execute'.",
  409: 'This attempt has ended.',
  429: 'upstream_rate_limit: The model is asked too often.',
  500: 'Inner loop exceeded max iterations (50)',
  502: 'upstream_authentication: The provider refused the key.',
  503: 'upstream_unavailable: The provider is overloaded.',
}
const inactive = "Agent 'greeter' is paused; only an active agent can be executed."
const attached = 'volume is currently attached and cannot be deleted'
const gatewayCodes: Readonly<Record<string, string>> = { 403: 'insufficient_scope', 409: 'execution_ended' }

/** How SEAL tells a failure. */
const ofSeal = (sealCode: number, rpcCode: number, message: string) => ({
  protocol: 'seal/v1',
  status: 'error',
  error_code: sealCode,
  message,
  error: { code: sealCode, message, timestamp: '2026-05-01T12:00:00.000Z', request_id: 'req-4be1' },
  payload: { jsonrpc: '2.0', id: 'req-4be1', error: { code: rpcCode, message, data: null } },
})
const sealCalls = ['/v1/seal/invoke', '/v1/invoke', '/x/{token}/v1/seal/invoke']
const sealAttests = ['/v1/seal/attest', '/x/{token}/v1/seal/attest']
const away = 'The database does not answer. Try again shortly.'
const rareOfSeal: Readonly<Record<string, unknown>> = Object.fromEntries([
  ...[...sealCalls, ...sealAttests].map((path) => [`POST ${path} 503`, ofSeal(4502, -32_000, away)]),
  ...sealAttests.map((path) => [`POST ${path} 422`, ofSeal(4000, -32_602, 'The path is not valid.')]),
  ...sealAttests.map((path) => [`POST ${path} 429`, ofSeal(3002, -32_005, 'At most 60 attestations a minute.')]),
  ...sealCalls.flatMap((path) => [
    [`POST ${path} 429`, ofSeal(2005, -32_005, 'At most 2 calls in 60 seconds.')],
    [`POST ${path} 500`, ofSeal(4500, -32_603, 'Internal Server Error')],
    [
      `POST ${path} 502`,
      ofSeal(4502, -32_000, 'This execution, and its files, are on another server of this installation.'),
    ],
  ]),
])

/** Failures that are not provoked when examples are recorded, as the code that throws them words them. */
export const rare: Readonly<Record<string, unknown>> = {
  ...rareOfSeal,
  ...rareOfPeople,
  'GET /api/v1/stream 503': { detail: 'This server is shutting down. Connect again.' },
  'GET /v1/stream 503': { error: 'unavailable', message: 'This server is shutting down. Connect again.' },
  'POST /v1/events 429': {
    error: 'too_many_requests',
    message: 'Event ingestion rate limit exceeded. Please try again later.',
  },
  'POST /v1/events 503': {
    error: 'unavailable',
    message: 'More waits to be stored than this server holds. Send it again shortly.',
  },
  'POST /v1/approvals 429': {
    error: 'too_many_requests',
    message: 'Too many approval requests. Please slow down.',
  },
  'GET /api/v1/stream/dashboard 503': { detail: 'This server is shutting down. Connect again.' },
  'POST /api/v1/auth/login 400': { detail: 'Cannot determine client address.' },
  'POST /api/v1/auth/local 404': { detail: 'There is no administrator yet. Open the console, or run `lictor demo`.' },
  ...Object.fromEntries(
    ['{name}/run', '{name}/execute', 'temporal/execute'].map((path) => [
      `POST /v1/workflows/${path} 429`,
      { error: 'too_many_requests', message: '10000 workflows of this tenant are running already.' },
    ]),
  ),
  ...Object.fromEntries(
    ['POST /v1/executions', 'POST /v1/agents/{id}/execute'].map((operation) => [
      `${operation} 429`,
      {
        error: 'rate_limit_exceeded',
        message: 'Rate limit exceeded for agent execution (user: sa-4be1), retry after 60s',
        resource_type: 'agent_execution',
        bucket: 'per_minute',
        limit: 3,
        retry_after_seconds: 60,
      },
    ]),
  ),
  ...Object.fromEntries(
    ['GET prices', 'POST checkout', 'POST portal', 'GET subscription', 'GET invoices', 'POST webhook'].map(
      (operation) => [
        `${operation.replace(' ', ' /v1/billing/')} 501`,
        { error: 'billing_not_configured', message: 'Stripe billing is not configured' },
      ],
    ),
  ),
  'POST /v1/billing/checkout 502': { error: 'billing_unavailable', message: 'Billing unavailable' },
  ...Object.fromEntries(
    ['patterns', 'skills', 'metrics'].map((path) => [
      `GET /v1/cortex/${path} 503`,
      { error: 'cortex_not_configured', message: 'This server has no memory: LICTOR_CORTEX is off.' },
    ]),
  ),
  'GET /v1/swarms 403': {
    error: 'insufficient_scope',
    message: "This token lacks the scope 'swarm:list'.",
    required: 'swarm:list',
  },
  'POST /v1/billing/webhook 503': {
    error: 'unavailable',
    message: 'The subscription changes too fast. Tell it again.',
  },
  ...Object.fromEntries(
    ['stimuli', 'webhooks/{source}'].map((path) => [
      `POST /v1/${path} 429`,
      { error: 'too_many_requests', message: '10000 workflows of this tenant are running already.' },
    ]),
  ),
  'DELETE /v1/schedules/{name} 409': {
    error: 'schedule_of_manifest',
    message: "The manifest of the agent 'reporter' says this schedule (spec.schedule). Change it there.",
  },
  'POST /api/v1/bundles/evaluate 429': { detail: 'Too many concurrent evaluations. Try again shortly.' },
  'POST /api/v1/bundles/{name}/{version}/replay 429': { detail: 'Too many replays at once. Try again shortly.' },
  'POST /v1/executions 409': { error: inactive, message: inactive },
  'DELETE /v1/volumes/{volume_id} 409': { error: attached, message: attached },
  'POST /v1/volumes/{volume_id}/files/upload 413': {
    error: 'upload exceeds tier cap of 52428800 bytes',
    message: 'The file is larger than the 52428800 bytes that LICTOR_VOLUME_TIER allows.',
  },
  'GET /api/v1/events/export 403': { detail: 'Admin access required.' },
  'POST /api/v1/setup 403': {
    detail:
      "This server is set up at its own machine (localhost), at the address in LICTOR_BASE_URL, or with the link that the server printed when it started; not as 'lictor.example.com'.",
  },
  'PUT /api/v1/sessions/{key} 409': { detail: "The value of 's:one:workflow:train:state' has changed; read it again." },
  'PUT /v1/sessions/{key} 409': {
    error: "The value of 's:one:workflow:train:state' has changed; read it again.",
    message: "The value of 's:one:workflow:train:state' has changed; read it again.",
  },
  'POST /api/v1/sessions/reserve 503': {
    detail: 'More waits to be stored than this server holds. Send it again shortly.',
  },
  'POST /api/v1/sessions/settle 503': {
    detail: 'More waits to be stored than this server holds. Send it again shortly.',
  },
  'POST /api/v1/sessions/reserve 409': { detail: "The value of 's:one:execs' is not a number that can be compared." },
  'POST /api/v1/sessions/settle 409': { detail: "The value of 's:one:execs' is not a number that can be incremented." },
  'POST /api/v1/events 503': { detail: 'More waits to be stored than this server holds. Send it again shortly.' },
  ...Object.fromEntries(
    [
      ...['GET /v1/secrets', 'GET /v1/secrets/{*}', 'PUT /v1/secrets/{*}', 'DELETE /v1/secrets/{*}'],
      ...['GET /v1/secret-versions/{*}', 'DELETE /v1/credentials/{id}', 'POST /v1/credentials/{id}/rotate'],
      ...['POST /v1/credentials/api-keys', 'POST /v1/credentials/api-key'],
    ].map((operation) => [
      `${operation} 503`,
      {
        error: 'secrets_unavailable',
        message: 'OpenBao is sealed or standing by: Vault is sealed. Unseal it.',
      },
    ]),
  ),
  ...Object.fromEntries(
    [
      ...['POST /v1/credentials/oauth/initiate', 'POST /v1/credentials/oauth/device/initiate'],
      ...['GET /v1/credentials/oauth/callback', 'POST /v1/credentials/oauth/callback'],
      ...['POST /v1/credentials/oauth/device/poll', 'POST /v1/credentials/device/poll'],
    ].map((operation) => [
      `${operation} 503`,
      { error: 'provider_unavailable', message: 'The provider did not answer: connect ECONNREFUSED.' },
    ]),
  ),
  ...Object.fromEntries(
    ['GET', 'POST'].map((method) => [
      `${method} /v1/credentials/oauth/callback 404`,
      { error: 'OAuth provider not found', message: "There is no OAuth provider 'files'." },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(gateway).flatMap(([status, message]) =>
      ['/v1/dispatch-gateway', '/x/{token}/v1/dispatch-gateway'].map((path) => [
        `POST ${path} ${status}`,
        { error: gatewayCodes[status] ?? message, message },
      ]),
    ),
  ),
}
