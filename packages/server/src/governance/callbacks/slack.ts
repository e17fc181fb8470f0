import { createHmac } from 'node:crypto'
import { Forbidden } from '../../errors.ts'
import { textOf } from '../channel-kinds/channel.ts'
import { header, section } from '../channel-kinds/slack-blocks.ts'
import { escapeSlack } from '../channel-kinds/text.ts'
import { at, type Decide, jsonIn, type OpenChannel, pressOf, printable, secretsEqual } from './press.ts'

const WINDOW_SECONDS = 300

export interface SlackCall {
  readonly timestamp: string | undefined
  readonly signature: string | undefined
  /** Exactly the bytes that were signed. */
  readonly body: Buffer
}

/** What Slack shows in the place of the message; null leaves it. */
export type SlackAnswer = { readonly replace_original: true; readonly blocks: readonly object[] } | null

const replaced = (...blocks: object[]): SlackAnswer => ({ replace_original: true, blocks })

/** Button presses in Slack. @throws Forbidden when no channel's signing secret made the signature, or it is older than five minutes. */
export function createSlackInteractions(deps: {
  /** Milliseconds. */
  now: () => number
  candidates: () => Promise<readonly OpenChannel[]>
  decide: Decide
}): (call: SlackCall) => Promise<SlackAnswer> {
  return async (call) => {
    const proven = await verify(call, deps.now(), deps.candidates)
    const payload = jsonIn(new URLSearchParams(call.body.toString('utf8')).get('payload') ?? '')
    const press = pressOf(at(payload, 'actions', 0, 'action_id'), 'edictum_')
    if (!press) return null
    const name = [at(payload, 'user', 'username'), at(payload, 'user', 'name'), at(payload, 'user', 'id')].find(
      (one): one is string => typeof one === 'string' && one !== '',
    )
    switch (await deps.decide(proven, press, { via: 'slack', name: name ?? 'unknown' })) {
      case 'foreign':
        throw new Forbidden('This approval is not of this channel.')
      case 'unknown':
        return replaced(section('⏰ *Approval expired or already handled.*'))
      case 'refused':
        return replaced(section('⚠️ Already decided or not found.'))
      case 'decided': {
        const by = escapeSlack(printable(name ?? 'unknown'))
        return press.approved
          ? replaced(header('Approval Approved'), section(`✅ *APPROVED* by slack:${by}`))
          : replaced(header('Approval Denied'), section(`❌ *DENIED* by slack:${by}`))
      }
    }
  }
}

/** All channels whose secret made the signature: one app may write into several. */
async function verify(
  { timestamp, signature, body }: SlackCall,
  now: number,
  candidates: () => Promise<readonly OpenChannel[]>,
): Promise<readonly OpenChannel[]> {
  const refusal = new Forbidden('Invalid Slack signature.')
  if (!timestamp || !signature || !/^\d{1,12}$/.test(timestamp)) throw refusal
  if (Math.abs(now / 1000 - Number(timestamp)) > WINDOW_SECONDS) throw refusal
  const proven = (await candidates()).filter(({ config }) => {
    const secret = textOf(config, 'signing_secret')
    if (secret === '') return false
    const hmac = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body)
    return secretsEqual(`v0=${hmac.digest('hex')}`, signature)
  })
  if (proven.length === 0) throw refusal
  return proven
}
