import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What one turn of the pretended model says. */
export type Turn =
  | { readonly text: string; readonly calls?: readonly ToolCall[] }
  | { readonly calls: readonly ToolCall[]; readonly text?: string }
  /** Answer with this status and body instead. */
  | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }
  /** Send the text, then nothing more; the connection stays open. */
  | { readonly hangAfter: string }
  /** Send the text, then break the connection off. */
  | { readonly breakAfter: string }
  /** Write these bytes as the event stream. */
  | { readonly raw: string }

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON text of the arguments, sent as it is. */
  readonly json: string
}

export interface Question {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire, looked at by tests
  readonly body: any
}

export interface AiProvider {
  /** `http://127.0.0.1:port` */
  readonly url: string
  readonly questions: Question[]
  /** Resolves once a client has closed the connection of an answer that hangs. */
  readonly abandoned: Promise<void>
  /** Resolves once an answer hangs. */
  readonly hanging: Promise<void>
  close(): Promise<void>
}

const INPUT_TOKENS = 7
const OUTPUT_TOKENS = 3

/** A local server that speaks both wires, streaming: Anthropic's messages and OpenAI's chat completions. Turns are played in order, the last one again and again. */
export async function aiProvider(turns: readonly Turn[]): Promise<AiProvider> {
  const questions: Question[] = []
  const abandoned = Promise.withResolvers<void>()
  const hanging = Promise.withResolvers<void>()
  let played = 0
  const server = createServer((incoming, response) => {
    if (incoming.method === 'GET' && incoming.url === '/prices') {
      const pricing = { prompt: '0.000001', completion: '0.000005' }
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          data: [{ id: 'anthropic/claude-haiku-4.5', pricing }, { id: 'openai/gpt-5-mini', pricing }, { id: 7 }, null],
        }),
      )
      return
    }
    let text = ''
    incoming.on('data', (chunk: Buffer) => (text += chunk))
    incoming.on('end', () => {
      questions.push({ path: incoming.url ?? '', headers: incoming.headers, body: JSON.parse(text) })
      const turn = turns[Math.min(played++, turns.length - 1)] as Turn
      if ('status' in turn) {
        response.writeHead(turn.status, { 'content-type': 'application/json', ...turn.headers }).end(turn.body)
        return
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      if ('raw' in turn) {
        response.end(turn.raw)
        return
      }
      response.on('close', () => abandoned.resolve())
      if (incoming.url?.endsWith('/messages')) playAnthropic(response, turn)
      else playOpenAi(response, turn)
      if ('hangAfter' in turn) hanging.resolve()
      else if ('breakAfter' in turn) response.destroy()
      else response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    questions,
    abandoned: abandoned.promise,
    hanging: hanging.promise,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Streamed = Exclude<Turn, { status: number } | { raw: string }>

const spoken = (turn: Streamed): { text: string; calls: readonly ToolCall[]; isWhole: boolean } =>
  'hangAfter' in turn
    ? { text: turn.hangAfter, calls: [], isWhole: false }
    : 'breakAfter' in turn
      ? { text: turn.breakAfter, calls: [], isWhole: false }
      : { text: turn.text ?? '', calls: turn.calls ?? [], isWhole: true }

/** Split so that a reader meets every text in more than one piece. */
const halves = (text: string): string[] => {
  const middle = Math.ceil(text.length / 2)
  return [text.slice(0, middle), text.slice(middle)].filter((part) => part !== '')
}

function playAnthropic(response: ServerResponse, turn: Streamed): void {
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  const { text, calls, isWhole } = spoken(turn)
  send('message_start', {
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'pretended',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: INPUT_TOKENS, output_tokens: 1 },
    },
  })
  let index = 0
  if (text !== '') {
    send('content_block_start', { index, content_block: { type: 'text', text: '' } })
    for (const part of halves(text)) send('content_block_delta', { index, delta: { type: 'text_delta', text: part } })
    if (!isWhole) return
    send('content_block_stop', { index })
    index++
  }
  for (const { id, name, json } of calls) {
    send('content_block_start', { index, content_block: { type: 'tool_use', id, name, input: {} } })
    for (const part of halves(json))
      send('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: part } })
    send('content_block_stop', { index })
    index++
  }
  send('message_delta', {
    delta: { stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null },
    usage: { output_tokens: OUTPUT_TOKENS },
  })
  send('message_stop', {})
}

function playOpenAi(response: ServerResponse, turn: Streamed): void {
  const { text, calls, isWhole } = spoken(turn)
  const send = (delta: object, finish_reason: string | null = null) =>
    response.write(
      `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'pretended', choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
    )
  send({ role: 'assistant', content: '' })
  for (const part of halves(text)) send({ content: part })
  if (!isWhole) return
  calls.forEach(({ id, name, json }, index) => {
    send({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] })
    for (const part of halves(json)) send({ tool_calls: [{ index, function: { arguments: part } }] })
  })
  send({}, calls.length > 0 ? 'tool_calls' : 'stop')
  response.write(
    `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'pretended', choices: [], usage: { prompt_tokens: INPUT_TOKENS, completion_tokens: OUTPUT_TOKENS, total_tokens: INPUT_TOKENS + OUTPUT_TOKENS } })}\n\n`,
  )
  response.write('data: [DONE]\n\n')
}
