import { createNaclSecretBox } from '../src/adapters/secret-box/nacl.ts'
import { readConfig } from '../src/config.ts'
import type { Mail, MailMessage, MailServer } from '../src/ports/mail.ts'
import { microsOf } from '../src/storage/instants.ts'
import type { Start, TestServer } from './harness.ts'
import { manualClock } from './manual-clock.ts'
import { type Platforms, platforms } from './platforms.ts'

type Headers = Record<string, string>

/** A server whose notifications go to platforms of the test's own. */
export interface Notifying {
  readonly t: TestServer
  readonly world: Platforms
  readonly mails: { server: MailServer; message: MailMessage }[]
  /** Make the next mails fail so. */
  failMails(...errors: Error[]): void
  readonly admin: Headers
  readonly agent: Headers
  /** Create a channel; its id. */
  channel(type: string, config: object, over?: object): Promise<string>
  /** Ask for an approval; its id. */
  ask(over?: object, headers?: Headers): Promise<string>
  decide(id: string, approved?: boolean, reason?: string): Promise<number>
  statusOf(id: string): Promise<string>
  /** Resolves when nothing is on its way and nothing due is left. */
  settled(): Promise<void>
  /** Move the clock, and wait until what fell due is done. */
  pass(milliseconds: number): Promise<void>
  close(): Promise<void>
}

/** A channel's configuration with its secrets, as it is stored. */
export async function openedConfig(t: TestServer, id: string): Promise<Record<string, string>> {
  const row = await t.server.database.db
    .selectFrom('notification_channels')
    .select('config_sealed')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const box = createNaclSecretBox(readConfig(t.environment).masterKey)
  return JSON.parse(Buffer.from(box.open(row.config_sealed)).toString('utf8'))
}

export const ASKED = {
  agent_id: 'ignored',
  tool_name: 'delete_user',
  tool_args: { user_id: 'u_1' },
  message: 'Delete user u_1?',
  timeout: 300,
} as const

export async function notifying(start: Start, environment: Record<string, string> = {}): Promise<Notifying> {
  const world = await platforms(manualClock())
  const mails: Notifying['mails'] = []
  const failures: Error[] = []
  const mail: Mail = {
    async send(server, message) {
      const failure = failures.shift()
      if (failure) throw failure
      mails.push({ server, message })
    },
  }
  const t = await start({
    environment: { LICTOR_BASE_URL: 'https://lictor.example.com/', ...environment },
    overrides: { outbound: world.outbound, mail },
  })
  const admin = await t.admin()
  const agent = await t.agent('production', 'agent-1')

  async function settled(): Promise<void> {
    for (;;) {
      const busy = await t.server.database.db
        .selectFrom('notification_deliveries')
        .select('id')
        .where('status', '=', 'waiting')
        .where((e) => e.or([e('claim', 'is not', null), e('due_at', '<=', microsOf(t.clock.now()))]))
        .executeTakeFirst()
      if (!busy) return
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  return {
    t,
    world,
    mails,
    failMails: (...errors) => void failures.push(...errors),
    admin,
    agent,
    async channel(type, config, over = {}) {
      const answer = await t.request({
        method: 'POST',
        url: '/api/v1/notifications/channels',
        headers: admin,
        payload: { name: type, channel_type: type, config, ...over },
      })
      if (answer.statusCode !== 201) throw new Error(`${answer.statusCode}: ${answer.body}`)
      await settled()
      return answer.json<{ id: string }>().id
    },
    async ask(over = {}, headers = agent) {
      const answer = await t.request({
        method: 'POST',
        url: '/api/v1/approvals',
        headers,
        payload: { ...ASKED, ...over },
      })
      if (answer.statusCode !== 201) throw new Error(`${answer.statusCode}: ${answer.body}`)
      return answer.json<{ id: string }>().id
    },
    async decide(id, approved = true, reason) {
      const payload = { approved, ...(reason === undefined ? {} : { reason }) }
      return (await t.request({ method: 'PUT', url: `/api/v1/approvals/${id}`, headers: admin, payload })).statusCode
    },
    async statusOf(id) {
      const row = await t.server.database.db
        .selectFrom('approvals')
        .select('status')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return row.status
    },
    settled,
    async pass(milliseconds) {
      await t.clock.advance(milliseconds)
      await settled()
    },
    async close() {
      await t.close()
      await world.close()
    },
  }
}
