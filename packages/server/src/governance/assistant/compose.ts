import type { App } from '../../http/server.ts'
import type { Fetch } from '../../ports/fetch.ts'
import type { Shared } from '../../shared.ts'
import type { ContractStore } from '../contracts/store.ts'
import type { Evaluation } from '../evaluate/evaluate.ts'
import type { TrialCall } from '../evaluate/judge.ts'
import { aiSdkChat } from './ai-sdk-chat.ts'
import { assistant } from './assistant.ts'
import { measuredChat } from './measured-chat.ts'
import { prices } from './prices.ts'
import type { ProviderName } from './providers.ts'
import { assistantRoutes, type OpenAnswers } from './routes.ts'
import { aiSettings, isLoopback } from './settings.ts'
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
    open: measuredChat(aiSdkChat({ anthropicUrl: config.anthropicBaseUrl, fetchFor: fetchFor(deps) }), deps),
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

/** How far a tenant's provider may be: what a setting names, anywhere; an Ollama on this machine, by decision D23; else the internet. */
function fetchFor({ config, fetches }: Shared): (provider: ProviderName, url: string) => Fetch {
  return (provider, url) => {
    if (provider === 'anthropic' && url === config.anthropicBaseUrl) return fetches.operator
    if (provider === 'ollama' && config.allowPrivateAiUrls && isLoopback(url)) return fetches.loopback
    return fetches.guarded
  }
}
