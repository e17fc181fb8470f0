import type { LanguageModel } from 'ai'
import {
  ChatFailed,
  type ChatPart,
  type ChatProvider,
  type ChatRequest,
  type ChatSettings,
  type OpenChatModel,
} from '../../ports/chat-model.ts'
import type { Fetch } from '../../ports/fetch.ts'
import { sdkPrompt } from './sdk-messages.ts'
import { createWireNames, type WireNames } from './wire-names.ts'

const ANTHROPIC_URL = 'https://api.anthropic.com/v1'
const OPENAI_URL = 'https://api.openai.com/v1'
const OPENROUTER_URL = 'https://openrouter.ai/api/v1'
const OLLAMA_URL = 'http://localhost:11434'
const LONGEST_REASON = 500

/**
 * Models of the `ai` SDK, loaded at the first question: a server whose assistant is off does not carry them.
 * @param options.anthropicUrl another address of the Anthropic API; empty takes the vendor's
 * @param options.fetchFor what reaches a provider at an address, as far as it may be reached
 */
export function createAiSdkChat(options: {
  anthropicUrl: string
  fetchFor: (provider: ChatProvider, url: string) => Fetch
}): OpenChatModel {
  return (settings) => ({
    async *stream(request) {
      const { signal } = request
      const sdk = await import('ai')
      const model = await languageModel(settings, request, options)
      const names = createWireNames(request.tools.map((tool) => tool.name))
      try {
        const { stream } = sdk.streamText({
          model,
          ...sdkPrompt(sdk, request, names),
          maxOutputTokens: request.maxTokens,
          maxRetries: 0,
          abortSignal: signal,
          // Failures come as parts of the stream; the SDK would write them to the console too.
          onError: () => {},
        })
        yield* partsOf(stream, names)
        if (signal.aborted) throw signal.reason
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw error instanceof ChatFailed ? error : failure(error, settings)
      }
    },
  })
}

interface SdkPart {
  readonly type: string
  readonly [field: string]: unknown
}

async function* partsOf(stream: AsyncIterable<SdkPart>, names: WireNames): AsyncGenerator<ChatPart> {
  let said = false
  for await (const part of stream) {
    switch (part.type) {
      case 'text-delta':
        if (part.text === '') break
        said = true
        yield { kind: 'text', text: part.text as string }
        break
      case 'tool-call':
        said = true
        yield {
          kind: 'call',
          call: { id: part.toolCallId as string, name: names.fromWire(part.toolName as string), arguments: part.input },
        }
        break
      case 'finish': {
        const usage = part.totalUsage as { inputTokens?: number; outputTokens?: number }
        const { inputTokens = 0, outputTokens = 0 } = usage
        if (!said && outputTokens === 0)
          throw new ChatFailed(`The model answered with nothing (${String(part.finishReason)}).`)
        yield { kind: 'usage', inputTokens: countOf(inputTokens), outputTokens: countOf(outputTokens) }
        break
      }
      case 'error':
        throw part.error
    }
  }
}

const countOf = (tokens: number): number => (Number.isFinite(tokens) && tokens > 0 ? Math.round(tokens) : 0)

async function languageModel(
  settings: ChatSettings,
  request: ChatRequest,
  { anthropicUrl, fetchFor }: Parameters<typeof createAiSdkChat>[0],
): Promise<LanguageModel> {
  const { provider, apiKey, isKeySent, model } = settings
  if (provider === 'anthropic') {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    const baseURL = anthropicUrl || ANTHROPIC_URL
    return createAnthropic({ apiKey, baseURL, fetch: fetchFor(provider, baseURL) })(model)
  }
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
  const baseURL = baseUrlOf(settings)
  return createOpenAICompatible({
    name: provider,
    baseURL,
    fetch: fetchFor(provider, baseURL),
    includeUsage: true,
    ...(isKeySent && apiKey !== '' ? { apiKey } : {}),
    ...(provider === 'openai' ? { transformRequestBody: (body) => openAiBody(body, request) } : {}),
  })(model)
}

function baseUrlOf({ provider, baseUrl }: ChatSettings): string {
  const given = baseUrl?.replace(/\/+$/, '')
  if (provider === 'openai') return given ?? OPENAI_URL
  if (provider === 'openrouter') return given ?? OPENROUTER_URL
  const host = given ?? OLLAMA_URL
  // Ollama's address is its root; the protocol spoken here lives below /v1.
  return host.endsWith('/v1') ? host : `${host}/v1`
}

/** OpenAI's reasoning models refuse `max_tokens`, and would spend a small cap on thinking alone. */
function openAiBody(body: Record<string, unknown>, request: ChatRequest): Record<string, unknown> {
  const { max_tokens, ...rest } = body
  const canSkipThinking = /^gpt-5(-mini|-nano)?(-\d{4}-\d\d-\d\d)?$/.test(String(body.model))
  return {
    ...rest,
    ...(max_tokens === undefined ? {} : { max_completion_tokens: max_tokens }),
    ...(request.isBrief && canSkipThinking ? { reasoning_effort: 'minimal' } : {}),
  }
}

function failure(error: unknown, { label, model, apiKey }: ChatSettings): ChatFailed {
  const { message = String(error), statusCode } = error as { message?: string; statusCode?: number }
  const reason = scrub(message, apiKey).slice(0, LONGEST_REASON)
  if (typeof statusCode === 'number' && statusCode >= 400)
    return new ChatFailed(`${label} answered ${statusCode} for the model '${model}': ${reason}`, { cause: error })
  return new ChatFailed(`${label} did not answer as expected: ${reason}`, { cause: error })
}

/** The text without the key. */
const scrub = (text: string, apiKey: string): string => (apiKey === '' ? text : text.replaceAll(apiKey, '***'))
