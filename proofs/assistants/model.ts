import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One call that the model makes: a tool and its arguments, as the program names them. */
export interface ModelCall {
  readonly tool: string
  readonly args: Readonly<Record<string, unknown>>
  /** Of a tool of an MCP server, where the wire names the server apart. */
  readonly namespace?: string
}

/** A model on this machine, on the wires of four providers. It calls what the script says, one call a turn, and then ends. */
export interface FakeModel {
  readonly url: string
  /** Texts of the requests, in order. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/**
 * @param next the call to make, told by what is in the request; null ends the conversation
 */
export async function startModel(next: (request: string) => ModelCall | null): Promise<FakeModel> {
  const requests: string[] = []
  let count = 0
  const server = createServer(async (request, response) => {
    const text = await bodyOf(request)
    const path = (request.url ?? '').split('?')[0] ?? ''
    const wire = wires.find(({ at }) => at.test(path))
    if (request.method !== 'POST' || wire === undefined || text === '') return plain(response, path)
    requests.push(text)
    // Programs ask for titles and summaries of a conversation, too: without tools there is nothing to call.
    const call = /"(?:tools|functionDeclarations)":\s*\[\s*[{]/.test(text) ? next(text) : null
    wire.answer(response, call, `call_${++count}`, text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function plain(response: ServerResponse, path: string): void {
  response.setHeader('content-type', 'application/json')
  if (path.endsWith('/models'))
    response.end(JSON.stringify({ object: 'list', data: [{ id: 'x', object: 'model' }], models: [] }))
  else if (path.includes('count')) response.end(JSON.stringify({ input_tokens: 1, totalTokens: 1 }))
  else response.end('{}')
}

interface Wire {
  readonly at: RegExp
  readonly answer: (response: ServerResponse, call: ModelCall | null, id: string, request: string) => void
}

const events = (response: ServerResponse, list: readonly (object | string)[], isNamed = false): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of list) {
    const name = isNamed && typeof event === 'object' ? `event: ${(event as { type: string }).type}\n` : ''
    response.write(`${name}data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`)
  }
  response.end()
}

const wires: readonly Wire[] = [
  { at: /\/messages$/, answer: anthropic },
  { at: /\/responses$/, answer: openAiResponses },
  { at: /\/chat\/completions$/, answer: openAiChat },
  { at: /:(?:stream)?[gG]enerateContent$/, answer: gemini },
]

function anthropic(response: ServerResponse, call: ModelCall | null, id: string, request: string): void {
  const content = call
    ? { type: 'tool_use', id: `toolu_${id}`, name: call.tool, input: {} }
    : { type: 'text', text: '' }
  const delta = call
    ? { type: 'input_json_delta', partial_json: JSON.stringify(call.args) }
    : { type: 'text_delta', text: 'done' }
  const usage = { input_tokens: 1, output_tokens: 1 }
  const message = {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  }
  if (!/"stream":\s*true/.test(request)) {
    response.setHeader('content-type', 'application/json')
    const whole = call ? { ...content, input: call.args } : { type: 'text', text: 'done' }
    response.end(JSON.stringify({ ...message, content: [whole], stop_reason: call ? 'tool_use' : 'end_turn' }))
    return
  }
  events(
    response,
    [
      { type: 'message_start', message },
      { type: 'content_block_start', index: 0, content_block: content },
      { type: 'content_block_delta', index: 0, delta },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: call ? 'tool_use' : 'end_turn', stop_sequence: null }, usage },
      { type: 'message_stop' },
    ],
    true,
  )
}

function openAiResponses(response: ServerResponse, call: ModelCall | null, id: string): void {
  const isCustom = call !== null && typeof call.args.input === 'string' && call.tool === 'apply_patch'
  const item = call
    ? isCustom
      ? {
          type: 'custom_tool_call',
          id: `ct_${id}`,
          call_id: id,
          name: call.tool,
          input: call.args.input,
          status: 'completed',
        }
      : {
          type: 'function_call',
          id: `fc_${id}`,
          call_id: id,
          name: call.tool,
          ...(call.namespace ? { namespace: call.namespace } : {}),
          arguments: JSON.stringify(call.args),
          status: 'completed',
        }
    : {
        type: 'message',
        id: `m_${id}`,
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'done', annotations: [] }],
      }
  const usage = {
    input_tokens: 1,
    output_tokens: 1,
    total_tokens: 2,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
  }
  events(
    response,
    [
      { type: 'response.created', response: { id: `r_${id}`, status: 'in_progress' } },
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { id: `r_${id}`, status: 'completed', output: [item], usage } },
    ],
    true,
  )
}

function openAiChat(response: ServerResponse, call: ModelCall | null, id: string, request: string): void {
  const base = { id: `c_${id}`, object: 'chat.completion.chunk', created: 1, model: 'x' }
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
  const calls = call && [
    { index: 0, id, type: 'function', function: { name: call.tool, arguments: JSON.stringify(call.args) } },
  ]
  const message = { role: 'assistant', content: call ? null : 'done', ...(calls ? { tool_calls: calls } : {}) }
  const finish_reason = call ? 'tool_calls' : 'stop'
  if (!/"stream":\s*true/.test(request)) {
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage }),
    )
    return
  }
  events(response, [
    { ...base, choices: [{ index: 0, delta: message, finish_reason: null }] },
    { ...base, choices: [{ index: 0, delta: {}, finish_reason }] },
    { ...base, choices: [], usage },
    '[DONE]',
  ])
}

function gemini(response: ServerResponse, call: ModelCall | null): void {
  const part = call ? { functionCall: { name: call.tool, args: call.args } } : { text: 'done' }
  const chunk = {
    candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    modelVersion: 'gemini-2.5-flash',
  }
  events(response, [chunk])
}
