import { createHash } from 'node:crypto'
import type { Mail } from '../ports/mail.ts'

/** How far a mail got: taken by the server, refused by it, or there is none. */
export type MailOutcome = 'sent' | 'failed' | 'off'

/** Mails that the installation itself sends to people. */
export interface Mailer {
  readonly isOn: boolean
  /** Never throws: what a mail carries can be had another way. @param key the same for every attempt at one message */
  send(message: {
    to: string
    subject: string
    lines: readonly string[]
    link: string
    key: string
  }): Promise<MailOutcome>
}

export function createMailer(deps: {
  mail: Mail
  settings: {
    readonly smtpHost: string
    readonly smtpPort: number
    readonly smtpUser: string
    readonly smtpPassword: string
    readonly smtpFrom: string
  }
  onError: (error: unknown) => void
}): Mailer {
  const { mail, settings, onError } = deps
  const isOn = settings.smtpHost !== ''
  return {
    isOn,
    async send({ to, subject, lines, link, key }) {
      if (!isOn) return 'off'
      const server = {
        host: settings.smtpHost,
        port: settings.smtpPort,
        user: settings.smtpUser,
        password: settings.smtpPassword,
      }
      const paragraphs = lines.map((line) => `<p>${escaped(line)}</p>`).join('')
      try {
        await mail.send(server, {
          from: settings.smtpFrom || settings.smtpUser,
          to: [to],
          subject,
          text: [...lines, '', link].join('\n'),
          html: `${paragraphs}<p><a href="${escaped(link)}">${escaped(link)}</a></p>`,
          id: createHash('sha256').update(key).digest('hex').slice(0, 32),
        })
        return 'sent'
      } catch (error) {
        onError(error)
        return 'failed'
      }
    },
  }
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
