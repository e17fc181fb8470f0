import Type from 'typebox'
import { keyOf } from '../../http/caller.ts'
import { failures, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { idempotencyKeyOf } from '../idempotency/idempotency.ts'
import { withAgentJson } from '../json-body.ts'
import type { Sessions } from './sessions.ts'

const LONGEST_VALUE = 1_048_576
const LARGEST_AMOUNT = 1e200
const tags = { tags: ['sessions'] }
const config = { access: 'agent', scope: 'tenant' } as const

/** A slash within a key is sent as %2F; the router decodes the segment after it has matched the route. */
const params = Type.Object({
  key: Type.String({ description: 'Letters, digits and `_ - . : /`, at most 256 characters.' }),
})
const Value = Type.Object({ value: Type.String() })

/** console-api §8.4.6. Every success has a JSON body, because clients parse each. */
export function sessionRoutes(app: App, sessions: Sessions): void {
  withAgentJson(app, (scope) => {
    scope.get(
      '/api/v1/sessions/:key',
      {
        config,
        schema: { ...tags, summary: 'Read a value', params, response: { 200: Value, ...failures(401, 404, 422) } },
      },
      async (request) => ({ value: await sessions.get(keyOf(request), request.params.key) }),
    )

    scope.put(
      '/api/v1/sessions/:key',
      {
        config,
        schema: {
          ...tags,
          summary: 'Write a value',
          description: 'It is kept for seven days after the last write.',
          params,
          body: Type.Object({ value: Type.String({ maxLength: LONGEST_VALUE }) }),
          response: { 200: Value, ...failures(401, 413, 422) },
        },
      },
      async (request) => {
        const { value } = request.body
        await sessions.set(keyOf(request), request.params.key, value)
        return { value }
      },
    )

    scope.delete(
      '/api/v1/sessions/:key',
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
        await sessions.delete(keyOf(request), request.params.key)
        return { value: null }
      },
    )

    scope.post(
      '/api/v1/sessions/:key/increment',
      {
        config,
        schema: {
          ...tags,
          summary: 'Add to a counter',
          description:
            'Atomic. A counter starts at 0. Repetitions with one `Idempotency-Key` count once, for 24 hours.',
          params,
          body: Type.Object({
            amount: Type.Number({ default: 1, minimum: -LARGEST_AMOUNT, maximum: LARGEST_AMOUNT }),
          }),
          response: { 200: Type.Object({ value: Type.Number() }), ...failures(401, 409, 422) },
        },
      },
      async (request) => ({
        value: await sessions.increment(
          keyOf(request),
          request.params.key,
          request.body.amount,
          idempotencyKeyOf(request),
        ),
      }),
    )

    scope.post(
      '/api/v1/sessions/batch',
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
      async (request) => ({ values: await sessions.getMany(keyOf(request), request.body.keys) }),
    )
  })
}
