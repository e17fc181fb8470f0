import Type from 'typebox'
import { failures, Instant, Nullable, TenantId } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { userOf } from '../caller.ts'
import { RoleName } from '../members/routes.ts'
import type { SecondFactor } from '../second-factor/second-factor.ts'
import type { Membership } from '../store.ts'
import type { Tenants } from '../tenants/tenants.ts'
import { type Account, requireOwnProof } from './account.ts'

const tags = { tags: ['people'] }
const own = { access: 'dashboard', scope: 'tenant', permission: 'view', whileSuspended: true } as const
const MembershipBody = Type.Object({
  tenant_id: TenantId,
  slug: Type.String(),
  name: Type.String(),
  kind: Type.String(),
  status: Type.String(),
  role: RoleName,
  current: Type.Boolean(),
})
const Code = Type.Object({ code: Type.String({ minLength: 1, maxLength: 100 }) })

/** Who is signed in by a proof of their own. @throws Forbidden */
function ownerOf(request: Parameters<typeof userOf>[0]) {
  const caller = userOf(request)
  requireOwnProof(caller)
  return caller
}

/** What a person does with their own account: tenants, sessions, password, second factor. */
export function accountRoutes(
  app: App,
  deps: { account: Account; tenants: Tenants; secondFactor: SecondFactor },
): void {
  const { account, tenants, secondFactor } = deps
  const membership = (one: Membership, current: string) => ({
    tenant_id: one.tenantId,
    slug: one.slug,
    name: one.tenantName,
    kind: one.kind,
    status: one.status,
    role: one.role,
    current: one.tenantId === current,
  })

  app.get(
    '/api/v1/auth/tenants',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'Tenants of which one is a member',
        response: { 200: Type.Array(MembershipBody), ...failures(401) },
      },
    },
    async (request) => {
      const caller = userOf(request)
      return (await tenants.listOf(caller)).map((one) => membership(one, caller.tenantId))
    },
  )

  app.put(
    '/api/v1/auth/tenant',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'Go on in another tenant with this session',
        body: Type.Object({ tenant_id: Type.String({ format: 'uuid' }) }),
        response: { 200: MembershipBody, ...failures(401, 403, 404, 422) },
      },
    },
    async (request) => {
      const to = await tenants.switchTo(userOf(request), request.body.tenant_id.toLowerCase())
      return membership(to, to.tenantId)
    },
  )

  app.delete(
    '/api/v1/tenant',
    {
      config: { access: 'dashboard', scope: 'tenant', permission: 'own', whileSuspended: true },
      schema: {
        ...tags,
        summary: 'Delete the tenant',
        body: Type.Object({ slug: Type.String({ maxLength: 63 }) }),
        response: { 204: Type.Null(), ...failures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request, reply) => {
      await tenants.deleteOwn(userOf(request), request.body.slug)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/v1/auth/sessions',
    {
      config: own,
      schema: {
        ...tags,
        summary: "One's own sessions",
        response: {
          200: Type.Array(
            Type.Object({
              id: Type.String(),
              current: Type.Boolean(),
              tenant: Type.String(),
              method: Type.String(),
              address: Nullable(Type.String()),
              user_agent: Nullable(Type.String()),
              created_at: Instant,
              expires_at: Instant,
            }),
          ),
          ...failures(401),
        },
      },
    },
    async (request) =>
      (await account.sessions(userOf(request))).map((session) => ({
        id: session.id,
        current: session.isCurrent,
        tenant: session.slug,
        method: session.method,
        address: session.address,
        user_agent: session.userAgent,
        created_at: toWireTime(session.createdAt),
        expires_at: toWireTime(session.expiresAt),
      })),
  )

  app.delete(
    '/api/v1/auth/sessions/:id',
    {
      config: own,
      schema: {
        ...tags,
        summary: "End one of one's own sessions",
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        response: { 204: Type.Null(), ...failures(401, 403, 404) },
      },
    },
    async (request, reply) => {
      await account.endSession(userOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/api/v1/auth/sessions',
    {
      config: own,
      schema: {
        ...tags,
        summary: "End all of one's own sessions but this one",
        response: { 200: Type.Object({ ended: Type.Integer() }), ...failures(401, 403) },
      },
    },
    async (request) => ({ ended: await account.endOthers(userOf(request)) }),
  )

  app.put(
    '/api/v1/auth/password',
    {
      config: own,
      schema: {
        ...tags,
        summary: "Change one's own password",
        body: Type.Object({
          present_password: Type.String({ maxLength: 1024 }),
          password: Type.String({ maxLength: 1024 }),
        }),
        response: { 204: Type.Null(), ...failures(401, 403, 422, 429) },
      },
    },
    async (request, reply) => {
      await account.changePassword(userOf(request), request.body.present_password, request.body.password)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/v1/auth/second-factor',
    {
      config: own,
      schema: {
        ...tags,
        summary: "One's own second factor",
        response: {
          200: Type.Object({ enabled: Type.Boolean(), recovery_codes_left: Type.Integer() }),
          ...failures(401),
        },
      },
    },
    async (request) => {
      const { isOn, recoveryCodesLeft } = await secondFactor.stateOf(userOf(request))
      return { enabled: isOn, recovery_codes_left: recoveryCodesLeft }
    },
  )

  app.post(
    '/api/v1/auth/second-factor',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'Begin a second factor',
        response: { 201: Type.Object({ secret: Type.String(), uri: Type.String() }), ...failures(401, 403, 409) },
      },
    },
    async (request, reply) => reply.code(201).send(await secondFactor.begin(ownerOf(request))),
  )

  app.post(
    '/api/v1/auth/second-factor/confirm',
    {
      config: own,
      schema: {
        ...tags,
        summary: 'Put a second factor into force',
        body: Code,
        response: {
          200: Type.Object({ recovery_codes: Type.Array(Type.String()) }),
          ...failures(401, 403, 409, 422, 429),
        },
      },
    },
    async (request) => ({
      recovery_codes: (await secondFactor.confirm(ownerOf(request), request.body.code)).recoveryCodes,
    }),
  )

  app.post(
    '/api/v1/auth/second-factor/remove',
    {
      config: own,
      schema: {
        ...tags,
        summary: "Remove one's own second factor",
        body: Code,
        response: { 204: Type.Null(), ...failures(401, 403, 422, 429) },
      },
    },
    async (request, reply) => {
      await secondFactor.remove(ownerOf(request), request.body.code)
      return reply.code(204).send(null)
    },
  )
}
