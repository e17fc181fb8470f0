import { createHmac, generateKeyPairSync } from 'node:crypto'
import { publicBytesOf, signBytes } from '../src/governance/signing/ed25519.ts'
import { type Notifying, openedConfig } from './notifying.ts'
import { platformConfigs } from './platforms.ts'

const nowhere = '00000000-0000-4000-8000-000000000000'
const SLACK_SECRET = platformConfigs.slack_app.signing_secret

/** Presses of buttons as each chat platform reports and signs them. */
export function chatPresses(n: () => Notifying) {
  const approvalOf = (id: string) =>
    n().t.server.database.db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const disable = (id: string) =>
    n().t.request({
      method: 'PUT',
      url: `/api/v1/notifications/channels/${id}`,
      headers: n().admin,
      payload: { enabled: false },
    })
  const asked = async () => {
    const id = await n().ask()
    await n().settled()
    return id
  }
  /** As if the channel had been told of another tenant's approval. */
  const misroute = () =>
    n().t.server.database.db.updateTable('notification_deliveries').set({ tenant_id: nowhere }).execute()

  const telegramPress = (channelId: string, data: unknown, secret: string | null, over: object = {}) =>
    n().t.request({
      method: 'POST',
      url: `/api/v1/telegram/webhook/${channelId}`,
      headers: {
        'content-type': 'application/json',
        ...(secret === null ? {} : { 'x-telegram-bot-api-secret-token': secret }),
      },
      payload: { callback_query: { id: 'q1', data, from: { id: 42, username: 'alice' }, ...over } },
    })
  const telegram = async () => {
    const id = await n().channel('telegram', platformConfigs.telegram)
    return { id, secret: (await openedConfig(n().t, id)).webhook_secret ?? '' }
  }
  const answers = () =>
    n()
      .world.to('/answerCallbackQuery')
      .map(({ json }) => json.text)

  const slackCall = (
    payload: unknown,
    over: { secret?: string; age?: number; headers?: Record<string, string> } = {},
  ) => {
    const { secret = SLACK_SECRET, age = 0, headers = {} } = over
    const body = typeof payload === 'string' ? payload : `payload=${encodeURIComponent(JSON.stringify(payload))}`
    const timestamp = String(Math.floor(n().t.clock.now() / 1000) - age)
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
    return n().t.request({
      method: 'POST',
      url: '/api/v1/slack/interactions',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': signature,
        ...headers,
      },
      payload: body,
    })
  }
  const slackPress = (action: string, over: Parameters<typeof slackCall>[1] = {}, username = 'bob') =>
    slackCall({ type: 'block_actions', user: { username }, actions: [{ action_id: action }] }, over)

  const keys = generateKeyPairSync('ed25519')
  const PUBLIC_KEY = publicBytesOf(keys.privateKey).toString('hex')
  const discordCall = (
    payload: unknown,
    over: { key?: typeof keys.privateKey; headers?: Record<string, string> } = {},
  ) => {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
    const timestamp = String(Math.floor(n().t.clock.now() / 1000))
    const signature = signBytes(over.key ?? keys.privateKey, Buffer.from(timestamp + body)).toString('hex')
    return n().t.request({
      method: 'POST',
      url: '/api/v1/discord/interactions',
      headers: {
        'content-type': 'application/json',
        'x-signature-timestamp': timestamp,
        'x-signature-ed25519': signature,
        ...over.headers,
      },
      payload: body,
    })
  }
  const discordPress = (custom_id: unknown, over: Parameters<typeof discordCall>[1] = {}) =>
    discordCall({ type: 3, data: { custom_id }, member: { user: { username: 'carol_' } } }, over)

  return {
    approvalOf,
    disable,
    asked,
    misroute,
    telegramPress,
    telegram,
    answers,
    slackCall,
    slackPress,
    discordCall,
    discordPress,
    PUBLIC_KEY,
  }
}
