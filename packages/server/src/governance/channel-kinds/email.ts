import type { Mail } from '../../ports/mail.ts'
import type { Approval } from '../approvals/approval.ts'
import { type ChannelConfig, type ChannelKind, type Notice, textOf } from './channel.ts'
import { outcomeTextOf, reminderOf } from './outcome.ts'
import { cut, escapeHtml, shortId } from './text.ts'

/** Mail through the owner's own server. */
export function createEmailChannel({ mail }: { mail: Mail }): ChannelKind {
  async function send(config: ChannelConfig, subject: string, facts: Facts, link: string | null, id: string) {
    const server = {
      host: textOf(config, 'smtp_host'),
      port: Number(textOf(config, 'smtp_port')),
      user: textOf(config, 'smtp_user'),
      password: typeof config.smtp_password === 'string' ? config.smtp_password : '',
    }
    await mail.send(server, {
      from: textOf(config, 'from_address'),
      to: recipientsOf(config),
      subject: cut(subject, 400),
      html: htmlOf(facts, link),
      text: [...facts.map(([label, value]) => `${label}: ${value}`), ...(link ? ['', link] : [])].join('\n'),
      id,
    })
  }

  return {
    required: ['smtp_host', 'smtp_port', 'smtp_user', 'smtp_password', 'from_address', 'to_addresses'],
    secrets: ['smtp_password'],
    isInteractive: false,
    async requested(config, { approval, link, deliveryId }) {
      const subject = `[Edictum] Approval Requested — ${approval.agentId} wants to call ${approval.toolName}`
      const facts: Facts = [
        ...factsOf(approval),
        ['Timeout', `${approval.timeoutSeconds}s (${approval.timeoutEffect} on timeout)`],
        ['Message', approval.message],
      ]
      await send(config, subject, facts, link, deliveryId)
      return null
    },
    async reminded(config, { approval, link, deliveryId }) {
      const subject = `[Edictum] Still waiting — ${approval.agentId} wants to call ${approval.toolName}`
      const facts: Facts = [...factsOf(approval), ['Reminder', reminderOf(approval)]]
      await send(config, subject, facts, link, deliveryId)
    },
    decided: (config, notice) => sendDecision(config, notice),
    async expired() {
      // A mail that was sent cannot be changed.
    },
    async test(config, deliveryId) {
      const facts: Facts = [['Message', 'Edictum test notification — channel is working.']]
      await send(config, '[Edictum] Test Notification', facts, null, deliveryId)
      return 'Email sent successfully.'
    },
  }

  async function sendDecision(config: ChannelConfig, { approval, link, deliveryId }: Notice): Promise<void> {
    const { status, decidedBy, reason } = outcomeTextOf(approval)
    const facts: Facts = [
      ['Status', status],
      ['Decided by', decidedBy ?? 'system'],
      ...(reason ? ([['Reason', reason]] as const) : []),
      ...factsOf(approval),
    ]
    await send(config, `[Edictum] Approval ${status} — ${shortId(approval.id)}`, facts, link, deliveryId)
  }
}

type Facts = readonly (readonly [label: string, value: string])[]

const factsOf = ({ agentId, toolName, env }: Approval): Facts => [
  ['Agent', agentId],
  ['Tool', toolName],
  ['Environment', env],
]

/** A list, or one text with commas. */
function recipientsOf({ to_addresses }: ChannelConfig): string[] {
  const all = Array.isArray(to_addresses) ? to_addresses : String(to_addresses ?? '').split(',')
  return all.map((address) => String(address).trim()).filter((address) => address !== '')
}

function htmlOf(facts: Facts, link: string | null): string {
  const rows = facts.map(
    ([label, value]) =>
      `<tr><th align="left" valign="top">${label}</th><td style="white-space:pre-wrap">${escapeHtml(value)}</td></tr>`,
  )
  const review = link ? `<p><a href="${escapeHtml(link)}">Review in Dashboard</a></p>` : ''
  return `<!doctype html><html><body><table cellpadding="4">${rows.join('')}</table>${review}</body></html>`
}
