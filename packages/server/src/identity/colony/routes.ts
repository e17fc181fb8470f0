import Type from 'typebox'
import { BadRequest, DomainError } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { noteOfAct } from '../acts/acts.ts'
import { type Caller, callerOf } from '../caller.ts'
import { deviceOf } from '../device.ts'
import type { Invitations, SentInvitation } from '../invitations/invitations.ts'
import type { Invitation } from '../invitations/store.ts'
import type { Members } from '../members/members.ts'
import type { Member } from '../members/store.ts'
import { isRole, type Role } from '../roles.ts'

const tags = { tags: ['colony'] }
const looks = { access: 'bearer', scope: 'tenant', permission: 'view' } as const
const changes = { access: 'bearer', scope: 'tenant', permission: 'administer' } as const

const ColonyMember = Type.Object({
  id: Type.String(),
  user_id: Type.String(),
  email: Type.String(),
  name: Type.String(),
  role: Type.String(),
  status: Type.String(),
  invited_at: Instant,
  joined_at: Nullable(Instant),
})
const ColonyInvitation = Type.Object({
  id: Type.String(),
  team_id: Type.String(),
  invitee_email: Type.String(),
  email: Type.String(),
  role: Type.String(),
  status: Type.String(),
  expires_at: Instant,
})
const Invited = Type.Object({
  ...ColonyMember.properties,
  invitation: Type.Object({
    id: Type.String(),
    team_id: Type.String(),
    invitee_email: Type.String(),
    token: Type.String(),
    link: Type.String(),
    expires_at: Instant,
  }),
})

const shownMember = (member: Member) => ({
  id: member.userId,
  user_id: member.userId,
  email: member.email,
  name: member.email,
  role: member.role as string,
  status: 'active',
  invited_at: toWireTime(member.invitedAt ?? member.joinedAt),
  joined_at: toWireTime(member.joinedAt),
})
const pending = (invitation: Invitation, status: string) => ({
  id: invitation.id,
  user_id: invitation.id,
  email: invitation.email,
  name: invitation.email,
  role: invitation.role as string,
  status,
  invited_at: toWireTime(invitation.createdAt),
  joined_at: null,
})
const shownInvitation = (invitation: Invitation) => ({
  id: invitation.id,
  team_id: invitation.tenantId,
  invitee_email: invitation.email,
  email: invitation.email,
  role: invitation.role as string,
  status: 'pending',
  expires_at: toWireTime(invitation.expiresAt),
})
const sent = ({ invitation, token, link }: SentInvitation) => ({
  ...pending(invitation, 'pending'),
  invitation: {
    id: invitation.id,
    team_id: invitation.tenantId,
    invitee_email: invitation.email,
    token,
    link,
    expires_at: toWireTime(invitation.expiresAt),
  },
})

const MOST = 1000
const address = /^[^\s@]+@[^\s@]+$/

/** Members and invitations as clients of AEGIS know them: a colony is the caller's tenant. */
export function colonyRoutes(app: App, deps: { members: Members; invitations: Invitations }): void {
  const { members, invitations } = deps

  app.get(
    '/v1/colony/members',
    {
      config: looks,
      schema: {
        ...tags,
        summary: 'List members, and who is invited',
        querystring: Type.Object({ limit: Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            members: Type.Array(ColonyMember),
            items: Type.Array(ColonyMember),
            count: Type.Integer(),
          }),
          ...runtimeFailures(400, 401, 403),
        },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const [people, invited] = await Promise.all([members.list(caller), invitations.list(caller)])
      const all = [...people.map(shownMember), ...invited.map((one) => pending(one, 'invited'))]
      const items = all.slice(0, limitOf(request.query.limit))
      return { members: items, items, count: items.length }
    },
  )

  const invite = async (caller: Caller, body: Asked): Promise<ReturnType<typeof sent>> => {
    const email = (body.email ?? body.invitee_email ?? '').trim()
    if (!address.test(email) || email.length > 255)
      throw new BadRequest('The body needs the e-mail address of who is invited, as email.', 'invalid_body')
    return sent(await invitations.send(caller, { email, role: roleOf(body.role ?? 'member') }))
  }
  const Ask = Nullable(
    Type.Object({
      email: Maybe(Type.String({ maxLength: 255 })),
      invitee_email: Maybe(Type.String({ maxLength: 255 })),
      role: Maybe(Type.String({ maxLength: 50 })),
    }),
  )
  for (const url of ['/v1/colony/members', '/v1/colony/invitations'])
    app.post(
      url,
      {
        config: changes,
        schema: {
          ...tags,
          summary: 'Invite somebody into the tenant',
          body: Ask,
          response: { 201: Invited, ...runtimeFailures(400, 401, 403, 409, 422, 429) },
        },
      },
      async (request, reply) => {
        noteOfAct(request, { email: request.body?.email ?? request.body?.invitee_email, role: request.body?.role })
        return reply.code(201).send(await invite(callerOf(request), request.body ?? {}))
      },
    )

  app.get(
    '/v1/colony/invitations',
    {
      config: looks,
      schema: {
        ...tags,
        summary: 'List invitations that nobody has accepted',
        response: {
          200: Type.Object({
            invitations: Type.Array(ColonyInvitation),
            items: Type.Array(ColonyInvitation),
            count: Type.Integer(),
          }),
          ...runtimeFailures(401, 403),
        },
      },
    },
    async (request) => {
      const items = (await invitations.list(callerOf(request))).map(shownInvitation)
      return { invitations: items, items, count: items.length }
    },
  )

  app.delete(
    '/v1/colony/invitations/:id',
    {
      config: changes,
      schema: {
        ...tags,
        summary: 'Take an invitation back',
        params: Type.Object({ id: Type.String() }),
        response: { 200: Type.Object({ status: Type.String(), id: Type.String() }), ...runtimeFailures(401, 403, 404) },
      },
    },
    async (request) => {
      await invitations.withdraw(callerOf(request), request.params.id)
      return { status: 'cancelled', id: request.params.id }
    },
  )

  app.post(
    '/v1/colony/invitations/:token/accept',
    {
      config: { ...looks },
      schema: {
        ...tags,
        summary: 'Accept an invitation as who one is',
        params: Type.Object({ token: Type.String({ maxLength: 200 }) }),
        response: {
          200: Type.Object({
            status: Type.String(),
            team_id: Type.String(),
            tenant_id: Type.String(),
            role: Type.String(),
          }),
          ...runtimeFailures(400, 401, 403, 404, 409, 410),
        },
      },
    },
    async (request) => {
      const by = { caller: callerOf(request), password: null, code: null, device: deviceOf(request) }
      const { invitation } = await invitations.accept(request.params.token, by)
      return {
        status: 'accepted',
        team_id: invitation.tenantId,
        tenant_id: invitation.tenantId,
        role: invitation.role as string,
      }
    },
  )

  app.delete(
    '/v1/colony/members/:user_id',
    {
      config: changes,
      schema: {
        ...tags,
        summary: 'Remove a member',
        params: Type.Object({ user_id: Type.String() }),
        response: {
          200: Type.Object({ status: Type.String(), success: Type.Boolean(), user_id: Type.String() }),
          ...runtimeFailures(401, 403, 404, 409),
        },
      },
    },
    async (request) => {
      await members.remove(callerOf(request), request.params.user_id)
      return { status: 'removed', success: true, user_id: request.params.user_id }
    },
  )

  const Updated = Type.Object({ ...ColonyMember.properties, updated: Type.Boolean() })
  const update = async (caller: Caller, userId: string, role: string) => ({
    ...shownMember(await members.setRole(caller, userId, roleOf(role))),
    updated: true,
  })

  app.put(
    '/v1/colony/roles',
    {
      config: changes,
      schema: {
        ...tags,
        summary: 'Give a member another role',
        body: Type.Object({ user_id: Type.String({ maxLength: 100 }), role: Type.String({ maxLength: 50 }) }),
        response: { 200: Updated, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      noteOfAct(request, { user_id: request.body.user_id, role: request.body.role })
      return update(callerOf(request), request.body.user_id, request.body.role)
    },
  )

  app.patch(
    '/v1/colony/members/:user_id',
    {
      config: changes,
      schema: {
        ...tags,
        summary: 'Give a member another role',
        params: Type.Object({ user_id: Type.String() }),
        body: Type.Object({ role: Type.String({ maxLength: 50 }) }),
        response: { 200: Updated, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      noteOfAct(request, { role: request.body.role })
      return update(callerOf(request), request.params.user_id, request.body.role)
    },
  )
}

interface Asked {
  readonly email?: string | null
  readonly invitee_email?: string | null
  readonly role?: string | null
}

function roleOf(text: string): Role {
  if (isRole(text)) return text
  throw new DomainError(400, 'invalid_role', `'${text}' is no role: it takes owner, admin, member or viewer.`)
}

function limitOf(text: string | undefined): number {
  if (text === undefined || text === '') return MOST
  if (!/^\d{1,9}$/.test(text)) throw new BadRequest('limit must be a whole number from 0.', 'invalid_query')
  return Math.min(Number(text), MOST)
}
