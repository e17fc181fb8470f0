import type { Config } from '../../config.ts'
import type { ChatProvider } from '../../ports/chat-model.ts'
import type { Fetch, Fetches } from '../../ports/fetch.ts'
import { isLoopback } from './settings.ts'

/** How far a tenant's provider may be: what a setting names, anywhere; an Ollama on this machine, by decision D23; else the internet. */
export function providerFetch(
  config: Pick<Config, 'anthropicBaseUrl' | 'allowPrivateAiUrls'>,
  fetches: Fetches,
): (provider: ChatProvider, url: string) => Fetch {
  return (provider, url) => {
    if (provider === 'anthropic' && url === config.anthropicBaseUrl) return fetches.operator
    if (provider === 'ollama' && config.allowPrivateAiUrls && isLoopback(url)) return fetches.loopback
    return fetches.guarded
  }
}
