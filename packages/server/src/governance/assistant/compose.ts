import type { Part } from '../../part.ts'
import type { Shared } from '../../shared.ts'
import { createMeasuredChat } from '../ai-providers/measured-chat.ts'
import { createPrices } from '../ai-providers/prices.ts'
import type { ContractStore } from '../contracts/store.ts'
import type { Evaluate } from '../evaluate/evaluate.ts'
import { createAssistant } from './assistant.ts'
import { assistantRoutes, type OpenAnswers } from './routes.ts'
import { createAiSettings } from './settings.ts'
import { createAssistantStore } from './store.ts'
import { createToolRunner } from './tools.ts'

const PURGE_MS = 24 * 3_600_000

/** The assistant, put together. */
export function createAssistantPart(
  deps: Shared & {
    contracts: Pick<ContractStore, 'listLatest'>
    evaluate: Evaluate
  },
): Part {
  const { config, database, workers } = deps
  const store = createAssistantStore(database)
  const settings = createAiSettings({ ...deps, store, allowLocalOllama: config.allowPrivateAiUrls })
  const assistant = createAssistant({
    ...deps,
    store,
    settings,
    open: createMeasuredChat(deps.openChat, deps),
    runTool: createToolRunner(deps),
    prices: createPrices({
      ...deps,
      fetch: deps.fetches.operator,
      url: config.aiPricesUrl === 'none' ? '' : config.aiPricesUrl,
    }),
  })
  workers.every('ai_usage_purge', PURGE_MS, () => assistant.purgeUsage())
  let open: OpenAnswers | null = null
  return {
    routes(app) {
      open = assistantRoutes(app, { assistant, settings })
    },
    // Old usage goes at every start, however long this process will run.
    start: () => workers.runNow('ai_usage_purge'),
    // Ends the answers that are still being streamed.
    drain: () => open?.end(),
  }
}
