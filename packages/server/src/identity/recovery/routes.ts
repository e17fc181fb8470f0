import Type from 'typebox'
import { failures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../caller.ts'
import { deviceOf } from '../device.ts'
import { memberParams } from '../members/routes.ts'
import type { Recovery } from './recovery.ts'

const tags = { tags: ['people'] }
const Message = Type.Object({ message: Type.String() })

/** Lost passwords and devices, for the console. */
export function recoveryRoutes(app: App, recovery: Recovery): void {
  app.post(
    '/api/v1/auth/password-reset',
    {
      config: { access: 'public', scope: 'none', ignoresSession: true },
      schema: {
        ...tags,
        summary: 'Ask for a mail with a link to set a new password',
        body: Type.Object({ email: Type.String({ maxLength: 255 }) }),
        response: { 202: Message, ...failures(403, 422, 429, 501) },
      },
    },
    async (request, reply) => {
      await recovery.request(request.body.email, deviceOf(request).address)
      return reply.code(202).send({ message: 'If there is an account with this address, a mail is on its way.' })
    },
  )

  app.post(
    '/api/v1/auth/password-reset/complete',
    {
      config: { access: 'public', scope: 'none', ignoresSession: true },
      schema: {
        ...tags,
        summary: 'Set a new password by a link',
        body: Type.Object({
          token: Type.String({ minLength: 1, maxLength: 200 }),
          password: Type.String({ maxLength: 1024 }),
        }),
        response: { 200: Message, ...failures(403, 410, 422, 429) },
      },
    },
    async (request) => {
      await recovery.setPassword(request.body.token, request.body.password, deviceOf(request).address)
      return { message: 'The password is set, and every session has ended. Sign in.' }
    },
  )

  app.post(
    '/api/v1/members/:user_id/password-reset',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        ...memberParams,
        summary: 'Make a link with which a member sets a new password',
        response: { 201: Type.Object({ link: Type.String() }), ...failures(401, 403, 404, 422) },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await recovery.linkFor(userOf(request), request.params.user_id.toLowerCase())),
  )

  app.delete(
    '/api/v1/members/:user_id/second-factor',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        ...memberParams,
        summary: 'Remove the second factor of a member who lost it',
        response: { 204: Type.Null(), ...failures(401, 403, 404, 422) },
      },
    },
    async (request, reply) => {
      await recovery.removeSecondFactor(userOf(request), request.params.user_id.toLowerCase())
      return reply.code(204).send(null)
    },
  )
}
