import { afterEach, expect, it } from 'vitest'
import { chatPresses } from '../../../test/chat-presses.ts'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying } from '../../../test/notifying.ts'
import { discordConfig, platformConfigs } from '../../../test/platforms.ts'

const PUBLIC_ADDRESS = 'https://lictor.example.com/below'
const email = {
  smtp_host: 'smtp.example.com',
  smtp_port: 587,
  smtp_user: 'u',
  smtp_password: 'p',
  from_address: 'lictor@example.com',
  to_addresses: 'ann@example.com',
}

onEachDatabase('messages about approvals', (start) => {
  let n: Notifying
  afterEach(() => n.close())
  const { approvalOf, asked, telegramPress, telegram, answers, slackPress, discordPress, PUBLIC_KEY } = chatPresses(
    () => n,
  )

  it('hold links to the public address alone, and whoever opens each of them, twice, decides nothing', async () => {
    n = await notifying(start, { LICTOR_BASE_URL: `${PUBLIC_ADDRESS}/` })
    await n.channel('telegram', platformConfigs.telegram)
    for (const kind of ['slack', 'slack_app', 'webhook'] as const) await n.channel(kind, platformConfigs[kind])
    await n.channel('discord', discordConfig(PUBLIC_KEY))
    await n.channel('email', email)
    const approval = await asked()
    const sent = [...n.world.calls.map(({ json }) => json), ...n.mails].map((one) => JSON.stringify(one)).join('\n')
    const links = [...new Set(sent.match(/https?:\/\/[^\s"'<>\\|)]+/g))].filter((link) => !/hooks|smtp/.test(link))
    const own = links.filter((link) => link.includes('lictor'))
    expect(own.length).toBeGreaterThan(0)
    expect(links.filter((link) => !link.startsWith(`${PUBLIC_ADDRESS}/`))).toEqual([])
    const pages = own.filter((link) => !link.includes('/api/'))
    for (const link of [...own, ...own])
      for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) {
        const answer = await n.t.request({ method, url: new URL(link).pathname + new URL(link).search })
        expect([link, answer.statusCode < 500]).toEqual([link, true])
      }
    expect(pages.length).toBeGreaterThan(0)
    expect(await approvalOf(approval)).toMatchObject({ status: 'pending', decided_by: null })
    // The press that comes after counts.
    expect((await slackPress(`edictum_approve:${approval}`)).statusCode).toBe(200)
    expect(await approvalOf(approval)).toMatchObject({ status: 'approved', decided_via: 'slack' })
  })

  it('the first press after a restart counts, and no later one', async () => {
    n = await notifying(start)
    const chat = await telegram()
    await n.channel('slack_app', platformConfigs.slack_app)
    await n.channel('discord', discordConfig(PUBLIC_KEY))
    const approval = await asked()
    await n.t.restart()
    expect((await discordPress(`edictum_deny:${approval}`)).json().data.embeds[0].title).toBe('Approval Denied')
    await n.t.restart()
    await telegramPress(chat.id, `approve:${approval}`, chat.secret)
    expect(answers()).toEqual(['Already decided or not found.'])
    expect((await slackPress(`edictum_approve:${approval}`)).json().blocks[0].text.text).toBe(
      '⚠️ Already decided or not found.',
    )
    expect(await approvalOf(approval)).toMatchObject({ status: 'denied', decided_via: 'discord' })
  })
})
