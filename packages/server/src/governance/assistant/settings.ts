import { InvalidInput, Unavailable } from '../../errors.ts'
import { actorOf, type UserCaller } from '../../identity/caller.ts'
import { scopeOf, type TenantScope } from '../../identity/scope.ts'
import type { ChatProvider, ChatSettings } from '../../ports/chat-model.ts'
import type { Clock } from '../../ports/clock.ts'
import { AddressRefused, type Outbound } from '../../ports/outbound.ts'
import type { SecretBox } from '../../ports/secret-box.ts'
import { microsOf } from '../../storage/instants.ts'
import { isLoopback } from '../ai-providers/provider-fetch.ts'
import { providers } from '../ai-providers/providers.ts'
import type { AssistantStore, StoredSettings } from './store.ts'

const NOT_CONFIGURED = 'AI assistant not configured'

export interface AiSettingsInput {
  readonly provider: ChatProvider
  /** Absent, null, empty, or as the last answer masked it: the stored key stays. */
  readonly apiKey: string | null
  readonly model: string | null
  readonly baseUrl: string | null
}

export interface AiSettings {
  /** As answers show it; null when there are none. */
  read(caller: UserCaller): Promise<{ settings: StoredSettings; maskedKey: string } | null>
  /** @throws InvalidInput when the address may not be called. */
  write(caller: UserCaller, input: AiSettingsInput): Promise<void>
  remove(caller: UserCaller): Promise<void>
  /** What to open the tenant's model with. @throws Unavailable when nothing usable is configured. */
  require(scope: TenantScope): Promise<ChatSettings>
}

export function createAiSettings(deps: {
  store: AssistantStore
  secretBox: SecretBox
  clock: Clock
  outbound: Pick<Outbound, 'check'>
  /** Whether Ollama may run on this machine. */
  allowLocalOllama: boolean
}): AiSettings {
  const { store, secretBox, clock, outbound, allowLocalOllama } = deps

  /** Null when it was sealed with another key. */
  function open(sealed: Uint8Array): string | null {
    try {
      return Buffer.from(secretBox.open(sealed)).toString('utf8')
    } catch {
      return null
    }
  }

  const maskOf = (sealed: Uint8Array | null): string => (sealed === null ? '' : maskKey(open(sealed)))

  async function requireCallable(provider: ChatProvider, url: string): Promise<void> {
    if (URL.canParse(url) && (new URL(url).username !== '' || new URL(url).password !== ''))
      throw new AddressRefused('URL must not carry a user name or password')
    if (provider === 'ollama' && allowLocalOllama && isLoopback(url)) return
    await outbound.check(url)
  }

  return {
    async read(caller) {
      const settings = await store.find(scopeOf(caller))
      return settings ? { settings, maskedKey: maskOf(settings.apiKeySealed) } : null
    },
    async write(caller, input) {
      const baseUrl = input.baseUrl || null
      if (baseUrl !== null) {
        try {
          await requireCallable(input.provider, baseUrl)
        } catch (error) {
          if (error instanceof AddressRefused) throw new InvalidInput(`Invalid base_url: ${error.message}`)
          throw error
        }
      }
      const stored = await store.find(scopeOf(caller))
      const sealed = stored?.apiKeySealed ?? null
      const keeps = !input.apiKey || (sealed !== null && input.apiKey === maskOf(sealed))
      const leaves = keeps && sealed !== null && leavesFor(baseUrl, stored?.baseUrl ?? null)
      if (leaves && providers[input.provider].needsKey)
        throw new InvalidInput(
          "Invalid base_url: the stored key is not handed to another host. Send 'api_key' again together with the new base_url.",
        )
      const kept = leaves ? null : sealed
      await store.save(
        scopeOf(caller),
        {
          provider: input.provider,
          apiKeySealed: keeps ? kept : secretBox.seal(Buffer.from(input.apiKey ?? '', 'utf8')),
          model: input.model || null,
          baseUrl,
        },
        { at: microsOf(clock.now()), who: actorOf(caller) },
      )
    },
    remove: (caller) => store.remove(scopeOf(caller)),
    async require(scope) {
      const settings = await store.find(scope)
      if (!settings) throw new Unavailable(NOT_CONFIGURED, { code: 'ai_not_configured' })
      const { label, needsKey, defaultModel } = providers[settings.provider]
      const apiKey = settings.apiKeySealed === null ? '' : open(settings.apiKeySealed)
      if (apiKey === null)
        throw new Unavailable('The stored AI key cannot be read: the master key changed. Enter the API key again.')
      if (needsKey && apiKey === '') throw new Unavailable(`${label} requires an API key`)
      if (settings.baseUrl !== null && settings.provider !== 'anthropic') {
        // What the name resolves to may have changed since it was saved.
        try {
          await requireCallable(settings.provider, settings.baseUrl)
        } catch (error) {
          if (error instanceof AddressRefused) throw new Unavailable(`Invalid base_url: ${error.message}`)
          throw error
        }
      }
      return {
        provider: settings.provider,
        label,
        apiKey,
        isKeySent: needsKey,
        model: settings.model ?? defaultModel,
        baseUrl: settings.baseUrl,
      }
    },
  }
}

/** Whether a key that was given for one host would now go to another that somebody named. */
function leavesFor(next: string | null, before: string | null): boolean {
  if (next === null) return false
  return before === null || new URL(next).origin !== new URL(before).origin
}

/** First eight and last four characters; short keys and unreadable ones show nothing. */
function maskKey(key: string | null): string {
  if (key === '') return ''
  const characters = [...(key ?? '')]
  return characters.length <= 12 ? '***' : `${characters.slice(0, 8).join('')}...${characters.slice(-4).join('')}`
}
