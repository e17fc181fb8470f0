import { createHmac } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying } from '../../../test/notifying.ts'
import { discordConfig, platformConfigs } from '../../../test/platforms.ts'

const email = {
  smtp_host: 'smtp.example.com',
  smtp_port: '587',
  smtp_user: 'ops',
  smtp_password: 'p',
  from_address: 'lictor@example.com',
  to_addresses: ['a@example.com', ' b@example.com '],
}

onEachDatabase('what channels are told', (start) => {
  let n: Notifying
  afterEach(() => n.close())
  const linkTo = (id: string) => `https://lictor.example.com/dashboard/approvals?id=${id}`

  it('Telegram: a message with buttons, edited when it is decided', async () => {
    n = await notifying(start)
    await n.channel('telegram', platformConfigs.telegram)
    const id = await n.ask({ message: '<b>Delete</b> & forget?', tool_name: 'a<i>b' })
    await n.settled()
    const [sent] = n.world.to('/sendMessage')
    expect(sent?.json).toMatchObject({
      chat_id: '-1001',
      parse_mode: 'HTML',
      text: [
        '<b>HITL Approval Request</b>',
        '<b>Agent:</b> agent-1',
        '<b>Tool:</b> a&lt;i&gt;b',
        '<b>Env:</b> production',
        '<b>Timeout:</b> 300s (deny on timeout)',
        '<b>Message:</b> &lt;b&gt;Delete&lt;/b&gt; &amp; forget?',
        '<b>Arguments:</b>\n<code>{\n  &quot;user_id&quot;: &quot;u_1&quot;\n}</code>',
      ].join('\n'),
      reply_markup: {
        inline_keyboard: [
          [
            { text: '✅ Approve', callback_data: `approve:${id}` },
            { text: '❌ Deny', callback_data: `deny:${id}` },
          ],
        ],
      },
    })
    await n.decide(id, false, 'no <script>')
    await n.settled()
    expect(n.world.to('/editMessageText').map((call) => call.json)).toEqual([
      {
        chat_id: -1001,
        message_id: 101,
        parse_mode: 'HTML',
        reply_markup: { inline_keyboard: [] },
        text: [
          '<b>Denied ❌</b>',
          '<b>Agent:</b> agent-1',
          '<b>Tool:</b> a&lt;i&gt;b',
          '<b>Env:</b> production',
          '<b>Decided by:</b> admin@example.com',
          '<b>Reason:</b> no &lt;script&gt;',
        ].join('\n'),
      },
    ])
  })

  it('Slack webhook: blocks in order with a link; then a line on the decision', async () => {
    n = await notifying(start)
    await n.channel('slack', platformConfigs.slack)
    const id = await n.ask()
    await n.decide(id, true, 'fine <!channel>')
    await n.settled()
    const [request, decision] = n.world.to('hooks.slack.com').map((call) => call.json)
    const plain = (text: string) => ({ type: 'plain_text', text, emoji: false })
    expect(request).toEqual({
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'Approval Requested', emoji: true } },
        {
          type: 'section',
          fields: [
            plain('Agent: agent-1'),
            plain('Tool: delete_user'),
            plain('Env: production'),
            plain('Timeout: 300s (deny)'),
          ],
        },
        { type: 'section', text: plain('Delete user u_1?') },
        {
          type: 'actions',
          elements: [
            {
              type: 'button',
              text: { type: 'plain_text', text: 'Review in Dashboard' },
              url: linkTo(id),
              style: 'primary',
            },
          ],
        },
      ],
    })
    expect(decision).toEqual({
      text: `✅ Approval ${id.slice(0, 8)} approved by admin@example.com: fine &lt;!channel&gt;`,
    })
  })

  it('Slack app: buttons by action id, the message updated without them', async () => {
    n = await notifying(start)
    await n.channel('slack_app', platformConfigs.slack_app)
    const id = await n.ask()
    await n.settled()
    const [sent] = n.world.to('chat.postMessage')
    expect(sent?.headers.authorization).toBe('Bearer xoxb-slack-token')
    expect(sent?.json.channel).toBe('#ops')
    const [head, facts, message, actions, context] = sent?.json.blocks ?? []
    expect(head.text.text).toBe('Approval Requested')
    expect(facts.fields.map(({ text }: { text: string }) => text)).toEqual([
      'Agent: agent-1',
      'Tool: delete_user',
      'Environment: production',
      'Timeout: 300s (deny)',
    ])
    expect(message.text).toEqual({ type: 'plain_text', text: 'Delete user u_1?', emoji: false })
    expect(
      actions.elements.map((button: { action_id: string; style: string }) => [button.action_id, button.style]),
    ).toEqual([
      [`edictum_approve:${id}`, 'primary'],
      [`edictum_deny:${id}`, 'danger'],
    ])
    expect(context.elements[0].text).toContain(linkTo(id))
    await n.decide(id)
    await n.settled()
    const [update] = n.world.to('chat.update')
    expect(update?.json).toMatchObject({ channel: 'C0RESOLVED', ts: '1700000000.101' })
    expect(update?.json.blocks[0].text.text).toBe('Request Approved')
    expect(update?.raw).not.toContain('actions')
  })

  it('Discord: an embed with buttons and no mentions, patched in colour', async () => {
    n = await notifying(start)
    await n.channel('discord', discordConfig('00'))
    const id = await n.ask({ message: '@everyone **look** <@1>' })
    await n.settled()
    const [sent] = n.world.to('discord.com/api/v10/channels/777/messages')
    expect(sent?.headers.authorization).toBe('Bot discord-token')
    expect(sent?.json).toMatchObject({
      allowed_mentions: { parse: [] },
      enforce_nonce: true,
      embeds: [
        {
          title: 'Approval Requested',
          description: '\\@everyone \\*\\*look\\*\\* \\<\\@1\\>',
          color: 0xffa500,
          fields: [
            { name: 'Agent', value: 'agent-1', inline: true },
            { name: 'Tool', value: 'delete\\_user', inline: true },
            { name: 'Environment', value: 'production', inline: true },
            { name: 'Timeout', value: '300s \\(deny\\)', inline: true },
          ],
        },
      ],
      components: [
        {
          components: [
            { style: 3, custom_id: `edictum_approve:${id}` },
            { style: 4, custom_id: `edictum_deny:${id}` },
            { style: 5, url: linkTo(id) },
          ],
        },
      ],
    })
    await n.decide(id, false)
    await n.settled()
    const [patch] = n.world.to('messages/101')
    expect([patch?.method, patch?.json]).toEqual([
      'PATCH',
      expect.objectContaining({
        embeds: [expect.objectContaining({ title: 'Request Denied', color: 0xed4245 })],
        components: [],
      }),
    ])
  })

  it('webhook: signed over the exact body, the same key with every attempt', async () => {
    n = await notifying(start)
    await n.channel('webhook', platformConfigs.webhook)
    const id = await n.ask({ contract_name: 'no-deletes', timeout_effect: 'allow' })
    await n.settled()
    await n.decide(id, true, 'fine')
    await n.settled()
    const tenant = await n.t.server.database.db.selectFrom('tenants').select('id').executeTakeFirstOrThrow()
    expect(n.world.calls.map((call) => call.json)).toEqual([
      {
        event: 'approval_requested',
        approval_id: id,
        agent_id: 'agent-1',
        tool_name: 'delete_user',
        tool_args: { user_id: 'u_1' },
        message: 'Delete user u_1?',
        env: 'production',
        timeout_seconds: 300,
        timeout_effect: 'allow',
        tenant_id: tenant.id,
        contract_name: 'no-deletes',
      },
      {
        event: 'approval_decided',
        approval_id: id,
        status: 'approved',
        decided_by: 'admin@example.com',
        reason: 'fine',
      },
    ])
    for (const { raw, headers } of n.world.calls)
      expect(headers['x-edictum-signature']).toBe(
        `sha256=${createHmac('sha256', 'webhook-secret').update(raw).digest('hex')}`,
      )
    expect(new Set(n.world.calls.map(({ headers }) => headers['idempotency-key'])).size).toBe(2)
  })

  it('webhook without a secret: unsigned', async () => {
    n = await notifying(start)
    await n.channel('webhook', { url: 'https://example.com/hook' })
    await n.ask()
    await n.settled()
    expect(n.world.calls[0]?.headers['x-edictum-signature']).toBeUndefined()
    expect(n.world.calls[0]?.json).not.toHaveProperty('contract_name')
  })

  it('email: the facts escaped, to everybody', async () => {
    n = await notifying(start)
    await n.channel('email', email)
    const id = await n.ask({ message: '<img src=x onerror=alert(1)>', tool_name: 'rm' })
    await n.decide(id, false)
    await n.settled()
    const [request, decision] = n.mails.map(({ message }) => message)
    expect(request).toMatchObject({
      subject: '[Edictum] Approval Requested — agent-1 wants to call rm',
      to: ['a@example.com', 'b@example.com'],
    })
    expect(request?.html).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(request?.html).toContain(`href="${linkTo(id)}"`)
    expect(request?.html).not.toContain('<img')
    expect(decision?.subject).toBe(`[Edictum] Approval denied — ${id.slice(0, 8)}`)
    expect(decision?.html).toContain('admin@example.com')
  })

  it('a time-out edits what can be edited and says nothing elsewhere', async () => {
    n = await notifying(start)
    await n.channel('telegram', platformConfigs.telegram)
    await n.channel('slack', platformConfigs.slack)
    await n.channel('slack_app', platformConfigs.slack_app)
    await n.channel('discord', discordConfig('00'))
    await n.channel('webhook', platformConfigs.webhook)
    const id = await n.ask({ timeout: 60 })
    await n.settled()
    n.world.calls.length = 0
    while ((await n.statusOf(id)) !== 'timeout') await n.t.clock.advance(10_000)
    await n.settled()
    const targets = n.world.calls.map((call) => call.target).sort()
    expect(targets).toEqual([
      'api.telegram.org/bot123456:telegram-token/editMessageText',
      expect.stringMatching(/^discord\.com\/api\/v10\/channels\/777\/messages\/\d+$/),
      'slack.com/api/chat.update',
    ])
    expect(n.world.to('telegram')[0]?.json.text).toContain('Expired ⏰')
    expect(n.world.to('chat.update')[0]?.json.blocks[0].text.text).toBe('Request Expired')
    expect(n.world.to('discord')[0]?.json).toMatchObject({
      embeds: [{ title: 'Approval Expired', color: 0x99aab5 }],
      components: [],
    })
  })

  it('who was never told of the request is told of the decision in a message of its own', async () => {
    n = await notifying(start)
    const filters = { environments: ['staging'] }
    await n.channel('slack_app', platformConfigs.slack_app, { filters })
    await n.channel('discord', discordConfig('00'), { filters })
    await n.channel('telegram', platformConfigs.telegram, { filters })
    n.world.calls.length = 0
    const id = await n.ask()
    await n.settled()
    expect(n.world.calls).toEqual([])
    await n.decide(id)
    await n.settled()
    const short = id.slice(0, 8)
    expect(n.world.calls.map(({ method, target, json }) => [method, target, json.text ?? json.content]).sort()).toEqual(
      [
        ['POST', 'discord.com/api/v10/channels/777/messages', `Approval ${short} approved by admin\\@example.com`],
        ['POST', 'slack.com/api/chat.postMessage', `✅ Approval ${short} approved by admin@example.com`],
      ],
    )
  })

  it('filters choose by environment, agent and contract; disabled channels and other tenants hear nothing', async () => {
    n = await notifying(start)
    const hook = (name: string) => ({ url: `https://example.com/${name}` })
    await n.channel('webhook', hook('all'))
    await n.channel('webhook', hook('staging'), { filters: { environments: ['staging'] } })
    await n.channel('webhook', hook('prod-agents'), {
      filters: { environments: ['production'], agent_patterns: ['agent-*'] },
    })
    await n.channel('webhook', hook('other-agents'), { filters: { agent_patterns: ['bot-*', 'x?'] } })
    await n.channel('webhook', hook('deletes'), { filters: { contract_names: ['*-deletes'] } })
    const off = await n.channel('webhook', hook('off'))
    await n.t.request({
      method: 'PUT',
      url: `/api/v1/notifications/channels/${off}`,
      headers: n.admin,
      payload: { enabled: false },
    })
    const other = await n.t.otherTenant()
    await n.t.request({
      method: 'POST',
      url: '/api/v1/notifications/channels',
      headers: other,
      payload: { name: 'other', channel_type: 'webhook', config: hook('other-tenant') },
    })
    const heard = async (over: object) => {
      n.world.calls.length = 0
      await n.ask(over)
      await n.settled()
      return n.world.calls.map((call) => call.target.replace('example.com/', '')).sort()
    }
    expect(await heard({})).toEqual(['all', 'deletes', 'prod-agents'])
    expect(await heard({ contract_name: 'no-deletes' })).toEqual(['all', 'deletes', 'prod-agents'])
    expect(await heard({ contract_name: 'no-writes' })).toEqual(['all', 'prod-agents'])
  })

  it('no message is too long for its platform, whatever the agent writes', async () => {
    n = await notifying(start)
    await n.channel('telegram', platformConfigs.telegram)
    await n.channel('slack_app', platformConfigs.slack_app)
    await n.channel('discord', discordConfig('00'))
    const id = await n.ask({
      message: '*😀'.repeat(3_333),
      tool_name: '_'.repeat(255),
      tool_args: { text: '😀'.repeat(2_000) },
    })
    await n.decide(id, false, '*'.repeat(2_000))
    await n.settled()
    for (const { json } of n.world.to('telegram')) expect((json.text ?? '').length).toBeLessThanOrEqual(4_096)
    for (const { json } of n.world.to('slack.com'))
      for (const block of json.blocks) expect((block.text?.text ?? '').length).toBeLessThanOrEqual(3_000)
    for (const { json } of n.world.to('discord'))
      for (const embed of json.embeds) {
        expect((embed.description ?? '').length).toBeLessThanOrEqual(4_096)
        for (const field of embed.fields) expect(field.value.length).toBeLessThanOrEqual(1_024)
      }
    expect(n.world.calls.map(({ raw }) => raw).join('')).not.toMatch(/\\ud[89a-f]/i)
  })
})
