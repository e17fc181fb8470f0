import type { Fetch } from '../../ports/fetch.ts'
import type { Model } from '../../ports/model.ts'
import { createAiSdkModel, type ProviderModel } from './ai-sdk.ts'

/** A model behind the OpenAI chat completions protocol: OpenAI, OpenRouter, Ollama, vLLM and many others. */
export function createOpenAiCompatibleModel(options: { baseUrl: string; apiKey: string; fetch: Fetch }): Model {
  let provider: ((model: string) => ProviderModel) | null = null
  return createAiSdkModel(new URL(options.baseUrl).host, async (model) => {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    provider ??= createOpenAICompatible({
      name: 'openai-compatible',
      baseURL: options.baseUrl,
      fetch: options.fetch,
      includeUsage: true,
      ...(options.apiKey ? { apiKey: options.apiKey } : {}),
    })
    return provider(model)
  })
}
