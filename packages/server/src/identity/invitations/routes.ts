import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { failures, Instant, Maybe } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RateLimiter } from '../../ports/rate-limiter.ts'
import { microsOf, toWireTime } from '../../storage/instants.ts'
import { noteOfAct } from '../acts/acts.ts'
import { type UserCaller, userOf } from '../caller.ts'
import { deviceOf } from '../device.ts'
import { RoleName } from '../members/routes.ts'
import { limited } from '../too-often.ts'
import type { Invitations, SentInvitation } from './invitations.ts'
import type { Invitation } from './store.ts'

const tags = { tags: ['people'] }
const InvitationBody = Type.Object({
  id: Type.String(),
  email: Type.String(),
  role: RoleName,
  invited_by: Type.String(),
  created_at: Instant,
  expires_at: Instant,
  expired: Type.Boolean(),
})
const Token = Type.String({ minLength: 1, maxLength: 200 })
const LOOKS = 60

/** Invitations, for the console. */
export function invitationRoutes(
  app: App,
  deps: {
    invitations: Invitations
    /** Who is signed in, when anybody is. */
    signedIn: (request: Parameters<typeof userOf>[0]) => Promise<UserCaller | null>
    setSession: (reply: FastifyReply, token: string) => void
    clock: Clock
    limiter: RateLimiter
  },
): void {
  const { invitations, signedIn, setSession, clock, limiter } = deps
  const shown = (invitation: Invitation) => ({
    id: invitation.id,
    email: invitation.email,
    role: invitation.role,
    invited_by: invitation.invitedBy,
    created_at: toWireTime(invitation.createdAt),
    expires_at: toWireTime(invitation.expiresAt),
    expired: invitation.expiresAt <= microsOf(clock.now()),
  })
  const sent = ({ invitation, link, mail }: SentInvitation) => ({ ...shown(invitation), link, mail })

  app.post(
    '/api/v1/invitations',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Invite somebody',
        body: Type.Object({
          email: Type.String({ format: 'email', maxLength: 255 }),
          role: Type.Optional(RoleName),
        }),
        response: {
          201: Type.Object({
            ...InvitationBody.properties,
            link: Type.String(),
            mail: Type.Enum(['sent', 'failed', 'off']),
          }),
          ...failures(400, 401, 403, 409, 422, 429),
        },
      },
    },
    async (request, reply) => {
      const { email, role = 'member' } = request.body
      noteOfAct(request, { email, role })
      return reply.code(201).send(sent(await invitations.send(userOf(request), { email, role })))
    },
  )

  app.get(
    '/api/v1/invitations',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'List invitations that nobody has accepted',
        response: { 200: Type.Array(InvitationBody), ...failures(401, 403) },
      },
    },
    async (request) => (await invitations.list(userOf(request))).map(shown),
  )

  app.delete(
    '/api/v1/invitations/:id',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'Take an invitation back',
        params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
        response: { 204: Type.Null(), ...failures(401, 403, 404, 422) },
      },
    },
    async (request, reply) => {
      await invitations.withdraw(userOf(request), request.params.id.toLowerCase())
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/v1/auth/invitation',
    {
      config: { access: 'public', scope: 'none', ignoresSession: true },
      schema: {
        ...tags,
        summary: 'What an invitation asks to; uses nothing up',
        body: Type.Object({ token: Token }),
        response: {
          200: Type.Object({
            email: Type.String(),
            role: RoleName,
            tenant_name: Type.String(),
            invited_by: Type.String(),
            expires_at: Instant,
            has_account: Type.Boolean(),
          }),
          ...failures(403, 404, 409, 410, 422, 429),
        },
      },
    },
    async (request) => {
      await limited(limiter, `invitation-look:${request.ip}`, LOOKS, 60)
      const held = await invitations.look(request.body.token)
      return {
        email: held.email,
        role: held.role,
        tenant_name: held.tenant.name,
        invited_by: held.invitedBy,
        expires_at: toWireTime(held.expiresAt),
        has_account: held.hasAccount,
      }
    },
  )

  app.post(
    '/api/v1/auth/invitation/accept',
    {
      config: { access: 'public', scope: 'none' },
      schema: {
        ...tags,
        summary: 'Accept an invitation',
        body: Type.Object({
          token: Token,
          password: Maybe(Type.String({ maxLength: 1024 })),
          code: Maybe(Type.String({ maxLength: 100 })),
        }),
        response: {
          200: Type.Object({ message: Type.String(), tenant_id: Type.String(), role: RoleName }),
          ...failures(400, 401, 403, 404, 409, 410, 422, 429),
        },
      },
    },
    async (request, reply) => {
      await limited(limiter, `invitation-accept:${request.ip}`, LOOKS, 60)
      const { token, password = null, code = null } = request.body
      const caller = await signedIn(request)
      const accepted = await invitations.accept(token, { caller, password, code, device: deviceOf(request) })
      if (accepted.session !== null) setSession(reply, accepted.session)
      const { tenantId, role, tenant } = accepted.invitation
      return { message: `You are a member of ${tenant.name}.`, tenant_id: tenantId, role }
    },
  )
}
