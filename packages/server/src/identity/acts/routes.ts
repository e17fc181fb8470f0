import Type from 'typebox'
import { failures, Instant, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { parseWireTime, toWireTime } from '../../storage/instants.ts'
import { userOf } from '../caller.ts'
import { scopeOf } from '../scope.ts'
import type { ActStore } from './store.ts'

const MOST = 500

/** What administrators did. */
export function actRoutes(app: App, actStore: ActStore): void {
  app.get(
    '/api/v1/administration/acts',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        tags: ['people'],
        summary: 'What administrators did, newest first',
        querystring: Type.Object({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST, default: 100 })),
          before: Type.Optional(Type.String({ format: 'date-time' })),
        }),
        response: {
          200: Type.Array(
            Type.Object({
              id: Type.String(),
              at: Instant,
              actor: Type.String(),
              principal: Type.String(),
              action: Type.String(),
              target: Type.String(),
              details: Type.Record(Type.String(), Type.Any()),
              status: Nullable(Type.Integer()),
            }),
          ),
          ...failures(401, 403, 422),
        },
      },
    },
    async (request) => {
      const { limit = 100, before } = request.query
      const acts = await actStore.list(scopeOf(userOf(request)), {
        limit,
        before: before === undefined ? null : parseWireTime(before),
      })
      return acts.map(({ tenantId: _, at, ...act }) => ({ ...act, at: toWireTime(at) }))
    },
  )
}
