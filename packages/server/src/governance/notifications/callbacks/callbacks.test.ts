import { createHmac, generateKeyPairSync } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase } from '../../../../test/harness.ts'
import { type Notifying, notifying, openedConfig } from '../../../../test/notifying.ts'
import { discordConfig, platformConfigs } from '../../../../test/platforms.ts'
import { publicBytesOf, signBytes } from '../../signing/ed25519.ts'

const nowhere = '00000000-0000-4000-8000-000000000000'
const SLACK_SECRET = platformConfigs.slack_app.signing_secret

onEachDatabase('buttons pressed in chats', (start) => {
  let n: Notifying
  afterEach(() => n.close())

  const approvalOf = (id: string) =>
    n.t.server.database.db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const disable = (id: string) =>
    n.t.request({
      method: 'PUT',
      url: `/api/v1/notifications/channels/${id}`,
      headers: n.admin,
      payload: { enabled: false },
    })
  const asked = async () => {
    const id = await n.ask()
    await n.settled()
    return id
  }
  /** As if the channel had been told of another tenant's approval. */
  const misroute = () =>
    n.t.server.database.db.updateTable('notification_deliveries').set({ tenant_id: nowhere }).execute()

  // Telegram

  const telegramPress = (channelId: string, data: unknown, secret: string | null, over: object = {}) =>
    n.t.request({
      method: 'POST',
      url: `/api/v1/telegram/webhook/${channelId}`,
      headers: {
        'content-type': 'application/json',
        ...(secret === null ? {} : { 'x-telegram-bot-api-secret-token': secret }),
      },
      payload: { callback_query: { id: 'q1', data, from: { id: 42, username: 'alice' }, ...over } },
    })
  const telegram = async () => {
    const id = await n.channel('telegram', platformConfigs.telegram)
    return { id, secret: (await openedConfig(n.t, id)).webhook_secret ?? '' }
  }
  const answers = () => n.world.to('/answerCallbackQuery').map(({ json }) => json.text)

  it('Telegram: a press decides, is answered, and the message is edited', async () => {
    n = await notifying(start)
    const { id, secret } = await telegram()
    const approval = await asked()
    const answer = await telegramPress(id, `approve:${approval}`, secret)
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
    await n.settled()
    expect(await approvalOf(approval)).toMatchObject({
      status: 'approved',
      decided_by: 'telegram:alice',
      decided_via: 'telegram',
    })
    expect(answers()).toEqual(['Approved ✅'])
    expect(n.world.to('/editMessageText')).toHaveLength(1)
    expect((await telegramPress(id, `deny:${approval}`, secret)).statusCode).toBe(200)
    expect(answers()).toEqual(['Approved ✅', 'Already decided or not found.'])
    expect((await approvalOf(approval)).status).toBe('approved')
  })

  it('Telegram: who has no user name is known by number', async () => {
    n = await notifying(start)
    const { id, secret } = await telegram()
    const approval = await asked()
    await telegramPress(id, `deny:${approval}`, secret, { from: { id: 42 } })
    expect(await approvalOf(approval)).toMatchObject({ status: 'denied', decided_by: 'telegram:42' })
    expect(answers()).toEqual(['Denied ❌'])
  })

  it('Telegram: only the secret opens, and only to enabled Telegram channels', async () => {
    n = await notifying(start)
    const { id, secret } = await telegram()
    const webhook = await n.channel('webhook', platformConfigs.webhook)
    const approval = await asked()
    const press = async (channelId: string, given: string | null) => {
      const answer = await telegramPress(channelId, `approve:${approval}`, given)
      return [answer.statusCode, answer.body]
    }
    expect(await press(id, null)).toEqual([403, ''])
    expect(await press(id, 'wrong')).toEqual([403, ''])
    expect(await press(id, `${secret}x`)).toEqual([403, ''])
    expect(await press(id, '')).toEqual([403, ''])
    expect(await press(nowhere, secret)).toEqual([404, ''])
    expect(await press('not-a-uuid', secret)).toEqual([404, ''])
    expect(await press(webhook, secret)).toEqual([404, ''])
    await disable(id)
    expect(await press(id, secret)).toEqual([404, ''])
    expect((await approvalOf(approval)).status).toBe('pending')
  })

  it('Telegram: what is no press changes nothing', async () => {
    n = await notifying(start)
    const { id, secret } = await telegram()
    const approval = await asked()
    const post = async (payload: string | object) =>
      (
        await n.t.request({
          method: 'POST',
          url: `/api/v1/telegram/webhook/${id}`,
          headers: { 'x-telegram-bot-api-secret-token': secret, 'content-type': 'application/json' },
          payload,
        })
      ).statusCode
    for (const body of ['', 'not json', '[]', 'null', '{"message":{}}', { callback_query: null }]) {
      expect(await post(body)).toBe(200)
    }
    for (const data of [
      '',
      'approve',
      `approve:${approval}x`,
      `explode:${approval}`,
      'deny:1',
      7,
      null,
      { approve: approval },
    ])
      expect((await telegramPress(id, data, secret)).statusCode).toBe(200)
    expect([answers(), (await approvalOf(approval)).status]).toEqual([[], 'pending'])
  })

  it('Telegram: an approval this channel was never told of, or of another tenant, stays as it is', async () => {
    n = await notifying(start)
    const before = await n.ask()
    const { id, secret } = await telegram()
    await telegramPress(id, `approve:${before}`, secret)
    const approval = await asked()
    await misroute()
    await telegramPress(id, `approve:${approval}`, secret)
    expect(answers()).toEqual(['Approval expired or not found.', 'Approval expired or not found.'])
    expect([(await approvalOf(before)).status, (await approvalOf(approval)).status]).toEqual(['pending', 'pending'])
  })

  it('Telegram: a bot with two chats decides from both through its one address', async () => {
    n = await notifying(start)
    await n.channel('telegram', platformConfigs.telegram)
    const { id, secret } = await telegram()
    await n.t.server.database.db
      .updateTable('notification_channels')
      .set({ filters: JSON.stringify({ environments: ['staging'] }) })
      .where('id', '=', id)
      .execute()
    const approval = await asked()
    await telegramPress(id, `approve:${approval}`, secret)
    expect((await approvalOf(approval)).status).toBe('approved')
  })

  it('Telegram: that Telegram does not take the answer changes no decision', async () => {
    n = await notifying(start)
    const { id, secret } = await telegram()
    const approval = await asked()
    n.world.answerNext({ from: 'answerCallbackQuery', status: 400, body: { ok: false } })
    expect((await telegramPress(id, `approve:${approval}`, secret)).statusCode).toBe(200)
    expect((await approvalOf(approval)).status).toBe('approved')
  })

  // Slack

  const slackCall = (
    payload: unknown,
    over: { secret?: string; age?: number; headers?: Record<string, string> } = {},
  ) => {
    const { secret = SLACK_SECRET, age = 0, headers = {} } = over
    const body = typeof payload === 'string' ? payload : `payload=${encodeURIComponent(JSON.stringify(payload))}`
    const timestamp = String(Math.floor(n.t.clock.now() / 1000) - age)
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
    return n.t.request({
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

  it('Slack: a press decides and replaces the message, whose copy is updated too', async () => {
    n = await notifying(start)
    await n.channel('slack_app', platformConfigs.slack_app)
    const approval = await asked()
    const answer = await slackPress(`edictum_approve:${approval}`, {}, '<!channel>')
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        replace_original: true,
        blocks: [
          { type: 'header', text: { type: 'plain_text', text: 'Approval Approved', emoji: true } },
          { type: 'section', text: { type: 'mrkdwn', text: '✅ *APPROVED* by slack:&lt;!channel&gt;' } },
        ],
      },
    ])
    await n.settled()
    expect(await approvalOf(approval)).toMatchObject({ decided_by: 'slack:<!channel>', decided_via: 'slack' })
    expect(n.world.to('chat.update')).toHaveLength(1)
    const replay = await slackPress(`edictum_approve:${approval}`)
    expect(replay.json().blocks[0].text.text).toBe('⚠️ Already decided or not found.')
    const denied = await asked()
    const denial = await slackPress(`edictum_deny:${denied}`)
    expect(denial.json().blocks[1].text.text).toBe('❌ *DENIED* by slack:bob')
    expect((await approvalOf(denied)).status).toBe('denied')
  })

  it('Slack: a signature that is wrong, missing, old or for other bytes is refused', async () => {
    n = await notifying(start)
    const id = await n.channel('slack_app', platformConfigs.slack_app)
    const approval = await asked()
    const action = `edictum_approve:${approval}`
    const refused = async (over: Parameters<typeof slackCall>[1]) => (await slackPress(action, over)).statusCode
    expect(await refused({ secret: 'wrong' })).toBe(403)
    expect(await refused({ secret: '' })).toBe(403)
    expect(await refused({ age: 301 })).toBe(403)
    expect(await refused({ age: 600 })).toBe(403)
    expect(await refused({ age: -301 })).toBe(403)
    expect(await refused({ headers: { 'x-slack-signature': '' } })).toBe(403)
    expect(await refused({ headers: { 'x-slack-signature': 'v0=00' } })).toBe(403)
    expect(await refused({ headers: { 'x-slack-request-timestamp': '' } })).toBe(403)
    expect(await refused({ headers: { 'x-slack-request-timestamp': 'now' } })).toBe(403)
    expect(await refused({ headers: { 'x-slack-request-timestamp': '1e3' } })).toBe(403)
    expect((await approvalOf(approval)).status).toBe('pending')
    await disable(id)
    expect(await refused({})).toBe(403)
    expect((await approvalOf(approval)).status).toBe('pending')
  })

  it('Slack: nearly five minutes are not too old', async () => {
    n = await notifying(start)
    await n.channel('slack_app', platformConfigs.slack_app)
    const approval = await asked()
    expect((await slackPress(`edictum_approve:${approval}`, { age: 299 })).json().replace_original).toBe(true)
  })

  it('Slack: what is no press of ours is answered with nothing', async () => {
    n = await notifying(start)
    await n.channel('slack_app', platformConfigs.slack_app)
    for (const payload of [
      '',
      'payload=',
      'payload=%7B',
      'other=1',
      {},
      { actions: [] },
      { actions: [{ action_id: 'x:y' }] },
      null,
    ])
      expect(await slackCall(payload).then(({ statusCode, body }) => [payload, statusCode, body])).toEqual([
        payload,
        200,
        '',
      ])
    expect((await slackPress('edictum_approve:not-a-uuid')).body).toBe('')
  })

  it('Slack: an approval the channel was never told of is expired to it; another tenant’s is refused', async () => {
    n = await notifying(start)
    const before = await n.ask()
    await n.channel('slack_app', platformConfigs.slack_app)
    const unknown = await slackPress(`edictum_approve:${before}`)
    expect([unknown.statusCode, unknown.json().blocks[0].text.text]).toEqual([
      200,
      '⏰ *Approval expired or already handled.*',
    ])
    const approval = await asked()
    await misroute()
    expect((await slackPress(`edictum_approve:${approval}`)).statusCode).toBe(403)
    expect([(await approvalOf(before)).status, (await approvalOf(approval)).status]).toEqual(['pending', 'pending'])
  })

  it('Slack: another tenant’s app opens nothing here, and one app for two channels opens both', async () => {
    n = await notifying(start)
    await n.channel(
      'slack_app',
      { ...platformConfigs.slack_app, slack_channel: '#quiet' },
      { filters: { environments: ['staging'] } },
    )
    await n.channel('slack_app', platformConfigs.slack_app)
    const other = await n.t.otherTenant()
    await n.t.request({
      method: 'POST',
      url: '/api/v1/notifications/channels',
      headers: other,
      payload: {
        name: 'theirs',
        channel_type: 'slack_app',
        config: { ...platformConfigs.slack_app, signing_secret: 'theirs' },
      },
    })
    const approval = await asked()
    const foreign = await slackPress(`edictum_approve:${approval}`, { secret: 'theirs' })
    expect([foreign.statusCode, foreign.json().replace_original]).toEqual([200, true])
    expect((await approvalOf(approval)).status).toBe('pending')
    await slackPress(`edictum_approve:${approval}`)
    expect((await approvalOf(approval)).status).toBe('approved')
  })

  it('Slack: the manifest names this server', async () => {
    n = await notifying(start)
    const answer = await n.t.request({ method: 'GET', url: '/api/v1/slack/manifest' })
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      {
        _metadata: { major_version: 2, minor_version: 1 },
        display_information: {
          name: 'Edictum Approvals',
          description: 'Interactive approval buttons for Edictum agent governance.',
          background_color: '#1a1a2e',
        },
        features: { bot_user: { display_name: 'edictum', always_online: true } },
        oauth_config: { scopes: { bot: ['chat:write'] } },
        settings: {
          interactivity: { is_enabled: true, request_url: 'https://lictor.example.com/api/v1/slack/interactions' },
        },
      },
    ])
  })

  // Discord

  const keys = generateKeyPairSync('ed25519')
  const PUBLIC_KEY = publicBytesOf(keys.privateKey).toString('hex')
  const discordCall = (
    payload: unknown,
    over: { key?: typeof keys.privateKey; headers?: Record<string, string> } = {},
  ) => {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
    const timestamp = String(Math.floor(n.t.clock.now() / 1000))
    const signature = signBytes(over.key ?? keys.privateKey, Buffer.from(timestamp + body)).toString('hex')
    return n.t.request({
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

  it('Discord: a press decides and changes the message', async () => {
    n = await notifying(start)
    await n.channel('discord', discordConfig(PUBLIC_KEY))
    const approval = await asked()
    const approved = await discordPress(`edictum_approve:${approval}`)
    expect([approved.statusCode, approved.json()]).toEqual([
      200,
      {
        type: 7,
        data: {
          embeds: [{ title: 'Approval Approved', description: 'Approved by discord:carol\\_', color: 0x57f287 }],
          components: [],
        },
      },
    ])
    expect(await approvalOf(approval)).toMatchObject({ decided_by: 'discord:carol_', decided_via: 'discord' })
    const again = await discordPress(`edictum_deny:${approval}`)
    expect(again.json().data).toEqual({ embeds: [{ title: 'Already Decided', color: 0x99aab5 }], components: [] })
    const denied = await asked()
    const denial = await discordPress(`edictum_deny:${denied}`)
    expect(denial.json().data.embeds[0]).toMatchObject({ title: 'Approval Denied', color: 0xed4245 })
    await n.settled()
    expect(n.world.calls.filter(({ method }) => method === 'PATCH')).toHaveLength(2)
  })

  it('Discord: pings are answered, other things too; what is no JSON is refused', async () => {
    n = await notifying(start)
    await n.channel('discord', discordConfig('not hex'))
    await n.channel('discord', discordConfig(PUBLIC_KEY))
    const told = async (payload: unknown) => {
      const answer = await discordCall(payload)
      return [answer.statusCode, answer.json()]
    }
    expect(await told({ type: 1 })).toEqual([200, { type: 1 }])
    expect(await told({ type: 2 })).toEqual([200, { type: 1 }])
    expect((await told('no json'))[0]).toBe(400)
    for (const id of ['', 'edictum_approve', 'edictum_approve:1', 'edictum_explode:x', 7, null])
      expect((await discordPress(id)).json()).toEqual({ type: 1 })
  })

  it('Discord: a signature that is wrong, missing, malformed or of another key is refused', async () => {
    n = await notifying(start)
    const press = (over: Parameters<typeof discordCall>[1]) =>
      discordPress(`edictum_approve:${nowhere}`, over).then(({ statusCode }) => statusCode)
    expect(await press({})).toBe(401)
    const id = await n.channel('discord', discordConfig(PUBLIC_KEY))
    expect(await press({ key: generateKeyPairSync('ed25519').privateKey })).toBe(401)
    expect(await press({ headers: { 'x-signature-ed25519': '' } })).toBe(401)
    expect(await press({ headers: { 'x-signature-ed25519': 'zz'.repeat(64) } })).toBe(401)
    expect(await press({ headers: { 'x-signature-ed25519': '00' } })).toBe(401)
    expect(await press({ headers: { 'x-signature-timestamp': '' } })).toBe(401)
    expect(await press({ headers: { 'x-signature-timestamp': '1' } })).toBe(401)
    expect(await press({})).toBe(200)
    await disable(id)
    expect(await press({})).toBe(401)
  })

  it('Discord: an approval the channel was never told of, or of another tenant, is expired to it', async () => {
    n = await notifying(start)
    const before = await n.ask()
    await n.channel('discord', discordConfig(PUBLIC_KEY))
    const approval = await asked()
    await misroute()
    for (const id of [before, approval]) {
      const answer = await discordPress(`edictum_approve:${id}`)
      expect([answer.statusCode, answer.json()]).toEqual([
        200,
        { type: 7, data: { embeds: [{ title: 'Approval Expired', color: 0x99aab5 }], components: [] } },
      ])
      expect((await approvalOf(id)).status).toBe('pending')
    }
  })

  // All together

  it('dashboard and three chats press at once: exactly one wins, and every chat shows it', async () => {
    n = await notifying(start)
    const chat = await telegram()
    await n.channel('slack_app', platformConfigs.slack_app)
    await n.channel('discord', discordConfig(PUBLIC_KEY))
    const approval = await asked()
    const [dashboard, , slack, discord] = await Promise.all([
      n.decide(approval, false),
      telegramPress(chat.id, `approve:${approval}`, chat.secret),
      slackPress(`edictum_approve:${approval}`),
      discordPress(`edictum_deny:${approval}`),
    ])
    await n.settled()
    const wins = [
      dashboard === 200,
      answers()[0]?.startsWith('Approved') === true,
      slack.json().blocks.length === 2,
      discord.json().data.embeds[0].title === 'Approval Denied',
    ]
    expect(wins.filter(Boolean)).toHaveLength(1)
    const via = ['console', 'telegram', 'slack', 'discord'][wins.indexOf(true)]
    const row = await approvalOf(approval)
    expect(row.decided_via).toBe(via)
    const shown = row.status === 'approved' ? 'Approved' : 'Denied'
    expect(n.world.to('/editMessageText').map(({ json }) => json.text)).toEqual([expect.stringContaining(shown)])
    expect(n.world.to('chat.update').map(({ json }) => json.blocks[0].text.text)).toEqual([`Request ${shown}`])
    expect(n.world.calls.filter(({ method }) => method === 'PATCH').map(({ json }) => json.embeds[0].title)).toEqual([
      `Request ${shown}`,
    ])
  })

  it('a press after the time has run out decides nothing', async () => {
    n = await notifying(start)
    await n.channel('slack_app', platformConfigs.slack_app)
    const approval = await n.ask({ timeout: 60 })
    await n.settled()
    n.t.clock.set(n.t.clock.now() + 60_000)
    const answer = await slackPress(`edictum_approve:${approval}`)
    expect(answer.json().blocks[0].text.text).toBe('⚠️ Already decided or not found.')
    expect((await approvalOf(approval)).status).not.toBe('approved')
  })

  it('a name from a platform is stored without what cannot be shown', async () => {
    n = await notifying(start)
    await n.channel('slack_app', platformConfigs.slack_app)
    const approval = await asked()
    expect(
      (await slackPress(`edictum_approve:${approval}`, {}, `a\u0000b\r\n\u202e${'x'.repeat(500)}`)).statusCode,
    ).toBe(200)
    expect((await approvalOf(approval)).decided_by).toBe(`slack:ab${'x'.repeat(198)}`)
  })
})
