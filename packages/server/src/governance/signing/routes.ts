import Type from 'typebox'
import { userOf } from '../../http/caller.ts'
import { failures, Instant } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { keyRotation } from './rotation.ts'

/** console-api §8.10.1. */
export function signingRoutes(app: App, { rotateKey }: { rotateKey: ReturnType<typeof keyRotation> }): void {
  app.post(
    '/api/v1/settings/rotate-signing-key',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        tags: ['settings'],
        summary: 'Replace the signing key',
        description: 'Every version that is deployed now is signed anew; older versions when they are deployed again.',
        response: {
          201: Type.Object({
            public_key: Type.String({ description: 'Hex, 32 bytes.' }),
            rotated_at: Instant,
            deployments_re_signed: Type.Integer({ description: 'Bundle versions that were signed anew.' }),
          }),
          ...failures(401, 403, 422),
        },
      },
    },
    async (request, reply) => {
      const { publicKey, rotatedAt, reSigned } = await rotateKey(userOf(request))
      return reply
        .code(201)
        .send({ public_key: publicKey, rotated_at: toWireTime(rotatedAt), deployments_re_signed: reSigned })
    },
  )
}
