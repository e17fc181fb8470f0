import Type from 'typebox'
import { failures, Instant, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { userOf } from '../../identity/caller.ts'
import { environments } from '../../identity/keys.ts'
import type { Clock } from '../../ports/clock.ts'
import { toWireTime } from '../../storage/instants.ts'
import { AgentId, ContractId, ToolName } from '../fields.ts'
import { sinceOf } from '../since.ts'
import type { Replay, ReplayResult } from './replay.ts'

export const MOST_EVENTS = 100_000
export const USUAL_EVENTS = 10_000

const Decision = Type.Enum(['allow', 'deny', 'ask'])

export const ReplayBody = Type.Object(
  {
    env: Type.String(),
    since: Instant,
    events: Type.Integer({ description: 'Events read, newest first.' }),
    truncated: Type.Boolean({ description: 'There are more events since then than were read.' }),
    calls: Type.Integer({ description: 'Calls judged again.' }),
    unchanged: Type.Integer(),
    changed: Type.Integer({ description: 'Calls that would be decided differently.' }),
    by_contract: Type.Array(
      Type.Object({
        contract_id: Type.String({ description: 'The contract that decides, or that no longer does.' }),
        from: Decision,
        to: Decision,
        count: Type.Integer(),
      }),
    ),
    examples: Type.Array(
      Type.Object({
        event_id: Type.String({ description: 'Id of the event.' }),
        call_id: Type.String({
          description: 'Id of the tool call, as the agent made it; the stages of one call share it.',
        }),
        agent_id: AgentId,
        tool_name: ToolName,
        timestamp: Instant,
        from: Decision,
        to: Decision,
        contract_id: ContractId,
        reason: Nullable(Type.String()),
      }),
    ),
    skipped: Type.Object({
      without_arguments: Type.Integer({ description: 'Calls whose arguments were not kept, or were cut.' }),
      by_history: Type.Integer({
        description:
          'Denials by a session limit, a hook or a contract written in code, and calls about whose session the version asks what was not recorded.',
      }),
    }),
  },
  { description: 'Recorded calls, judged again. Arguments are judged as recorded, that is redacted.' },
)

/** What a version would change, before it is deployed. */
export function replayRoutes(app: App, { replay, clock }: { replay: Replay; clock: Clock }): void {
  app.post(
    '/api/v1/bundles/:name/:version/replay',
    {
      config: { access: 'dashboard', scope: 'tenant' },
      schema: {
        tags: ['bundles'],
        summary: 'Judge recorded calls by a bundle version',
        description:
          'Which calls of an environment would have been decided differently. Nothing is deployed and nothing is kept. Session limits are not judged.',
        params: Type.Object({ name: Type.String({ maxLength: 1024 }), version: Type.Integer({ minimum: 0 }) }),
        querystring: Type.Object({
          env: Type.Enum([...environments]),
          since: Type.Optional(
            Type.String({ description: '`12h`, `7d`, `30m` or an ISO 8601 instant; otherwise 24 hours ago.' }),
          ),
          limit: Type.Integer({ minimum: 1, maximum: MOST_EVENTS, default: USUAL_EVENTS }),
        }),
        response: { 200: ReplayBody, ...failures(400, 401, 403, 404, 422, 429) },
      },
    },
    async (request) => {
      const { name, version } = request.params
      const { env, since, limit } = request.query
      const range = { env, since: sinceOf(since, clock.now()), limit }
      return wireReplay(range, await replay(userOf(request), name, version, range))
    },
  )
}

export function wireReplay({ env, since }: { env: string; since: number }, replay: ReplayResult) {
  return {
    env,
    since: toWireTime(since),
    events: replay.events,
    truncated: replay.isTruncated,
    calls: replay.calls,
    unchanged: replay.calls - replay.changed,
    changed: replay.changed,
    by_contract: replay.byContract.map(({ contract, ...count }) => ({ contract_id: contract, ...count })),
    examples: replay.examples.map(({ event, from, to, contract, reason }) => ({
      event_id: event.id,
      call_id: event.callId,
      agent_id: event.agentId,
      tool_name: event.toolName,
      timestamp: toWireTime(event.timestamp),
      from,
      to,
      contract_id: contract,
      reason,
    })),
    skipped: { without_arguments: replay.skipped.noArguments, by_history: replay.skipped.byHistory },
  }
}
