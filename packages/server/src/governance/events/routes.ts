import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Forbidden, NotFound } from '../../errors.ts'
import { canonicalUuid, failures, Instant, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { keyOf, userOf, userOrKeyOf } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import { toWireTime } from '../../storage/instants.ts'
import { withAgentJson } from '../json-body.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { BatchAnswer, LARGEST_BATCH, rulesetEventRoutes, wireOutcome } from '../rulesets/event-routes.ts'
import { instantOf, requiredInstantOf } from '../wire-instant.ts'
import { bucketsOf, FACETS, facetsOf } from './counts.ts'
import { cursorOf, placeOf } from './cursor.ts'
import { LONGEST_AGENT_ID } from './event.ts'
import type { Ingest } from './ingest.ts'
import type { EventFilter, EventStore, ListedEvent } from './store.ts'

const tags = { tags: ['events'] }
/** Events that are counted by facet at most. */
const FACETED = 100_000

/** Described here and judged one by one in `event.ts`: one malformed event does not reject the batch. */
const SentEvent = Type.Unsafe<unknown>({
  description: 'An audit event. `call_id`, `agent_id`, `tool_name`, `verdict`, `mode` and `timestamp` are required.',
  properties: {
    call_id: { description: 'Text; empty where there is no call. Events of one call share it.' },
    agent_id: { description: `Text of at most ${LONGEST_AGENT_ID} characters. The agent that made the call.` },
    tool_name: { description: 'Text.' },
    verdict: { description: 'Text, stored as it is, for example `call_allowed`.' },
    mode: { description: 'Text: `enforce` or `observe`.' },
    timestamp: { description: 'ISO 8601, or seconds or milliseconds since the epoch.' },
    payload: {
      description:
        'Object or null. `event_id` in it, a text, is what a duplicate repeats; without it `decision_name` tells the stages of one call apart.',
    },
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
  seq: Type.Integer({
    description: 'Its place in the order of arrival, from 1. Send the last as `after_seq` to go on from there.',
  }),
  call_id: Type.String(),
  agent_id: Type.String(),
  tool_name: Type.String(),
  verdict: Type.String(),
  mode: Type.String(),
  timestamp: Instant,
  payload: Nullable(
    Type.Any({
      description:
        'As it was sent. Where `payload_shortened`, each value in it of more than 32 KiB is `{"$preview": its beginning, "$bytes": its size}`; `GET /api/v1/events/{id}` has it whole.',
    }),
  ),
  payload_bytes: Type.Integer({ description: 'Of the whole payload as JSON.' }),
  payload_shortened: Type.Boolean(),
  created_at: Instant,
})

const When = Type.Optional(Type.String({ description: 'ISO 8601, or seconds or milliseconds since the epoch.' }))
const Search = Type.Optional(
  Type.String({
    maxLength: 1000,
    description: 'Contained in any text field or the payload, whatever the case.',
  }),
)
const Filter = {
  agent_id: Type.Optional(Type.String()),
  tool_name: Type.Optional(Type.String()),
  verdict: Type.Optional(Type.String()),
  mode: Type.Optional(Type.String()),
  contract: Type.Optional(Type.String({ description: 'The contract that decided: `payload.decision_name`.' })),
  env: Type.Optional(Type.String({ description: 'An API key may name only its own environment.' })),
  policy_version: Type.Optional(
    Type.String({ description: 'The revision that the agent said it ran: `payload.policy_version`.' }),
  ),
  search: Search,
}

const Facet = Type.Object({
  values: Type.Array(
    Type.Object({
      value: Type.String({ description: 'Empty where events have none.' }),
      count: Type.Integer(),
    }),
    { description: 'Most frequent first.' },
  ),
  more: Type.Integer({ description: 'How many values are not listed.' }),
})

const wireEvent = (event: ListedEvent) => ({
  id: event.id,
  seq: event.seq,
  call_id: event.callId,
  agent_id: event.agentId,
  tool_name: event.toolName,
  verdict: event.verdict,
  mode: event.mode,
  timestamp: toWireTime(event.timestamp),
  payload: event.payload === null ? null : (JSON.parse(event.payload) as unknown),
  payload_bytes: event.payloadBytes,
  payload_shortened: event.isShortened,
  created_at: toWireTime(event.createdAt),
})

/** A key sees its own environment, a person all of them, or the one that is asked for. @throws Forbidden. */
function seenBy(request: FastifyRequest, asked?: string): Pick<EventFilter, 'scope' | 'env'> {
  const caller = userOrKeyOf(request)
  if (caller.kind === 'key' && asked && asked !== caller.env)
    throw new Forbidden(`API key is scoped to '${caller.env}', cannot access env '${asked}'.`, 'wrong_environment')
  return { scope: scopeOf(caller), env: caller.kind === 'key' ? caller.env : asked || undefined }
}

interface AskedFilter {
  readonly agent_id?: string | undefined
  readonly tool_name?: string | undefined
  readonly verdict?: string | undefined
  readonly mode?: string | undefined
  readonly contract?: string | undefined
  readonly env?: string | undefined
  readonly policy_version?: string | undefined
  readonly search?: string | undefined
}

/** What of the request says which events. */
const filterOf = (request: FastifyRequest, asked: AskedFilter): EventFilter => ({
  ...seenBy(request, asked.env),
  agentId: asked.agent_id,
  toolName: asked.tool_name,
  verdict: asked.verdict,
  mode: asked.mode,
  decisionName: asked.contract,
  policyVersion: asked.policy_version,
  search: asked.search === '' ? undefined : asked.search,
})

/** What agents report, and what is asked about it. */
export function eventRoutes(
  app: App,
  deps: {
    ingest: Ingest
    store: EventStore
    ledger: Pick<Ledger, 'checkpoint'>
    exported: (scope: TenantScope) => AsyncIterable<string>
  },
): void {
  const { ingest, store, ledger, exported } = deps

  withAgentJson(app, (scope) => {
    rulesetEventRoutes(scope, { ingest })

    scope.post(
      '/api/v1/events',
      {
        config: { access: 'agent', scope: 'environment' },
        schema: {
          ...tags,
          summary: 'Report audit events',
          description:
            'Answers once the events are on disk. An event is a duplicate when one of the same agent and environment with its `payload.event_id` was stored before; where none is sent, one with its call, verdict, `payload.decision_name` and timestamp; without a call, one that is the same in everything. A malformed event is named in `rejected`; the others are stored.',
          body: Type.Object({
            events: Type.Array(SentEvent, { minItems: 1, maxItems: LARGEST_BATCH }),
            agent_manifest: Maybe(Manifest),
          }),
          response: { 200: BatchAnswer, ...failures(401, 413, 422, 429, 503) },
        },
      },
      async (request) => {
        const { events, agent_manifest } = request.body
        const caller = keyOf(request)
        return wireOutcome(
          await ingest.ingest(caller, {
            events,
            reads: caller.client,
            manifest: agent_manifest ? { ...agent_manifest, contracts: agent_manifest.contracts ?? [] } : null,
          }),
        )
      },
    )
  })

  app.get(
    '/api/v1/events',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'Query audit events, newest first, or in the order of arrival',
        description:
          'An API key sees its own environment. A page may hold fewer events than `limit`, because an answer is bounded in bytes as well; where there may be more it carries `X-Next-Cursor`: send it as `cursor` with the same filters. With `after_seq` the order is that of arrival, oldest first, and nothing is left out that is stored late: `X-Next-Seq` says where to go on, and `X-Has-More: true` that there may be more already.',
        querystring: Type.Object({
          ...Filter,
          since: When,
          until: When,
          limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
          cursor: Type.Optional(Type.String({ maxLength: 100 })),
          after_seq: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: Number.MAX_SAFE_INTEGER,
              description: 'Events that arrived after the one with this `seq`; 0 begins at the first.',
            }),
          ),
        }),
        response: { 200: Type.Array(AuditEvent), ...failures(401, 403, 422) },
      },
    },
    async (request, reply) => {
      const { since, until, limit, cursor, after_seq, ...asked } = request.query
      const filter = {
        ...filterOf(request, asked),
        since: instantOf(since, 'since'),
        until: instantOf(until, 'until'),
      }
      if (after_seq !== undefined) {
        const { events, next, isFull } = await store.arrived(filter, limit, after_seq)
        reply.header('x-next-seq', next)
        if (isFull) reply.header('x-has-more', 'true')
        return events.map(wireEvent)
      }
      const { events, isFull } = await store.list(filter, limit, cursor === undefined ? undefined : placeOf(cursor))
      const last = events.at(-1)
      if (last && isFull) reply.header('x-next-cursor', cursorOf(last))
      return events.map(wireEvent)
    },
  )

  app.get(
    '/api/v1/events/export',
    {
      config: { access: 'admin', scope: 'tenant' },
      schema: {
        ...tags,
        summary: 'The whole audit log with its proof, as JSON lines',
        description:
          'In the order of arrival, with the digest of each event, the links of the chain and the signatures over it; the last line is of type `end`. `lictor audit verify` judges it without this server.',
        produces: ['application/x-ndjson'],
        response: { 200: Type.String({ description: 'One JSON object a line.' }), ...failures(401, 403) },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(userOf(request))
      await ledger.checkpoint(scope)
      const lines = Readable.from(exported(scope))
      return reply.type('application/x-ndjson').send(lines as never)
    },
  )

  app.get(
    '/api/v1/events/:event_id',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'One audit event, whole',
        params: Type.Object({ event_id: Type.String({ format: 'uuid' }) }),
        response: { 200: AuditEvent, ...failures(401, 404, 422) },
      },
    },
    async (request) => {
      const { scope, env } = seenBy(request)
      const event = await store.find(scope, canonicalUuid(request.params.event_id), env)
      if (!event) throw new NotFound('Event not found.')
      return wireEvent(event)
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
          ...failures(401, 403, 422),
        },
      },
    },
    async (request) => {
      const { since, until, bucket_seconds, ...asked } = request.query
      const counts = await store.count(
        {
          ...filterOf(request, asked),
          since: requiredInstantOf(since, 'since'),
          before: requiredInstantOf(until, 'until'),
        },
        bucket_seconds * 1_000_000,
      )
      return bucketsOf(counts).map(({ start, ...counted }) => ({ bucket_start: toWireTime(start), ...counted }))
    },
  )

  app.get(
    '/api/v1/events/facets',
    {
      config: { access: 'either', scope: 'environment' },
      schema: {
        ...tags,
        summary: 'Count audit events by what one can filter by',
        description: `Of the newest ${FACETED.toLocaleString('en')} events of the time and the search. A facet counts what the other filters leave, so that it says what another choice of it would show.`,
        querystring: Type.Object({ ...Filter, since: When, until: When }),
        response: {
          200: Type.Object({
            events: Type.Integer({ description: 'That match all filters, of those that were counted.' }),
            truncated: Type.Boolean({ description: 'There are older events, which are not counted.' }),
            facets: Type.Object(
              Object.fromEntries(FACETS.map((name) => [name, Facet])) as Record<(typeof FACETS)[number], typeof Facet>,
            ),
          }),
          ...failures(401, 403, 422),
        },
      },
    },
    async (request) => {
      const { since, until, search, ...asked } = request.query
      seenBy(request, asked.env)
      const { combinations, isTruncated } = await store.combinations(
        {
          // Only what confines the caller: what a person chose is counted by facet.
          ...seenBy(request),
          search: search || undefined,
          since: instantOf(since, 'since'),
          until: instantOf(until, 'until'),
        },
        FACETED,
      )
      return { ...facetsOf(combinations, asked), truncated: isTruncated }
    },
  )
}
