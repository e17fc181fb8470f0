import Type from 'typebox'
import { userOf } from '../../http/caller.ts'
import { failures, Instant } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { eventPurge } from './purge.ts'

const MOST_DAYS = 36_500

/** console-api §8.10.2. */
export function settingsRoutes(app: App, { purgeEvents }: { purgeEvents: ReturnType<typeof eventPurge> }): void {
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
