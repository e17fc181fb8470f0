import { afterEach, expect, it } from 'vitest'
import { chatPresses } from '../../../test/chat-presses.ts'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying } from '../../../test/notifying.ts'
import { platformConfigs } from '../../../test/platforms.ts'

onEachDatabase('buttons pressed in Slack', (start) => {
  let n: Notifying
  afterEach(() => n.close())
  const { approvalOf, disable, asked, misroute, slackCall, slackPress } = chatPresses(() => n)

  it('a press decides and replaces the message, whose copy is updated too', async () => {
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

  it('a signature that is wrong, missing, old or for other bytes is refused', async () => {
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

  it('nearly five minutes are not too old', async () => {
    n = await notifying(start)
    await n.channel('slack_app', platformConfigs.slack_app)
    const approval = await asked()
    expect((await slackPress(`edictum_approve:${approval}`, { age: 299 })).json().replace_original).toBe(true)
  })

  it('what is no press of ours is answered with nothing', async () => {
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

  it('an approval the channel was never told of is expired to it; another tenant’s is refused', async () => {
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

  it('another tenant’s app opens nothing here, and one app for two channels opens both', async () => {
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

  it('the manifest names this server', async () => {
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
})
