import type { ServerResponse } from 'node:http'
import { createAnthropicModel } from '../src/adapters/model/anthropic.ts'
import { createGeminiModel } from '../src/adapters/model/gemini.ts'
import { createOllamaModel } from '../src/adapters/model/ollama.ts'
import { createOpenAiCompatibleModel } from '../src/adapters/model/openai-compatible.ts'
import type { Fetch } from '../src/ports/fetch.ts'
import type { Model } from '../src/ports/model.ts'

/** A call that a model streams: the text of its arguments in pieces. */
export interface StreamedCall {
  readonly id: string
  readonly name: string
  readonly json: readonly string[]
}

/** How a provider streams answers, as a test's server writes them. Each answer counts 7 tokens in and 3 out. */
export interface Wire {
  readonly make: (url: string, fetch: Fetch) => Model
  readonly path: string
  /** Whether the provider asks for a key. */
  readonly hasKey: boolean
  /** Frames of an answer up to its end, which is not among them. */
  readonly begin: (of: { text?: readonly string[]; calls?: readonly StreamedCall[] }) => string[]
  /** Frames by which an answer ends, by why it ended. */
  readonly end: (why: 'stop' | 'calls' | 'length' | 'refusal') => string[]
  /** The same as one document, from a server that does not stream; null where none does. */
  readonly whole: ((text: string) => object) | null
}

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
const event = (value: { type: string }) => `event: ${value.type}\n${data(value)}`

const chunk = (delta: object, finish_reason: string | null = null) =>
  data({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'test-model',
    choices: [{ index: 0, delta, finish_reason }],
  })

const openAi: Omit<Wire, 'make' | 'hasKey'> = {
  path: '/v1/chat/completions',
  begin: ({ text = [], calls = [] }) => [
    chunk({ role: 'assistant', content: '' }),
    ...text.map((content) => chunk({ content })),
    ...calls.flatMap(({ id, name, json }, index) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      ...json.map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
  ],
  end: (why) => [
    chunk({}, { stop: 'stop', calls: 'tool_calls', length: 'length', refusal: 'content_filter' }[why]),
    data({
      id: 'c1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'test-model',
      choices: [],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    }),
    'data: [DONE]\n\n',
  ],
  whole: (content) => ({
    id: 'c1',
    object: 'chat.completion',
    created: 1,
    model: 'test-model',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  }),
}

export const wires: Readonly<Record<string, Wire>> = {
  'OpenAI-compatible': {
    ...openAi,
    hasKey: true,
    make: (baseUrl, fetch) => createOpenAiCompatibleModel({ fetch, baseUrl, apiKey: 'key-of-the-test' }),
  },
  Ollama: { ...openAi, hasKey: false, make: (baseUrl, fetch) => createOllamaModel({ fetch, baseUrl }) },
  Anthropic: {
    hasKey: true,
    make: (baseUrl, fetch) => createAnthropicModel({ fetch, baseUrl, apiKey: 'key-of-the-test' }),
    path: '/v1/messages',
    begin: ({ text = [], calls = [] }) => {
      const blocks = [
        ...(text.length > 0
          ? [{ block: { type: 'text', text: '' }, deltas: text.map((piece) => ({ type: 'text_delta', text: piece })) }]
          : []),
        ...calls.map(({ id, name, json }) => ({
          block: { type: 'tool_use', id, name, input: {} },
          deltas: json.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
        })),
      ]
      return [
        event({
          type: 'message_start',
          message: {
            id: 'm1',
            type: 'message',
            role: 'assistant',
            model: 'test-model',
            content: [],
            stop_reason: null,
            stop_sequence: null,
            usage: { input_tokens: 7, output_tokens: 1 },
          },
        } as { type: string }),
        ...blocks.flatMap(({ block, deltas }, index) => [
          event({ type: 'content_block_start', index, content_block: block } as { type: string }),
          ...deltas.map((delta) => event({ type: 'content_block_delta', index, delta } as { type: string })),
          event({ type: 'content_block_stop', index } as { type: string }),
        ]),
      ]
    },
    end: (why) => [
      event({
        type: 'message_delta',
        delta: {
          stop_reason: { stop: 'end_turn', calls: 'tool_use', length: 'max_tokens', refusal: 'refusal' }[why],
          stop_sequence: null,
        },
        usage: { output_tokens: 3 },
      } as { type: string }),
      event({ type: 'message_stop' }),
    ],
    whole: null,
  },
  Gemini: {
    hasKey: true,
    make: (baseUrl, fetch) => createGeminiModel({ fetch, baseUrl, apiKey: 'key-of-the-test' }),
    path: '/v1/models/test-model:streamGenerateContent?alt=sse',
    begin: ({ text = [], calls = [] }) =>
      [
        ...text.map((piece) => ({ text: piece })),
        ...calls.map(({ name, json }) => ({ functionCall: { name, args: JSON.parse(json.join('')) as unknown } })),
      ].map((part) => data({ candidates: [{ content: { role: 'model', parts: [part] }, index: 0 }] })),
    end: (why) => [
      data({
        candidates: [
          {
            content: { role: 'model', parts: [{ text: '' }] },
            finishReason: { stop: 'STOP', calls: 'STOP', length: 'MAX_TOKENS', refusal: 'SAFETY' }[why],
            index: 0,
          },
        ],
        usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, totalTokenCount: 10 },
      }),
    ],
    whole: null,
  },
}

/** Answer with frames, each in a piece of its own. */
export function stream(response: ServerResponse, frames: readonly string[]): ServerResponse {
  response.setHeader('content-type', 'text/event-stream')
  for (const frame of frames) response.write(frame)
  return response
}
