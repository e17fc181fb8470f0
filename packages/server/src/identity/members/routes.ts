import Type from 'typebox'
import { failures, Instant, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { noteOfAct } from '../acts/acts.ts'
import { userOf } from '../caller.ts'
import { roles } from '../roles.ts'
import type { Members } from './members.ts'
import type { Member } from './store.ts'

const tags = { tags: ['people'] }
export const RoleName = Type.Enum([...roles], { description: 'What the person is in the tenant.' })
const MemberBody = Type.Object({
  user_id: Type.String(),
  email: Type.String(),
  role: RoleName,
  joined_at: Instant,
  invited_at: Nullable(Instant),
  second_factor: Type.Boolean(),
})
export const memberParams = { params: Type.Object({ user_id: Type.String({ format: 'uuid' }) }) }

const shown = (member: Member) => ({
  user_id: member.userId,
  email: member.email,
  role: member.role,
  joined_at: toWireTime(member.joinedAt),
  invited_at: member.invitedAt === null ? null : toWireTime(member.invitedAt),
  second_factor: member.hasSecondFactor,
})

/** The people of a tenant, for the console. */
export function memberRoutes(app: App, members: Members): void {
  app.get(
    '/api/v1/members',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: { ...tags, summary: 'List members', response: { 200: Type.Array(MemberBody), ...failures(401, 403) } },
    },
    async (request) => (await members.list(userOf(request))).map(shown),
  )

  app.put(
    '/api/v1/members/:user_id',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        ...memberParams,
        summary: 'Give a member another role',
        body: Type.Object({ role: RoleName }),
        response: { 200: MemberBody, ...failures(401, 403, 404, 409, 422) },
      },
    },
    async (request) => {
      noteOfAct(request, { role: request.body.role })
      return shown(await members.setRole(userOf(request), request.params.user_id.toLowerCase(), request.body.role))
    },
  )

  app.delete(
    '/api/v1/members/:user_id',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        ...memberParams,
        summary: 'Remove a member',
        response: { 204: Type.Null(), ...failures(401, 403, 404, 409, 422) },
      },
    },
    async (request, reply) => {
      await members.remove(userOf(request), request.params.user_id.toLowerCase())
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/v1/auth/tenant/leave',
    {
      config: { access: 'dashboard', scope: 'tenant', permission: 'view' },
      schema: {
        ...tags,
        summary: 'Leave the tenant',
        response: { 204: Type.Null(), ...failures(401, 403, 404, 409) },
      },
    },
    async (request, reply) => {
      await members.leave(userOf(request))
      return reply.code(204).send(null)
    },
  )
}
