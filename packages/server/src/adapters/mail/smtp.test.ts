import { afterEach, describe, expect, it } from 'vitest'
import { manualClock } from '../../../test/manual-clock.ts'
import { type SmtpSink, smtpSink } from '../../../test/smtp-sink.ts'
import { MailFailed } from '../../ports/mail.ts'
import { AddressRefused } from '../../ports/outbound.ts'
import { createAddressGuard } from '../outbound/guard.ts'
import { createSmtpMail } from './smtp.ts'

const HOST = 'mail.invalid'
let sink: SmtpSink
afterEach(() => sink.close())

const mailTo = (allowed: readonly string[] = ['127.0.0.1'], ca: string | undefined = sink.cert) =>
  createSmtpMail({
    guard: createAddressGuard({ resolve: async () => ['127.0.0.1'], allowed }),
    clock: manualClock(),
    tls: ca === undefined ? {} : { ca },
  })
const server = () => ({ host: HOST, port: sink.port, user: 'ops', password: 'p' })
const message = {
  from: 'lictor@example.com',
  to: ['a@example.com', 'b@example.com'],
  subject: 'Hello',
  html: '<p>Hello</p>',
  text: 'Hello',
  id: 'delivery-1',
}

describe('mail', () => {
  it('goes under TLS, signed in, to everybody, with an id that repetitions share', async () => {
    sink = await smtpSink(HOST)
    await mailTo().send(server(), message)
    expect(sink.mails).toHaveLength(1)
    expect(sink.mails[0]).toMatchObject({ isSecure: true, user: 'ops', to: ['a@example.com', 'b@example.com'] })
    expect(sink.mails[0]?.headers).toContain('To: a@example.com, b@example.com')
    expect(sink.mails[0]?.headers).toContain('Message-ID: <delivery-1@lictor>')
  })

  it('a line break in a subject or address begins no header', async () => {
    sink = await smtpSink(HOST)
    await mailTo().send(server(), {
      ...message,
      subject: 'Hello\r\nBcc: mallory@example.com\r\n\r\nbody',
      to: ['a@example.com\r\nBcc: mallory@example.com'],
    })
    const { headers = [], to = [] } = sink.mails[0] ?? {}
    expect(headers.filter((line) => line.startsWith('Bcc'))).toEqual([])
    expect(headers).toContain('Subject: Hello Bcc: mallory@example.com body')
    expect(to.some((address) => address.includes('\n'))).toBe(false)
  })

  it('a server without TLS gets nothing', async () => {
    sink = await smtpSink(HOST, { startTls: false })
    await expect(mailTo().send(server(), message)).rejects.toThrow(MailFailed)
    expect(sink.mails).toEqual([])
  })

  it('a server that cannot prove its name gets nothing', async () => {
    sink = await smtpSink('another.invalid')
    await expect(mailTo().send(server(), message)).rejects.toThrow(MailFailed)
    expect(sink.mails).toEqual([])
  })

  it('a server in a private network is not called', async () => {
    sink = await smtpSink(HOST)
    await expect(mailTo([]).send(server(), message)).rejects.toThrow(AddressRefused)
  })

  it('a refusal for good is told from one for now', async () => {
    sink = await smtpSink(HOST)
    sink.refuseNext('550 no such user', '451 come back later')
    const outcome = () =>
      mailTo()
        .send(server(), message)
        .catch((error: unknown) => error)
    expect(await outcome()).toMatchObject({ isPermanent: true, message: expect.stringContaining('550') })
    expect(await outcome()).toMatchObject({ isPermanent: false, message: expect.stringContaining('451') })
    expect(await outcome()).toBeUndefined()
  })
  it.each([
    ['550 no such user', true],
    ['450 greylisted, come back later', false],
  ])(
    'a server that refuses one of several with %s: the others have it, and the refusal is told',
    async (reply, isPermanent) => {
      sink = await smtpSink(HOST)
      sink.refuseRecipient('b@example.com', reply)
      const failure = await mailTo()
        .send(server(), message)
        .catch((error: unknown) => error)
      expect(failure).toMatchObject({
        isPermanent,
        message: expect.stringMatching(/b@example\.com.*(no such user|greylisted)/),
      })
      expect(failure).not.toMatchObject({ message: expect.stringContaining('a@example.com') })
      expect(sink.mails.map(({ to }) => to)).toEqual([['a@example.com']])
    },
  )
})
