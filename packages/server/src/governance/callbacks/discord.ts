import { BadRequest, Unauthenticated } from '../../errors.ts'
import { textOf } from '../channel-kinds/channel.ts'
import { GREEN, GREY, RED } from '../channel-kinds/discord.ts'
import { escapeDiscord } from '../channel-kinds/text.ts'
import { verifyBytes } from '../signing/ed25519.ts'
import { at, type Decide, jsonIn, type OpenChannel, pressOf, printable } from './press.ts'

const PONG = { type: 1 } as const
const COMPONENT = 3
const UPDATE_MESSAGE = 7

export interface DiscordCall {
  readonly timestamp: string | undefined
  /** Hexadecimal. */
  readonly signature: string | undefined
  /** Exactly the bytes that were signed, after the timestamp. */
  readonly body: Buffer
}

export type DiscordAnswer =
  | typeof PONG
  | {
      readonly type: typeof UPDATE_MESSAGE
      readonly data: { readonly embeds: readonly object[]; readonly components: readonly [] }
    }

const updated = (embed: { title: string; color: number; description?: string }): DiscordAnswer => ({
  type: UPDATE_MESSAGE,
  data: { embeds: [embed], components: [] },
})

/** Button presses in Discord. @throws Unauthenticated when no channel's key made the signature; BadRequest when the body is no JSON. */
export function createDiscordInteractions(deps: {
  candidates: () => Promise<readonly OpenChannel[]>
  decide: Decide
}): (call: DiscordCall) => Promise<DiscordAnswer> {
  return async (call) => {
    const proven = await verify(call, deps.candidates)
    const interaction = jsonIn(call.body.toString('utf8'))
    if (interaction === undefined) throw new BadRequest('The body is not JSON.')
    if (at(interaction, 'type') !== COMPONENT) return PONG
    const press = pressOf(at(interaction, 'data', 'custom_id'), 'edictum_')
    if (!press) return PONG
    const name = [at(interaction, 'member', 'user', 'username'), at(interaction, 'user', 'username')].find(
      (one): one is string => typeof one === 'string' && one !== '',
    )
    switch (await deps.decide(proven, press, { via: 'discord', name: name ?? 'unknown' })) {
      case 'foreign':
      case 'unknown':
        return updated({ title: 'Approval Expired', color: GREY })
      case 'refused':
        return updated({ title: 'Already Decided', color: GREY })
      case 'decided': {
        const by = escapeDiscord(printable(name ?? 'unknown'))
        return press.approved
          ? updated({ title: 'Approval Approved', description: `Approved by discord:${by}`, color: GREEN })
          : updated({ title: 'Approval Denied', description: `Denied by discord:${by}`, color: RED })
      }
    }
  }
}

/** All channels whose key made the signature: one application may write into several. */
async function verify(
  { timestamp, signature, body }: DiscordCall,
  candidates: () => Promise<readonly OpenChannel[]>,
): Promise<readonly OpenChannel[]> {
  const refusal = new Unauthenticated('Invalid Discord signature.')
  if (!timestamp || timestamp.length > 32 || !signature || !/^[0-9a-f]{128}$/i.test(signature)) throw refusal
  const signed = Buffer.concat([Buffer.from(timestamp), body])
  const bytes = Buffer.from(signature, 'hex')
  const proven = (await candidates()).filter(({ config }) =>
    verifyBytes(Buffer.from(textOf(config, 'public_key'), 'hex'), signed, bytes),
  )
  if (proven.length === 0) throw refusal
  return proven
}
