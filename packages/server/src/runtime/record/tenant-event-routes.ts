import Type from 'typebox'
import { runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { scopeOf } from '../../identity/scope.ts'
import { requireOperator } from '../contexts/routes.ts'
import { flagOf } from '../http.ts'
import type { JournalStreams } from './streams.ts'
import { tenantSubject } from './tenant-events.ts'

/** What happened in a tenant beside its executions and agents, as a stream for operators. */
export function tenantEventRoutes(app: App, streams: JournalStreams): void {
  app.get(
    '/v1/observability/events',
    {
      config: { access: 'bearer', scope: 'tenant' },
      schema: {
        tags: ['observability'],
        summary: 'Events of secrets, credentials, volumes, tool servers and sessions as a stream',
        description:
          'What belongs to no execution that goes on: also files of volumes, sessions of SEAL and refusals. From the oldest that is kept (90 days), or after `Last-Event-ID`. Each element has its `type`, its `category` and its fields; none has a value of a secret.',
        querystring: Type.Object({
          follow: Type.Optional(Type.String({ description: '`false` ends after what there is.' })),
        }),
        produces: ['text/event-stream'],
        response: { 200: Type.String({ description: 'Server-sent events.' }), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request, reply) => {
      const { tenantId } = scopeOf(requireOperator(request))
      const options = { follow: flagOf('follow', request.query.follow, true), isLast: () => false }
      await streams.subject(request, reply, tenantSubject(tenantId), options)
    },
  )
}
