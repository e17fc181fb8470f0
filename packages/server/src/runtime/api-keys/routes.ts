import Type from 'typebox'
import { BadRequest, Unauthenticated } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { KEY_PREFIX, type RuntimeKeys } from '../../identity/runtime-keys/runtime-keys.ts'
import { parseWireTime, toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { ListOf, listed, requireUuid, runtimeCallerOf } from '../http.ts'

const tags = ['api keys']

const keyFields = {
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  status: Type.Literal('active'),
  created_at: Instant,
  expires_at: Nullable(Instant),
  last_used_at: Nullable(Instant),
  last_used: Nullable(Instant),
}
const KeyBody = Type.Object(keyFields)

const shown = (key: Awaited<ReturnType<RuntimeKeys['list']>>[number]) => ({
  id: key.id,
  name: key.name,
  scopes: [...key.scopes],
  status: 'active' as const,
  created_at: toWireTime(key.createdAt),
  expires_at: toWireTimeOrNull(key.expiresAt),
  last_used_at: toWireTimeOrNull(key.lastUsedAt),
  last_used: toWireTimeOrNull(key.lastUsedAt),
})

/** API keys of the runtime API over HTTP. */
export function apiKeyRoutes(app: App, keys: RuntimeKeys): void {
  app.get(
    '/v1/api-keys',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'key:list' },
      schema: {
        tags,
        summary: 'Your own API keys',
        response: {
          200: Type.Object({ ...ListOf('api_keys', KeyBody).properties, keys: Type.Array(KeyBody) }),
          ...runtimeFailures(401, 403),
        },
      },
    },
    async (request) => {
      const items = (await keys.list(runtimeCallerOf(request))).map(shown)
      return { ...listed('api_keys', items), keys: items }
    },
  )

  app.post(
    '/v1/api-keys',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'key:create', maxBody: 65_536 },
      schema: {
        tags,
        summary: 'Create an API key',
        body: Type.Object({
          name: Type.String(),
          scopes: Maybe(Type.Array(Type.String())),
          expires_at: Maybe(Type.String()),
        }),
        response: {
          201: Type.Object({
            ...keyFields,
            key: Type.String(),
            key_value: Type.String(),
            api_key: Type.String(),
          }),
          ...runtimeFailures(400, 401, 403, 422),
        },
      },
    },
    async (request, reply) => {
      const { name, scopes, expires_at } = request.body
      const expiresAt = expires_at ? parseWireTime(expires_at) : null
      if (expires_at && (expiresAt === null || !/^\d{4}-/.test(expires_at)))
        throw new BadRequest('expires_at must be a time such as 2030-01-31T12:00:00Z.', 'invalid_expires_at')
      const { apiKey, key } = await keys.create(runtimeCallerOf(request), { name, scopes: scopes ?? null, expiresAt })
      reply.code(201).header('cache-control', 'no-store')
      return { ...shown(apiKey), key, key_value: key, api_key: key }
    },
  )

  app.delete(
    '/v1/api-keys/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'key:revoke' },
      schema: {
        tags,
        summary: 'Revoke an API key',
        params: Type.Object({ id: Type.String() }),
        response: {
          200: Type.Object({
            status: Type.Literal('revoked'),
            message: Type.String(),
            id: Type.String(),
            success: Type.Literal(true),
          }),
          ...runtimeFailures(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, 'Invalid API key ID')
      await keys.revoke(runtimeCallerOf(request), id)
      return { status: 'revoked' as const, message: 'API key revoked', id, success: true as const }
    },
  )

  app.post(
    '/v1/api-keys/validate',
    {
      config: { access: 'public', scope: 'none', maxBody: 4_096 },
      schema: {
        tags,
        summary: 'Whom an API key stands for',
        response: {
          200: Type.Object({
            user_id: Type.String(),
            tenant_id: Type.String(),
            aegis_role: Nullable(Type.String()),
            scopes: Type.Array(Type.String()),
            zaru_tier: Type.String(),
          }),
          ...runtimeFailures(401),
        },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const key = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      if (!key?.startsWith(KEY_PREFIX)) throw new Unauthenticated('Missing or invalid API key')
      const { subject, tenantId, role, scopes } = await keys.verify(key)
      return {
        user_id: subject,
        tenant_id: tenantId,
        aegis_role: role.startsWith('aegis:') ? role : null,
        scopes: [...scopes],
        zaru_tier: 'enterprise',
      }
    },
  )
}
