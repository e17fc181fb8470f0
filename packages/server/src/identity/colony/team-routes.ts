import Type from 'typebox'
import { DomainError, Forbidden, NotFound } from '../../errors.ts'
import { Instant, Maybe, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { noteOfAct } from '../acts/acts.ts'
import { type Caller, callerOf, looksAfterInstallation } from '../caller.ts'
import { requirePermission } from '../roles.ts'
import type { Membership } from '../store.ts'
import type { Tenants } from '../tenants/tenants.ts'

const tags = { tags: ['colony'] }
const Team = Type.Object({
  id: Type.String(),
  team_id: Type.String(),
  tenant_id: Type.String(),
  slug: Type.String(),
  display_name: Type.String(),
  role: Type.String(),
  status: Type.String(),
})

const shownTeam = (one: Membership) => ({
  id: one.tenantId,
  team_id: one.tenantId,
  tenant_id: one.tenantId,
  slug: one.slug,
  display_name: one.tenantName,
  role: one.role as string,
  status: one.status as string,
})

/** Teams as clients of AEGIS know them: the tenants of which a person is a member, and those that they make. */
export function teamRoutes(
  app: App,
  {
    tenants,
    isLimited,
  }: { tenants: Tenants /** Tiers limit tenants: only operators give them. */; isLimited: boolean },
): void {
  app.get(
    '/v1/colony/teams',
    {
      config: { access: 'bearer', scope: 'none', permission: 'view' },
      schema: {
        ...tags,
        summary: 'Teams of which one is a member',
        response: {
          200: Type.Object({ teams: Type.Array(Team), items: Type.Array(Team), count: Type.Integer() }),
          ...runtimeFailures(401, 403),
        },
      },
    },
    async (request) => {
      const items = (await tenants.listOf({ userId: personOf(callerOf(request)) }))
        .filter(({ kind }) => kind === 'team')
        .map(shownTeam)
      return { teams: items, items, count: items.length }
    },
  )

  app.post(
    '/v1/colony/teams',
    {
      config: { access: 'bearer', scope: 'none', permission: 'administer' },
      schema: {
        ...tags,
        summary: 'Make a team of which one is the owner',
        body: Type.Object({
          display_name: Type.String({ maxLength: 255 }),
          slug: Maybe(Type.String({ maxLength: 63 })),
          tier: Maybe(Type.String({ maxLength: 50 })),
        }),
        response: {
          201: Type.Object({ ...Team.properties, tier: Type.String(), created_at: Instant }),
          ...runtimeFailures(400, 401, 402, 403, 409, 422),
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const userId = personOf(caller)
      if (isLimited && !looksAfterInstallation(caller))
        throw new DomainError(
          402,
          'personal_tier_too_low',
          'Tenants have tiers here; ask who runs this installation for a team.',
        )
      const { display_name: displayName, slug, tier } = request.body
      if (tier === 'system' && !looksAfterInstallation(caller))
        throw new DomainError(403, 'tier_not_permitted', 'The tier system is given by who runs this installation.')
      noteOfAct(request, { display_name: displayName })
      const made = await tenants.create({
        slug: slug ?? slugOf(displayName),
        displayName,
        tier: tier ?? 'enterprise',
        owner: userId,
      })
      return reply.code(201).send({
        id: made.id,
        team_id: made.id,
        tenant_id: made.id,
        slug: made.slug,
        display_name: made.displayName,
        role: 'owner',
        status: made.status,
        tier: made.tier,
        created_at: toWireTime(made.createdAt),
      })
    },
  )

  app.delete(
    '/v1/colony/teams/:team_id',
    {
      config: { access: 'bearer', scope: 'none', permission: 'work' },
      schema: {
        ...tags,
        summary: 'Delete a team that one owns',
        params: Type.Object({ team_id: Type.String({ maxLength: 100 }) }),
        response: {
          200: Type.Object({ status: Type.String(), team_id: Type.String() }),
          ...runtimeFailures(401, 403, 404, 409),
        },
      },
    },
    async (request) => {
      const wanted = request.params.team_id.replace(/^t-/, '')
      const mine = await tenants.listOf({ userId: personOf(callerOf(request)) })
      const team = mine.find(({ tenantId, kind }) => kind === 'team' && tenantId === wanted)
      if (!team) throw new NotFound('You are not a member of this team.')
      requirePermission(team.role, 'own')
      await tenants.delete(team.slug)
      return { status: 'deleted', team_id: team.tenantId }
    },
  )
}

/** Whose teams they are: a person, signed in at their own account. @throws Forbidden */
function personOf(caller: Caller): string {
  if (caller.kind === 'user' && !caller.signedInBy.startsWith('sso:')) return caller.userId
  throw new Forbidden('Teams are those of a person: sign in with your own account.', 'not_a_person')
}

/** A short name after the long one. */
function slugOf(displayName: string): string {
  return displayName
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
}
