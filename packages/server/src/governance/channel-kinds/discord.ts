import type { Reference } from '../../changes/outbox/store.ts'
import type { Outbound } from '../../ports/outbound.ts'
import type { Approval } from '../approvals/approval.ts'
import { call, objectIn, postJson } from './call.ts'
import { type ChannelConfig, type ChannelKind, textOf } from './channel.ts'
import { headingOf, outcomeTextOf, reminderOf } from './outcome.ts'
import { cut, escapeDiscord, shortId } from './text.ts'

const API = 'https://discord.com/api/v10'
export const ORANGE = 0xffa500
export const GREEN = 0x57f287
export const RED = 0xed4245
export const GREY = 0x99aab5
export const colourOf = (status: Approval['outcome']['status']): number =>
  status === 'approved' ? GREEN : status === 'denied' ? RED : GREY

/** Discord counts 4,096 characters of description and 1,024 of a field, the disarming backslashes included. */
const description = (text: string): string => escapeDiscord(cut(text, 2_000))
const field = (name: string, value: string) => ({ name, value: escapeDiscord(cut(value, 500)) || '-', inline: true })

/** A Discord bot: messages with buttons, changed once the approval is settled. */
export function createDiscordChannel({ outbound }: { outbound: Outbound }): ChannelKind {
  async function invoke(config: ChannelConfig, path: string, payload: object, method: 'POST' | 'PATCH' = 'POST') {
    const authorization = `Bot ${textOf(config, 'bot_token')}`
    const body = { allowed_mentions: { parse: [] }, ...payload }
    return objectIn(await call(outbound, postJson(`${API}/channels/${path}`, body, { authorization }, method)))
  }
  const messages = (channelId: unknown) => `${encodeURIComponent(String(channelId))}/messages`

  async function edit(config: ChannelConfig, reference: Reference, embed: object): Promise<void> {
    const path = `${messages(reference.discord_channel_id)}/${encodeURIComponent(String(reference.message_id))}`
    await invoke(config, path, { embeds: [embed], components: [] }, 'PATCH')
  }

  return {
    required: ['bot_token', 'public_key', 'discord_channel_id'],
    secrets: ['bot_token'],
    isInteractive: true,
    async requested(config, { approval, link, deliveryId }) {
      const channelId = textOf(config, 'discord_channel_id')
      const answer = await invoke(config, messages(channelId), {
        // Discord drops a repetition that carries the nonce of a message of the last minutes.
        nonce: deliveryId.replaceAll('-', '').slice(0, 25),
        enforce_nonce: true,
        embeds: [
          {
            title: 'Approval Requested',
            description: description(approval.message),
            color: ORANGE,
            fields: [...factsOf(approval), field('Timeout', `${approval.timeoutSeconds}s (${approval.timeoutEffect})`)],
          },
        ],
        components: [
          {
            type: 1,
            components: [
              { type: 2, style: 3, label: 'Approve', custom_id: `edictum_approve:${approval.id}` },
              { type: 2, style: 4, label: 'Deny', custom_id: `edictum_deny:${approval.id}` },
              { type: 2, style: 5, label: 'Review in Dashboard', url: link },
            ],
          },
        ],
      })
      if (answer.id === undefined) return null
      return { discord_channel_id: answer.channel_id ?? channelId, message_id: answer.id }
    },
    reminded: (config, { approval, link, deliveryId }) =>
      invoke(config, messages(textOf(config, 'discord_channel_id')), {
        nonce: deliveryId.replaceAll('-', '').slice(0, 25),
        enforce_nonce: true,
        content: `⏳ ${description(reminderOf(approval))} ${link}`,
      }),
    async decided(config, { approval }, reference) {
      const { status, decidedBy, reason } = outcomeTextOf(approval)
      const told = `${status} by ${escapeDiscord(decidedBy ?? 'unknown')}${reason ? `: ${escapeDiscord(cut(reason, 1_500))}` : ''}`
      if (reference)
        return edit(config, reference, {
          title: `Request ${headingOf(status)}`,
          description: told,
          color: colourOf(status),
          fields: factsOf(approval),
        })
      await invoke(config, messages(textOf(config, 'discord_channel_id')), {
        content: cut(`Approval ${shortId(approval.id)} ${told}`, 2_000),
      })
    },
    async expired(config, { approval }, reference) {
      if (reference)
        await edit(config, reference, { title: 'Approval Expired', color: GREY, fields: factsOf(approval) })
    },
    async test(config) {
      await invoke(config, messages(textOf(config, 'discord_channel_id')), {
        content: 'Edictum test notification — channel is working.',
      })
      return 'Discord message sent successfully.'
    },
  }
}

const factsOf = ({ agentId, toolName, env }: Approval) => [
  field('Agent', agentId),
  field('Tool', toolName),
  field('Environment', env),
]
