import type { ChannelConfig, ChannelKind } from '../channel-kinds/channel.ts'

const DOTS = '\u2022'

/** A secret as answers show it: enough to recognise it by. */
export function maskSecret(value: unknown): string {
  const text = typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value)
  if (text === '') return ''
  const characters = Array.from(text)
  if (characters.length <= 8) return DOTS.repeat(8)
  return `${characters.slice(0, 4).join('')}${DOTS.repeat(4)}${characters.slice(-4).join('')}`
}

/** The configuration as answers show it. */
export function maskConfig(kind: Pick<ChannelKind, 'secrets'>, config: ChannelConfig): ChannelConfig {
  const isSecret = new Set(kind.secrets)
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, isSecret.has(key) ? maskSecret(value) : value]),
  )
}

/** What is to be stored when `incoming` replaces `stored`: a mask that was sent back stands for what it hides. */
export function unmaskConfig(
  kind: Pick<ChannelKind, 'secrets'>,
  incoming: ChannelConfig,
  stored: ChannelConfig,
): ChannelConfig {
  const isSecret = new Set(kind.secrets)
  return Object.fromEntries(
    Object.entries(incoming).map(([key, value]) => [
      key,
      isSecret.has(key) && value === maskSecret(stored[key]) ? (stored[key] ?? value) : value,
    ]),
  )
}

export const missingKeys = (kind: Pick<ChannelKind, 'required'>, config: ChannelConfig): string[] =>
  kind.required.filter((key) => config[key] === undefined || config[key] === null)
