/** The server that takes a mail, as its owner configured it. */
export interface MailServer {
  readonly host: string
  /** 465 speaks TLS from the first byte; every other port must offer STARTTLS. */
  readonly port: number
  /** Empty: no authentication. */
  readonly user: string
  readonly password: string
}

export interface MailMessage {
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly html: string
  readonly text: string
  /** The same for every attempt at one message, so that a receiver can tell repetitions: letters, digits, `.` and `-`. */
  readonly id: string
}

export interface Mail {
  /**
   * Resolves once the server has taken the message for every recipient. Where it refused some, the others have it all the same.
   *
   * @throws MailFailed, AddressRefused
   */
  send(server: MailServer, message: MailMessage): Promise<void>
}

export class MailFailed extends Error {
  override readonly name = 'MailFailed'
  readonly code = 'mail_failed'
  /** The server refused it for good (a 5xx reply): sending it again changes nothing. */
  readonly isPermanent: boolean

  constructor(message: string, options: { isPermanent: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.isPermanent = options.isPermanent
  }
}
