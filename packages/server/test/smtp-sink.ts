import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { selfSigned } from './self-signed.ts'

/** A mail as the server took it. */
export interface TakenMail {
  readonly from: string
  readonly to: readonly string[]
  /** Whether it came under TLS. */
  readonly isSecure: boolean
  readonly user: string | null
  /** Header lines, unfolded. */
  readonly headers: readonly string[]
  readonly body: string
}

export interface SmtpSink {
  readonly port: number
  readonly cert: string
  readonly mails: TakenMail[]
  /** Answer the next mails with these replies instead of taking them. */
  refuseNext(...replies: string[]): void
  /** Answer every mail to this address with `reply`; other recipients of the same mail have it. */
  refuseRecipient(address: string, reply: string): void
  close(): Promise<void>
}

/** An SMTP server that keeps what it is given: STARTTLS, AUTH PLAIN, one dialogue per connection. */
export async function smtpSink(hostname: string, options: { startTls?: boolean } = {}): Promise<SmtpSink> {
  const { startTls = true } = options
  const { key, cert } = selfSigned(hostname)
  const mails: TakenMail[] = []
  const refusals: string[] = []
  const unwanted = new Map<string, string>()
  const sockets = new Set<Socket>()

  function converse(socket: Socket, isSecure: boolean): void {
    const say = (line: string) => socket.write(`${line}\r\n`)
    let rest = ''
    let data: string[] | null = null
    let user: string | null = null
    let from = ''
    let to: string[] = []
    if (!isSecure) say(`220 ${hostname} ESMTP`)

    const obey = (line: string): void => {
      const verb = line.toUpperCase()
      if (verb.startsWith('EHLO')) {
        const extensions = isSecure ? ['AUTH PLAIN'] : startTls ? ['STARTTLS'] : []
        const lines = [hostname, ...extensions]
        for (const [index, text] of lines.entries()) say(`250${index === lines.length - 1 ? ' ' : '-'}${text}`)
      } else if (verb === 'STARTTLS' && startTls) {
        say('220 go ahead')
        socket.removeAllListeners('data')
        const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) })
        secure.on('error', () => secure.destroy())
        converse(secure, true)
      } else if (verb.startsWith('AUTH PLAIN ')) {
        user = Buffer.from(line.slice(11), 'base64').toString().split('\0')[1] ?? ''
        say('235 welcome')
      } else if (verb.startsWith('MAIL FROM:')) {
        from = line.slice(10)
        to = []
        say('250 ok')
      } else if (verb.startsWith('RCPT TO:')) {
        const address = line.slice(8).replace(/[<>]/g, '')
        const refusal = unwanted.get(address)
        if (refusal === undefined) to.push(address)
        say(refusal ?? '250 ok')
      } else if (verb === 'DATA') {
        data = []
        say('354 end with a dot')
      } else if (verb === 'QUIT') {
        say('221 bye')
        socket.end()
      } else {
        say('502 what?')
      }
    }
    const take = (lines: string[]): void => {
      const refusal = refusals.shift()
      if (refusal) return void say(refusal)
      const end = lines.indexOf('')
      const headers = lines
        .slice(0, end)
        .join('\n')
        .replace(/\n[ \t]+/g, ' ')
        .split('\n')
      mails.push({ from, to, isSecure, user, headers, body: lines.slice(end + 1).join('\n') })
      say('250 taken')
    }
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('utf8')
      const lines = rest.split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (data === null) obey(line)
        else if (line !== '.') data.push(line.startsWith('.') ? line.slice(1) : line)
        else {
          const taken = data
          data = null
          take(taken)
        }
      }
    })
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    converse(socket, false)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cert,
    mails,
    refuseNext: (...replies) => void refusals.push(...replies),
    refuseRecipient: (address, reply) => void unwanted.set(address, reply),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
