import type { Reference } from '../../changes/outbox/store.ts'
import type { Outbound } from '../../ports/outbound.ts'
import { call, objectIn, postJson } from './call.ts'
import { type ChannelConfig, type ChannelKind, DeliveryFailed, type Notice, textOf } from './channel.ts'
import { headingOf, outcomeTextOf, reminderOf } from './outcome.ts'
import { decisionText } from './slack.ts'
import { header, plain, requestBlocks } from './slack-blocks.ts'
import { escapeSlack, shortId } from './text.ts'

const API = 'https://slack.com/api'
/** Errors by which Slack says that the same call may succeed later. */
const passing = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
])

/** A Slack app: messages with buttons, changed once the approval is settled. */
export function createSlackAppChannel({ outbound }: { outbound: Outbound }): ChannelKind {
  async function invoke(config: ChannelConfig, method: string, payload: object) {
    const authorization = `Bearer ${textOf(config, 'bot_token')}`
    const answer = objectIn(await call(outbound, postJson(`${API}/${method}`, payload, { authorization })))
    if (answer.ok === true) return answer
    const error = typeof answer.error === 'string' ? answer.error : 'unknown_error'
    const needed =
      typeof answer.needed === 'string'
        ? ` (add '${answer.needed}' scope in OAuth & Permissions, then reinstall the app)`
        : ''
    throw new DeliveryFailed(`Slack API error: ${error}${needed}`, { isPermanent: !passing.has(error) })
  }

  async function update(config: ChannelConfig, reference: Reference, title: string, { approval }: Notice) {
    const { decidedBy, reason } = outcomeTextOf(approval)
    const facts = [
      `Agent: ${approval.agentId}`,
      `Tool: ${approval.toolName}`,
      `Environment: ${approval.env}`,
      ...(decidedBy === null ? [] : [`Decided by: ${decidedBy}`]),
      ...(reason ? [`Reason: ${reason}`] : []),
    ]
    await invoke(config, 'chat.update', {
      channel: reference.slack_channel,
      ts: reference.ts,
      text: `${title}: ${escapeSlack(approval.toolName)} (${shortId(approval.id)})`,
      blocks: [header(title), { type: 'section', text: plain(facts.join('\n')) }],
    })
  }

  return {
    required: ['bot_token', 'signing_secret', 'slack_channel'],
    secrets: ['bot_token', 'signing_secret'],
    isInteractive: true,
    reminded: (config, { approval, link }) =>
      invoke(config, 'chat.postMessage', {
        channel: textOf(config, 'slack_channel'),
        text: `⏳ ${escapeSlack(reminderOf(approval))} <${link}|Review in Dashboard>`,
        unfurl_links: false,
        unfurl_media: false,
      }),
    async requested(config, { approval, link }) {
      const button = (text: string, action: string, style: string) => ({
        type: 'button',
        text: { type: 'plain_text', text },
        action_id: `edictum_${action}:${approval.id}`,
        style,
      })
      const answer = await invoke(config, 'chat.postMessage', {
        channel: textOf(config, 'slack_channel'),
        blocks: [
          ...requestBlocks(approval, 'Environment'),
          { type: 'actions', elements: [button('Approve', 'approve', 'primary'), button('Deny', 'deny', 'danger')] },
          { type: 'context', elements: [{ type: 'mrkdwn', text: `<${link}|Review in Dashboard>` }] },
        ],
        unfurl_links: false,
        unfurl_media: false,
      })
      if (typeof answer.ts !== 'string') return null
      return {
        slack_channel: typeof answer.channel === 'string' ? answer.channel : textOf(config, 'slack_channel'),
        ts: answer.ts,
      }
    },
    async decided(config, notice, reference) {
      const { approval } = notice
      if (reference) return update(config, reference, `Request ${headingOf(approval.outcome.status)}`, notice)
      await invoke(config, 'chat.postMessage', {
        channel: textOf(config, 'slack_channel'),
        text: decisionText(approval),
        unfurl_links: false,
      })
    },
    async expired(config, notice, reference) {
      if (reference) await update(config, reference, 'Request Expired', notice)
    },
    async test(config) {
      await invoke(config, 'chat.postMessage', {
        channel: textOf(config, 'slack_channel'),
        text: 'Edictum test notification — channel is working.',
      })
      return 'Slack App message sent successfully.'
    },
  }
}
