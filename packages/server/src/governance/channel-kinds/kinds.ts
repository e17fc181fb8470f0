import type { Mail } from '../../ports/mail.ts'
import type { Outbound } from '../../ports/outbound.ts'
import type { ChannelKind, ChannelType } from './channel.ts'
import { createDiscordChannel } from './discord.ts'
import { createEmailChannel } from './email.ts'
import { createSlackChannel } from './slack.ts'
import { createSlackAppChannel } from './slack-app.ts'
import { createTelegramChannel, type Telegram } from './telegram.ts'
import { createWebhookChannel } from './webhook.ts'

export type ChannelKinds = Readonly<Record<Exclude<ChannelType, 'telegram'>, ChannelKind>> & {
  readonly telegram: Telegram
}

/** Every kind of channel there is. */
export const createChannelKinds = (deps: { outbound: Outbound; mail: Mail }): ChannelKinds => ({
  telegram: createTelegramChannel(deps),
  slack: createSlackChannel(deps),
  slack_app: createSlackAppChannel(deps),
  discord: createDiscordChannel(deps),
  webhook: createWebhookChannel(deps),
  email: createEmailChannel(deps),
})
