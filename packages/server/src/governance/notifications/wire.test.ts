import { afterEach, describe, expect, it } from 'vitest'
import { chatPresses } from '../../../test/chat-presses.ts'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying, openedConfig } from '../../../test/notifying.ts'
import { discordConfig, platformConfigs } from '../../../test/platforms.ts'
import { createNaclSecretBox } from '../../adapters/secret-box/nacl.ts'
import { readConfig } from '../../config.ts'
import type { Outbound } from '../../ports/outbound.ts'
import { type ChannelType, channelTypes } from '../channel-kinds/channel.ts'
import { createChannelKinds } from '../channel-kinds/kinds.ts'
import { maskConfig } from './config.ts'

const URL = '/api/v1/notifications/channels'
const email = {
  smtp_host: 'smtp.example.com',
  smtp_port: 587,
  smtp_user: 'ops',
  smtp_password: 'smtp-password',
  from_address: 'lictor@example.com',
  to_addresses: ['a@example.com'],
}

/** What each kind must be configured with, and which of it is secret. */
describe('each type of channel', () => {
  const kinds = createChannelKinds({ outbound: {} as Outbound, mail: { send: async () => {} } })

  it.each<[ChannelType, string[], string[], boolean]>([
    ['telegram', ['bot_token', 'chat_id'], ['bot_token', 'webhook_secret'], true],
    ['slack', ['webhook_url'], ['webhook_url'], false],
    ['slack_app', ['bot_token', 'signing_secret', 'slack_channel'], ['bot_token', 'signing_secret'], true],
    ['discord', ['bot_token', 'public_key', 'discord_channel_id'], ['bot_token'], true],
    ['webhook', ['url'], ['secret'], false],
    [
      'email',
      ['smtp_host', 'smtp_port', 'smtp_user', 'smtp_password', 'from_address', 'to_addresses'],
      ['smtp_password'],
      false,
    ],
  ])('%s needs %j, hides %j, and has buttons: %j', (type, required, secrets, isInteractive) => {
    expect(kinds[type]).toMatchObject({ required, secrets, isInteractive })
    const config = Object.fromEntries([...required, ...secrets, 'extra'].map((key) => [key, 'a value of some length']))
    const shown = maskConfig(kinds[type], config)
    for (const [key, value] of Object.entries(shown))
      expect([key, value]).toEqual([key, secrets.includes(key) ? 'a va••••ngth' : 'a value of some length'])
  })

  it('there are six', () => expect(Object.keys(kinds).sort()).toEqual([...channelTypes].sort()))
})

onEachDatabase('the notifications API', (start) => {
  let n: Notifying
  afterEach(() => n.close())
  const { approvalOf, asked, slackPress, telegramPress, telegram, discordPress, PUBLIC_KEY } = chatPresses(() => n)

  const call = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => {
    const answer = await n.t.request({ method, url, headers: n.admin, ...(payload ? { payload } : {}) })
    return [answer.statusCode, answer.body === '' ? null : answer.json()]
  }
  const create = (payload: object) => call('POST', URL, payload)

  it.each<[string, object, string[]]>([
    ['telegram', { ...platformConfigs.telegram, chat_id: -1001 }, ['bot_token', 'chat_id']],
    ['slack', platformConfigs.slack, ['webhook_url']],
    ['slack_app', platformConfigs.slack_app, ['bot_token', 'signing_secret', 'slack_channel']],
    ['discord', discordConfig('00'), ['bot_token', 'public_key', 'discord_channel_id']],
    ['webhook', platformConfigs.webhook, ['url']],
    ['email', email, Object.keys(email)],
  ])(
    'a %s channel is created when it has all it needs, and refused without any one of it',
    async (type, config, required) => {
      n = await notifying(start)
      for (const key of required) {
        const incomplete = Object.fromEntries(Object.entries(config).filter(([name]) => name !== key))
        expect([key, ...(await create({ name: type, channel_type: type, config: incomplete }))]).toEqual([
          key,
          422,
          { detail: `Missing required config keys for ${type}: ${key}` },
        ])
      }
      expect((await create({ name: type, channel_type: type, config: {} }))[1]).toEqual({
        detail: `Missing required config keys for ${type}: ${required.join(', ')}`,
      })
      const [status, body] = await create({ name: type, channel_type: type, config })
      expect([status, body]).toMatchObject([
        201,
        { channel_type: type, enabled: true, filters: null, last_test_at: null },
      ])
      expect((await call('GET', URL))[1]).toEqual([body])
    },
  )

  it('filters are kept with all three keys or as nothing; absent keeps them, null clears them', async () => {
    n = await notifying(start)
    const make = async (filters?: object | null) =>
      (await create({ name: 'x', channel_type: 'webhook', config: platformConfigs.webhook, filters }))[1]
    expect((await make()).filters).toBeNull()
    expect((await make(null)).filters).toBeNull()
    expect((await make({})).filters).toEqual({ environments: null, agent_patterns: null, contract_names: null })
    const { id, filters } = await make({ environments: ['staging'], contract_names: [] })
    expect(filters).toEqual({ environments: ['staging'], agent_patterns: null, contract_names: [] })
    expect((await call('PUT', `${URL}/${id}`, { name: 'y' }))[1]).toMatchObject({ name: 'y', filters })
    expect((await call('PUT', `${URL}/${id}`, { filters: null }))[1]).toMatchObject({ name: 'y', filters: null })
  })

  it('a change cannot make a channel another type, and is held to the same bounds', async () => {
    n = await notifying(start)
    const id = await n.channel('webhook', platformConfigs.webhook)
    expect((await call('PUT', `${URL}/${id}`, { channel_type: 'slack' }))[1]).toMatchObject({ channel_type: 'webhook' })
    for (const change of [
      { name: '' },
      { name: 'x'.repeat(101) },
      { enabled: 'perhaps' },
      { config: [] },
      { filters: 5 },
    ])
      expect([change, (await call('PUT', `${URL}/${id}`, change))[0]]).toEqual([change, 422])
    expect((await call('PUT', `${URL}/${id}`, { config: { url: 'http://127.0.0.1/' } }))[1]).toEqual({
      detail: expect.stringMatching(/^Invalid url: URL resolves to blocked address 127\.0\.0\.1/),
    })
    expect((await call('PUT', `${URL}/${id}`, { config: {} }))[1]).toEqual({
      detail: 'Missing required config keys for webhook: url',
    })
    expect((await call('GET', URL))[1]).toMatchObject([{ name: 'webhook', enabled: true }])
  })

  it('no change of a channel is told on any stream', async () => {
    n = await notifying(start)
    const told = async () => (await n.t.server.database.db.selectFrom('stream_log').select('id').execute()).length
    const before = await told()
    const id = await n.channel('webhook', platformConfigs.webhook)
    await call('PUT', `${URL}/${id}`, { name: 'y' })
    await call('POST', `${URL}/${id}/test`)
    await call('DELETE', `${URL}/${id}`)
    expect(await told()).toBe(before)
  })

  it('a channel that fails, or whose configuration cannot be read, keeps no other from being told', async () => {
    n = await notifying(start)
    const hook = (name: string) => ({ url: `https://example.com/${name}` })
    const sealed = await n.channel('webhook', hook('unreadable'))
    await n.channel('webhook', hook('failing'))
    await n.channel('webhook', hook('fine'))
    await n.t.server.database.db
      .updateTable('notification_channels')
      .set({ config_sealed: Buffer.alloc(80) })
      .where('id', '=', sealed)
      .execute()
    n.world.answerNext({ from: 'failing', status: 500 })
    await n.ask()
    await n.settled()
    expect(n.world.to('example.com').map(({ target }) => target)).toEqual(
      expect.arrayContaining(['example.com/failing', 'example.com/fine']),
    )
    expect(n.world.to('unreadable')).toEqual([])
  })

  it('without a channel an approval goes its way', async () => {
    n = await notifying(start)
    const id = await n.ask()
    expect([await n.decide(id), n.world.calls, n.mails]).toEqual([200, [], []])
  })

  it('decisions go to every channel of the tenant, whatever its filters', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook, { filters: { environments: ['staging'] } })
    await n.channel('email', email, { filters: { agent_patterns: ['nobody'] } })
    const id = await n.ask()
    await n.settled()
    expect([n.world.calls.length, n.mails.length]).toEqual([0, 0])
    await n.decide(id)
    await n.settled()
    expect(n.world.calls.map(({ json }) => json.event)).toEqual(['approval_decided'])
    expect(n.mails.map(({ message }) => message.subject)).toEqual([`[Edictum] Approval approved — ${id.slice(0, 8)}`])
  })

  it('of several that expire, one that cannot be edited keeps no other from being edited', async () => {
    n = await notifying(start)
    await n.channel('discord', discordConfig('00'))
    const ids = [await n.ask({ timeout: 5 }), await n.ask({ timeout: 5 })]
    await n.settled()
    n.world.answerNext({ from: 'messages/101', status: 404 })
    n.t.clock.set(n.t.clock.now() + 5_000)
    for (const id of ids) await n.t.request({ method: 'GET', url: `/api/v1/approvals/${id}`, headers: n.admin })
    await n.settled()
    const edited = n.world.calls
      .filter(({ method }) => method === 'PATCH')
      .map(({ target }) => target.split('/').at(-1))
    expect(edited.sort()).toEqual(['101', '102'])
  })

  it.each(['telegram', 'slack', 'discord'] as const)(
    'a decision in %s is told to the agents of the environment and to dashboards like any other',
    async (platform) => {
      n = await notifying(start)
      const chat = platform === 'telegram' ? await telegram() : null
      if (platform === 'slack') await n.channel('slack_app', platformConfigs.slack_app)
      if (platform === 'discord') await n.channel('discord', discordConfig(PUBLIC_KEY))
      const approval = await asked()
      if (chat) await telegramPress(chat.id, `approve:${approval}`, chat.secret)
      if (platform === 'slack') await slackPress(`edictum_approve:${approval}`)
      if (platform === 'discord') await discordPress(`edictum_approve:${approval}`)
      const { decided_by } = await approvalOf(approval)
      expect(decided_by).toMatch(new RegExp(`^${platform}:`))
      const rows = await n.t.server.database.db
        .selectFrom('stream_log')
        .selectAll()
        .where('type', '=', 'approval_decided')
        .execute()
      expect(
        rows.map(({ data, env, bundle_name, agent_id, dashboard }) => [
          JSON.parse(data),
          env,
          bundle_name,
          agent_id,
          dashboard,
        ]),
      ).toEqual([
        [
          {
            ...{ type: 'approval_decided', approval_id: approval, status: 'approved', decided_by },
            ...{ action_digest: null, receipt: null },
          },
          'production',
          null,
          null,
          1,
        ],
      ])
    },
  )

  it('buttons work for a week and more, and know for as long that they are late', async () => {
    n = await notifying(start)
    const chat = await telegram()
    await n.channel('slack_app', platformConfigs.slack_app)
    const approval = await n.ask({ timeout: 86_400 })
    await n.settled()
    n.t.clock.set(n.t.clock.now() + 7 * 86_400_000 - 10_000)
    await telegramPress(chat.id, `approve:${approval}`, chat.secret)
    expect(n.world.to('/answerCallbackQuery').map(({ json }) => json.text)).toEqual(['Already decided or not found.'])
    expect((await slackPress(`edictum_approve:${approval}`)).json().blocks[0].text.text).toBe(
      '⚠️ Already decided or not found.',
    )
  })

  it('the mask of a signing secret signs nothing', async () => {
    n = await notifying(start)
    const id = await n.channel('slack_app', platformConfigs.slack_app)
    const approval = await asked()
    const [shown] = (await call('GET', URL))[1]
    const masked = shown.config.signing_secret
    expect(masked).not.toBe((await openedConfig(n.t, id)).signing_secret)
    expect((await slackPress(`edictum_approve:${approval}`, { secret: masked })).statusCode).toBe(403)
    expect((await approvalOf(approval)).status).toBe('pending')
  })

  it("a key of one tenant's Discord application decides nothing of another's", async () => {
    n = await notifying(start)
    await n.channel('discord', discordConfig('11'.repeat(32)))
    const other = await n.t.otherTenant()
    await n.t.request({
      method: 'POST',
      url: URL,
      headers: other,
      payload: { name: 'theirs', channel_type: 'discord', config: discordConfig(PUBLIC_KEY) },
    })
    const approval = await asked()
    const answer = await discordPress(`edictum_approve:${approval}`)
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { type: 7, data: { embeds: [{ title: 'Approval Expired', color: 0x99aab5 }], components: [] } },
    ])
    expect((await approvalOf(approval)).status).toBe('pending')
  })

  it('a Telegram channel without a secret is opened by none', async () => {
    n = await notifying(start)
    const { id } = await telegram()
    const approval = await asked()
    const box = createNaclSecretBox(readConfig(n.t.environment).masterKey)
    await n.t.server.database.db
      .updateTable('notification_channels')
      .set({ config_sealed: box.seal(Buffer.from(JSON.stringify(platformConfigs.telegram))) })
      .where('id', '=', id)
      .execute()
    for (const secret of ['', 'undefined', 'null', null])
      expect((await telegramPress(id, `approve:${approval}`, secret)).statusCode).toBe(403)
    expect((await approvalOf(approval)).status).toBe('pending')
  })

  it('the manifest of the Slack app names the address that was called, where no public one is set', async () => {
    n = await notifying(start, { LICTOR_BASE_URL: '' })
    const answer = await n.t.request({
      method: 'GET',
      url: '/api/v1/slack/manifest',
      headers: { host: 'console.internal:8000' },
    })
    expect(answer.json().settings.interactivity.request_url).toBe(
      'http://console.internal:8000/api/v1/slack/interactions',
    )
  })

  it('Telegram is not told where presses go over plain http; a secret of the owner is kept', async () => {
    n = await notifying(start, { LICTOR_BASE_URL: 'http://lictor.example.com' })
    const id = await n.channel('telegram', { ...platformConfigs.telegram, webhook_secret: 'of-my-own' })
    expect(n.world.to('/setWebhook')).toEqual([])
    expect((await openedConfig(n.t, id)).webhook_secret).toBe('of-my-own')
  })

  it('long arguments are cut to five hundred characters for Telegram, and none are shown when there are none', async () => {
    n = await notifying(start)
    await n.channel('telegram', platformConfigs.telegram)
    await n.ask({ tool_args: { text: 'x'.repeat(2_000) } })
    await n.ask({ tool_args: null })
    await n.settled()
    const [long, none] = n.world.to('/sendMessage').map(({ json }) => json.text as string)
    const shown = /<code>(.*)<\/code>/s.exec(long ?? '')?.[1]?.replaceAll('&quot;', '"') ?? ''
    expect(shown).toHaveLength(500)
    expect(none).not.toContain('Arguments')
  })
})
