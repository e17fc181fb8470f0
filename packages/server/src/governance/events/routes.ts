import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { keyOf, userOrKeyOf } from '../../http/caller.ts'
import { failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime } from '../../storage/instants.ts'
import { withAgentJson } from '../json-body.ts'
import { instantOf, requiredInstantOf } from '../wire-instant.ts'
import { cursorOf, placeOf } from './cursor.ts'
import { LONGEST_AGENT_ID } from './event.ts'
import { bucketsOf } from './histogram.ts'
import type { Ingest } from './ingest.ts'
import type { EventFilter, EventStore, StoredEvent } from './store.ts'

export const LARGEST_BATCH = 10_000
const tags = { tags: ['events'] }

/** Described here and judged one by one in `event.ts`: one malformed event does not reject the batch (decision D10). */
const SentEvent = Type.Unsafe<unknown>({
  description: 'An audit event. `call_id`, `agent_id`, `tool_name`, `verdict`, `mode` and `timestamp` are required.',
  properties: {
    call_id: { description: 'Text. Events of one call share it.' },
    agent_id: { description: `Text of at most ${LONGEST_AGENT_ID} characters. The agent that made the call.` },
    tool_name: { description: 'Text.' },
    verdict: { description: 'Text, stored as it is, for example `call_allowed`.' },
    mode: { description: 'Text: `enforce` or `observe`.' },
    timestamp: { description: 'ISO 8601, or seconds or milliseconds since the epoch.' },
    payload: { description: 'Object or null. `decision_name` in it tells the stages of one call apart.' },
  },
  examples: [
    {
      call_id: '5b0c7b1e-8f0e-4f0e-9a0e-0d8f5f2c1a11',
      agent_id: 'research-agent',
      tool_name: 'read_file',
      verdict: 'call_denied',
      mode: 'enforce',
      timestamp: '2026-03-01T12:00:00Z',
      payload: { tool_args: { path: '.env' }, decision_name: 'no-secrets' },
    },
  ],
})

const Manifest = Type.Object({
  agent_id: Type.String({ maxLength: LONGEST_AGENT_ID }),
  policy_version: Type.String(),
  contracts: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String(),
        type: Type.String(),
        tool: Type.Union([Type.String(), Type.Array(Type.String())]),
        mode: Type.String(),
      }),
    ),
  ),
})

const AuditEvent = Type.Object({
  id: Type.String(),
  call_id: Type.String(),
  agent_id: Type.String(),
  tool_name: Type.String(),
  verdict: Type.String(),
  mode: Type.String(),
  timestamp: Instant,
  payload: Nullable(Type.Any({ description: 'As it was sent.' })),
  created_at: Instant,
})

const When = Type.Optional(Type.String({ description: 'ISO 8601, or seconds or milliseconds since the epoch.' }))
const Filter = {
  agent_id: Type.Optional(Type.String()),
  tool_name: Type.Optional(Type.String()),
  verdict: Type.Optional(Type.String()),
}

const wireEvent = (event: StoredEvent) => ({
  id: event.id,
  call_id: event.call_id,
  agent_id: event.agent_id,
  tool_name: event.tool_name,
  verdict: event.verdict,
  mode: event.mode,
  timestamp: toWireTime(event.timestamp),
  payload: event.payload === null ? null : (JSON.parse(event.payload) as unknown),
  created_at: toWireTime(event.created_at),
})

function scopeOf(request: FastifyRequest): Pick<EventFilter, 'tenantId' | 'env'> {
  const caller = userOrKeyOf(request)
  return { tenantId: caller.tenantId, env: caller.kind === 'key' ? caller.env : undefined }
}

/** console-api §8.4.1–8.4.3. */
export function eventRoutes(app: App, deps: { ingest: Ingest; store: EventStore }): void {
  const { ingest, store } = deps

  withAgentJson(app, (scope) => {
    scope.post(
      '/api/v1/events',
      {
        config: { access: 'agent', scope: 'environment' },
        schema: {
          ...tags,
          summary: 'Report audit events',
          description:
            'Answers once the events are on disk. An event is a duplicate when its call, verdict and `payload.decision_name` were stored before. A malformed event is named in `rejected`; the others are stored.',
          body: Type.Object({
            events: Type.Array(SentEvent, { minItems: 1, maxItems: LARGEST_BATCH }),
            agent_manifest: Maybe(Manifest),
          }),
          response: {
            200: Type.Object({
              accepted: Type.Integer(),
              duplicates: Type.Integer(),
              rejected: Type.Optional(
                Type.Array(Type.Object({ index: Type.Integer(), detail: Type.String() }), {
                  description: 'Present when there are any.',
                }),
              ),
            }),
            ...failures(401, 413, 422, 429, 503),
          },
        },
      },
      async (request) => {
        const { events, agent_manifest } = request.body
        const { accepted, duplicates, rejected } = await ingest.ingest(keyOf(request), {
          events,
          manifest: agent_manifest ? { ...agent_manifest, contracts: agent_manifest.contracts ?? [] } : null,
        })
        return rejected.length > 0 ? { accepted, duplicates, rejected: [...rejected] } : { accepted, duplicates }
      },
    )
  })

  app.get(
    '/api/v1/events',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'Query audit events, newest first',
        description:
          'An API key sees its own environment. A full page carries `X-Next-Cursor`: send it as `cursor` with the same filters for the next one.',
        querystring: Type.Object({
          ...Filter,
          mode: Type.Optional(Type.String()),
          since: When,
          until: When,
          search: Type.Optional(
            Type.String({
              maxLength: 1000,
              description: 'Contained in any text field or the payload, whatever the case.',
            }),
          ),
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
          cursor: Type.Optional(Type.String({ maxLength: 100 })),
        }),
        response: { 200: Type.Array(AuditEvent), ...failures(401, 422) },
      },
    },
    async (request, reply) => {
      const { agent_id, tool_name, verdict, mode, since, until, search, limit, cursor } = request.query
      const filter = {
        ...scopeOf(request),
        agentId: agent_id,
        toolName: tool_name,
        verdict,
        mode,
        since: instantOf(since, 'since'),
        until: instantOf(until, 'until'),
        search: search === '' ? undefined : search,
      }
      const events = await store.list(filter, limit, cursor === undefined ? undefined : placeOf(cursor))
      const last = events.at(-1)
      if (last && events.length === limit) reply.header('x-next-cursor', cursorOf(last))
      return events.map(wireEvent)
    },
  )

  app.get(
    '/api/v1/events/histogram',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'Count audit events over time',
        description: 'Oldest first; stretches without events are left out.',
        querystring: Type.Object({
          ...Filter,
          since: Type.String({ description: 'Inclusive.' }),
          until: Type.String({ description: 'Exclusive.' }),
          bucket_seconds: Type.Integer({ minimum: 60, maximum: 86_400, default: 7200 }),
        }),
        response: {
          200: Type.Array(
            Type.Object({
              bucket_start: Instant,
              allowed: Type.Integer(),
              denied: Type.Integer(),
              pending: Type.Integer(),
              observed: Type.Integer(),
            }),
          ),
          ...failures(401, 422),
        },
      },
    },
    async (request) => {
      const { agent_id, tool_name, verdict, since, until, bucket_seconds } = request.query
      const counts = await store.count(
        {
          ...scopeOf(request),
          agentId: agent_id,
          toolName: tool_name,
          verdict,
          since: requiredInstantOf(since, 'since'),
          before: requiredInstantOf(until, 'until'),
        },
        bucket_seconds * 1_000_000,
      )
      return bucketsOf(counts).map(({ start, ...counted }) => ({ bucket_start: toWireTime(start), ...counted }))
    },
  )
}
