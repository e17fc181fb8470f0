import Type from 'typebox'
import { DomainError } from '../../errors.ts'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { type Caller, callerOf } from '../../identity/caller.ts'
import { toWireTime } from '../../storage/instants.ts'
import { ListOf, listed, pageOf, requireUuid } from '../http.ts'
import type { Violation, Violations } from './violations.ts'

const MAX_LIST = 500

const Shown = Type.Object({
  id: Type.String(),
  type: Type.String(),
  category: Type.Enum([
    'path_traversal_blocked',
    'filesystem_policy_violation',
    'quota_exceeded',
    'unauthorized_volume_access',
  ]),
  execution_id: Type.String(),
  volume_id: Nullable(Type.String()),
  path: Nullable(Type.String()),
  operation: Type.String(),
  details: Type.String(),
  created_at: Instant,
  occurred_at: Instant,
})

const shown = (violation: Violation) => ({
  id: violation.id,
  type: violation.category,
  category: violation.category,
  execution_id: violation.executionId ?? '',
  volume_id: violation.volumeId,
  path: violation.path,
  operation: violation.operation,
  details: violation.details,
  created_at: toWireTime(violation.at),
  occurred_at: toWireTime(violation.at),
})

/** Refused file operations over HTTP, at the paths of both generations of clients. */
export function violationRoutes(app: App, violations: Violations): void {
  for (const path of ['/v1/storage/violations', '/v1/observability/storage-violations'])
    app.get(
      path,
      {
        config: { access: 'bearer', scope: 'tenant', requires: 'volume:read' },
        schema: {
          tags: ['volumes'],
          summary: 'File operations that were refused, newest first',
          querystring: Type.Object({
            volume_id: Type.Optional(Type.String({ description: 'Those of this volume alone.' })),
            limit: Type.Optional(Type.String()),
            offset: Type.Optional(Type.String()),
          }),
          response: { 200: ListOf('violations', Shown), ...runtimeFailures(400, 401, 403) },
        },
      },
      async (request) => {
        const caller = requireOperator(callerOf(request))
        const { volume_id: named, ...paged } = request.query
        const volumeId = named ? requireUuid(named, 'Invalid volume ID') : null
        const page = pageOf(paged, { fallback: 100, max: MAX_LIST })
        return listed('violations', (await violations.list(caller, { volumeId, ...page })).map(shown))
      },
    )
}

/** Operators, service accounts and administrators of the console. */
function requireOperator(caller: Caller): Caller {
  const isOperator =
    caller.kind === 'user'
      ? caller.isAdmin
      : caller.kind === 'token' && /^(operator|service_account)$/.test(caller.identity)
  if (!isOperator) throw new DomainError(403, 'operator_required', 'Only operators see what was refused.')
  return caller
}
