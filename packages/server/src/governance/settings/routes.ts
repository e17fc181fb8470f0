import Type from 'typebox'
import { failures, Instant } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { RotateKey } from '../deployments/rotation.ts'
import type { PurgeEvents } from './purge.ts'

const MOST_DAYS = 36_500

export function settingsRoutes(app: App, deps: { rotateKey: RotateKey; purgeEvents: PurgeEvents }): void {
  const { rotateKey, purgeEvents } = deps
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

  app.delete(
    '/api/v1/settings/purge-events',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        tags: ['settings'],
        summary: 'Delete old events',
        description: 'By the time they came in, not by the time they happened.',
        querystring: Type.Object({ older_than_days: Type.Integer({ minimum: 1, maximum: MOST_DAYS }) }),
        response: {
          200: Type.Object({ deleted_count: Type.Integer(), cutoff: Instant }),
          ...failures(401, 403, 422),
        },
      },
    },
    async (request) => {
      const { deleted, cutoff } = await purgeEvents(userOf(request), request.query.older_than_days)
      return { deleted_count: deleted, cutoff: toWireTime(cutoff) }
    },
  )
}
