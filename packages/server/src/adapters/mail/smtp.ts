import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { Clock } from '../../ports/clock.ts'
import { type Mail, MailFailed, type MailMessage, type MailServer } from '../../ports/mail.ts'
import type { CheckedAddress, Guard } from '../outbound/guard.ts'

const TIMEOUT_MS = 30_000
const IMPLICIT_TLS_PORT = 465

/**
 * SMTP under TLS, to hosts that `guard` lets through. A server that offers no TLS gets no mail: approvals and passwords do not
 * travel in the clear.
 *
 * @param tls what to trust besides the well-known authorities
 */
export function createSmtpMail(deps: { guard: Guard; clock: Clock; tls?: Pick<ConnectionOptions, 'ca'> }): Mail {
  const { guard, clock, tls } = deps

  async function deliver(server: MailServer, { address }: CheckedAddress, message: MailMessage): Promise<void> {
    // Loaded with the first mail: most servers send none, and it costs memory and start.
    const { createTransport } = await import('nodemailer')
    const transport = createTransport({
      host: address,
      port: server.port,
      secure: server.port === IMPLICIT_TLS_PORT,
      requireTLS: true,
      // An address is no server name; its certificate is then checked against the address.
      tls: isIP(server.host) === 0 ? { ...tls, servername: server.host } : { ...tls },
      connectionTimeout: TIMEOUT_MS / 3,
      greetingTimeout: TIMEOUT_MS / 3,
      socketTimeout: TIMEOUT_MS / 3,
      ...(server.user === '' ? {} : { auth: { user: server.user, pass: server.password } }),
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    let cancel = () => {}
    const late = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(TIMEOUT_MS, () =>
        reject(
          new MailFailed(`${server.host} did not take the mail within ${TIMEOUT_MS / 1000} seconds`, {
            isPermanent: false,
          }),
        ),
      )
    })
    try {
      const { rejectedErrors = [] } = await Promise.race([
        late,
        transport.sendMail({
          from: oneLine(message.from),
          to: message.to.map(oneLine).join(', '),
          subject: oneLine(message.subject),
          html: message.html,
          text: message.text,
          messageId: `<${message.id}@lictor>`,
        }),
      ])
      if (rejectedErrors.length > 0) throw failureOfSome(rejectedErrors)
    } finally {
      cancel()
      transport.close()
    }
  }

  return {
    async send(server, message) {
      if (!Number.isInteger(server.port) || server.port < 1 || server.port > 65_535)
        throw new MailFailed('smtp_port must be a whole number from 1 to 65535', { isPermanent: true })
      const addresses = await guard.resolve(server.host)
      for (const [index, address] of addresses.entries()) {
        try {
          return await deliver(server, address, message)
        } catch (error) {
          // Only what failed before a word was exchanged may be tried at another address of the same host.
          const { command } = error as { command?: unknown }
          if (command !== 'CONN' || index === addresses.length - 1) throw failureOf(error)
        }
      }
    },
  }
}

/** A line break in a header would begin another header. */
const oneLine = (text: string): string => text.replace(/[\r\n\u0000-\u001f\u007f\u2028\u2029]+/g, ' ')

/** A server that takes a mail for one of its recipients answers as it does when it takes it for all. */
function failureOfSome(
  refusals: readonly { message: string; recipient?: unknown; responseCode?: unknown }[],
): MailFailed {
  const said = refusals.map(({ recipient, message }) => `${recipient}: ${message}`).join('; ')
  return new MailFailed(`the mail was taken, but not for everybody: ${said}`, {
    isPermanent: refusals.every(({ responseCode }) => Number(responseCode) >= 500),
    cause: refusals[0],
  })
}

function failureOf(error: unknown): MailFailed {
  if (error instanceof MailFailed) return error
  const { responseCode, message } = error as { responseCode?: number; message: string }
  return new MailFailed(message, {
    isPermanent: responseCode !== undefined && responseCode >= 500,
    cause: error,
  })
}
