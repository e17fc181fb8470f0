import { createHmac, generateKeyPairSync } from 'node:crypto'
import { publicBytesOf, signBytes } from '../../../src/governance/signing/ed25519.ts'
import type { People } from './people.ts'
import type { Reports } from './reports.ts'
import type { Stage } from './stage.ts'

/** Channels, and what chat platforms call. */
export async function recordChannels({ call, succeed, as, clock, r, person, asked }: Stage & People & Reports) {
  const discordKeys = generateKeyPairSync('ed25519')
  const channel = (channel_type: string, config: object) =>
    succeed<{ id: string }>('POST /api/v1/notifications/channels', {
      ...as(person),
      body: { name: 'on call', channel_type, config, filters: { environments: ['production'] } },
    })
  const hook = await channel('webhook', { url: 'https://hooks.example.com/lictor', secret: 'a secret of the receiver' })
  await channel('slack_app', { bot_token: 'xoxb-example', slack_channel: 'C0123', signing_secret: 'signed' })
  await channel('discord', {
    bot_token: 'example',
    public_key: publicBytesOf(discordKeys.privateKey).toString('hex'),
    discord_channel_id: '42',
  })
  const ofHook = { ...as(person), path: { channel_id: hook.id } }
  await succeed('POST /api/v1/notifications/channels/:channel_id/test', ofHook)
  await succeed('PUT /api/v1/notifications/channels/:channel_id', { ...ofHook, body: { enabled: false } })
  await succeed('GET /api/v1/notifications/channels', as(person))
  await succeed('DELETE /api/v1/notifications/channels/:channel_id', ofHook)
  await succeed('GET /api/v1/slack/manifest')
  const seconds = String(Math.floor(clock.now() / 1000))
  const press = `payload=${encodeURIComponent(JSON.stringify({ type: 'block_actions', user: { username: 'ada' }, actions: [] }))}`
  await call('POST /api/v1/slack/interactions', {
    body: press,
    headers: {
      'x-slack-request-timestamp': seconds,
      'x-slack-signature': `v0=${createHmac('sha256', 'signed').update(`v0:${seconds}:${press}`).digest('hex')}`,
    },
  })
  const ping = { type: 1 }
  await call('POST /api/v1/discord/interactions', {
    body: ping,
    headers: {
      'x-signature-timestamp': seconds,
      'x-signature-ed25519': signBytes(discordKeys.privateKey, Buffer.from(seconds + JSON.stringify(ping))).toString(
        'hex',
      ),
    },
  })
  await call('POST /api/v1/telegram/webhook/:channel_id', { path: { channel_id: hook.id }, body: { update_id: 1 } })
  await call('POST /api/v1/slack/interactions', { body: press })
  await call('POST /api/v1/discord/interactions', { body: ping })

  Object.assign(r.recordOf('POST', '/api/v1/telegram/webhook/:channel_id'), {
    path: { channel_id: hook.id },
    body: {
      update_id: 1,
      callback_query: { id: '4382', from: { id: 42, username: 'ada' }, data: `approve:${asked.id}` },
    },
  })
  await call('POST /api/v1/discord/interactions', {
    body: 'no JSON',
    headers: {
      'x-signature-timestamp': seconds,
      'x-signature-ed25519': signBytes(discordKeys.privateKey, Buffer.from(`${seconds}no JSON`)).toString('hex'),
    },
  })
}
