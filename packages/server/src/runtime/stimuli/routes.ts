import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { actorOf } from '../../identity/caller.ts'
import { toWireTime } from '../../storage/instants.ts'
import { Json, ListOf, listed, missingInBody, pageOf, requireUuid, runtimeCallerOf } from '../http.ts'
import { OWN_API, type Source, signatureForms, sourceName } from './source.ts'
import type { Sources } from './sources.ts'
import type { Stimuli } from './stimuli.ts'
import { keptHeaders, type ListedStimulus, type Stimulus } from './stimulus.ts'

const tags = ['stimuli']
const DEFAULT_PAGE = 100
const MAX_PAGE = 500
const INVALID = 'Invalid stimulus ID'
/** Of a webhook, and of what is sent with a bearer alike. */
export const LARGEST_STIMULUS = 1024 ** 2

export const Accepted = Type.Object({
  id: Type.String(),
  stimulus_id: Type.String(),
  workflow_execution_id: Type.String(),
  workflow_id: Type.String(),
  status: Type.String(),
})
const stimulusFields = {
  id: Type.String(),
  stimulus_id: Type.String(),
  source: Type.String(),
  content: Type.String(),
  content_encoding: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  idempotency_key: Nullable(Type.String()),
  classification: Nullable(Type.String()),
  status: Type.String(),
  workflow_id: Nullable(Type.String()),
  workflow_execution_id: Nullable(Type.String()),
  confidence: Nullable(Type.Number()),
  routing_mode: Nullable(Type.String()),
  rejection_reason: Nullable(Type.String()),
  classification_error: Nullable(Type.String()),
  tenant_id: Type.String(),
  received_at: Instant,
  created_at: Instant,
  last_event_at: Instant,
}
const Item = Type.Object(stimulusFields)
const ListedItem = Type.Object({
  ...stimulusFields,
  content: Type.String({
    description: 'Where `content_shortened`, its first 1,024 characters; `GET /v1/stimuli/{id}` has it whole.',
  }),
  content_shortened: Type.Boolean({ description: 'Whether the content has more than 32 KiB.' }),
  content_bytes: Type.Integer({ description: 'Bytes of the whole content, as text or in Base64.' }),
})
const SourceItem = Type.Object({
  source: Type.String(),
  workflow: Nullable(Type.String()),
  router_agent: Nullable(Type.String()),
  signature: Type.String(),
  has_secret: Type.Boolean(),
  tenant_id: Type.String(),
  created_by: Type.String(),
  created_at: Instant,
  updated_at: Instant,
})

const shown = (one: Stimulus) => ({
  id: one.id,
  stimulus_id: one.id,
  source: one.source,
  content: one.content,
  content_encoding: one.encoding,
  headers: { ...one.headers },
  idempotency_key: one.idempotencyKey,
  classification: one.route?.workflowName ?? null,
  status: one.status,
  workflow_id: one.route?.workflowId ?? null,
  workflow_execution_id: one.route?.runId ?? null,
  confidence: one.route?.confidence ?? null,
  routing_mode: one.route?.mode ?? null,
  rejection_reason: one.status === 'rejected' ? one.reason : null,
  classification_error: one.status === 'classification_failed' ? one.reason : null,
  tenant_id: one.tenantId,
  received_at: toWireTime(one.receivedAt),
  created_at: toWireTime(one.receivedAt),
  last_event_at: toWireTime(one.lastEventAt),
})
const listedOne = (one: ListedStimulus) => ({
  ...shown(one),
  content_shortened: one.isShortened,
  content_bytes: one.contentBytes,
})
const shownSource = (source: Source) => ({
  source: source.name,
  workflow: source.workflow,
  router_agent: source.routerAgent,
  signature: source.signature,
  has_secret: source.hasSecret,
  tenant_id: source.tenantId,
  created_by: source.createdBy,
  created_at: toWireTime(source.createdAt),
  updated_at: toWireTime(source.updatedAt),
})

/** 202, and where what it began tells of itself. */
export function sendAccepted(reply: FastifyReply, { id, status, route }: Stimulus) {
  const runId = route?.runId ?? ''
  return reply
    .status(202)
    .header('location', `/v1/workflows/executions/${runId}/logs`)
    .send({
      id,
      stimulus_id: id,
      workflow_execution_id: runId,
      workflow_id: route?.workflowId ?? '',
      status,
    })
}

/** Stimuli, and where they may come from, over HTTP. */
export function stimulusRoutes(app: App, { stimuli, sources }: { stimuli: Stimuli; sources: Sources }): void {
  app.post(
    '/v1/stimuli',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'stimulus:ingest', maxBody: LARGEST_STIMULUS },
      schema: {
        tags,
        summary: 'Send something that begins a workflow',
        body: Type.Object(
          {
            content: Type.Optional(Json),
            source: Maybe(Type.String()),
            idempotency_key: Maybe(Type.String()),
            headers: Maybe(Type.Record(Type.String(), Type.Any())),
          },
          { additionalProperties: true },
        ),
        response: { 202: Accepted, ...runtimeFailures(400, 401, 403, 409, 413, 422, 429) },
      },
    },
    async (request, reply) => {
      const caller = runtimeCallerOf(request)
      const { content, source, idempotency_key: key, headers } = request.body
      if (content === undefined || content === null) throw missingInBody('content')
      const texts = Object.entries(headers ?? {}).map(([name, value]) => [
        name.toLowerCase(),
        typeof value === 'string' ? value : JSON.stringify(value),
      ])
      const stimulus = await stimuli.receive({
        tenantId: caller.tenantId,
        source: sourceName(source || OWN_API),
        content: typeof content === 'string' ? content : JSON.stringify(content),
        encoding: 'utf8',
        headers: keptHeaders(Object.fromEntries(texts) as Record<string, string>),
        idempotencyKey: key || keyOf(request.headers),
        receivedFrom: actorOf(caller),
      })
      return sendAccepted(reply, stimulus)
    },
  )

  app.get(
    '/v1/stimuli',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:list' },
      schema: {
        tags,
        summary: 'What came, newest first',
        querystring: Type.Object({ limit: Type.Optional(Type.String()), offset: Type.Optional(Type.String()) }),
        response: { 200: ListOf('stimuli', ListedItem), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request) => {
      const page = pageOf(request.query, { fallback: DEFAULT_PAGE, max: MAX_PAGE })
      return listed('stimuli', (await stimuli.list(runtimeCallerOf(request), page)).map(listedOne))
    },
  )

  app.get(
    '/v1/stimuli/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:read' },
      schema: {
        tags,
        summary: 'One of them',
        params: Type.Object({ id: Type.String() }),
        response: { 200: Type.Object({ ...stimulusFields, stimulus: Item }), ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => {
      const found = shown(await stimuli.get(runtimeCallerOf(request), requireUuid(request.params.id, INVALID)))
      return { ...found, stimulus: found }
    },
  )

  app.post(
    '/v1/stimuli/sources',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:deploy' },
      schema: {
        tags,
        summary: 'Register a source, or change what is registered',
        body: Type.Object(
          {
            source: Type.String(),
            workflow: Maybe(Type.String({ minLength: 1 })),
            router_agent: Maybe(Type.String({ minLength: 1 })),
            signature: Maybe(Type.Union(signatureForms.map((form) => Type.Literal(form)))),
            secret: Maybe(Type.String({ maxLength: 4096 })),
          },
          { additionalProperties: false },
        ),
        response: { 200: SourceItem, ...runtimeFailures(400, 401, 403, 422) },
      },
    },
    async (request) => {
      const { source, workflow = null, router_agent = null, signature = null, secret = null } = request.body
      const given = { source, workflow, routerAgent: router_agent, signature, secret }
      return shownSource(await sources.put(runtimeCallerOf(request), given))
    },
  )

  app.get(
    '/v1/stimuli/sources',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:list' },
      schema: {
        tags,
        summary: 'Sources that are registered',
        response: { 200: ListOf('sources', SourceItem), ...runtimeFailures(401, 403) },
      },
    },
    async (request) => listed('sources', (await sources.list(runtimeCallerOf(request))).map(shownSource)),
  )

  app.delete(
    '/v1/stimuli/sources/:source',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:deploy' },
      schema: {
        tags,
        summary: 'Take nothing from a source any more',
        params: Type.Object({ source: Type.String() }),
        response: {
          200: Type.Object({ status: Type.String(), success: Type.Boolean(), source: Type.String() }),
          ...runtimeFailures(401, 403, 404, 422),
        },
      },
    },
    async (request) => {
      const source = await sources.remove(runtimeCallerOf(request), request.params.source)
      return { status: 'deleted', success: true, source }
    },
  )
}

/** Under these names senders tell two deliveries of one thing from two things; the first that is there counts. */
const keyHeaders = ['x-idempotency-key', 'idempotency-key', 'webhook-id', 'x-github-delivery'] as const

export function keyOf(headers: Readonly<Record<string, string | readonly string[] | undefined>>): string | null {
  for (const name of keyHeaders) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return null
}
