import Type from 'typebox'
import { BadRequest } from '../../errors.ts'
import { Instant, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { scopeOf } from '../../identity/scope.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { ListOf, listed, pageOf, requireUuid, runtimeCallerOf } from '../http.ts'
import { type Lock, type Member, type MessageRecord, type SwarmStatus, type SwarmView, swarmStatuses } from './swarm.ts'
import type { Swarms } from './swarms.ts'

const tags = ['swarms']

const MemberShape = Type.Object({
  execution_id: Type.String(),
  agent_id: Type.String(),
  agent_name: Type.String(),
  role: Type.Enum(['parent', 'child']),
  status: Type.String(),
  started_at: Instant,
  ended_at: Nullable(Instant),
})
const swarmFields = {
  id: Type.String(),
  swarm_id: Type.String(),
  parent_execution_id: Type.String(),
  tenant_id: Type.String(),
  member_ids: Type.Array(Type.String()),
  member_count: Type.Integer(),
  members: Type.Array(MemberShape),
  status: Type.Enum([...swarmStatuses]),
  reason: Nullable(Type.Enum(['ParentCancelled', 'AllChildrenComplete'])),
  created_at: Instant,
  dissolved_at: Nullable(Instant),
  lock_count: Type.Integer(),
  recent_message_count: Type.Integer(),
}
const SwarmShape = Type.Object(swarmFields)
const LockShape = Type.Object({
  resource_id: Type.String(),
  held_by: Type.String(),
  holder_execution_id: Type.String(),
  acquired_at: Instant,
  expires_at: Instant,
})
const MessageShape = Type.Object({
  from: Type.String(),
  to: Type.String(),
  payload_bytes: Type.Integer(),
  sent_at: Instant,
})

const shownMember = (member: Member, parentId: string) => ({
  execution_id: member.executionId,
  agent_id: member.agentId,
  agent_name: member.agentName,
  role: member.executionId === parentId ? ('parent' as const) : ('child' as const),
  status: member.status,
  started_at: toWireTime(member.startedAt),
  ended_at: toWireTimeOrNull(member.endedAt),
})
const shown = ({ swarm, members, lockCount, messageCount }: SwarmView) => ({
  id: swarm.id,
  swarm_id: swarm.id,
  parent_execution_id: swarm.parentId,
  tenant_id: swarm.tenantId,
  member_ids: members.map(({ agentId }) => agentId),
  member_count: members.length,
  members: members.map((member) => shownMember(member, swarm.parentId)),
  status: swarm.status,
  reason: swarm.reason,
  created_at: toWireTime(swarm.createdAt),
  dissolved_at: toWireTimeOrNull(swarm.dissolvedAt),
  lock_count: lockCount,
  recent_message_count: messageCount,
})
const shownLock = (lock: Lock) => ({
  resource_id: lock.resource,
  held_by: lock.holderAgentId,
  holder_execution_id: lock.holderId,
  acquired_at: toWireTime(lock.acquiredAt),
  expires_at: toWireTime(lock.expiresAt),
})
const shownMessage = ({ from, to, payloadBytes, sentAt }: MessageRecord) => ({
  from,
  to,
  payload_bytes: payloadBytes,
  sent_at: toWireTime(sentAt),
})

/** What `status` chooses: left out, swarms that there are. */
function statusesOf(text: string | undefined): readonly SwarmStatus[] {
  if (text === undefined || text === '') return ['active', 'dissolving']
  if (text === 'all') return swarmStatuses
  const found = swarmStatuses.find((one) => one === text)
  if (found) return [found]
  throw new BadRequest(`status must be one of ${swarmStatuses.join(', ')} or all, not '${text}'.`, 'invalid_query')
}

/** Swarms over HTTP. */
export function swarmRoutes(app: App, swarms: Pick<Swarms, 'list' | 'get'>): void {
  app.get(
    '/v1/swarms',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'swarm:list' },
      schema: {
        tags,
        summary: 'List swarms, newest first',
        querystring: Type.Object({
          status: Type.Optional(Type.String()),
          limit: Type.Optional(Type.String()),
          offset: Type.Optional(Type.String()),
        }),
        response: { 200: ListOf('swarms', SwarmShape), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request) => {
      const { status, limit, offset } = request.query
      const page = pageOf({ limit, offset }, { fallback: 100, max: 500 })
      const found = await swarms.list(scopeOf(runtimeCallerOf(request)), { statuses: statusesOf(status), ...page })
      return listed('swarms', found.map(shown))
    },
  )

  app.get(
    '/v1/swarms/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'swarm:read' },
      schema: {
        tags,
        summary: 'One swarm, with its locks and newest messages',
        params: Type.Object({ id: Type.String() }),
        response: {
          200: Type.Object({
            ...swarmFields,
            swarm: SwarmShape,
            locks: Type.Array(LockShape),
            recent_messages: Type.Array(MessageShape),
          }),
          ...runtimeFailures(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, `'${request.params.id}' is no id of a swarm; such an id is a UUID.`)
      const found = await swarms.get(scopeOf(runtimeCallerOf(request)), id)
      const swarm = shown(found)
      return { ...swarm, swarm, locks: found.locks.map(shownLock), recent_messages: found.messages.map(shownMessage) }
    },
  )
}
