import type { App } from '../../http/server.ts'
import type { Shared } from '../../shared.ts'
import type { ContractStore } from '../contracts/store.ts'
import type { Evaluation } from '../evaluate/evaluate.ts'
import type { TrialCall } from '../evaluate/judge.ts'
import { assistant } from './assistant.ts'
import { measuredChat } from './measured-chat.ts'
import { prices } from './prices.ts'
import { assistantRoutes, type OpenAnswers } from './routes.ts'
import { aiSettings } from './settings.ts'
import { assistantStore } from './store.ts'
import { toolRunner } from './tools.ts'

const PURGE_MS = 24 * 3_600_000

/** The assistant, put together. */
export function assistance(
  deps: Shared & {
    contracts: Pick<ContractStore, 'listLatest'>
    evaluate: (call: TrialCall) => Promise<Evaluation>
  },
) {
  const { config, database, workers } = deps
  const store = assistantStore(database)
  const settings = aiSettings({ ...deps, store, allowLocalOllama: config.allowPrivateAiUrls })
  const answering = assistant({
    ...deps,
    store,
    settings,
    open: measuredChat(deps.openChat, deps),
    runTool: toolRunner(deps),
    prices: prices({
      ...deps,
      fetch: deps.fetches.operator,
      url: config.aiPricesUrl === 'none' ? '' : config.aiPricesUrl,
    }),
  })
  workers.every('ai_usage_purge', PURGE_MS, () => answering.purgeUsage())
  let open: OpenAnswers | null = null
  return {
    routes(app: App) {
      open = assistantRoutes(app, { assistant: answering, settings })
    },
    /** Old usage goes at every start, however long this process will run. */
    start: () => workers.runNow('ai_usage_purge'),
    /** End the answers that are still being streamed. */
    drain: () => open?.end(),
  }
}
