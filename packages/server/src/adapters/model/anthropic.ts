import type { Fetch } from '../../ports/fetch.ts'
import type { Model } from '../../ports/model.ts'
import { createAiSdkModel, type ProviderModel } from './ai-sdk.ts'

/** A model of Anthropic, or of what speaks its messages protocol. */
export function createAnthropicModel(options: { baseUrl: string; apiKey: string; fetch: Fetch }): Model {
  let provider: ((model: string) => ProviderModel) | null = null
  return createAiSdkModel(options.baseUrl ? new URL(options.baseUrl).host : 'Anthropic', async (model) => {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    provider ??= createAnthropic({
      apiKey: options.apiKey,
      fetch: options.fetch,
      ...(options.baseUrl ? { baseURL: options.baseUrl } : {}),
    })
    return provider(model)
  })
}
