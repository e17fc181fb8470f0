import { retryAfterMs } from '@lictor/wire'
import type { LanguageModelMiddleware, wrapLanguageModel } from 'ai'
import {
  type Model,
  type ModelAnswer,
  ModelError,
  type ModelErrorClass,
  type ModelRequest,
  type ModelToolCall,
} from '../../ports/model.ts'
import { sdkPrompt } from './sdk-messages.ts'
import { createWireNames, type WireNames } from './wire-names.ts'

const LONGEST_REASON = 500
const CUT_OFF = 'The answer was cut off before its end.'

/** A model as a provider's package makes it. */
export type ProviderModel = Parameters<typeof wrapLanguageModel>[0]['model']

type Streamed = Awaited<ReturnType<NonNullable<LanguageModelMiddleware['wrapStream']>>>
type Part = Streamed['stream'] extends ReadableStream<infer P> ? P : never

/**
 * Answers come as streams, so that one that takes long is seen to come; a server that sends an answer whole, though it was asked
 * for a stream, is asked again for a whole one, and from then on for nothing else.
 *
 * Tool calls of one answer are each given an id of their own. The SDK finds a call by its id: of two calls to which a provider
 * gave the same id, it would return the first one twice.
 */
function streaming(): LanguageModelMiddleware {
  let isWhole = false
  return {
    async wrapStream({ doStream, doGenerate }) {
      if (!isWhole) {
        const streamed = await doStream()
        const type = Object.entries(streamed.response?.headers ?? {}).find(
          ([name]) => name.toLowerCase() === 'content-type',
        )?.[1]
        if (!type?.includes('json')) return { ...streamed, stream: streamed.stream.pipeThrough(callsByPosition()) }
        await streamed.stream.cancel()
        isWhole = true
      }
      const { content, finishReason, usage } = await doGenerate()
      const parts = content.flatMap((part, index): Part[] => {
        const id = String(index)
        if (part.type === 'tool-call') return [part]
        if (part.type !== 'text') return []
        return [
          { type: 'text-start', id },
          { type: 'text-delta', id, delta: part.text },
          { type: 'text-end', id },
        ]
      })
      const stream = new ReadableStream<Part>({
        start(controller) {
          controller.enqueue({ type: 'stream-start', warnings: [] })
          for (const part of parts) controller.enqueue(part)
          controller.enqueue({ type: 'finish', finishReason, usage })
          controller.close()
        },
      })
      return { stream: stream.pipeThrough(callsByPosition()) }
    },
  }
}

function callsByPosition(): TransformStream<Part, Part> {
  let calls = 0
  return new TransformStream({
    transform(part, controller) {
      // Pieces of a call bear the id that is not to be relied on; the call as a whole follows them.
      if (part.type.startsWith('tool-input-')) return
      controller.enqueue(part.type === 'tool-call' ? { ...part, toolCallId: `call_${++calls}` } : part)
    },
  })
}

/** A model of the `ai` SDK. The SDK is loaded at the first turn, so that a server without agents does not carry it. */
export function createAiSdkModel(provider: string, open: (model: string) => Promise<ProviderModel>): Model {
  const middleware = streaming()
  return {
    async generate(request) {
      const sdk = await import('ai')
      const names = createWireNames(request.tools.map((tool) => tool.name))
      try {
        const { stream } = sdk.streamText({
          model: sdk.wrapLanguageModel({ model: await open(request.model), middleware }),
          ...sdkPrompt(sdk, request, names),
          temperature: request.temperature,
          maxOutputTokens: request.maxTokens,
          maxRetries: 0,
          abortSignal: request.signal,
          // Failures come as parts of the stream; the SDK would write them to the console too.
          onError: () => {},
        })
        return await answerOf(stream, names, request.onProgress)
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason
        if (error instanceof ModelError) throw error
        throw modelErrorOf(error, provider, request)
      }
    },
  }
}

interface SdkPart {
  readonly type: string
  readonly [field: string]: unknown
}

async function answerOf(
  stream: AsyncIterable<SdkPart>,
  names: WireNames,
  onProgress: () => void = () => {},
): Promise<ModelAnswer> {
  let text = ''
  const toolCalls: ModelToolCall[] = []
  for await (const part of stream) {
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta':
        onProgress()
        if (part.type === 'text-delta') text += part.text as string
        break
      case 'tool-call':
        onProgress()
        toolCalls.push({
          id: part.toolCallId as string,
          name: names.fromWire(part.toolName as string),
          arguments: part.input,
        })
        break
      case 'error':
        throw part.error
      case 'finish':
        return complete(text, toolCalls, part)
    }
  }
  throw new ModelError('network', CUT_OFF)
}

function complete(text: string, toolCalls: readonly ModelToolCall[], part: SdkPart): ModelAnswer {
  const finishReason = part.finishReason as string
  const usage = (part.totalUsage ?? {}) as { inputTokens?: number; outputTokens?: number }
  // Not every package of a provider fails when an answer only stopped coming: no reason was given for its end.
  if (finishReason === 'interrupted' || (finishReason === 'other' && part.rawFinishReason === undefined))
    throw new ModelError('network', CUT_OFF)
  const isCutOff = finishReason === 'length'
  if (toolCalls.length === 0 && text.trim() === '' && !isCutOff) {
    if (finishReason === 'content-filter')
      throw new ModelError('invalid_input', 'The model refused to answer (content filter).')
    throw new ModelError('provider', `The model answered with neither text nor a tool call (${finishReason}).`)
  }
  return {
    text,
    toolCalls,
    isCutOff,
    inputTokens: countOf(usage.inputTokens),
    outputTokens: countOf(usage.outputTokens),
  }
}

const countOf = (tokens: number | undefined): number | null =>
  tokens !== undefined && Number.isFinite(tokens) ? tokens : null

function modelErrorOf(error: unknown, provider: string, request: ModelRequest): ModelError {
  const {
    name = '',
    message = String(error),
    statusCode,
    responseHeaders = {},
  } = error as {
    name?: string
    message?: string
    statusCode?: number
    responseHeaders?: Readonly<Record<string, string>>
  }
  const reason = message.slice(0, LONGEST_REASON)
  if (name === 'AI_APICallError' && typeof statusCode === 'number' && statusCode >= 400)
    return new ModelError(
      classOfStatus(statusCode),
      `${provider} answered ${statusCode} for the model '${request.model}': ${reason}`,
      error,
      retryAfterOf(responseHeaders),
    )
  if (name === 'AI_APICallError' && statusCode === undefined)
    return new ModelError('network', `${provider} cannot be reached: ${reason}`, error)
  if (isBrokenOff(error)) return new ModelError('network', `${provider}: ${CUT_OFF}`, error)
  return new ModelError('provider', `${provider} sent an answer that cannot be understood: ${reason}`, error)
}

/** The answer began well and then stopped coming: what the SDK did not name itself happened to the connection. */
function isBrokenOff(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'AI_InvalidResponseDataError') return error.message.includes('without a finish reason')
  const culprit = error.name === 'AI_APICallError' ? error.cause : error
  return culprit instanceof Error && !culprit.name.startsWith('AI_')
}

function classOfStatus(status: number): ModelErrorClass {
  if (status === 401 || status === 403) return 'authentication'
  if (status === 404) return 'model_not_found'
  if (status === 429) return 'rate_limit'
  if (status === 408 || status >= 500) return 'service_unavailable'
  return 'invalid_input'
}

/** Milliseconds that `Retry-After` (seconds, or a date by the provider's own clock), or the finer header of some, asks to wait. */
function retryAfterOf(headers: Readonly<Record<string, string>>): number | null {
  const precise = headers['retry-after-ms']?.trim() ?? ''
  if (/^\d{1,9}(\.\d+)?$/.test(precise)) return Math.ceil(Number(precise))
  const wait = retryAfterMs(headers['retry-after'], Date.parse(headers.date ?? ''))
  return wait === undefined || Number.isNaN(wait) ? null : Math.ceil(wait)
}
