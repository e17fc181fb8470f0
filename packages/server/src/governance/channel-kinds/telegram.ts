import type { Outbound } from '../../ports/outbound.ts'
import type { Approval } from '../approvals/approval.ts'
import { call, objectIn, postJson } from './call.ts'
import { type ChannelConfig, type ChannelKind, DeliveryFailed, textOf } from './channel.ts'
import { outcomeTextOf, reminderOf } from './outcome.ts'
import { cut, escapeHtml } from './text.ts'

const API = 'https://api.telegram.org'
const SHOWN_ARGUMENTS = 500
/** A message holds 4,096 characters; the rest of it is short. */
const SHOWN_MESSAGE = 2_500
const labels = {
  approved: 'Approved ✅',
  denied: 'Denied ❌',
  timeout: 'Expired ⏰',
  pending: 'Pending',
  withdrawn: 'Withdrawn 🚫',
} as const

export interface Telegram extends ChannelKind {
  /** Have button presses sent to `url`. */
  register(config: ChannelConfig, url: string): Promise<void>
  /** Tell who pressed a button what became of it. */
  answer(config: ChannelConfig, callbackQueryId: string, text: string): Promise<void>
}

/** A bot that writes into one chat, with buttons. */
export function createTelegramChannel({ outbound }: { outbound: Outbound }): Telegram {
  async function invoke(config: ChannelConfig, method: string, payload: object) {
    const token = encodeURIComponent(textOf(config, 'bot_token')).replaceAll('%3A', ':')
    return objectIn(await call(outbound, postJson(`${API}/bot${token}/${method}`, payload)))
  }

  async function edit(config: ChannelConfig, reference: Readonly<Record<string, unknown>> | null, lines: string[]) {
    if (!reference) return
    const payload = {
      chat_id: reference.chat_id,
      message_id: reference.message_id,
      text: lines.join('\n'),
      parse_mode: 'HTML',
      reply_markup: { inline_keyboard: [] },
    }
    try {
      await invoke(config, 'editMessageText', payload)
    } catch (error) {
      // A repetition of an edit that arrived before.
      if (!(error instanceof DeliveryFailed && error.message.includes('message is not modified'))) throw error
    }
  }

  return {
    required: ['bot_token', 'chat_id'],
    secrets: ['bot_token', 'webhook_secret'],
    isInteractive: true,
    async requested(config, { approval }) {
      const { result } = (await invoke(config, 'sendMessage', {
        chat_id: textOf(config, 'chat_id'),
        text: requestText(approval),
        parse_mode: 'HTML',
        link_preview_options: { is_disabled: true },
        reply_markup: {
          inline_keyboard: [
            [
              { text: '✅ Approve', callback_data: `approve:${approval.id}` },
              { text: '❌ Deny', callback_data: `deny:${approval.id}` },
            ],
          ],
        },
      })) as { result?: { message_id?: unknown; chat?: { id?: unknown } } }
      if (result?.message_id === undefined) return null
      return { chat_id: result.chat?.id ?? textOf(config, 'chat_id'), message_id: result.message_id }
    },
    reminded: (config, { approval }) =>
      invoke(config, 'sendMessage', {
        chat_id: textOf(config, 'chat_id'),
        text: `⏳ ${escapeHtml(reminderOf(approval))}`,
        parse_mode: 'HTML',
        link_preview_options: { is_disabled: true },
      }),
    decided(config, { approval }, reference) {
      const { status, decidedBy, reason } = outcomeTextOf(approval)
      return edit(config, reference, [
        `<b>${labels[status]}</b>`,
        ...factsOf(approval),
        `<b>Decided by:</b> ${escapeHtml(decidedBy ?? 'unknown')}`,
        ...(reason ? [`<b>Reason:</b> ${escapeHtml(cut(reason, SHOWN_MESSAGE))}`] : []),
      ])
    },
    expired: (config, { approval }, reference) =>
      edit(config, reference, [`<b>${labels.timeout}</b>`, ...factsOf(approval)]),
    async test(config) {
      await invoke(config, 'sendMessage', {
        chat_id: textOf(config, 'chat_id'),
        text: 'Edictum test notification — channel is working.',
      })
      return 'Telegram message sent successfully.'
    },
    async register(config, url) {
      await invoke(config, 'setWebhook', {
        url,
        secret_token: textOf(config, 'webhook_secret'),
        allowed_updates: ['callback_query'],
        drop_pending_updates: true,
      })
    },
    async answer(config, callbackQueryId, text) {
      await invoke(config, 'answerCallbackQuery', { callback_query_id: callbackQueryId, text })
    },
  }
}

const factsOf = ({ agentId, toolName, env }: Approval): string[] => [
  `<b>Agent:</b> ${escapeHtml(agentId)}`,
  `<b>Tool:</b> ${escapeHtml(toolName)}`,
  `<b>Env:</b> ${escapeHtml(env)}`,
]

function requestText(approval: Approval): string {
  const { toolArgs } = approval
  return [
    '<b>HITL Approval Request</b>',
    ...factsOf(approval),
    `<b>Timeout:</b> ${approval.timeoutSeconds}s (${approval.timeoutEffect} on timeout)`,
    `<b>Message:</b> ${escapeHtml(cut(approval.message, SHOWN_MESSAGE))}`,
    ...(toolArgs === null
      ? []
      : [`<b>Arguments:</b>\n<code>${escapeHtml(cut(JSON.stringify(toolArgs, null, 2), SHOWN_ARGUMENTS))}</code>`]),
  ].join('\n')
}
