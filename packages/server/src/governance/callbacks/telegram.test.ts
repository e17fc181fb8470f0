import { afterEach, expect, it } from 'vitest'
import { chatPresses } from '../../../test/chat-presses.ts'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying } from '../../../test/notifying.ts'
import { platformConfigs } from '../../../test/platforms.ts'

const nowhere = '00000000-0000-4000-8000-000000000000'

onEachDatabase('buttons pressed in Telegram', (start) => {
  let n: Notifying
  afterEach(() => n.close())
  const { approvalOf, disable, asked, misroute, telegramPress, telegram, answers } = chatPresses(() => n)

  it('a press decides, is answered, and the message is edited', async () => {
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

  it('who has no user name is known by number', async () => {
    n = await notifying(start)
    const { id, secret } = await telegram()
    const approval = await asked()
    await telegramPress(id, `deny:${approval}`, secret, { from: { id: 42 } })
    expect(await approvalOf(approval)).toMatchObject({ status: 'denied', decided_by: 'telegram:42' })
    expect(answers()).toEqual(['Denied ❌'])
  })

  it('only the secret opens, and only to enabled Telegram channels', async () => {
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

  it('what is no press changes nothing', async () => {
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

  it('an approval this channel was never told of, or of another tenant, stays as it is', async () => {
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

  it('a bot with two chats decides from both through its one address', async () => {
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

  it('that Telegram does not take the answer changes no decision', async () => {
    n = await notifying(start)
    const { id, secret } = await telegram()
    const approval = await asked()
    n.world.answerNext({ from: 'answerCallbackQuery', status: 400, body: { ok: false } })
    expect((await telegramPress(id, `approve:${approval}`, secret)).statusCode).toBe(200)
    expect((await approvalOf(approval)).status).toBe('approved')
  })
})
