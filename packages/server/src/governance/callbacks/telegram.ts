import { textOf } from '../channel-kinds/channel.ts'
import type { Telegram } from '../channel-kinds/telegram.ts'
import { at, type Decide, jsonIn, type OpenChannel, pressOf, secretsEqual } from './press.ts'

const answers = {
  decided: { approved: 'Approved ✅', denied: 'Denied ❌' },
  refused: 'Already decided or not found.',
  unknown: 'Approval expired or not found.',
} as const

export interface TelegramCall {
  readonly channelId: string
  readonly secret: string | undefined
  readonly body: string
}

/** The status that Telegram is answered with; there is no body. */
export function createTelegramWebhook(deps: {
  telegram: Pick<Telegram, 'answer'>
  candidates: () => Promise<readonly OpenChannel[]>
  decide: Decide
  onError: (error: unknown) => void
}): (call: TelegramCall) => Promise<200 | 403 | 404> {
  const { telegram, candidates, decide, onError } = deps
  return async ({ channelId, secret, body }) => {
    const enabled = await candidates()
    const called = enabled.find(({ channel }) => channel.id === channelId)
    if (!called) return 404
    const expected = textOf(called.config, 'webhook_secret')
    if (expected === '' || secret === undefined || !secretsEqual(expected, secret)) return 403

    const query = at(jsonIn(body), 'callback_query')
    const queryId = at(query, 'id')
    const press = pressOf(at(query, 'data'), '')
    if (!press) return 200
    // A bot has one address for the buttons of all its chats.
    const sameBot = enabled.filter(
      ({ channel, config }) =>
        channel.tenantId === called.channel.tenantId &&
        secretsEqual(textOf(config, 'bot_token'), textOf(called.config, 'bot_token')),
    )
    const name = [at(query, 'from', 'username'), at(query, 'from', 'id')].find(
      (one) => (typeof one === 'string' && one !== '') || typeof one === 'number',
    )
    const result = await decide(sameBot, press, { via: 'telegram', name: String(name ?? 'unknown') })
    const text =
      result === 'decided'
        ? answers.decided[press.approved ? 'approved' : 'denied']
        : answers[result === 'refused' ? 'refused' : 'unknown']
    if (typeof queryId === 'string') await telegram.answer(called.config, queryId, text).catch(onError)
    return 200
  }
}
