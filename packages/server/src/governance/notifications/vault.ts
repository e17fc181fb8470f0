import type { SecretBox } from '../../ports/secret-box.ts'
import type { ChannelConfig } from '../channel-kinds/channel.ts'
import type { StoredChannel } from './store.ts'

const REMEMBERED = 1_000

/** Channel configurations, sealed and opened. */
export interface Vault {
  seal(config: ChannelConfig): Uint8Array
  /** @throws when it was sealed under another master key. */
  open(channel: Pick<StoredChannel, 'configSealed'>): ChannelConfig
  /** As `open`; null when it cannot be opened. */
  tryOpen(channel: Pick<StoredChannel, 'configSealed'>): ChannelConfig | null
}

/**
 * Callbacks of unknown origin are tried against the secrets of every channel, so what was opened once is remembered: by its whole sealed form,
 * which no other configuration shares.
 */
export function createVault({ secretBox }: { secretBox: SecretBox }): Vault {
  const opened = new Map<string, ChannelConfig>()
  const feature: Vault = {
    seal: (config) => secretBox.seal(Buffer.from(JSON.stringify(config))),
    open({ configSealed }) {
      const name = Buffer.from(configSealed).toString('base64')
      const known = opened.get(name)
      if (known) return known
      const config = JSON.parse(Buffer.from(secretBox.open(configSealed)).toString('utf8')) as ChannelConfig
      if (opened.size >= REMEMBERED) opened.delete(opened.keys().next().value ?? '')
      opened.set(name, config)
      return config
    },
    tryOpen(channel) {
      try {
        return feature.open(channel)
      } catch {
        return null
      }
    },
  }
  return feature
}
