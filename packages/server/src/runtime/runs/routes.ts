import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { onceOf } from '../../changes/idempotency/idempotency.ts'
import { BadRequest } from '../../errors.ts'
import { Instant, Maybe, Nullable, runtimeFailures } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { toWireTime, toWireTimeOrNull } from '../../storage/instants.ts'
import { Json, JsonObject, ListOf, listed, missingInBody, pageOf, requireUuid, runtimeCallerOf } from '../http.ts'
import { stateOutputs } from '../interpreter/interpreter.ts'
import { headersOf } from '../limits/limits.ts'
import type { JournalStreams } from '../record/streams.ts'
import { givenBy, requireBounded } from './given.ts'
import type { RunRecord, RunSummary } from './run-record.ts'
import type { BegunRun, Runs, SignalGiven, StartedRun } from './runs.ts'
import { isLastOfRun } from './told.ts'

const tags = ['workflow executions']
const DEFAULT_PAGE = 20
const DEFAULT_LOGS = 100
const MAX_PAGE = 1000
const INVALID = 'Invalid workflow execution ID'
const statuses = ['pending', 'running', 'completed', 'failed', 'cancelled']
const RUNS =
  'Its states are worked for one after the other, also when this server ends and starts again. Repetitions with one `Idempotency-Key` start one run, for 24 hours. What this server does not run yet is refused, with the state.'

const summaryFields = {
  id: Type.String(),
  execution_id: Type.String(),
  workflow_id: Type.String(),
  workflow_name: Type.String(),
  status: Type.String({ description: 'running, completed, failed or cancelled' }),
  current_state: Type.String({ description: 'The state that is under way; after the end the last one.' }),
  started_at: Instant,
  ended_at: Nullable(Instant),
  last_transition_at: Type.String({ description: 'When that state was entered, or the run ended; ISO 8601, UTC.' }),
  summary: Nullable(Type.String({ description: 'Why it failed or was cancelled.' })),
  tenant_id: Type.String(),
  temporal_workflow_id: Nullable(Type.String()),
  temporal_run_id: Nullable(Type.String()),
}
const Summary = Type.Object(summaryFields)
const Detail = Type.Object({
  ...summaryFields,
  input: Json,
  blackboard: JsonObject,
  state_outputs: JsonObject,
  final_output: Json,
})
const Begun = Type.Object({
  execution_id: Type.String(),
  id: Type.String(),
  workflow_execution_id: Type.String(),
  workflow_id: Type.String(),
  workflow_name: Type.String(),
  temporal_run_id: Type.Null(),
  status: Type.String(),
  started_at: Instant,
})
const Done = Type.Object({ status: Type.String(), success: Type.Boolean(), execution_id: Type.String() })
const startFields = {
  input: Type.Optional(Json),
  blackboard: Type.Optional(Json),
  context_overrides: Type.Optional(Json),
  intent: Maybe(Type.String()),
  version: Maybe(Type.String()),
}
const StartBody = Type.Object(startFields, { additionalProperties: true })
const SignalBody = Type.Object(
  {
    response: Maybe(Type.String()),
    signal_name: Maybe(Type.String({ maxLength: 255 })),
    payload: Type.Optional(Json),
    feedback: Maybe(Type.String()),
  },
  { additionalProperties: true },
)
const LogEntry = Type.Object(
  {
    execution_id: Type.String(),
    workflow_id: Type.String(),
    workflow_name: Type.String(),
    type: Type.String(),
    event_type: Type.String(),
    message: Type.String(),
    state_name: Type.Optional(Type.String()),
    iteration_number: Type.Optional(Type.Integer()),
    timestamp: Instant,
    sequence: Type.Integer(),
    details: JsonObject,
  },
  { additionalProperties: true },
)
const byId = Type.Object({ id: Type.String() })
const byName = Type.Object({ name: Type.String() })
const Stream = Type.Unsafe<never>({ type: 'string', description: 'Server-sent events, each with an id and its type.' })

const shown = (run: RunSummary) => ({
  id: run.id,
  execution_id: run.id,
  workflow_id: run.workflowId,
  workflow_name: run.workflowName,
  status: run.status,
  current_state: run.current,
  started_at: toWireTime(run.startedAt),
  ended_at: toWireTimeOrNull(run.endedAt),
  last_transition_at: toWireTime(run.enteredAt),
  summary: run.reason,
  tenant_id: run.tenantId,
  temporal_workflow_id: null,
  temporal_run_id: null,
})
const detailed = (run: RunRecord) => {
  const { state, definition, input } = run
  return {
    ...shown({ ...run, status: state.status, current: state.current, reason: state.reason }),
    input: input ?? null,
    blackboard: { ...state.blackboard },
    state_outputs: stateOutputs(definition, state),
    final_output: state.finalOutput ?? null,
  }
}
/** With what is left of a limit, as headers. */
function answered(reply: FastifyReply, run: StartedRun) {
  if (run.left) reply.headers(headersOf(run.left))
  return begun(run)
}

const begun = ({ id, workflowId, workflowName, startedAt }: BegunRun) => ({
  execution_id: id,
  id,
  workflow_execution_id: id,
  workflow_id: workflowId,
  workflow_name: workflowName,
  temporal_run_id: null,
  status: 'running',
  started_at: toWireTime(startedAt),
})

/** Runs of workflows over HTTP. */
export function runRoutes(app: App, { runs, streams }: { runs: Runs; streams: JournalStreams }): void {
  const config = { access: 'bearer', scope: 'tenant', requires: 'workflow:run' } as const
  const failures = runtimeFailures(400, 401, 403, 404, 422, 429)

  app.post(
    '/v1/workflows/:name/run',
    {
      config,
      schema: {
        tags,
        summary: 'Start a workflow',
        description: `${RUNS} A body that has none of the fields is the input.`,
        params: byName,
        querystring: Type.Object({ version: Type.Optional(Type.String()) }),
        body: Nullable(StartBody),
        response: { 200: Begun, ...failures },
      },
    },
    async (request, reply) => {
      const caller = runtimeCallerOf(request)
      const given = givenBy(request.body ?? {}, true)
      const version = request.query.version ?? request.body?.version ?? null
      const once = onceOf(request, caller)
      return answered(reply, await runs.start(caller, request.params.name, given, { version, once }))
    },
  )

  app.post(
    '/v1/workflows/:name/execute',
    {
      config,
      schema: {
        tags,
        summary: 'Start a workflow, by its other address',
        description: RUNS,
        params: byName,
        body: Nullable(StartBody),
        response: { 200: Begun, ...failures },
      },
    },
    async (request, reply) => {
      const caller = runtimeCallerOf(request)
      const given = givenBy(request.body ?? {}, false)
      const options = { version: request.body?.version ?? null, once: onceOf(request, caller) }
      return answered(reply, await runs.start(caller, request.params.name, given, options))
    },
  )

  app.post(
    '/v1/workflows/temporal/execute',
    {
      config,
      schema: {
        tags,
        summary: 'Start the workflow that the body names',
        description: RUNS,
        body: Type.Object(
          { ...startFields, workflow_name: Maybe(Type.String()), workflow_id: Maybe(Type.String()) },
          { additionalProperties: true },
        ),
        response: { 200: Begun, ...failures },
      },
    },
    async (request, reply) => {
      const caller = runtimeCallerOf(request)
      const { body } = request
      const named = body.workflow_name || body.workflow_id
      if (!named) throw missingInBody('workflow_name')
      const given = givenBy(body, false)
      return answered(
        reply,
        await runs.start(caller, named, given, { version: body.version ?? null, once: onceOf(request, caller) }),
      )
    },
  )

  app.get(
    '/v1/workflows/executions',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:list' },
      schema: {
        tags,
        summary: 'Runs of workflows, newest first',
        querystring: Type.Object({
          workflow_id: Type.Optional(Type.String()),
          workflow_name: Type.Optional(Type.String()),
          status: Type.Optional(Type.String()),
          limit: Type.Optional(Type.String()),
          offset: Type.Optional(Type.String()),
        }),
        response: { 200: ListOf('executions', Summary), ...runtimeFailures(400, 401, 403) },
      },
    },
    async (request) => {
      const { workflow_id, workflow_name, status, ...page } = request.query
      const wanted = status?.toLowerCase() ?? null
      if (wanted !== null && !statuses.includes(wanted))
        throw new BadRequest(`status must be one of ${statuses.join(', ')}, not '${status}'.`, 'invalid_query')
      const found = await runs.list(runtimeCallerOf(request), {
        workflowId: workflow_id?.toLowerCase() ?? null,
        workflowName: workflow_name ?? null,
        status: wanted,
        ...pageOf(page, { fallback: DEFAULT_PAGE, max: MAX_PAGE }),
      })
      return listed('executions', found.map(shown))
    },
  )

  app.get(
    '/v1/workflows/executions/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:read' },
      schema: {
        tags,
        summary: 'One run of a workflow, with what its states have left',
        params: byId,
        response: { 200: Detail, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request) => detailed(await runs.get(runtimeCallerOf(request), requireUuid(request.params.id, INVALID))),
  )

  app.delete(
    '/v1/workflows/executions/:id',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:cancel' },
      schema: {
        tags,
        summary: 'Remove a run that has ended, with its logs',
        params: byId,
        response: { 200: Done, ...runtimeFailures(400, 401, 403, 404, 409) },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, INVALID)
      await runs.remove(runtimeCallerOf(request), id)
      return { status: 'removed', success: true, execution_id: id }
    },
  )

  app.post(
    '/v1/workflows/executions/:id/cancel',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:cancel' },
      schema: {
        tags,
        summary: 'Cancel a run, and what it does; one that has ended stays as it is',
        params: byId,
        body: Nullable(Type.Object({ reason: Maybe(Type.String({ maxLength: 2000 })) })),
        response: { 202: Done, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const id = requireUuid(request.params.id, INVALID)
      await runs.cancel(runtimeCallerOf(request), id, request.body?.reason ?? null)
      return reply.status(202).send({ status: 'cancel_requested', success: true, execution_id: id })
    },
  )

  app.post(
    '/v1/workflows/executions/:id/signal',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:signal' },
      schema: {
        tags,
        summary: 'Answer the Human state that is under way, or the next one',
        description:
          'The answer is `response`, else the `payload` (a text, or its `response`, `value` or `decision`), else the `signal_name`. A name other than `human_input` and `human_response` also stands on the blackboard, under `signals`. At most 64 answers are kept for states to come, for 24 hours.',
        params: byId,
        body: SignalBody,
        response: { 202: Done, ...runtimeFailures(400, 401, 403, 404, 409, 422) },
      },
    },
    async (request, reply) => {
      const id = requireUuid(request.params.id, INVALID)
      requireBounded(request.body)
      await runs.signal(runtimeCallerOf(request), id, signalOf(request.body))
      return reply.status(202).send({ status: 'signal_sent', success: true, execution_id: id })
    },
  )

  app.get(
    '/v1/workflows/executions/:id/logs',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:read' },
      schema: {
        tags,
        summary: 'What happened in a run, by pages',
        description: 'Entries are numbered from 1 by `sequence`; `offset` is the last one that was seen.',
        params: byId,
        querystring: Type.Object({ limit: Type.Optional(Type.String()), offset: Type.Optional(Type.String()) }),
        response: {
          200: Type.Object({
            execution_id: Type.String(),
            events: Type.Array(LogEntry),
            count: Type.Integer(),
            limit: Type.Integer(),
            offset: Type.Integer(),
            has_more: Type.Boolean({ description: 'A page has at most 1 MiB.' }),
          }),
          ...runtimeFailures(400, 401, 403, 404),
        },
      },
    },
    async (request) => {
      const id = requireUuid(request.params.id, INVALID)
      const page = pageOf(request.query, { fallback: DEFAULT_LOGS, max: MAX_PAGE })
      const { entries, hasMore } = await runs.logs(runtimeCallerOf(request), id, page)
      const events = entries.map(({ data }) => JSON.parse(data) as Type.Static<typeof LogEntry>)
      return { execution_id: id, events, count: events.length, ...page, has_more: hasMore }
    },
  )

  app.get(
    '/v1/workflows/executions/:id/logs/stream',
    {
      config: { access: 'bearer', scope: 'tenant', requires: 'workflow:logs' },
      schema: {
        tags,
        summary: 'What happened in a run and happens, as a stream; ends after the last',
        params: byId,
        produces: ['text/event-stream'],
        response: { 200: Stream, ...runtimeFailures(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const run = await runs.get(runtimeCallerOf(request), requireUuid(request.params.id, INVALID))
      await streams.subject(request, reply, { kind: 'workflow', id: run.id }, { follow: true, isLast: isLastOfRun })
    },
  )
}

/** @throws InvalidInput for a body that has no answer in it */
function signalOf(body: Type.Static<typeof SignalBody>): SignalGiven {
  const { response, signal_name: name = null, payload, feedback } = body
  const inner = typeof payload === 'object' && payload !== null ? (payload as Readonly<Record<string, unknown>>) : {}
  const answers = [response, payload, inner.response, inner.value, inner.decision, name]
  const answer = answers.find((one): one is string => typeof one === 'string' && one !== '')
  if (answer === undefined) throw missingInBody('response')
  const said = [feedback, inner.feedback].find((one): one is string => typeof one === 'string')
  return { response: answer, feedback: said ?? '', name, payload: payload ?? null }
}
