import Type from 'typebox'
import { Forbidden } from '../errors.ts'
import { canonicalUuid, failures, Instant, Maybe, Nullable, TenantId } from '../http/schemas.ts'
import type { App } from '../http/server.ts'
import { toWireTime } from '../storage/instants.ts'
import { keyClients, signatureTexts, userOf } from './caller.ts'
import { deviceOf } from './device.ts'
import { type ApiKeys, environments } from './keys.ts'
import type { LocalAccess } from './local-access.ts'
import { type Login, SESSION_COOKIE } from './login.ts'
import { RoleName } from './members/routes.ts'
import type { Setup } from './setup.ts'
import type { SetupGate } from './setup-gate.ts'
import type { ApiKey } from './store.ts'

const tags = { tags: ['identity'] }
const MessageText = Type.String({ description: 'What happened, in a sentence.' })
const Message = Type.Object({ message: MessageText })
const UserId = Type.String({ description: 'Id of the user.' })
const Client = Type.Enum([...keyClients], {
  description:
    '`contracts`: its agents are given bundles as they are stored. `rulesets`: also under `/api/v1` every bundle as a Ruleset, for agents with edictum 0.17.',
})
const Signature = Type.Enum([...signatureTexts], {
  description:
    'How signatures are written on its streams; edictum 0.16 and later verify `base64`. Absent: as the server is set.',
})
const ApiKeyBody = Type.Object({
  id: Type.String(),
  prefix: Type.String({ description: 'The part of the key that may be shown.' }),
  env: Type.String(),
  label: Nullable(Type.String()),
  created_at: Instant,
  client: Client,
  signature: Nullable(Signature),
})

const wireKey = (key: ApiKey) => ({
  id: key.id,
  prefix: key.prefix,
  env: key.env,
  label: key.label,
  created_at: toWireTime(key.createdAt),
  client: key.client,
  signature: key.signature,
})

/** Setup, login, logout, me, API keys. */
export function identityRoutes(
  app: App,
  deps: {
    setup: Setup
    setupGate: SetupGate
    login: Login
    apiKeys: ApiKeys
    localAccess: LocalAccess
    /** How a session's cookie is set. */
    cookie: {
      readonly httpOnly: true
      readonly sameSite: 'lax'
      readonly path: string
      readonly secure: boolean
      readonly maxAge: number
    }
  },
): void {
  const { setup, setupGate, login, apiKeys, localAccess, cookie } = deps

  app.post(
    '/api/v1/setup',
    {
      config: { access: 'public', scope: 'none', ignoresSession: true },
      schema: {
        ...tags,
        summary: 'Create the first administrator',
        body: Type.Object({
          email: Type.String({ format: 'email', maxLength: 255 }),
          password: Type.String({ maxLength: 1024, description: 'At least 12 characters.' }),
          tenant_name: Maybe(Type.String({ maxLength: 255 })),
          setup_token: Maybe(
            Type.String({
              maxLength: 200,
              description:
                'From the link that the server printed; needed under any other name than localhost and the public address.',
            }),
          ),
        }),
        response: {
          201: Type.Object({ message: MessageText, user_id: UserId, tenant_id: TenantId }),
          ...failures(403, 409, 413, 422),
        },
      },
    },
    async (request, reply) => {
      const { email, password, tenant_name, setup_token } = request.body
      if (!setupGate.permits(request.host, setup_token ?? undefined))
        throw new Forbidden(
          `This server is set up at its own machine (localhost), at the address in LICTOR_BASE_URL, or with the link that the server printed when it started; not as '${request.host}'.`,
          'setup_host',
        )
      const { userId, tenantId } = await setup.createFirstAdministrator({
        email,
        password,
        tenantName: tenant_name || 'Default',
      })
      return reply.code(201).send({ message: 'Admin created', user_id: userId, tenant_id: tenantId })
    },
  )

  app.post(
    '/api/v1/auth/login',
    {
      config: { access: 'public', scope: 'none', ignoresSession: true },
      schema: {
        ...tags,
        summary: 'Sign in',
        body: Type.Object({
          email: Type.String({ maxLength: 255 }),
          password: Type.String({ maxLength: 1024 }),
          code: Maybe(Type.String({ maxLength: 100 })),
        }),
        response: { 200: Message, ...failures(400, 401, 413, 422, 429) },
      },
    },
    async (request, reply) => {
      const { email, password, code = null } = request.body
      const token = await login.login({ email, password, code, device: deviceOf(request) })
      reply.setCookie(SESSION_COOKIE, token, cookie)
      return { message: 'Logged in.' }
    },
  )

  app.post(
    '/api/v1/auth/local',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Sign in from the machine of the server',
        description:
          'For the command line: `secret` is in `local-access.json` of the data folder. Acts as the first administrator.',
        body: Type.Object({ secret: Type.String({ maxLength: 200 }) }),
        response: { 200: Message, ...failures(401, 403, 404, 413, 422, 429) },
      },
    },
    async (request, reply) => {
      const user = await localAccess.administrator(request.body.secret, request.ip)
      reply.setCookie(SESSION_COOKIE, await login.open(user, { method: 'local', device: deviceOf(request) }), cookie)
      return { message: 'Logged in.' }
    },
  )

  app.post(
    '/api/v1/auth/logout',
    {
      config: { access: 'public', scope: 'none' },
      schema: { ...tags, summary: 'Sign out', response: { 200: Message, ...failures(403) } },
    },
    async (request, reply) => {
      const token = request.cookies[SESSION_COOKIE]
      if (token) await login.logout(token)
      reply.setCookie(SESSION_COOKIE, '', { ...cookie, maxAge: 0 })
      return { message: 'Logged out.' }
    },
  )

  app.get(
    '/api/v1/auth/me',
    {
      config: { access: 'dashboard', scope: 'tenant', whileSuspended: true },
      schema: {
        ...tags,
        summary: 'Who is signed in',
        response: {
          200: Type.Object({
            user_id: UserId,
            tenant_id: TenantId,
            email: Type.String(),
            is_admin: Type.Boolean(),
            role: RoleName,
            is_operator: Type.Boolean(),
          }),
          ...failures(401),
        },
      },
    },
    async (request) => {
      const user = userOf(request)
      return {
        user_id: user.userId,
        tenant_id: user.tenantId,
        email: user.email,
        is_admin: user.isAdmin,
        role: user.role,
        is_operator: user.isOperator,
      }
    },
  )

  app.post(
    '/api/v1/keys',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Create an API key',
        description: 'The full key is in this answer and nowhere else.',
        body: Type.Object({
          env: Type.Enum([...environments]),
          label: Maybe(Type.String({ maxLength: 255 })),
          client: Maybe(Client),
          signature: Maybe(Signature),
        }),
        response: { 201: Type.Object({ ...ApiKeyBody.properties, key: Type.String() }), ...failures(401, 403, 422) },
      },
    },
    async (request, reply) => {
      const { apiKey, key } = await apiKeys.create(userOf(request), {
        env: request.body.env,
        label: request.body.label ?? null,
        client: request.body.client ?? undefined,
        signature: request.body.signature,
      })
      return reply.code(201).send({ ...wireKey(apiKey), key })
    },
  )

  app.get(
    '/api/v1/keys',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List API keys in force',
        response: { 200: Type.Array(ApiKeyBody), ...failures(401) },
      },
    },
    async (request) => (await apiKeys.list(userOf(request))).map(wireKey),
  )

  app.delete(
    '/api/v1/keys/:key_id',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Revoke an API key',
        params: Type.Object({ key_id: Type.String({ format: 'uuid' }) }),
        response: { 204: Type.Null(), ...failures(401, 403, 404, 422) },
      },
    },
    async (request, reply) => {
      await apiKeys.revoke(userOf(request), canonicalUuid(request.params.key_id))
      return reply.code(204).send(null)
    },
  )
}
