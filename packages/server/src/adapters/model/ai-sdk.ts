import type { LanguageModel } from 'ai'
import { type Model, type ModelAnswer, ModelError, type ModelErrorClass, type ModelRequest } from '../../ports/model.ts'
import { sdkPrompt } from './sdk-messages.ts'
import { type WireNames, wireNames } from './wire-names.ts'

const LONGEST_REASON = 500

/** A model of the `ai` SDK. The SDK is loaded at the first turn, so that a server without agents does not carry it. */
export function aiSdkModel(provider: string, open: (model: string) => Promise<LanguageModel>): Model {
  return {
    async generate(request) {
      const sdk = await import('ai')
      const names = wireNames(request.tools.map((tool) => tool.name))
      try {
        const result = await sdk.generateText({
          model: await open(request.model),
          ...sdkPrompt(sdk, request, names),
          temperature: request.temperature,
          maxOutputTokens: request.maxTokens,
          maxRetries: 0,
          abortSignal: request.signal,
        })
        return answerOf(result, names)
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason
        if (error instanceof ModelError) throw error
        throw modelErrorOf(error, provider, request)
      }
    },
  }
}

interface SdkResult {
  readonly text: string
  readonly finishReason: string
  readonly toolCalls: readonly { toolCallId: string; toolName: string; input: unknown }[]
  readonly usage: { readonly inputTokens: number | undefined; readonly outputTokens: number | undefined }
}

function answerOf(result: SdkResult, names: WireNames): ModelAnswer {
  const toolCalls = result.toolCalls.map((call) => ({
    id: call.toolCallId,
    name: names.fromWire(call.toolName),
    arguments: call.input,
  }))
  if (toolCalls.length === 0 && result.text.trim() === '') {
    if (result.finishReason === 'content-filter')
      throw new ModelError('invalid_input', 'The model refused to answer (content filter).')
    throw new ModelError('provider', `The model answered with neither text nor a tool call (${result.finishReason}).`)
  }
  return {
    text: result.text,
    toolCalls,
    inputTokens: result.usage.inputTokens ?? null,
    outputTokens: result.usage.outputTokens ?? null,
  }
}

function modelErrorOf(error: unknown, provider: string, request: ModelRequest): ModelError {
  const {
    name = '',
    message = String(error),
    statusCode,
  } = error as {
    name?: string
    message?: string
    statusCode?: number
  }
  const reason = message.slice(0, LONGEST_REASON)
  if (name === 'AI_APICallError' && typeof statusCode === 'number' && statusCode >= 400)
    return new ModelError(
      classOfStatus(statusCode),
      `${provider} answered ${statusCode} for the model '${request.model}': ${reason}`,
      error,
    )
  if (name === 'AI_APICallError' && statusCode === undefined)
    return new ModelError('network', `${provider} cannot be reached: ${reason}`, error)
  return new ModelError('provider', `${provider} sent an answer that cannot be understood: ${reason}`, error)
}

function classOfStatus(status: number): ModelErrorClass {
  if (status === 401 || status === 403) return 'authentication'
  if (status === 404) return 'model_not_found'
  if (status === 429) return 'rate_limit'
  if (status === 408 || status >= 500) return 'service_unavailable'
  return 'invalid_input'
}
