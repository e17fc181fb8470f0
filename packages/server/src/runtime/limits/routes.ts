import Type from 'typebox'
import { BadRequest, NotFound } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { actorOf } from '../../identity/caller.ts'
import { type SystemScope, scopeOf, scopeOfRecord, systemScope, type TenantScope } from '../../identity/scope.ts'
import { toWireTime } from '../../storage/instants.ts'
import { ListOf, listed, requireUuid, runtimeCallerOf } from '../http.ts'
import { requireInstallation } from '../installation.ts'
import type { RuntimeCaller } from '../visibility.ts'
import { type Limits, type Usage, userScope } from './limits.ts'
import type { Override } from './policy.ts'
import { buckets, isBucket, isCounted, resources } from './resources.ts'
import type { LimitStore } from './store.ts'

const tags = ['limits']
const MOST = 9_007_199_254_740_991

const Shown = Type.Object({
  id: Type.String(),
  resource_type: Type.String(),
  bucket: Type.String(),
  limit_value: Type.Integer(),
  tenant_id: Nullable(Type.String()),
  user_id: Nullable(Type.String()),
  burst_value: Nullable(Type.Integer()),
  created_at: Instant,
  updated_at: Instant,
})
const Used = Type.Object({
  scope_type: Type.String(),
  scope_id: Type.String(),
  resource_type: Type.String(),
  bucket: Type.String(),
  window_start: Instant,
  counter: Type.Integer(),
})
const Own = Type.Object({
  scope_type: Type.String(),
  resource_type: Type.String(),
  bucket: Type.String(),
  current_count: Type.Integer(),
  limit_value: Nullable(Type.Integer()),
  window_seconds: Type.Integer(),
  resets_at: Instant,
})

const shown = (override: Override) => ({
  id: override.id,
  resource_type: override.resourceType,
  bucket: override.bucket,
  limit_value: override.limit,
  // Clients know one or the other.
  tenant_id: override.userId === null ? override.tenantId : null,
  user_id: override.userId,
  burst_value: override.burst,
  created_at: toWireTime(override.createdAt),
  updated_at: toWireTime(override.updatedAt),
})

const own = (usage: Usage) => ({
  scope_type: usage.scopeType,
  resource_type: usage.resourceType,
  bucket: usage.bucket,
  current_count: usage.count,
  limit_value: usage.limit,
  window_seconds: usage.windowSeconds,
  resets_at: toWireTime((usage.windowStart + usage.windowSeconds * 1000) * 1000),
})

/** Limits over HTTP: what administrators set, and what was used. */
export function limitRoutes(app: App, { limits, store }: { limits: Limits; store: LimitStore }): void {
  /** Whose limits the caller sets: everybody's, from the tenant that runs the installation. @throws Forbidden */
  async function reachOf(caller: RuntimeCaller): Promise<SystemScope> {
    await requireInstallation(caller, () => store.slugOf(scopeOf(caller)), 'Limits are set')
    return systemScope
  }

  /** A tenant that a request names, else the caller's own. @throws BadRequest */
  async function tenantOf(caller: RuntimeCaller, named: string | null | undefined): Promise<TenantScope> {
    if (!named) return scopeOf(caller)
    const found = await store.findTenant(await reachOf(caller), named)
    if (!found) throw new BadRequest(`There is no tenant '${named}'.`, 'unknown_tenant')
    return scopeOfRecord(found)
  }

  /** `user` or `tenant:user`, as usage names users. */
  async function userOf(caller: RuntimeCaller, named: string): Promise<{ scope: TenantScope; userId: string }> {
    const at = named.indexOf(':')
    if (at > 0) {
      const found = await store.findTenant(await reachOf(caller), named.slice(0, at))
      if (found) return { scope: scopeOfRecord(found), userId: named.slice(at + 1) }
    }
    return { scope: scopeOf(caller), userId: named }
  }

  app.get(
    '/v1/admin/rate-limits/overrides',
    {
      config: { access: 'bearer', scope: 'none' },
      schema: {
        tags,
        summary: 'Limits that were set for a tenant or a user',
        querystring: Type.Object({ tenant_id: Type.Optional(Type.String()), user_id: Type.Optional(Type.String()) }),
        response: { 200: ListOf('overrides', Shown), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request) => {
      const caller = runtimeCallerOf(request)
      const everywhere = await reachOf(caller)
      const { tenant_id, user_id } = request.query
      const user = user_id ? await userOf(caller, user_id) : null
      const scope = tenant_id ? await tenantOf(caller, tenant_id) : (user?.scope ?? everywhere)
      const found = await limits.listOverrides(scope, { userId: user?.userId })
      return listed('overrides', found.map(shown))
    },
  )

  app.post(
    '/v1/admin/rate-limits/overrides',
    {
      config: { access: 'bearer', scope: 'none' },
      schema: {
        tags,
        summary: 'Set a limit for a tenant or a user',
        body: Type.Object({
          resource_type: Type.String({ minLength: 1, maxLength: 200 }),
          bucket: Type.String(),
          limit_value: Type.Integer({ minimum: 0, maximum: MOST }),
          tenant_id: Maybe(Type.String({ maxLength: 255 })),
          user_id: Maybe(Type.String({ maxLength: 512 })),
          burst_value: Maybe(Type.Integer({ minimum: 0, maximum: MOST })),
        }),
        response: { 200: Shown, ...runtimeFailures(400, 401, 403, 422) },
      },
    },
    async (request) => {
      const caller = runtimeCallerOf(request)
      await reachOf(caller)
      const { resource_type, bucket, limit_value, tenant_id, user_id, burst_value } = request.body
      if (!tenant_id === !user_id) {
        const message = 'Exactly one of tenant_id or user_id must be provided'
        throw new BadRequest(message, message)
      }
      if (!isCounted(resource_type)) {
        const known = [...Object.keys(resources), 'seal_tool:<name or pattern>'].join(', ')
        throw new BadRequest(
          `There is no resource_type '${resource_type}'; there are ${known}.`,
          'unknown_resource_type',
        )
      }
      if (!isBucket(bucket)) {
        const known = buckets.map(({ name }) => name).join(', ')
        throw new BadRequest(`There is no bucket '${bucket}'; there are ${known}.`, 'unknown_bucket')
      }
      const user = user_id ? await userOf(caller, user_id) : null
      const { tenantId } = user?.scope ?? (await tenantOf(caller, tenant_id))
      return shown(
        await limits.setOverride({
          tenantId,
          userId: user?.userId ?? null,
          resourceType: resource_type,
          bucket,
          limit: limit_value,
          burst: burst_value ?? null,
        }),
      )
    },
  )

  app.delete(
    '/v1/admin/rate-limits/overrides/:id',
    {
      config: { access: 'bearer', scope: 'none' },
      schema: {
        tags,
        summary: 'Take back a limit that was set',
        params: Type.Object({ id: Type.String() }),
        response: {
          200: Type.Object({ status: Type.String(), id: Type.String() }),
          ...runtimeFailures(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const everywhere = await reachOf(runtimeCallerOf(request))
      const id = requireUuid(request.params.id, 'Invalid override ID')
      if (!(await limits.deleteOverride(everywhere, id))) throw new NotFound('Override not found', 'Override not found')
      return { status: 'deleted', id }
    },
  )

  app.get(
    '/v1/admin/rate-limits/usage',
    {
      config: { access: 'bearer', scope: 'none' },
      schema: {
        tags,
        summary: 'What a tenant or a user has used, in windows that are under way',
        querystring: Type.Object({ scope_type: Type.String(), scope_id: Type.String() }),
        response: { 200: ListOf('usage', Used), ...runtimeFailures(400, 401, 403, 422) },
      },
    },
    async (request) => {
      const caller = runtimeCallerOf(request)
      await reachOf(caller)
      const { scope_type, scope_id } = request.query
      if (scope_type !== 'tenant' && scope_type !== 'user')
        throw new BadRequest(`scope_type must be tenant or user, not '${scope_type}'.`, 'unknown_scope_type')
      const user = scope_type === 'user' ? await userOf(caller, scope_id) : null
      const { tenantId } = user?.scope ?? (await tenantOf(caller, scope_id))
      const found = await limits.countersOf({ tenantId, userId: user?.userId ?? null })
      return listed(
        'usage',
        found.map((counter) => ({
          scope_type,
          scope_id: user ? userScope(tenantId, user.userId) : tenantId,
          resource_type: counter.resourceType,
          bucket: counter.bucket,
          window_start: toWireTime(counter.windowStart * 1000),
          counter: counter.count,
        })),
      )
    },
  )

  for (const url of ['/v1/user/rate-limits/usage', '/v1/user/rate-limits'])
    app.get(
      url,
      {
        config: { access: 'bearer', scope: 'tenant' },
        schema: {
          tags,
          summary: 'What the caller has used, and of what',
          response: {
            200: Type.Object({
              user_id: Type.String(),
              buckets: Type.Array(Type.Object({ bucket_name: Type.String(), usage_pct: Type.Number() })),
              usage: Type.Array(Own),
              count: Type.Integer(),
            }),
            ...runtimeFailures(401),
          },
        },
      },
      async (request) => {
        const caller = runtimeCallerOf(request)
        const userId = actorOf(caller)
        const { user, tenant } = await limits.usageOf({ tenantId: caller.tenantId, userId })
        const usage = [...user, ...tenant].map(own)
        return {
          user_id: userId,
          buckets: user.flatMap(({ resourceType, bucket, count, limit }) =>
            limit === null
              ? []
              : [{ bucket_name: `${resourceType}:${bucket}`, usage_pct: limit === 0 ? 1 : count / limit }],
          ),
          usage,
          count: usage.length,
        }
      },
    )
}
