import type { Approval } from '../approvals/approval.ts'
import { cut } from './text.ts'

/** A section holds 3,000 characters. */
const SHOWN_MESSAGE = 2_900

/** Text that Slack shows as it is: neither Markdown nor mentions nor emoji. */
export const plain = (text: string) => ({ type: 'plain_text', text, emoji: false }) as const

export const header = (text: string) => ({ type: 'header', text: { type: 'plain_text', text, emoji: true } }) as const
export const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } }) as const

/** The request: what is asked, then the message. */
export function requestBlocks(approval: Approval, environmentLabel: 'Env' | 'Environment') {
  const field = (label: string, value: string) => plain(`${label}: ${value}`)
  return [
    header('Approval Requested'),
    {
      type: 'section',
      fields: [
        field('Agent', approval.agentId),
        field('Tool', approval.toolName),
        field(environmentLabel, approval.env),
        field('Timeout', `${approval.timeoutSeconds}s (${approval.timeoutEffect})`),
      ],
    },
    // An empty text is none to Slack.
    { type: 'section', text: plain(cut(approval.message, SHOWN_MESSAGE) || '(no message)') },
  ] as const
}
