import type { Config } from '../../config.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Fetch } from '../../ports/fetch.ts'
import type { Model, ModelPorts } from '../../ports/model.ts'
import { anthropicModel } from './anthropic.ts'
import { openAiCompatibleModel } from './openai-compatible.ts'
import { scriptedModel } from './scripted.ts'

/** @param deps.fetch reaches the addresses of the settings, which only the operator writes */
export function configuredModels(deps: {
  config: Pick<Config, 'modelBaseUrl' | 'modelApiKey' | 'anthropicApiKey' | 'anthropicBaseUrl'>
  clock: Clock
  fetch: Fetch
}): ModelPorts {
  const { config, clock, fetch } = deps
  const made = new Map<string, Model>()
  const once = (name: string, make: () => Model): Model => {
    const model = made.get(name) ?? make()
    made.set(name, model)
    return model
  }
  return {
    openAiCompatible: () =>
      once('openai', () => openAiCompatibleModel({ baseUrl: config.modelBaseUrl, apiKey: config.modelApiKey, fetch })),
    anthropic: () =>
      once('anthropic', () =>
        anthropicModel({ baseUrl: config.anthropicBaseUrl, apiKey: config.anthropicApiKey, fetch }),
      ),
    scripted: (load) => scriptedModel({ clock, ...(load ? { load } : {}) }),
  }
}
