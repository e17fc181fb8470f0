import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { failures, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { deviceOf } from '../device.ts'
import { FIRST_TENANT } from '../store.ts'
import type { DeviceSignOn } from './device-sign-on.ts'
import { Slug } from './routes.ts'

const tags = { tags: ['single sign-on'] }
const anybody = { access: 'public', scope: 'none' } as const

/** Sign-in on a terminal, with a code that is typed in on any device. */
export function deviceSignOnRoutes(
  app: App,
  deps: { deviceSignOn: DeviceSignOn; setSession: (reply: FastifyReply, token: string) => void },
): void {
  const { deviceSignOn, setSession } = deps

  app.post(
    '/api/v1/auth/oidc/device',
    {
      config: anybody,
      schema: {
        ...tags,
        summary: 'Begin to sign in on a terminal',
        body: Type.Object({ tenant: Maybe(Slug) }),
        response: {
          200: Type.Object({
            device_code: Type.String(),
            user_code: Type.String(),
            verification_uri: Type.String(),
            verification_uri_complete: Nullable(Type.String()),
            expires_in: Type.Integer(),
            interval: Type.Integer(),
          }),
          ...failures(400, 404, 413, 422, 429, 503),
        },
      },
    },
    async (request) => {
      const begun = await deviceSignOn.begin(request.body.tenant ?? FIRST_TENANT, deviceOf(request).address)
      return {
        device_code: begun.handle,
        user_code: begun.userCode,
        verification_uri: begun.verificationUri,
        verification_uri_complete: begun.verificationUriComplete,
        expires_in: begun.expiresIn,
        interval: begun.interval,
      }
    },
  )

  app.post(
    '/api/v1/auth/oidc/device/poll',
    {
      config: anybody,
      schema: {
        ...tags,
        summary: 'Ask whether the code was typed in',
        body: Type.Object({ device_code: Type.String({ minLength: 1, maxLength: 200 }) }),
        response: {
          200: Type.Object({
            status: Type.Enum(['pending', 'slow_down', 'approved', 'denied', 'expired']),
            interval: Nullable(Type.Integer()),
          }),
          ...failures(400, 403, 413, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const polled = await deviceSignOn.poll(request.body.device_code, deviceOf(request))
      if (polled.status === 'approved') setSession(reply, polled.session)
      return { status: polled.status, interval: 'interval' in polled ? polled.interval : null }
    },
  )
}
