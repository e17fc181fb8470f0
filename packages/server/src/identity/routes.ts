import Type from 'typebox'
import { BadRequest } from '../errors.ts'
import { userOf } from '../http/caller.ts'
import { canonicalUuid, failures, Instant, Maybe, Nullable } from '../http/schemas.ts'
import type { App } from '../http/server.ts'
import { toWireTime } from '../storage/instants.ts'
import type { ApiKeyRow } from '../storage/schema.ts'
import { type ApiKeys, environments } from './keys.ts'
import type { LocalAccess } from './local-access.ts'
import { type Login, SESSION_COOKIE } from './login.ts'
import type { Setup } from './setup.ts'

const tags = { tags: ['identity'] }
const Message = Type.Object({ message: Type.String() })
const ApiKey = Type.Object({
  id: Type.String(),
  prefix: Type.String({ description: 'The part of the key that may be shown.' }),
  env: Type.String(),
  label: Nullable(Type.String()),
  created_at: Instant,
})

const wireKey = (row: ApiKeyRow) => ({
  id: row.id,
  prefix: row.prefix,
  env: row.env,
  label: row.label,
  created_at: toWireTime(row.created_at),
})

/** console-api §8.1: setup, login, logout, me, API keys. */
export function identityRoutes(
  app: App,
  deps: { setup: Setup; login: Login; keys: ApiKeys; local: LocalAccess; ttlHours: number; isSecure: boolean },
): void {
  const { setup, login, keys, local, ttlHours, isSecure } = deps
  const cookie = { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure } as const

  app.post(
    '/api/v1/setup',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Create the first administrator',
        body: Type.Object({
          email: Type.String({ format: 'email', maxLength: 255 }),
          password: Type.String({ maxLength: 1024, description: 'At least 12 characters.' }),
          tenant_name: Maybe(Type.String({ maxLength: 255 })),
        }),
        response: {
          201: Type.Object({ message: Type.String(), user_id: Type.String(), tenant_id: Type.String() }),
          ...failures(409, 413, 422),
        },
      },
    },
    async (request, reply) => {
      const { email, password, tenant_name } = request.body
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
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Sign in',
        body: Type.Object({ email: Type.String({ maxLength: 255 }), password: Type.String({ maxLength: 1024 }) }),
        response: { 200: Message, ...failures(400, 401, 413, 422, 429) },
      },
    },
    async (request, reply) => {
      if (!request.ip) throw new BadRequest('Cannot determine client address.')
      const token = await login.login({ ...request.body, address: request.ip })
      reply.setCookie(SESSION_COOKIE, token, { ...cookie, maxAge: ttlHours * 3600 })
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
      const user = await local.administrator(request.body.secret, request.ip)
      reply.setCookie(SESSION_COOKIE, await login.open(user), { ...cookie, maxAge: ttlHours * 3600 })
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
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Who is signed in',
        response: {
          200: Type.Object({
            user_id: Type.String(),
            tenant_id: Type.String(),
            email: Type.String(),
            is_admin: Type.Boolean(),
          }),
          ...failures(401),
        },
      },
    },
    async (request) => {
      const user = userOf(request)
      return { user_id: user.userId, tenant_id: user.tenantId, email: user.email, is_admin: user.isAdmin }
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
        body: Type.Object({ env: Type.Enum([...environments]), label: Maybe(Type.String({ maxLength: 255 })) }),
        response: { 201: Type.Object({ ...ApiKey.properties, key: Type.String() }), ...failures(401, 403, 422) },
      },
    },
    async (request, reply) => {
      const { row, key } = await keys.create(userOf(request), {
        env: request.body.env,
        label: request.body.label ?? null,
      })
      return reply.code(201).send({ ...wireKey(row), key })
    },
  )

  app.get(
    '/api/v1/keys',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: { ...tags, summary: 'List API keys in force', response: { 200: Type.Array(ApiKey), ...failures(401) } },
    },
    async (request) => (await keys.list(userOf(request))).map(wireKey),
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
      await keys.revoke(userOf(request), canonicalUuid(request.params.key_id))
      return reply.code(204).send(null)
    },
  )
}
