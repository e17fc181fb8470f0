import { type AegisClient, NotFoundError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { call, scriptEnvironment } from '../runtime.ts'
import { driveGroup } from './driven.ts'

const VALUE = 'ghp_0123456789abcdefABCDEF'
const NEXT = 'ghp_fedcba'
const show = call('run_command', { command: 'printf %s "$TOKEN" | wc -c' })
const agent = {
  name: 'worker',
  language: 'javascript',
  version: '20',
  instruction: 'x',
  tools: ['run_command'],
  env: { TOKEN: 'credential:github' },
}

driveGroup('credentials', (open) => {
  const play = () =>
    open({ environment: { ...scriptEnvironment([show, { text: 'Done.' }]), LICTOR_SANDBOX: 'process' } })

  /** Run the agent: how it ended, and how long the value was that it had. */
  async function run(client: AegisClient, id: string) {
    const started = await client.startExecution(id, 'go')
    let told = ''
    for await (const { event_type, data } of client.streamExecution(started.id))
      if (event_type === 'llm_interaction') told = String(data.prompt)
    const { status } = await client.getExecution(started.id)
    return [status, /"stdout":"\s*(\d+)/.exec(told)?.[1] ?? null]
  }

  it('a credential is used by agents that it is granted to, with the value of now, until it is revoked', async () => {
    const { t, client, account } = await play()
    const { id: agentId } = await client.deployAgent(agent)
    // Its owner needs no grant; another does.
    const other = await account({ scopes: ['agent:execute', 'agent:list', 'execution:stream', 'execution:read'] })
    const stored = await client.storeApiKey({ provider: 'github', api_key_value: VALUE, metadata: { team: 'core' } })
    expect(stored).toMatchObject({
      provider: 'github',
      name: 'github',
      credential_type: 'secret',
      status: 'active',
      metadata: { team: 'core' },
      grants: [],
      last_used: null,
    })
    const { id } = stored
    expect(await run(other, agentId)).toEqual(['failed', null])
    const grant = await client.addGrant(id, { agent_id: agentId, permission_type: 'use' })
    expect(grant).toMatchObject({ credential_id: id, agent_id: agentId, workflow_name: null, permission_type: 'use' })
    expect(await client.listGrants(id)).toMatchObject({ grants: [grant], count: 1 })
    expect((await client.getCredential(id)).grants).toMatchObject([{ id: grant.id }])
    expect(await run(other, agentId)).toEqual(['completed', String(VALUE.length)])
    expect((await client.getCredential(id)).last_used).toBe(new Date(t.clock.now()).toISOString().replace('.000', ''))
    const rotated = await client.rotateCredential(id, { new_value: NEXT })
    expect(rotated).toMatchObject({ id, provider: 'github', status: 'active' })
    expect(await run(other, agentId)).toEqual(['completed', String(NEXT.length)])
    expect(await client.revokeGrant(id, grant.id)).toMatchObject({ status: 'revoked' })
    expect((await client.listGrants(id)).grants).toEqual([])
    expect(await run(other, agentId)).toEqual(['failed', null])
    await client.addGrant(id, {})
    expect(await run(other, agentId)).toEqual(['completed', String(NEXT.length)])
    expect(await client.revokeCredential(id)).toMatchObject({ status: 'revoked' })
    expect(await run(other, agentId)).toEqual(['failed', null])
    expect(await run(client, agentId)).toEqual(['failed', null])
  })

  it('values come back by no call, and another tenant finds nothing', async () => {
    const { t, client, account } = await play()
    const one = await client.storeApiKey({ name: 'first', provider: 'openai', api_key: VALUE })
    const two = await client.storeApiKey({ provider: 'mine', api_key_value: VALUE })
    const listed = await client.listCredentials()
    expect(listed.credentials.map(({ id }) => id).sort()).toEqual([one.id, two.id].sort())
    const got = await client.getCredential(one.id)
    expect(got).toMatchObject({ name: 'first', label: 'first', provider: 'openai' })
    expect(JSON.stringify([one, two, listed, got])).not.toContain(VALUE)
    const elsewhere = await account({}, await t.otherTenant())
    expect(await elsewhere.listCredentials()).toMatchObject({ credentials: [], count: 0 })
    for (const attempt of [
      () => elsewhere.getCredential(one.id),
      () => elsewhere.rotateCredential(one.id, { new_value: 'theirs' }),
      () => elsewhere.addGrant(one.id, {}),
      () => elsewhere.listGrants(one.id),
      () => elsewhere.revokeGrant(one.id, crypto.randomUUID()),
      () => elsewhere.revokeCredential(one.id),
    ])
      await expect(attempt()).rejects.toThrow(NotFoundError)
    expect(await client.getCredential(one.id)).toMatchObject({ status: 'active', grants: [] })
    await expect(client.rotateCredential(one.id)).rejects.toMatchObject({ status: 422, message: /new_value required/ })
    await expect(client.getCredential('no-uuid')).rejects.toMatchObject({
      status: 400,
      code: 'Invalid credential binding ID: no-uuid',
    })
  })
})
