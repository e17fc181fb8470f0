import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import Type, { type Static } from 'typebox'
import { dataOf } from '../../http/event-stream.ts'
import { holdOpen } from '../../http/held-open.ts'
import { failures, Maybe, Nullable } from '../../http/schemas.ts'
import type { App } from '../../http/server.ts'
import { type UserCaller, userOf } from '../../identity/caller.ts'
import { chatProviders } from '../../ports/chat-model.ts'
import type { Assistant, AssistEvent } from './assistant.ts'
import type { AiSettings } from './settings.ts'
import { dollars, speedOf } from './usage.ts'

const tags = { tags: ['assistant'] }
const access = { access: 'dashboard', scope: 'tenant' } as const
const DEFAULT_DAYS = 30

const AssistBody = Type.Object({
  messages: Type.Array(
    Type.Object({
      role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
      content: Type.String({ maxLength: 10_000 }),
    }),
    { maxItems: 50, description: 'The conversation so far, oldest first.' },
  ),
  current_yaml: Maybe(Type.String({ maxLength: 50_000, description: 'What the editor holds.' })),
})

/** Streams that are open, so that a server that stops can end them. */
export interface OpenAnswers {
  end(): void
}

/** The assistant and its settings. */
export function assistantRoutes(
  app: App,
  { assistant, settings }: { assistant: Assistant; settings: AiSettings },
): OpenAnswers {
  const open = new Set<AbortController>()

  app.get(
    '/api/v1/settings/ai',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Read the assistant’s settings; the key is masked',
        response: {
          200: Type.Object({
            provider: Type.String({ description: 'Empty when nothing is configured.' }),
            api_key_masked: Type.String(),
            model: Nullable(Type.String({ description: 'Null takes the default model of the provider.' })),
            base_url: Nullable(Type.String()),
            configured: Type.Boolean(),
          }),
          ...failures(401),
        },
      },
    },
    async (request) => {
      const found = await settings.read(userOf(request))
      return {
        provider: found?.settings.provider ?? '',
        api_key_masked: found?.maskedKey ?? '',
        model: found?.settings.model ?? null,
        base_url: found?.settings.baseUrl ?? null,
        configured: found !== null,
      }
    },
  )

  app.put(
    '/api/v1/settings/ai',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Choose provider, key and model of the assistant',
        description: 'Without a key, or with the masked one, the stored key stays.',
        body: Type.Object({
          provider: Type.Union(chatProviders.map((name) => Type.Literal(name))),
          api_key: Maybe(Type.String({ maxLength: 500 })),
          model: Maybe(Type.String({ maxLength: 200 })),
          base_url: Maybe(
            Type.String({ maxLength: 500, description: 'Another host that speaks the provider’s protocol.' }),
          ),
        }),
        response: { 200: Type.Object({ configured: Type.Boolean() }), ...failures(401, 422) },
      },
    },
    async (request) => {
      const { provider, api_key, model, base_url } = request.body
      await settings.write(userOf(request), {
        provider,
        apiKey: api_key ?? null,
        model: model ?? null,
        baseUrl: base_url ?? null,
      })
      return { configured: true }
    },
  )

  app.delete(
    '/api/v1/settings/ai',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Switch the assistant off and forget its key',
        response: { 204: Type.Null(), ...failures(401) },
      },
    },
    async (request, reply) => {
      await settings.remove(userOf(request))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/v1/settings/ai/test',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Ask the configured model for a word',
        response: {
          200: Type.Object({
            ok: Type.Boolean(),
            model: Nullable(Type.String()),
            latency_ms: Nullable(Type.Integer()),
            error: Nullable(Type.String()),
          }),
          ...failures(401),
        },
      },
    },
    async (request) => {
      const outcome = await assistant.test(userOf(request))
      return outcome.ok
        ? { ok: true, model: outcome.model, latency_ms: outcome.latencyMs, error: null }
        : { ok: false, model: null, latency_ms: null, error: outcome.error }
    },
  )

  app.get(
    '/api/v1/settings/ai/usage',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Tokens, cost and speed of the last days',
        querystring: Type.Object({ days: Type.Integer({ minimum: 1, maximum: 365, default: DEFAULT_DAYS }) }),
        response: {
          200: Type.Object({
            total_input_tokens: Type.Integer(),
            total_output_tokens: Type.Integer(),
            total_cost_usd: Nullable(Type.Number()),
            query_count: Type.Integer(),
            avg_tokens_per_second: Type.Number(),
            daily: Type.Array(
              Type.Object({
                date: Type.String({ examples: ['2026-03-01'] }),
                input_tokens: Type.Integer(),
                output_tokens: Type.Integer(),
                cost_usd: Nullable(Type.Number()),
                queries: Type.Integer(),
              }),
              { description: 'Ascending; days without use are absent.' },
            ),
          }),
          ...failures(401, 422),
        },
      },
    },
    (request) => assistant.usage(userOf(request), request.query.days),
  )

  app.post(
    '/api/v1/contracts/generate-description',
    {
      config: access,
      schema: {
        ...tags,
        summary: 'Describe a contract in a sentence',
        body: Type.Object({
          name: Type.String({ maxLength: 255 }),
          type: Type.String({ maxLength: 32 }),
          definition_yaml: Type.String({ maxLength: 50_000 }),
          tags: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 20 })),
        }),
        response: { 200: Type.Object({ description: Type.String() }), ...failures(401, 422, 503) },
      },
    },
    async (request) => {
      const { name, type, definition_yaml, tags: labels = [] } = request.body
      return {
        description: await assistant.describe(userOf(request), {
          name,
          type,
          definitionYaml: definition_yaml,
          tags: labels,
        }),
      }
    },
  )

  const assistSchema = {
    ...tags,
    summary: 'Ask the assistant; the answer is streamed',
    description:
      'Server-sent events without names: `content_chunk`, `tool_call_start`, `tool_call_result`, `usage`, then `[DONE]`; on failure `{"error"}` in its place.',
    body: AssistBody,
    produces: ['text/event-stream'],
    response: { 200: Type.String({ description: 'Server-sent events.' }), ...failures(401, 422, 503) },
  }
  // Decision D4: the two documents name two paths.
  for (const path of ['/api/v1/contracts/assist', '/api/ai/assist'])
    app.post<{ Body: Static<typeof AssistBody> }>(path, { config: access, schema: assistSchema }, (request, reply) =>
      answer(userOf(request), request.body, reply),
    )

  async function answer(caller: UserCaller, body: Static<typeof AssistBody>, reply: FastifyReply) {
    const gone = new AbortController()
    open.add(gone)
    holdOpen(reply, () => reply.raw.destroy())
    reply.raw.on('close', () => {
      open.delete(gone)
      gone.abort()
    })
    const { messages, current_yaml } = body
    const events = await assistant.assist(caller, { messages, currentYaml: current_yaml ?? null }, gone.signal)
    return reply
      .headers({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache',
        'x-accel-buffering': 'no',
      })
      .send(Readable.from(framesOf(events)))
  }

  return {
    end() {
      for (const answer of open) answer.abort()
    },
  }
}

async function* framesOf(events: AsyncGenerator<AssistEvent>): AsyncGenerator<string> {
  try {
    for await (const event of events) yield frame(wireEvent(event))
    yield 'data: [DONE]\n\n'
  } catch {
    // The reason is in the log and in the connection test: it may name hosts that not everybody should read.
    yield frame({ error: 'AI provider error — check Settings > AI' })
  }
}

const frame = (value: object): string => `data: ${dataOf(JSON.stringify(value))}\n\n`

function wireEvent(event: AssistEvent): object {
  switch (event.kind) {
    case 'text':
      return { type: 'content_chunk', content: event.text }
    case 'call':
      return { type: 'tool_call_start', tool: event.tool, id: event.id }
    case 'result':
      return {
        type: 'tool_call_result',
        id: event.id,
        tool: event.tool,
        result: event.result,
        duration_ms: event.durationMs,
      }
    case 'usage': {
      const { inputTokens, outputTokens, durationMs, cost, model } = event.usage
      return {
        type: 'usage',
        input_tokens: inputTokens,
        output_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens,
        duration_ms: durationMs,
        tokens_per_second: speedOf(outputTokens, durationMs),
        estimated_cost_usd: dollars(cost),
        model,
      }
    }
  }
}
