import type { LanguageModel } from 'ai'
import type { Fetch } from '../../ports/fetch.ts'
import type { Model } from '../../ports/model.ts'
import { aiSdkModel } from './ai-sdk.ts'

/** A model behind the OpenAI chat completions protocol: OpenAI, OpenRouter, Ollama, vLLM and many others. */
export function openAiCompatibleModel(options: { baseUrl: string; apiKey: string; fetch: Fetch }): Model {
  let provider: ((model: string) => LanguageModel) | null = null
  return aiSdkModel(new URL(options.baseUrl).host, async (model) => {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    provider ??= createOpenAICompatible({
      name: 'openai-compatible',
      baseURL: options.baseUrl,
      fetch: options.fetch,
      ...(options.apiKey ? { apiKey: options.apiKey } : {}),
    })
    return provider(model)
  })
}
