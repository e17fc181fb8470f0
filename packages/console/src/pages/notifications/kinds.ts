import type { Kind } from './queries.ts'

interface ConfigField {
  readonly name: string
  readonly label: string
  readonly isSecret?: boolean
  readonly isOptional?: boolean
  readonly hint?: string
}

interface KindOfChannel {
  readonly value: Kind
  readonly label: string
  /** Whether one can decide in the message itself. */
  readonly isInteractive: boolean
  readonly fields: readonly ConfigField[]
  readonly hint: string
}

/** The kinds of channel, and what each is configured by. */
export const KINDS: readonly KindOfChannel[] = [
  {
    value: 'slack_app',
    label: 'Slack app',
    isInteractive: true,
    hint: 'Make an app at Slack from the manifest below, install it, and take its token and signing secret.',
    fields: [
      { name: 'bot_token', label: 'Bot token', isSecret: true, hint: 'xoxb-…' },
      { name: 'signing_secret', label: 'Signing secret', isSecret: true },
      { name: 'slack_channel', label: 'Channel id', hint: 'C0123…; the app must be in it.' },
    ],
  },
  {
    value: 'slack',
    label: 'Slack webhook',
    isInteractive: false,
    hint: 'Says what waits, with a link to here; one decides here.',
    fields: [{ name: 'webhook_url', label: 'Webhook address', isSecret: true }],
  },
  {
    value: 'telegram',
    label: 'Telegram',
    isInteractive: true,
    hint: 'Make a bot with @BotFather, add it to the chat, and give its token.',
    fields: [
      { name: 'bot_token', label: 'Bot token', isSecret: true },
      { name: 'chat_id', label: 'Chat id', hint: 'A number; groups begin with a minus.' },
    ],
  },
  {
    value: 'discord',
    label: 'Discord',
    isInteractive: true,
    hint: 'Make an application with a bot at Discord, and give its interactions address the one of this server: /api/v1/discord/interactions.',
    fields: [
      { name: 'bot_token', label: 'Bot token', isSecret: true },
      { name: 'public_key', label: 'Public key' },
      { name: 'discord_channel_id', label: 'Channel id' },
    ],
  },
  {
    value: 'email',
    label: 'E-mail',
    isInteractive: false,
    hint: 'Says what waits, with a link to here; one decides here.',
    fields: [
      { name: 'smtp_host', label: 'SMTP host' },
      { name: 'smtp_port', label: 'SMTP port', hint: '587 or 465' },
      { name: 'smtp_user', label: 'User' },
      { name: 'smtp_password', label: 'Password', isSecret: true },
      { name: 'from_address', label: 'From' },
      { name: 'to_addresses', label: 'To', hint: 'Several separated by commas.' },
    ],
  },
  {
    value: 'webhook',
    label: 'Webhook',
    isInteractive: false,
    hint: 'Gets what waits and what was decided as JSON, signed when there is a secret.',
    fields: [
      { name: 'url', label: 'Address' },
      { name: 'secret', label: 'Secret', isSecret: true, isOptional: true },
    ],
  },
]

export const kindOf = (value: string): KindOfChannel | undefined => KINDS.find((one) => one.value === value)

/** A list as people type it: separated by commas or blanks; null where nothing is named. */
export function listOf(text: string): string[] | null {
  const list = text.split(/[\s,]+/).filter(Boolean)
  return list.length > 0 ? list : null
}
