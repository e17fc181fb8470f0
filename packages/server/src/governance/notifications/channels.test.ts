import { afterEach, expect, it } from 'vitest'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying, openedConfig } from '../../../test/notifying.ts'
import { discordConfig, platformConfigs } from '../../../test/platforms.ts'
import { MailFailed } from '../../ports/mail.ts'

type Headers = Record<string, string>
const URL = '/api/v1/notifications/channels'
const nowhere = '00000000-0000-4000-8000-000000000000'
const email = {
  smtp_host: 'smtp.example.com',
  smtp_port: 587,
  smtp_user: 'ops',
  smtp_password: 'smtp-password',
  from_address: 'lictor@example.com',
  to_addresses: 'a@example.com, b@example.com',
}

onEachDatabase('notification channels', (start) => {
  let n: Notifying
  afterEach(() => n.close())

  const call = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, headers: Headers, payload?: object) => {
    const answer = await n.t.request({ method, url, headers, ...(payload ? { payload } : {}) })
    return [answer.statusCode, answer.body === '' ? null : answer.json()]
  }
  const create = (payload: object, headers = n.admin) => call('POST', URL, headers, payload)
  const put = (id: string, payload: object, headers = n.admin) => call('PUT', `${URL}/${id}`, headers, payload)
  const test = (id: string, headers = n.admin) => call('POST', `${URL}/${id}/test`, headers)
  const stored = (id: string) => openedConfig(n.t, id)

  it('a channel is created with its secrets sealed and masked', async () => {
    n = await notifying(start)
    const [status, body] = await create({
      name: 'Ops Telegram',
      channel_type: 'telegram',
      config: { bot_token: '123456:ABC-DEFGH', chat_id: -100, extra: 'kept' },
      filters: { environments: ['production'] },
    })
    expect([status, body]).toEqual([
      201,
      {
        id: expect.any(String),
        name: 'Ops Telegram',
        channel_type: 'telegram',
        config: {
          bot_token: '1234••••EFGH',
          chat_id: -100,
          extra: 'kept',
          webhook_secret: expect.stringMatching(/^[\w-]{4}••••[\w-]{4}$/),
        },
        enabled: true,
        filters: { environments: ['production'], agent_patterns: null, contract_names: null },
        created_at: '2026-03-01T12:00:00Z',
        last_test_at: null,
        last_test_ok: null,
        delivery: { waiting: 0, waiting_since: null, failed: 0, last_error: null },
      },
    ])
    expect(await call('GET', URL, n.admin)).toEqual([200, [body]])
    const row = await n.t.server.database.db.selectFrom('notification_channels').selectAll().executeTakeFirstOrThrow()
    expect(Buffer.from(row.config_sealed).toString('latin1')).not.toContain('ABC-DEF')
    expect((await stored(body.id)).webhook_secret).toMatch(/^[\w-]{43}$/)
  })

  it('the list is newest first', async () => {
    n = await notifying(start)
    for (const name of ['a', 'b', 'c']) await create({ name, channel_type: 'webhook', config: platformConfigs.webhook })
    const [, list] = await call('GET', URL, n.admin)
    expect(list.map(({ name, filters }: { name: string; filters: null }) => [name, filters])).toEqual([
      ['c', null],
      ['b', null],
      ['a', null],
    ])
  })

  it.each([
    [{ channel_type: 'telegram', config: {} }, 'Missing required config keys for telegram: bot_token, chat_id'],
    [
      { channel_type: 'discord', config: { bot_token: 'x' } },
      'Missing required config keys for discord: public_key, discord_channel_id',
    ],
    [
      { channel_type: 'email', config: { smtp_host: 'x' } },
      'Missing required config keys for email: smtp_port, smtp_user, smtp_password, from_address, to_addresses',
    ],
    [{ channel_type: 'webhook', config: { url: '' } }, 'Invalid url: URL cannot be empty'],
    [
      { channel_type: 'webhook', config: { url: 'ftp://example.com' } },
      "Invalid url: URL scheme 'ftp' not allowed. Only HTTP/HTTPS are permitted.",
    ],
    [
      { channel_type: 'slack', config: { webhook_url: 'http://10.0.0.5/' } },
      'Invalid webhook_url: URL resolves to blocked address 10.0.0.5 (network 10.0.0.0/8). Name a host outside private and local networks.',
    ],
  ])('%j is refused', async (channel, detail) => {
    n = await notifying(start)
    expect(await create({ name: 'x', ...channel })).toEqual([422, { detail }])
  })

  it('names, types and shapes outside the limits are refused', async () => {
    n = await notifying(start)
    const good = { name: 'x', channel_type: 'webhook', config: platformConfigs.webhook }
    for (const over of [
      { name: '' },
      { name: 'x'.repeat(101) },
      { channel_type: 'pager' },
      { config: 'text' },
      { filters: { environments: 'production' } },
      { filters: { agent_patterns: [1] } },
    ])
      expect([over, (await create({ ...good, ...over }))[0]]).toEqual([over, 422])
    expect((await create({ ...good, name: 'x'.repeat(100) }))[0]).toBe(201)
  })

  it('a change replaces what it names and keeps the rest; a mask keeps the secret', async () => {
    n = await notifying(start)
    const [, channel] = await create({
      name: 'chat',
      channel_type: 'telegram',
      config: platformConfigs.telegram,
      filters: { agent_patterns: ['prod-*'] },
    })
    const before = await stored(channel.id)
    expect(await put(channel.id, { name: 'renamed', enabled: false })).toEqual([
      200,
      { ...channel, name: 'renamed', enabled: false },
    ])
    expect(await put(channel.id, { config: { ...channel.config, chat_id: '-2002' }, filters: null })).toEqual([
      200,
      { ...channel, name: 'renamed', enabled: false, filters: null, config: { ...channel.config, chat_id: '-2002' } },
    ])
    expect(await stored(channel.id)).toEqual({ ...before, chat_id: '-2002' })
    const replaced = { bot_token: '999999:another-token', chat_id: '-3' }
    await put(channel.id, { config: replaced })
    expect(await stored(channel.id)).toEqual({ ...replaced, webhook_secret: before.webhook_secret })
    expect((await put(channel.id, { config: { chat_id: '-3' } }))[1]).toEqual({
      detail: 'Missing required config keys for telegram: bot_token',
    })
  })

  it('a masked webhook address is judged and kept as the address behind it', async () => {
    n = await notifying(start)
    const [, channel] = await create({ name: 's', channel_type: 'slack', config: platformConfigs.slack })
    expect(channel.config.webhook_url).toBe('http••••part')
    expect((await put(channel.id, { config: channel.config }))[0]).toBe(200)
    expect(await stored(channel.id)).toEqual(platformConfigs.slack)
  })

  it('what is deleted is gone, with what was still to be delivered', async () => {
    n = await notifying(start)
    const id = await n.channel('webhook', platformConfigs.webhook)
    n.world.answerNext({ status: 503 })
    await n.ask()
    await n.settled()
    expect(await call('DELETE', `${URL}/${id}`, n.admin)).toEqual([204, null])
    expect(await call('DELETE', `${URL}/${id}`, n.admin)).toEqual([404, { detail: 'Notification channel not found.' }])
    await n.pass(60_000)
    expect(n.world.calls).toHaveLength(1)
    expect(await n.t.server.database.db.selectFrom('notification_deliveries').selectAll().execute()).toEqual([])
  })

  it('no other tenant sees, changes, tests or deletes a channel', async () => {
    n = await notifying(start)
    const id = await n.channel('webhook', platformConfigs.webhook)
    const other = await n.t.otherTenant()
    expect(await call('GET', URL, other)).toEqual([200, []])
    const missing = [404, { detail: 'Notification channel not found.' }]
    expect(await put(id, { name: 'mine' }, other)).toEqual(missing)
    expect(await call('DELETE', `${URL}/${id}`, other)).toEqual(missing)
    expect(await test(id, other)).toEqual([404, { detail: 'Channel not found' }])
    expect(await put(nowhere, { name: 'x' })).toEqual(missing)
    expect((await put('not-a-uuid', { name: 'x' }))[0]).toBe(422)
    expect(n.world.calls).toEqual([])
  })

  it('who is no administrator reads and does not change', async () => {
    n = await notifying(start)
    const id = await n.channel('webhook', platformConfigs.webhook)
    await n.t.server.database.db.updateTable('members').set({ role: 'member' }).execute()
    expect((await call('GET', URL, n.admin))[0]).toBe(200)
    const refused = [403, { detail: 'Admin access required.' }]
    expect(await create({ name: 'x', channel_type: 'webhook', config: {} })).toEqual(refused)
    expect(await put(id, {})).toEqual(refused)
    expect(await call('DELETE', `${URL}/${id}`, n.admin)).toEqual(refused)
    expect(await test(id)).toEqual(refused)
    expect((await call('GET', URL, n.agent))[0]).toBe(401)
  })

  it.each([
    [
      'telegram',
      platformConfigs.telegram,
      'Telegram message sent successfully.',
      'api.telegram.org/bot123456:telegram-token/sendMessage',
    ],
    [
      'slack',
      platformConfigs.slack,
      'Slack message sent successfully.',
      'hooks.slack.com/services/T000/B000/secret-part',
    ],
    ['slack_app', platformConfigs.slack_app, 'Slack App message sent successfully.', 'slack.com/api/chat.postMessage'],
    ['discord', discordConfig('00'), 'Discord message sent successfully.', 'discord.com/api/v10/channels/777/messages'],
    ['webhook', platformConfigs.webhook, 'Webhook delivered successfully.', 'example.com/hook'],
  ])('the test of a %s channel really sends', async (type, config, message, target) => {
    n = await notifying(start, { LICTOR_BASE_URL: 'http://lictor.example.com' })
    const id = await n.channel(type, config)
    expect(await test(id)).toEqual([200, { success: true, message }])
    expect(n.world.calls.map((call) => call.target)).toEqual([target])
    expect(n.world.calls[0]?.raw).toContain('Edictum test notification — channel is working.')
    expect((await call('GET', URL, n.admin))[1][0]).toMatchObject({
      last_test_at: '2026-03-01T12:00:00Z',
      last_test_ok: true,
    })
    expect(n.world.calls[0]?.headers['x-edictum-signature']).toBeUndefined()
  })

  it('the test of an email channel really sends', async () => {
    n = await notifying(start)
    const id = await n.channel('email', email)
    expect(await test(id)).toEqual([200, { success: true, message: 'Email sent successfully.' }])
    expect(n.mails).toEqual([
      {
        server: { host: 'smtp.example.com', port: 587, user: 'ops', password: 'smtp-password' },
        message: expect.objectContaining({
          subject: '[Edictum] Test Notification',
          from: 'lictor@example.com',
          to: ['a@example.com', 'b@example.com'],
        }),
      },
    ])
  })

  it('a test that fails says why, and tells no secret', async () => {
    n = await notifying(start, { LICTOR_BASE_URL: 'http://lictor.example.com' })
    const webhook = await n.channel('webhook', platformConfigs.webhook)
    const app = await n.channel('slack_app', platformConfigs.slack_app)
    const mail = await n.channel('email', email)
    const injected = await n.channel('discord', { ...discordConfig('00'), bot_token: 'x\r\nx-injected: 1' })
    n.world.answerNext(
      { status: 403, body: 'f'.repeat(300) },
      { status: 302, headers: { location: 'http://169.254.169.254/' }, body: '' },
      { hangUp: true },
      { body: { ok: false, error: 'missing_scope', needed: 'chat:write' } },
    )
    n.failMails(new MailFailed('Invalid login: 535', { isPermanent: true }))
    const told = async (id: string) => (await test(id))[1]
    expect(await told(webhook)).toEqual({ success: false, message: `HTTP 403: ${'f'.repeat(200)}` })
    expect(await told(webhook)).toEqual({ success: false, message: 'HTTP 302: ' })
    expect(await told(webhook)).toEqual({ success: false, message: 'Connection error: socket hang up' })
    expect(await told(app)).toEqual({
      success: false,
      message: "Slack API error: missing_scope (add 'chat:write' scope in OAuth & Permissions, then reinstall the app)",
    })
    expect(await told(mail)).toEqual({ success: false, message: 'Connection error: Invalid login: 535' })
    const { success, message } = await told(injected)
    expect([success, message]).toEqual([false, expect.stringMatching(/^Connection error: Invalid character in header/)])
    expect((await call('GET', URL, n.admin))[1].map((c: { last_test_ok: boolean }) => c.last_test_ok)).toEqual(
      Array(4).fill(false),
    )
  })

  it('a configuration sealed under another key shows empty and can be entered again', async () => {
    n = await notifying(start)
    const id = await n.channel('webhook', platformConfigs.webhook)
    await n.t.server.database.db
      .updateTable('notification_channels')
      .set({ config_sealed: Buffer.alloc(80) })
      .execute()
    expect((await call('GET', URL, n.admin))[1][0].config).toEqual({})
    expect((await test(id))[1]).toMatchObject({ success: false })
    expect((await put(id, { config: platformConfigs.webhook }))[1].config.url).toBe('https://example.com/hook')
    expect((await test(id))[1]).toMatchObject({ success: true })
  })

  it('Telegram is told where button presses go, when that is reachable, once', async () => {
    n = await notifying(start)
    const id = await n.channel('telegram', platformConfigs.telegram)
    const { webhook_secret } = await stored(id)
    const registration = {
      url: `https://lictor.example.com/api/v1/telegram/webhook/${id}`,
      secret_token: webhook_secret,
      allowed_updates: ['callback_query'],
      drop_pending_updates: true,
    }
    expect(n.world.to('/setWebhook').map((call) => call.json)).toEqual([registration])
    await n.t.restart()
    await n.t.listen()
    await n.settled()
    expect(n.world.to('/setWebhook')).toHaveLength(1)
    await put(id, { config: platformConfigs.telegram })
    await n.settled()
    expect(n.world.to('/setWebhook').map((call) => call.json)).toEqual([registration, registration])
  })
})
