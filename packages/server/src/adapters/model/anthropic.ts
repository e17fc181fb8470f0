import type { LanguageModel } from 'ai'
import type { Fetch } from '../../ports/fetch.ts'
import type { Model } from '../../ports/model.ts'
import { aiSdkModel } from './ai-sdk.ts'

/** A model of Anthropic, or of what speaks its messages protocol. */
export function anthropicModel(options: { baseUrl: string; apiKey: string; fetch: Fetch }): Model {
  let provider: ((model: string) => LanguageModel) | null = null
  return aiSdkModel(options.baseUrl ? new URL(options.baseUrl).host : 'Anthropic', async (model) => {
    const { createAnthropic } = await import('@ai-sdk/anthropic')
    provider ??= createAnthropic({
      apiKey: options.apiKey,
      fetch: options.fetch,
      ...(options.baseUrl ? { baseURL: options.baseUrl } : {}),
    })
    return provider(model)
  })
}
