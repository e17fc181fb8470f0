import type { Outbound } from '../../ports/outbound.ts'
import { call, postJson } from './call.ts'
import { type ChannelKind, textOf } from './channel.ts'
import { outcomeTextOf, reminderOf } from './outcome.ts'
import { requestBlocks } from './slack-blocks.ts'
import { escapeSlack, shortId } from './text.ts'

const emoji = { approved: '✅', denied: '❌', timeout: '⏰', pending: '⏳', withdrawn: '🚫' } as const

/** Slack's incoming webhook: it can write, not change what it wrote. */
export function createSlackChannel({ outbound }: { outbound: Outbound }): ChannelKind {
  return {
    required: ['webhook_url'],
    secrets: ['webhook_url'],
    urlKey: 'webhook_url',
    isInteractive: false,
    async requested(config, { approval, link }) {
      const review = {
        type: 'actions',
        elements: [
          {
            type: 'button',
            text: { type: 'plain_text', text: 'Review in Dashboard' },
            url: link,
            style: 'primary',
          },
        ],
      }
      await call(
        outbound,
        postJson(textOf(config, 'webhook_url'), { blocks: [...requestBlocks(approval, 'Env'), review] }),
      )
      return null
    },
    reminded: (config, { approval, link }) =>
      call(
        outbound,
        postJson(textOf(config, 'webhook_url'), {
          text: `⏳ ${escapeSlack(reminderOf(approval))} <${link}|Review in Dashboard>`,
        }),
      ),
    async decided(config, { approval }) {
      await call(outbound, postJson(textOf(config, 'webhook_url'), { text: decisionText(approval) }))
    },
    async expired() {
      // There is no message it could change.
    },
    async test(config) {
      await call(
        outbound,
        postJson(textOf(config, 'webhook_url'), { text: 'Edictum test notification — channel is working.' }),
      )
      return 'Slack message sent successfully.'
    },
  }
}

/** One line on how it ended, for where the request's own message cannot be changed. */
export function decisionText(approval: Parameters<typeof outcomeTextOf>[0] & { readonly id: string }): string {
  const { status, decidedBy, reason } = outcomeTextOf(approval)
  const why = reason ? `: ${escapeSlack(reason)}` : ''
  return `${emoji[status]} Approval ${shortId(approval.id)} ${status} by ${escapeSlack(decidedBy ?? 'system')}${why}`
}
