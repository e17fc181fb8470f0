import type { Mail } from '../../../ports/mail.ts'
import type { Outbound } from '../../../ports/outbound.ts'
import type { ChannelKind, ChannelType } from '../channel.ts'
import { discordChannel } from './discord.ts'
import { emailChannel } from './email.ts'
import { slackChannel } from './slack.ts'
import { slackAppChannel } from './slack-app.ts'
import { type Telegram, telegramChannel } from './telegram.ts'
import { webhookChannel } from './webhook.ts'

export type ChannelKinds = Readonly<Record<Exclude<ChannelType, 'telegram'>, ChannelKind>> & {
  readonly telegram: Telegram
}

/** Every kind of channel there is. */
export const channelKinds = (deps: { outbound: Outbound; mail: Mail }): ChannelKinds => ({
  telegram: telegramChannel(deps),
  slack: slackChannel(deps),
  slack_app: slackAppChannel(deps),
  discord: discordChannel(deps),
  webhook: webhookChannel(deps),
  email: emailChannel(deps),
})
