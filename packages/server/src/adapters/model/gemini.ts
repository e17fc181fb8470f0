import type { Fetch } from '../../ports/fetch.ts'
import type { Model } from '../../ports/model.ts'
import { createAiSdkModel, type ProviderModel } from './ai-sdk.ts'

/** A model of Google's Gemini API, or of what speaks its protocol. */
export function createGeminiModel(options: { baseUrl: string; apiKey: string; fetch: Fetch }): Model {
  let provider: ((model: string) => ProviderModel) | null = null
  return createAiSdkModel(options.baseUrl ? new URL(options.baseUrl).host : 'Gemini', async (model) => {
    const { createGoogleGenerativeAI } = await import('@ai-sdk/google')
    provider ??= createGoogleGenerativeAI({
      apiKey: options.apiKey,
      fetch: options.fetch,
      ...(options.baseUrl ? { baseURL: options.baseUrl } : {}),
    })
    return provider(model)
  })
}
