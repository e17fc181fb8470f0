import Type from 'typebox'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { noteOfAct } from '../acts/acts.ts'
import { callerOf } from '../caller.ts'
import type { Invitations } from '../invitations/invitations.ts'
import { RoleName } from '../members/routes.ts'
import type { TenantRecord } from './store.ts'
import { effectiveQuotas, type Tenants } from './tenants.ts'

const tags = { tags: ['tenants'] }
const config = { access: 'bearer', scope: 'none', permission: 'administer', isForOperators: true } as const
const Quotas = Type.Object({
  max_concurrent_executions: Type.Integer(),
  max_agents: Type.Integer(),
  max_storage_gb: Type.Number(),
})
const TenantBody = Type.Object({
  id: Type.String(),
  slug: Type.String(),
  display_name: Type.String(),
  kind: Type.String(),
  status: Type.String(),
  tier: Type.String(),
  keycloak_realm: Type.String(),
  openbao_namespace: Type.String(),
  quotas: Quotas,
  created_at: Instant,
  updated_at: Instant,
  deleted_at: Nullable(Instant),
})
const slug = { params: Type.Object({ slug: Type.String({ maxLength: 200 }) }) }
const Changed = Type.Object({ status: Type.String(), slug: Type.String() })

export const shownTenant = (tenant: TenantRecord) => {
  const quotas = effectiveQuotas(tenant)
  return {
    id: tenant.id,
    slug: tenant.slug,
    display_name: tenant.displayName,
    kind: tenant.kind,
    status: tenant.status,
    tier: tenant.tier,
    keycloak_realm: `tenant-${tenant.slug}`,
    openbao_namespace: `tenant-${tenant.slug}/`,
    quotas: {
      max_concurrent_executions: quotas.maxConcurrentExecutions,
      max_agents: quotas.maxAgents,
      max_storage_gb: quotas.maxStorageGb,
    },
    created_at: toWireTime(tenant.createdAt),
    updated_at: toWireTime(tenant.updatedAt),
    deleted_at: tenant.deletedAt === null ? null : toWireTime(tenant.deletedAt),
  }
}

/** The tenants of the installation, for those who look after it. */
export function tenantRoutes(app: App, deps: { tenants: Tenants; invitations: Invitations }): void {
  const { tenants, invitations } = deps

  app.post(
    '/v1/admin/tenants',
    {
      config,
      schema: {
        ...tags,
        summary: 'Make a tenant',
        body: Type.Object({
          slug: Type.String(),
          display_name: Type.String(),
          tier: Type.Optional(Type.String()),
        }),
        response: { 201: TenantBody, ...runtimeFailures(400, 401, 403, 409, 422) },
      },
    },
    async (request, reply) => {
      const { slug: named, display_name: displayName, tier = 'enterprise' } = request.body
      noteOfAct(request, { slug: named.slice(0, 100), tier: tier.slice(0, 100) })
      return reply.code(201).send(shownTenant(await tenants.create({ slug: named, displayName, tier })))
    },
  )

  app.get(
    '/v1/admin/tenants',
    {
      config,
      schema: {
        ...tags,
        summary: 'List tenants, suspended ones too',
        response: {
          200: Type.Object({ tenants: Type.Array(TenantBody), items: Type.Array(TenantBody), count: Type.Integer() }),
          ...runtimeFailures(401, 403),
        },
      },
    },
    async () => {
      const items = (await tenants.list()).map(shownTenant)
      return { tenants: items, items, count: items.length }
    },
  )

  app.get(
    '/v1/admin/tenants/:slug',
    {
      config,
      schema: {
        ...tags,
        ...slug,
        summary: 'Read a tenant',
        response: { 200: TenantBody, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => shownTenant(await tenants.get(request.params.slug)),
  )

  app.post(
    '/v1/admin/tenants/:slug/suspend',
    {
      config,
      schema: {
        ...tags,
        ...slug,
        summary: 'Stop everything of a tenant',
        response: { 200: Changed, ...runtimeFailures(401, 403, 404, 409) },
      },
    },
    async (request) => {
      const tenant = await tenants.suspend(request.params.slug)
      return { status: tenant.status, slug: tenant.slug }
    },
  )

  app.post(
    '/v1/admin/tenants/:slug/resume',
    {
      config,
      schema: {
        ...tags,
        ...slug,
        summary: 'Let a suspended tenant go on',
        response: { 200: Changed, ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => {
      const tenant = await tenants.resume(request.params.slug)
      return { status: tenant.status, slug: tenant.slug }
    },
  )

  app.delete(
    '/v1/admin/tenants/:slug',
    {
      config,
      schema: {
        ...tags,
        ...slug,
        summary: 'Delete a tenant',
        response: { 200: Changed, ...runtimeFailures(401, 403, 404, 409) },
      },
    },
    async (request) => {
      const tenant = await tenants.delete(request.params.slug)
      return { status: tenant.status, slug: tenant.slug }
    },
  )

  app.put(
    '/v1/admin/tenants/:slug/quotas',
    {
      config,
      schema: {
        ...tags,
        ...slug,
        summary: "Set numbers in place of the tier's",
        body: Nullable(
          Type.Object({
            max_concurrent_executions: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
            max_agents: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
            max_storage_gb: Type.Optional(Type.Number({ minimum: 0, maximum: 2 ** 31 - 1 })),
          }),
        ),
        response: { 200: TenantBody, ...runtimeFailures(401, 403, 404, 422) },
      },
    },
    async (request) => {
      const given = request.body ?? {}
      noteOfAct(request, { ...given })
      const tenant = await tenants.setQuotas(request.params.slug, {
        ...(given.max_concurrent_executions === undefined
          ? {}
          : { maxConcurrentExecutions: given.max_concurrent_executions }),
        ...(given.max_agents === undefined ? {} : { maxAgents: given.max_agents }),
        ...(given.max_storage_gb === undefined ? {} : { maxStorageGb: given.max_storage_gb }),
      })
      return shownTenant(tenant)
    },
  )

  app.post(
    '/v1/admin/tenants/:slug/invitations',
    {
      config,
      schema: {
        ...tags,
        ...slug,
        summary: 'Invite somebody into a tenant, such as its first owner',
        body: Type.Object({
          email: Type.String({ format: 'email', maxLength: 255 }),
          role: Type.Optional(RoleName),
        }),
        response: {
          201: Type.Object({
            id: Type.String(),
            email: Type.String(),
            role: RoleName,
            expires_at: Instant,
            link: Type.String(),
            mail: Type.Enum(['sent', 'failed', 'off']),
          }),
          ...runtimeFailures(400, 401, 403, 404, 409, 422, 429),
        },
      },
    },
    async (request, reply) => {
      const { email, role = 'owner' } = request.body
      noteOfAct(request, { email, role })
      const tenant = await tenants.get(request.params.slug)
      const { invitation, link, mail } = await invitations.sendInto(callerOf(request), tenant, { email, role })
      return reply.code(201).send({
        id: invitation.id,
        email: invitation.email,
        role: invitation.role,
        expires_at: toWireTime(invitation.expiresAt),
        link,
        mail,
      })
    },
  )
}
