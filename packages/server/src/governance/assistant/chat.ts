import { ChatFailed, type ChatModel, type ChatPart, type ChatRequest } from '../../ports/chat-model.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ModelMessage, ModelToolCall } from '../../ports/model.ts'
import { assistantTools, type ToolResult } from './tools.ts'

const MOST_ROUNDS = 5
const MOST_CALLS = 10
const MOST_TOKENS = 4096
const TOOL_TIMEOUT_MS = 5_000
/** A provider that sends nothing for this long is given up. */
const SILENCE_MS = 60_000

/** What the client sees of an answer as it forms. */
export type ChatEvent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly id: string; readonly tool: string }
  | {
      readonly kind: 'result'
      readonly id: string
      readonly tool: string
      readonly result: ToolResult
      readonly durationMs: number
    }

/** Counted while the conversation runs, and good for what was used when it breaks off. */
export interface Spent {
  inputTokens: number
  outputTokens: number
}

/**
 * Let the model answer, running the tools it asks for: at most 5 rounds and 10 calls. The last round, and each
 * after the tenth call, is text only.
 * @throws ChatFailed; the signal's reason when the caller gave up.
 */
export async function* chat(options: {
  readonly model: ChatModel
  readonly messages: readonly ModelMessage[]
  readonly hasTools: boolean
  readonly runTool: (name: string, args: unknown) => Promise<ToolResult>
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly spent: Spent
}): AsyncGenerator<ChatEvent> {
  const { model, hasTools, runTool, clock, signal, spent } = options
  const messages = [...options.messages]
  let called = 0
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const mayCall = hasTools && called < MOST_CALLS && round < MOST_ROUNDS
    const calls: ModelToolCall[] = []
    let text = ''
    const request = {
      messages: mayCall ? messages : withoutCalls(messages),
      tools: mayCall ? assistantTools : [],
      maxTokens: MOST_TOKENS,
      isBrief: false,
    }
    for await (const part of impatiently(model, request, { clock, signal, silenceMs: SILENCE_MS })) {
      if (part.kind === 'text') {
        text += part.text
        yield { kind: 'text', text: part.text }
      } else if (part.kind === 'call') {
        calls.push({ ...part.call, arguments: objectOf(part.call.arguments) })
      } else {
        spent.inputTokens += part.inputTokens
        spent.outputTokens += part.outputTokens
      }
    }
    if (!mayCall || calls.length === 0) return
    messages.push({ role: 'assistant', content: text, tool_calls: calls })
    for (const { id, name, arguments: args } of calls) {
      if (called >= MOST_CALLS) {
        messages.push(answerTo(id, name, { error: `Tool call limit reached (${MOST_CALLS})` }))
        continue
      }
      called++
      yield { kind: 'call', id, tool: name }
      const started = clock.now()
      const result = await inTime(runTool(name, args), clock)
      signal.throwIfAborted()
      yield { kind: 'result', id, tool: name, result, durationMs: Math.round(clock.now() - started) }
      messages.push(answerTo(id, name, result))
    }
  }
}

/** One short text without tools: at most `timeoutMs`, cut there. */
export async function shortAnswer(options: {
  readonly model: ChatModel
  readonly messages: readonly ModelMessage[]
  readonly maxTokens: number
  readonly timeoutMs: number
  readonly clock: Clock
  readonly spent: Spent
}): Promise<string> {
  const { model, messages, maxTokens, timeoutMs, clock, spent } = options
  const over = new AbortController()
  const cancel = clock.after(timeoutMs, () =>
    over.abort(new ChatFailed(`The model did not finish within ${timeoutMs / 1000} seconds.`)),
  )
  let text = ''
  try {
    const request = { messages, tools: [], maxTokens, isBrief: true, signal: over.signal }
    for await (const part of model.stream(request)) {
      if (part.kind === 'text') text += part.text
      if (part.kind !== 'usage') continue
      spent.inputTokens += part.inputTokens
      spent.outputTokens += part.outputTokens
    }
  } catch (error) {
    // What came before the cut is an answer.
    if (!over.signal.aborted || text.trim() === '') throw error
  } finally {
    cancel()
  }
  return text
}

/** The parts of a round, given up when nothing comes for too long. */
async function* impatiently(
  model: ChatModel,
  request: Omit<ChatRequest, 'signal'>,
  { clock, signal, silenceMs }: { clock: Clock; signal: AbortSignal; silenceMs: number },
): AsyncGenerator<ChatPart> {
  const silent = new AbortController()
  const parts = model.stream({ ...request, signal: AbortSignal.any([signal, silent.signal]) })[Symbol.asyncIterator]()
  for (;;) {
    const cancel = clock.after(silenceMs, () =>
      silent.abort(new ChatFailed(`The model sent nothing for ${silenceMs / 1000} seconds.`)),
    )
    let next: IteratorResult<ChatPart>
    try {
      next = await parts.next()
    } finally {
      cancel()
    }
    if (next.done) return
    yield next.value
  }
}

/** What the tool answers, or that it took too long. */
function inTime(running: Promise<ToolResult>, clock: Clock): Promise<ToolResult> {
  return new Promise((resolve) => {
    const cancel = clock.after(TOOL_TIMEOUT_MS, () =>
      resolve({ error: `The tool took longer than ${TOOL_TIMEOUT_MS / 1000} seconds.` }),
    )
    running.then(
      (result) => {
        cancel()
        resolve(result)
      },
      (error: unknown) => {
        cancel()
        resolve({ error: error instanceof Error ? error.message : String(error) })
      },
    )
  })
}

const answerTo = (id: string, name: string, result: ToolResult): ModelMessage => ({
  role: 'tool',
  tool_call_id: id,
  name,
  content: JSON.stringify(result),
})

/** Arguments that are no JSON object are handed on as they came. */
const objectOf = (args: unknown): unknown =>
  typeof args === 'object' && args !== null && !Array.isArray(args)
    ? args
    : { _raw: typeof args === 'string' ? args : JSON.stringify(args) }

/** The same conversation in plain text: providers refuse calls in a request that offers no tools. */
function withoutCalls(messages: readonly ModelMessage[]): ModelMessage[] {
  return messages.map((message) => {
    if (message.role === 'tool') return { role: 'user', content: `Result of ${message.name}: ${message.content}` }
    if (message.role !== 'assistant' || !message.tool_calls) return message
    const calls = message.tool_calls.map(({ name, arguments: args }) => `Called ${name} with ${JSON.stringify(args)}`)
    return { role: 'assistant', content: [message.content, ...calls].filter((line) => line !== '').join('\n') }
  })
}
