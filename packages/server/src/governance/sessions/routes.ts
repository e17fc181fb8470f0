import Type from 'typebox'
import { idempotencyKeyOf } from '../../changes/idempotency/idempotency.ts'
import { failures, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { keyOf } from '../../identity/caller.ts'
import { withAgentJson } from '../json-body.ts'
import { type Counts, LEASE_SECONDS } from './reservations.ts'
import type { Sessions, SessionValues } from './sessions.ts'

const LONGEST_VALUE = 1_048_576
const LARGEST_AMOUNT = 1e200
const tags = { tags: ['sessions'] }
const config = { access: 'agent', scope: 'tenant' } as const

const KEYS = 'Letters, digits and `_ - . : /`, at most 256 characters.'
const WIDE_KEYS = 'Anything but control characters, at most 1,024 bytes.'
const Value = Type.Object({ value: Type.String() })
const Bound = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const CountsBody = Type.Object({
  attempts: Type.Number(),
  executions: Type.Number(),
  tool_executions: Type.Number(),
  consecutive_failures: Type.Number(),
})
const Lease = Type.String({ minLength: 1, maxLength: 64 })

const wireCounts = (counts: Counts) => ({
  attempts: counts.attempts,
  executions: counts.executions,
  tool_executions: counts.toolExecutions,
  consecutive_failures: counts.consecutiveFailures,
})

/** Every success has a JSON body, because clients parse each. */
export function sessionRoutes(app: App, { sessions, wideKeys }: { sessions: Sessions; wideKeys: SessionValues }): void {
  withAgentJson(app, (scope) => {
    valueRoutes(scope, { prefix: '/api/v1/sessions', tag: 'sessions', keys: KEYS, values: sessions })
    valueRoutes(scope, { prefix: '/v1/sessions', tag: 'rulesets', keys: WIDE_KEYS, values: wideKeys })

    scope.post(
      '/api/v1/sessions/reserve',
      {
        config,
        schema: {
          ...tags,
          summary: 'Reserve one execution of a session',
          description:
            'Atomic: what is counted and what is under way never exceed a bound, however many reserve at once. A lease reserves for 60 seconds unless it is renewed. The counters are those that clients count by themselves.',
          body: Type.Object({
            session: Type.String({ minLength: 1 }),
            tool: Type.String({ minLength: 1 }),
            bounds: Type.Object(
              { max_attempts: Bound, max_tool_calls: Bound, max_calls_per_tool: Bound },
              { description: '`max_calls_per_tool` is the bound of this tool.' },
            ),
            count_attempt: Type.Boolean({
              description: 'Count an attempt in the same step, also when a bound is exceeded.',
            }),
          }),
          response: {
            200: Type.Object({
              lease: Type.Optional(Type.String({ description: 'Absent when a bound is exceeded.' })),
              expires_in_seconds: Type.Optional(Type.Integer()),
              exceeded: Type.Optional(
                Type.Object({
                  bound: Type.Enum(['max_attempts', 'max_tool_calls', 'max_calls_per_tool']),
                  limit: Type.Integer(),
                  count: Type.Number({ description: 'What is counted, and of executions what is under way.' }),
                }),
              ),
              counts: CountsBody,
            }),
            ...failures(401, 409, 422, 503),
          },
        },
      },
      async (request) => {
        const { session, tool, bounds, count_attempt } = request.body
        const reserved = await sessions.reserve(keyOf(request), {
          session,
          tool,
          bounds: {
            maxAttempts: bounds.max_attempts,
            maxToolCalls: bounds.max_tool_calls,
            maxCallsPerTool: bounds.max_calls_per_tool,
          },
          countAttempt: count_attempt,
        })
        const counts = wireCounts(reserved.counts)
        return 'exceeded' in reserved
          ? { exceeded: reserved.exceeded, counts }
          : { lease: reserved.lease, expires_in_seconds: LEASE_SECONDS, counts }
      },
    )

    scope.post(
      '/api/v1/sessions/settle',
      {
        config,
        schema: {
          ...tags,
          summary: 'End a reserved execution',
          description:
            'Counts it, or with `not_run` gives it back. A lease is settled once; also one that ran out meanwhile counts the execution.',
          body: Type.Object({ lease: Lease, outcome: Type.Enum(['success', 'failure', 'not_run']) }),
          response: {
            200: Type.Object({ settled: Type.Boolean(), counts: Type.Optional(CountsBody) }),
            ...failures(401, 409, 422, 503),
          },
        },
      },
      async (request) => {
        const counts = await sessions.settle(keyOf(request), request.body.lease, request.body.outcome)
        return counts ? { settled: true, counts: wireCounts(counts) } : { settled: false }
      },
    )

    scope.post(
      '/api/v1/sessions/renew',
      {
        config,
        schema: {
          ...tags,
          summary: 'Keep a reserved execution that goes on',
          body: Type.Object({ lease: Lease }),
          response: { 200: Type.Object({ expires_in_seconds: Type.Integer() }), ...failures(401, 404, 422) },
        },
      },
      async (request) => {
        await sessions.renew(keyOf(request), request.body.lease)
        return { expires_in_seconds: LEASE_SECONDS }
      },
    )
  })
}

/** A slash within a key is sent as %2F; the router decodes the segment after it has matched the route. */
function valueRoutes(
  scope: App,
  { prefix, tag, keys, values }: { prefix: string; tag: string; keys: string; values: SessionValues },
): void {
  const tags = { tags: [tag] }
  const params = Type.Object({ key: Type.String({ description: keys }) })

  scope.get(
    `${prefix}/:key`,
    {
      config,
      schema: { ...tags, summary: 'Read a value', params, response: { 200: Value, ...failures(401, 404, 422) } },
    },
    async (request) => ({ value: await values.get(keyOf(request), request.params.key) }),
  )

  scope.put(
    `${prefix}/:key`,
    {
      config,
      schema: {
        ...tags,
        summary: 'Write a value',
        description:
          'It is kept for seven days after the last write. With `expected`, only while the value is still that: else 409, and whoever writes reads it again.',
        params,
        body: Type.Object({
          value: Type.String({ maxLength: LONGEST_VALUE }),
          expected: Type.Optional(
            Type.Union([Type.String({ maxLength: LONGEST_VALUE }), Type.Null()], {
              description: 'The value as it was read; null where there was none.',
            }),
          ),
        }),
        response: { 200: Value, ...failures(401, 409, 413, 422) },
      },
    },
    async (request) => {
      const { value, expected } = request.body
      if (expected === undefined) await values.set(keyOf(request), request.params.key, value)
      else await values.replace(keyOf(request), request.params.key, value, expected)
      return { value }
    },
  )

  scope.delete(
    `${prefix}/:key`,
    {
      config,
      schema: {
        ...tags,
        summary: 'Delete a value, if there is one',
        params,
        response: { 200: Type.Object({ value: Type.Null() }), ...failures(401, 422) },
      },
    },
    async (request) => {
      await values.delete(keyOf(request), request.params.key)
      return { value: null }
    },
  )

  scope.post(
    `${prefix}/:key/increment`,
    {
      config,
      schema: {
        ...tags,
        summary: 'Add to a counter',
        description: 'Atomic. A counter starts at 0. Repetitions with one `Idempotency-Key` count once, for 24 hours.',
        params,
        body: Type.Object({
          amount: Type.Number({ default: 1, minimum: -LARGEST_AMOUNT, maximum: LARGEST_AMOUNT }),
        }),
        response: { 200: Type.Object({ value: Type.Number() }), ...failures(401, 409, 422) },
      },
    },
    async (request) => ({
      value: await values.increment(keyOf(request), request.params.key, request.body.amount, idempotencyKeyOf(request)),
    }),
  )

  scope.post(
    `${prefix}/batch`,
    {
      config,
      schema: {
        ...tags,
        summary: 'Read many values',
        body: Type.Object({ keys: Type.Array(Type.String(), { maxItems: 100 }) }),
        response: {
          200: Type.Object({ values: Type.Record(Type.String(), Nullable(Type.String())) }),
          ...failures(401, 422),
        },
      },
    },
    async (request) => ({ values: await values.getMany(keyOf(request), request.body.keys) }),
  )
}
