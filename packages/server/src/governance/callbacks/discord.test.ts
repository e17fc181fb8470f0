import { generateKeyPairSync } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { chatPresses } from '../../../test/chat-presses.ts'
import { onEachDatabase } from '../../../test/harness.ts'
import { type Notifying, notifying } from '../../../test/notifying.ts'
import { discordConfig } from '../../../test/platforms.ts'

const nowhere = '00000000-0000-4000-8000-000000000000'

onEachDatabase('buttons pressed in Discord', (start) => {
  let n: Notifying
  afterEach(() => n.close())
  const { approvalOf, disable, asked, misroute, discordCall, discordPress, PUBLIC_KEY } = chatPresses(() => n)

  it('a press decides and changes the message', async () => {
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

  it('pings are answered, other things too; what is no JSON is refused', async () => {
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

  it('a signature that is wrong, missing, malformed or of another key is refused', async () => {
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

  it('an approval the channel was never told of, or of another tenant, is expired to it', async () => {
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
})
