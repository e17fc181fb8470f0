import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { SealRefused } from '../../errors.ts'
import type { App } from '../../http/server.ts'
import type { Tokens } from '../../identity/tokens/tokens.ts'
import type { SecurityTokens } from '../seal-sessions/security-tokens.ts'
import type { Attestation } from './attest.ts'
import type { Discovery } from './discovery.ts'
import type { SealInvocations } from './invoke.ts'
import { refusal } from './refusal.ts'

const tags = ['seal']
const LARGEST_BODY = 2 * 1024 ** 2

const Failure = Type.Object(
  {
    protocol: Type.String(),
    status: Type.Literal('error'),
    error_code: Type.Integer({ description: 'Code of the protocol: 1000 to 3999, from 4000 for what it leaves open.' }),
    message: Type.String(),
    error: Type.Object(
      {
        code: Type.Integer(),
        message: Type.String(),
        timestamp: Type.String(),
        request_id: Type.String(),
      },
      { additionalProperties: true },
    ),
    payload: Type.Any(),
  },
  { additionalProperties: true, description: 'What is wrong, where each generation of clients looks for it.' },
)
const failures = <S extends number>(...statuses: S[]) =>
  Object.fromEntries(statuses.map((status) => [status, Failure])) as Record<S, typeof Failure>

const Attested = Type.Object({
  status: Type.String(),
  security_token: Type.String({ description: 'The JWT that stands in every envelope.' }),
  expires_at: Type.String({ description: 'RFC 3339; the token’s `exp`.' }),
  session_id: Type.String({ description: 'Also the token’s `jti`.' }),
})
const Answer = Type.Object(
  {
    protocol: Type.String(),
    status: Type.String(),
    payload: Type.Any({ description: 'The JSON-RPC answer: `result`, or `error` where the tool ran and failed.' }),
  },
  { additionalProperties: true, description: 'The members of the result stand at the top as well.' },
)
const Tools = Type.Object({
  protocol: Type.String(),
  attestation_endpoint: Type.String(),
  invoke_endpoint: Type.String(),
  security_context: Type.Union([Type.String(), Type.Null()]),
  tools: Type.Array(
    Type.Object({
      name: Type.String(),
      description: Type.String(),
      inputSchema: Type.Any({ description: 'JSON Schema of the arguments.' }),
      input_schema: Type.Any(),
    }),
  ),
})

interface Deps {
  readonly attestation: Attestation
  readonly invocations: SealInvocations
  readonly discovery: Discovery
  readonly securityTokens: SecurityTokens
  readonly tokens: Pick<Tokens, 'verify'>
  /** The person who is signed in to the console. @throws Unauthenticated */
  readonly signedIn: (request: FastifyRequest) => Promise<{ readonly tenantId: string }>
  /** The tenant of an address that was given to a workload or an execution. */
  readonly tenantOf: (addressToken: string) => Promise<string | null>
}

/** SEAL for its clients: bodies are bytes, because what is signed is what was sent. */
export function sealRoutes(app: App, deps: Deps): void {
  app.register(async (inner) => {
    const scope = inner as App
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
      const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
      if (type === 'application/json') return done(null, body)
      done(
        new SealRefused(415, 'unsupported_media_type', 'The body must be application/json.', {
          sealCode: 1000,
          rpcCode: -32_600,
        }),
      )
    })
    scope.addHook('preValidation', async (request) => {
      if (request.method === 'POST') request.body ??= Buffer.alloc(0)
    })
    for (const prefix of ['', '/x/:token'] as const) add(scope, prefix, deps)
    scope.post(
      '/v1/invoke',
      { config: postConfig, schema: { tags, summary: 'The same as /v1/seal/invoke', ...invokeSchema } },
      async (request) => invoke(request, deps),
    )
    scope.get(
      '/v1/seal/keys',
      {
        config: { access: 'public', scope: 'none' },
        schema: {
          tags,
          summary: 'The keys that security tokens are verified with',
          description: 'A JSON Web Key Set (RFC 7517), for gateways that verify tokens by themselves.',
          response: { 200: Type.Object({ keys: Type.Array(Type.Any()) }) },
        },
      },
      async () => ({ keys: await deps.securityTokens.list() }),
    )
  })
}

const postConfig = { access: 'seal', scope: 'tenant', rawBody: true, maxBody: LARGEST_BODY } as const
const invokeSchema = {
  description:
    'The body is the envelope, and its own proof: an Authorization header is not looked at. Its bytes are verified as they come.',
  consumes: ['application/json'],
  response: { 200: Answer, ...failures(400, 401, 403, 404, 413, 415, 422, 429, 500, 502, 503) },
}

function add(scope: App, prefix: '' | '/x/:token', deps: Deps): void {
  const own = prefix === '' ? '' : ' at an address of one’s own'
  const params = prefix === '' ? {} : { params: Type.Object({ token: Type.String() }) }
  scope.post(
    `${prefix}/v1/seal/attest`,
    {
      config: postConfig,
      schema: {
        tags,
        summary: `Attest a public key and get a security token${own}`,
        description:
          prefix === ''
            ? 'Takes a bearer token that may execute agents. Programs without one attest at the address they were given.'
            : 'The address itself is the proof: it was given to an execution, or by an operator to a workload.',
        consumes: ['application/json'],
        ...params,
        response: { 200: Attested, ...failures(400, 401, 403, 404, 413, 415, 422, 429, 503) },
      },
    },
    async (request) => {
      const { authorization } = request.headers
      const body = jsonOf(request.body)
      return {
        status: 'success',
        ...(await deps.attestation.attest(body, { addressToken: tokenOf(request), authorization })),
      }
    },
  )
  scope.post(
    `${prefix}/v1/seal/invoke`,
    {
      config: postConfig,
      schema: { tags, summary: `Call a tool by a signed envelope${own}`, ...params, ...invokeSchema },
    },
    async (request) => invoke(request, deps),
  )
  scope.get(
    `${prefix}/v1/seal/tools`,
    {
      config: { access: 'seal', scope: 'tenant' },
      schema: {
        tags,
        summary: `List the tools that a security context could allow${own}`,
        description: 'The context by `X-Zaru-Security-Context`, else by the query; without one, every tool.',
        ...params,
        querystring: Type.Object({ security_context: Type.Optional(Type.String()) }),
        response: { 200: Tools, ...failures(404, 422) },
      },
    },
    async (request) => {
      const header = request.headers['x-zaru-security-context']
      const query = (request.query as { security_context?: string }).security_context
      const named = [typeof header === 'string' ? header.trim() : '', query?.trim() ?? ''].find((one) => one !== '')
      const tools = await deps.discovery.list(named ?? null, await tenantOf(request, deps))
      return {
        protocol: 'seal/v1',
        attestation_endpoint: '/v1/seal/attest',
        invoke_endpoint: '/v1/seal/invoke',
        security_context: named ?? null,
        tools: [...tools],
      }
    },
  )
}

async function invoke(
  request: FastifyRequest,
  deps: Deps,
): Promise<Record<string, unknown> & { protocol: string; status: string; payload: unknown }> {
  // Who has hung up is answered by nobody: what still waits for a person is taken back.
  const gone = new AbortController()
  const onClose = () => {
    if (!request.raw.complete || request.raw.destroyed) gone.abort(new Error('The client has gone.'))
  }
  request.raw.socket.once('close', onClose)
  try {
    return (await deps.invocations.invoke(request.body as Buffer, gone.signal)) as Awaited<ReturnType<typeof invoke>>
  } finally {
    request.raw.socket.off('close', onClose)
  }
}

function tokenOf(request: FastifyRequest): string | null {
  const { token } = request.params as { token?: unknown }
  return typeof token === 'string' ? token : null
}

/** Whose contexts a listing may know: of a bearer, of an address, of a person, or nobody's. */
async function tenantOf(
  request: FastifyRequest,
  { tokens, signedIn, tenantOf: tenantOfAddress }: Deps,
): Promise<string | null> {
  const { authorization } = request.headers
  const bearer = authorization?.startsWith('Bearer ') ? authorization.slice(7).trim() : ''
  if (bearer !== '') {
    const caller = await tokens.verify(bearer).catch(() => null)
    if (caller) return caller.tenantId
  }
  const token = tokenOf(request)
  if (token !== null) return tenantOfAddress(token)
  if (authorization !== undefined || request.headers.cookie === undefined) return null
  return (await signedIn(request).catch(() => null))?.tenantId ?? null
}

function jsonOf(body: unknown): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body as Buffer))
  } catch {
    throw refusal('attestation_malformed', 'The body is no JSON.')
  }
}
