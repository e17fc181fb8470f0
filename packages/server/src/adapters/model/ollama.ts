import type { Fetch } from '../../ports/fetch.ts'
import type { Model } from '../../ports/model.ts'
import { createOpenAiCompatibleModel } from './openai-compatible.ts'

/** A model of an Ollama, by its OpenAI-compatible endpoint. @param options.baseUrl its root, with or without `/v1` */
export function createOllamaModel(options: { baseUrl: string; fetch: Fetch }): Model {
  const root = options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '')
  return createOpenAiCompatibleModel({ baseUrl: `${root}/v1`, apiKey: '', fetch: options.fetch })
}
