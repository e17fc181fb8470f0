import { afterEach, expect, it } from 'vitest'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying } from '../../../test/notifying.ts'
import { discordConfig, platformConfigs } from '../../../test/platforms.ts'
import { until } from '../../../test/runtime.ts'
import { systemRandom } from '../../adapters/random/system.ts'
import { createCourier } from '../../changes/outbox/courier.ts'
import { createOutboxStore } from '../../changes/outbox/store.ts'
import { microsOf } from '../../storage/instants.ts'
import { DeliveryFailed } from '../channel-kinds/channel.ts'
import { failureOf } from './deliver.ts'

onEachDatabase('delivery of notifications', (start) => {
  let n: Notifying
  afterEach(() => n.close())

  const rows = () => n.t.server.database.db.selectFrom('notification_deliveries').selectAll().orderBy('seq').execute()
  const outcomes = async () => (await rows()).map(({ kind, status, attempts }) => [kind, status, attempts])

  it('what fails is tried again with growing pauses until it is taken, under one key', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    n.world.answerNext({ status: 500 }, { hangUp: true }, { status: 503 })
    await n.ask()
    await n.settled()
    expect(n.world.calls).toHaveLength(1)
    await n.pass(4_999)
    expect(n.world.calls).toHaveLength(1)
    await n.pass(1)
    expect(n.world.calls).toHaveLength(2)
    await n.pass(9_999)
    expect(n.world.calls).toHaveLength(2)
    await n.pass(5_001)
    expect(n.world.calls).toHaveLength(3)
    await n.pass(20_000)
    expect(await outcomes()).toEqual([['requested', 'sent', 4]])
    await n.pass(600_000)
    expect(n.world.to('example.com')).toHaveLength(4)
    expect(new Set(n.world.calls.map(({ headers, raw }) => `${headers['idempotency-key']} ${raw}`)).size).toBe(1)
  })

  it('people are reminded once before a time-out, whatever server looks, and programs are not', async () => {
    n = await notifying(start)
    await n.t.listen()
    for (const type of ['webhook', 'slack', 'telegram', 'slack_app'] as const)
      await n.channel(type, platformConfigs[type])
    await n.channel('discord', discordConfig('00'))
    await n.channel('email', {
      smtp_host: 'smtp.example.com',
      smtp_port: 587,
      smtp_user: 'u',
      smtp_password: 'p',
      from_address: 'lictor@example.com',
      to_addresses: ['ops@example.com'],
    })
    const id = await n.ask()
    const decided = await n.ask()
    await n.settled()
    const reminded = async () =>
      (await rows()).filter(({ kind }) => kind === 'reminded').map((row) => [row.approval_id, row.status])
    await n.pass(260_000)
    expect(await reminded()).toEqual([])
    await n.decide(decided)
    await n.settled()
    const before = n.world.calls.length
    await n.pass(20_000)
    // A look that was under way while the clock moved comes again only when it moves on; the call has 20 seconds left.
    let left = 8
    await until(async () => {
      if (left-- > 0) await n.pass(1_000)
      return (await reminded()).filter(([, status]) => status === 'sent').length === 5
    })
    expect(await reminded()).toEqual(Array(5).fill([id, 'sent']))
    const told = [...n.world.calls.slice(before).map(({ raw }) => raw), n.mails.at(-1)?.message.text]
    expect(told).toHaveLength(5)
    for (const text of told) expect(text).toContain('delete')
    // Another server, and one that starts again, looks at the same.
    await n.t.restart()
    await n.t.listen()
    await n.pass(9_000)
    await n.settled()
    expect(await reminded()).toHaveLength(5)
    expect(await n.statusOf(id)).toBe('pending')
  })

  it('a channel that fails says so: what waits, since when, what was given up, and the last error', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    await n.channel('slack', platformConfigs.slack)
    const headers = await n.t.admin()
    const fares = async (type: string) => {
      const answer = await n.t.request({ method: 'GET', url: '/api/v1/notifications/channels', headers })
      return (answer.json() as { channel_type: string; delivery: object }[]).find((one) => one.channel_type === type)
        ?.delivery
    }
    const nothing = { waiting: 0, waiting_since: null, failed: 0, last_error: null }
    expect([await fares('webhook'), await fares('slack')]).toEqual([nothing, nothing])
    n.world.answerNext({ from: 'example.com', status: 500 }, { from: 'example.com', status: 500 })
    await n.ask()
    await n.settled()
    expect(await fares('slack')).toEqual(nothing)
    expect(await fares('webhook')).toMatchObject({
      waiting: 1,
      waiting_since: expect.stringMatching(/^2026-03-01T12:00/),
      failed: 0,
      last_error: expect.stringContaining('500'),
    })
    const [webhook] = await n.t.server.database.db
      .selectFrom('notification_channels')
      .select('id')
      .where('channel_type', '=', 'webhook')
      .execute()
    const url = `/api/v1/notifications/channels/${webhook?.id}`
    await n.t.request({ method: 'PUT', url, headers, payload: { enabled: false } })
    for (let minutes = 0; minutes < 30; minutes += 5) await n.pass(300_000)
    expect(await fares('webhook')).toMatchObject({
      waiting: 0,
      failed: 1,
      last_error: expect.stringContaining('disabled'),
    })
  })

  it('a platform that asks for patience gets it, for the whole channel', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    await n.channel('slack', platformConfigs.slack)
    n.world.answerNext({ from: 'example.com', status: 429, headers: { 'retry-after': '120' } })
    const release = n.world.hold()
    await n.ask({ message: 'first' })
    await n.ask({ message: 'second' })
    release()
    await n.settled()
    expect([n.world.to('example.com').length, n.world.to('hooks.slack.com').length]).toEqual([1, 2])
    await n.pass(119_000)
    expect(n.world.to('example.com')).toHaveLength(1)
    await n.pass(6_000)
    expect(n.world.to('example.com').map(({ json }) => json.message)).toEqual(['first', 'first', 'second'])
  })

  it('the pause that Telegram and Discord write into the body is kept too', async () => {
    n = await notifying(start, { LICTOR_BASE_URL: 'http://lictor.example.com' })
    await n.channel('telegram', platformConfigs.telegram)
    n.world.answerNext({ status: 429, body: { ok: false, parameters: { retry_after: 60 } } })
    await n.ask()
    await n.settled()
    await n.pass(59_000)
    expect(n.world.calls).toHaveLength(1)
    await n.pass(6_000)
    expect(n.world.calls).toHaveLength(2)
  })

  it('an approval and its notification are written together or not at all', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    await n.t.server.database.db.schema.alterTable('notification_deliveries').renameTo('away').execute()
    const answer = await n.t.request({
      method: 'POST',
      url: '/api/v1/approvals',
      headers: n.agent,
      payload: { agent_id: 'a', tool_name: 't', message: 'm' },
    })
    await n.t.server.database.db.schema
      .alterTable('away' as never)
      .renameTo('notification_deliveries')
      .execute()
    expect(answer.statusCode).toBe(500)
    expect(await n.t.server.database.db.selectFrom('approvals').selectAll().execute()).toEqual([])
  })

  it('what was not delivered before a restart is delivered after it, once', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    n.world.answerNext({ status: 503 })
    await n.ask()
    await n.settled()
    await n.t.restart()
    n.t.clock.set(n.t.clock.now() + 5_000)
    await n.t.listen()
    await n.settled()
    expect(await outcomes()).toEqual([['requested', 'sent', 2]])
    await n.t.restart()
    await n.t.listen()
    await n.pass(600_000)
    expect(n.world.calls).toHaveLength(2)
  })

  it('a server that stops finishes what is on its way: it is not sent again', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    const release = n.world.hold()
    await n.ask()
    while (n.world.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const restarted = n.t.restart()
    release()
    await restarted
    await n.t.listen()
    await n.pass(600_000)
    expect([n.world.calls.length, await outcomes()]).toEqual([1, [['requested', 'sent', 1]]])
  })

  it('what a server held when it died is taken over once its time is up', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    n.world.answerNext({ status: 503 })
    await n.ask()
    await n.settled()
    await n.t.server.database.db
      .updateTable('notification_deliveries')
      .set({ claim: 'a server that died', due_at: microsOf(n.t.clock.now() + 120_000) })
      .execute()
    await n.t.clock.advance(119_000)
    expect(n.world.calls).toHaveLength(1)
    await n.pass(6_000)
    expect(await outcomes()).toEqual([['requested', 'sent', 2]])
  })

  it('a decision is told after the request it is about, also when the request was late', async () => {
    n = await notifying(start, { LICTOR_BASE_URL: 'http://lictor.example.com' })
    await n.channel('telegram', platformConfigs.telegram)
    n.world.answerNext({ status: 502 })
    const id = await n.ask()
    await n.settled()
    await n.decide(id)
    await n.t.clock.advance(0)
    expect(n.world.calls).toHaveLength(1)
    await n.pass(5_000)
    expect(n.world.calls.map(({ target }) => target.split('/').at(-1))).toEqual([
      'sendMessage',
      'sendMessage',
      'editMessageText',
    ])
  })

  it('a refusal for good is tried five times and then left, and the decision goes its way', async () => {
    n = await notifying(start)
    await n.channel('slack_app', { ...platformConfigs.slack_app, bot_token: 'revoked' })
    const id = await n.ask({ timeout: 3_600 })
    for (let turn = 0; turn < 40; turn++) await n.pass(5_000)
    expect(await outcomes()).toEqual([['requested', 'failed', 5]])
    expect((await rows())[0]?.last_error).toBe('Slack API error: invalid_auth')
    await n.decide(id)
    await n.settled()
    expect(n.world.calls.at(-1)?.json.text).toContain('approved')
  })

  it('an outage is waited out for a day, not longer', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    n.world.answerNext({ status: 503 }, { status: 503 }, { status: 503 })
    await n.ask({ timeout: 86_400 })
    await n.settled()
    n.t.clock.set(n.t.clock.now() + 86_390_000)
    await n.pass(5_000)
    expect(await outcomes()).toEqual([['requested', 'waiting', 2]])
    await n.pass(15_000)
    expect([await outcomes(), (await rows())[0]?.last_error]).toEqual([[['requested', 'failed', 3]], 'HTTP 503: {}'])
  })

  it('one channel that hangs holds up no other', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    await n.channel('slack', platformConfigs.slack)
    n.world.answerNext({ status: 200 })
    const release = n.world.hold()
    await n.ask({ message: 'one' })
    await n.ask({ message: 'two' })
    await n.ask({ message: 'three' })
    while (n.world.calls.length < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(n.world.calls.map(({ target }) => target.split('/')[0]).sort()).toEqual(['example.com', 'hooks.slack.com'])
    release()
    await n.settled()
    expect(n.world.calls).toHaveLength(6)
  })

  it('an email is retried like everything else', async () => {
    n = await notifying(start)
    await n.channel('email', {
      smtp_host: 'smtp.example.com',
      smtp_port: 587,
      smtp_user: '',
      smtp_password: '',
      from_address: 'a@example.com',
      to_addresses: 'b@example.com',
    })
    n.failMails(new Error('connect ECONNREFUSED'))
    await n.ask()
    await n.settled()
    expect(n.mails).toHaveLength(0)
    await n.pass(5_000)
    expect(n.mails).toHaveLength(1)
  })

  it('many servers: each delivery is made by exactly one', async () => {
    n = await notifying(start)
    const { database } = n.t.server
    const store = createOutboxStore(database)
    const now = microsOf(n.t.clock.now())
    await store.enqueue(
      Array.from({ length: 60 }, (_, index) => ({
        id: `delivery-${index}`,
        tenantId: 'tenant',
        channelId: `channel-${index % 7}`,
        approvalId: `approval-${index}`,
        kind: 'requested' as const,
        createdAt: now,
      })),
      database.db,
    )
    const made: string[] = []
    let claims = 0
    const servers = Array.from({ length: 5 }, () =>
      createCourier({
        store,
        clock: n.t.clock,
        random: { ...systemRandom, uuid: () => `claim-${++claims}` },
        deliver: async ({ id }) => {
          made.push(id)
          await new Promise((resolve) => setImmediate(resolve))
          return null
        },
        failureOf,
        onGivenUp: () => {},
        onError: (error) => {
          throw error
        },
      }),
    )
    for (const server of servers) server.wake()
    await Promise.all(servers.map((server) => server.idle()))
    expect(made.length).toBe(60)
    expect(new Set(made).size).toBe(60)
    expect((await rows()).map(({ status }) => status)).toEqual(Array(60).fill('sent'))
  })

  it('a database that is away after the message was taken costs no second message', async () => {
    n = await notifying(start)
    const { database } = n.t.server
    const store = createOutboxStore(database)
    const now = microsOf(n.t.clock.now())
    const delivery = {
      id: 'd',
      tenantId: 't',
      channelId: 'c',
      approvalId: 'a',
      kind: 'requested' as const,
      createdAt: now,
    }
    await store.enqueue([delivery], database.db)
    let sends = 0
    let isAway = true
    const errors: string[] = []
    const server = createCourier({
      store: {
        ...store,
        sent: async (...report) => {
          if (isAway) throw new Error('database away')
          return store.sent(...report)
        },
      },
      clock: n.t.clock,
      random: { ...systemRandom, uuid: () => 'claim' },
      deliver: async () => {
        sends += 1
        return { message: 1 }
      },
      failureOf,
      onGivenUp: () => {},
      onError: (error) => errors.push((error as Error).message),
    })
    server.wake()
    await server.idle()
    expect([sends, errors]).toEqual([1, ['database away']])
    isAway = false
    server.wake()
    await server.idle()
    expect([sends, await outcomes()]).toEqual([1, [['requested', 'sent', 1]]])
    expect((await store.findRouted(['c'], 'a'))?.reference).toEqual({ message: 1 })
  })

  it('a server whose claim ran out no longer speaks for the delivery', async () => {
    n = await notifying(start)
    const { database } = n.t.server
    const store = createOutboxStore(database)
    await store.enqueue(
      [{ id: 'd', tenantId: 't', channelId: 'c', approvalId: 'a', kind: 'requested', createdAt: 0 }],
      database.db,
    )
    const slow = await store.claim(1, 100, 'slow', [])
    const fast = await store.claim(100, 200, 'fast', [])
    expect([slow?.attempts, fast?.attempts]).toEqual([1, 2])
    if (!slow || !fast) throw new Error('both claimed it')
    await store.fail(slow, new DeliveryFailed('too late', { isPermanent: true }).message)
    expect(await outcomes()).toEqual([['requested', 'waiting', 2]])
    await store.sent(fast, null)
    expect(await outcomes()).toEqual([['requested', 'sent', 2]])
  })

  it('what was delivered is forgotten after eight days, what waits is not', async () => {
    n = await notifying(start)
    const id = await n.channel('webhook', platformConfigs.webhook)
    await n.ask()
    await n.settled()
    const { db } = n.t.server.database
    await db.updateTable('notification_deliveries').set({ created_at: 0 }).execute()
    // Due in a while, from the moment it stands there: the courier may wake at any time.
    await db.transaction().execute(async (within) => {
      await createOutboxStore(n.t.server.database).enqueue(
        [{ id: 'w', tenantId: 't', channelId: id, approvalId: 'w', kind: 'requested', createdAt: 0 }],
        within,
      )
      const due_at = microsOf(n.t.clock.now() + 3_600_000)
      await within.updateTable('notification_deliveries').set({ due_at }).where('id', '=', 'w').execute()
    })
    await createOutboxStore(n.t.server.database).purge(1)
    expect(await outcomes()).toEqual([['requested', 'waiting', 0]])
    await db.deleteFrom('notification_deliveries').execute()
  })
})
