import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../src/adapters/clock/system.ts'
import { createAddressGuard } from '../src/adapters/outbound/guard.ts'
import { createHttpOutbound } from '../src/adapters/outbound/http.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { Outbound } from '../src/ports/outbound.ts'

/** One call as a platform received it. */
export interface PlatformCall {
  readonly method: string
  /** Host and path as they were called, for example `slack.com/api/chat.update`. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  /** The exact bytes. */
  readonly raw: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any
}

export interface PlatformAnswer {
  /** Only for a call whose target contains this. */
  readonly from?: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Take the call and hang up without a word. */
  readonly hangUp?: true
}

/** Telegram, Slack, Discord and whoever has a webhook, on one loopback server that speaks as they do. */
export interface Platforms {
  /** Reaches this server under every host's name. */
  readonly outbound: Outbound
  readonly calls: PlatformCall[]
  /** Calls to targets that contain this text. */
  to(target: string): PlatformCall[]
  /** Answer the next calls so, in this order, before speaking normally again. */
  answerNext(...answers: PlatformAnswer[]): void
  /** Hold the answers from now on; the returned function lets them go. */
  hold(): () => void
  close(): Promise<void>
}

const ok = (body: unknown): PlatformAnswer => ({ body })
const TOKENS = { telegram: '123456:telegram-token', slack: 'xoxb-slack-token', discord: 'discord-token' }

export async function platforms(clock: Clock = systemClock): Promise<Platforms> {
  const calls: PlatformCall[] = []
  const scripted: PlatformAnswer[] = []
  const posted = new Map<string, string>()
  let held: Promise<void> | null = null
  let lastId = 100

  function speak({ method, target, headers, json, raw }: PlatformCall): PlatformAnswer {
    if (target.startsWith('api.telegram.org/')) {
      if (!target.startsWith(`api.telegram.org/bot${TOKENS.telegram}/`))
        return { status: 401, body: { ok: false, error_code: 401, description: 'Unauthorized' } }
      if (target.endsWith('/sendMessage')) {
        lastId += 1
        return ok({ ok: true, result: { message_id: lastId, chat: { id: Number(json.chat_id) } } })
      }
      if (target.endsWith('/editMessageText')) {
        const key = `telegram:${json.message_id}`
        if (posted.get(key) === raw)
          return { status: 400, body: { ok: false, description: 'Bad Request: message is not modified' } }
        posted.set(key, raw)
      }
      return ok({ ok: true, result: true })
    }
    if (target.startsWith('slack.com/api/')) {
      if (headers.authorization !== `Bearer ${TOKENS.slack}`) return ok({ ok: false, error: 'invalid_auth' })
      lastId += 1
      return ok({ ok: true, channel: 'C0RESOLVED', ts: `1700000000.${lastId}` })
    }
    if (target.startsWith('discord.com/api/v10/')) {
      if (headers.authorization !== `Bot ${TOKENS.discord}`)
        return { status: 401, body: { message: '401: Unauthorized' } }
      lastId += 1
      return method === 'POST' ? ok({ id: String(lastId), channel_id: '777' }) : ok({ id: '1' })
    }
    return ok('ok')
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const raw = Buffer.concat(chunks).toString('utf8')
      const call: PlatformCall = {
        method: request.method ?? '',
        target: (request.url ?? '').slice(1),
        headers: request.headers,
        raw,
        json: raw === '' ? null : JSON.parse(raw),
      }
      calls.push(call)
      const next = scripted.findIndex(({ from = '' }) => call.target.includes(from))
      const answer = (next === -1 ? undefined : scripted.splice(next, 1)[0]) ?? speak(call)
      await held
      if (answer.hangUp) return void request.socket.destroy()
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const guard = createAddressGuard({ resolve: async () => ['93.184.216.34'], allowed: [] })
  const inner = createHttpOutbound({
    guard: createAddressGuard({ resolve: async () => [], allowed: ['127.0.0.0/8'] }),
    clock,
  })
  return {
    outbound: {
      async check(url) {
        await guard.resolve(guard.parse(url).hostname)
      },
      async send(request) {
        await guard.resolve(guard.parse(request.url).hostname)
        return inner.send({ ...request, url: request.url.replace(/^https?:\//, `http://127.0.0.1:${port}`) })
      },
    },
    calls,
    to: (target) => calls.filter((call) => call.target.includes(target)),
    answerNext: (...answers) => void scripted.push(...answers),
    hold() {
      let release = () => {}
      held = new Promise((resolve) => {
        release = () => {
          held = null
          resolve()
        }
      })
      return release
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** What the platforms accept. */
export const platformConfigs = {
  telegram: { bot_token: TOKENS.telegram, chat_id: '-1001' },
  slack: { webhook_url: 'https://hooks.slack.com/services/T000/B000/secret-part' },
  slack_app: { bot_token: TOKENS.slack, signing_secret: 'slack-signing-secret', slack_channel: '#ops' },
  webhook: { url: 'https://example.com/hook', secret: 'webhook-secret' },
} as const

export const discordConfig = (publicKey: string) => ({
  bot_token: TOKENS.discord,
  public_key: publicKey,
  discord_channel_id: '777',
})
