import type { Config } from '../../config.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import type { Model, ModelPorts } from '../../ports/model.ts'
import { createAnthropicModel } from './anthropic.ts'
import { createGeminiModel } from './gemini.ts'
import { createOllamaModel } from './ollama.ts'
import { createOpenAiCompatibleModel } from './openai-compatible.ts'
import { createScriptedModel, rememberScripts } from './scripted.ts'

/** @param deps.fetch reaches the addresses of the settings, which only the operator writes */
export function createConfiguredModels(deps: {
  config: Pick<
    Config,
    | 'modelBaseUrl'
    | 'modelApiKey'
    | 'anthropicApiKey'
    | 'anthropicBaseUrl'
    | 'geminiApiKey'
    | 'geminiBaseUrl'
    | 'ollamaUrl'
  >
  clock: Clock
  fetch: Fetch
}): ModelPorts {
  const { config, clock, fetch } = deps
  const made = new Map<string, Model>()
  const read = rememberScripts()
  const once = (name: string, make: () => Model): Model => {
    const model = made.get(name) ?? make()
    made.set(name, model)
    return model
  }
  return {
    openAiCompatible: () =>
      once('openai', () =>
        createOpenAiCompatibleModel({ baseUrl: config.modelBaseUrl, apiKey: config.modelApiKey, fetch }),
      ),
    anthropic: () =>
      once('anthropic', () =>
        createAnthropicModel({ baseUrl: config.anthropicBaseUrl, apiKey: config.anthropicApiKey, fetch }),
      ),
    gemini: () =>
      once('gemini', () => createGeminiModel({ baseUrl: config.geminiBaseUrl, apiKey: config.geminiApiKey, fetch })),
    ollama: () => once('ollama', () => createOllamaModel({ baseUrl: config.ollamaUrl, fetch })),
    scripted: (load) => createScriptedModel({ clock, read, ...(load ? { load } : {}) }),
  }
}
