import type { Config } from '../../config.ts'
import type { ChatProvider } from '../../ports/chat-model.ts'
import type { Fetch, Fetches } from '../../ports/fetch.ts'

/** How far a tenant's provider may be: what a setting names, anywhere; an Ollama on this machine, when the operator allows it; else the internet. */
export function createProviderFetch(
  config: Pick<Config, 'anthropicBaseUrl' | 'allowPrivateAiUrls'>,
  fetches: Fetches,
): (provider: ChatProvider, url: string) => Fetch {
  return (provider, url) => {
    if (provider === 'anthropic' && url === config.anthropicBaseUrl) return fetches.operator
    if (provider === 'ollama' && config.allowPrivateAiUrls && isLoopback(url)) return fetches.loopback
    return fetches.guarded
  }
}

/** An address on this machine, told from its text alone. */
export function isLoopback(url: string): boolean {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return false
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
