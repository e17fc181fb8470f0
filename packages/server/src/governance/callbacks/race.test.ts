import { afterEach, expect, it } from 'vitest'
import { chatPresses } from '../../../test/chat-presses.ts'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying } from '../../../test/notifying.ts'
import { discordConfig, platformConfigs } from '../../../test/platforms.ts'

onEachDatabase('buttons pressed in several chats', (start) => {
  let n: Notifying
  afterEach(() => n.close())
  const { approvalOf, asked, telegramPress, telegram, answers, slackPress, discordPress, PUBLIC_KEY } = chatPresses(
    () => n,
  )

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
