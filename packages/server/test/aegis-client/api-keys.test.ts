import { AuthenticationError, NotFoundError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('api-keys', (open) => {
  it('a key opens what its scopes say, until it is revoked', async () => {
    const { client, connect } = await open()
    const made = await client.createApiKey({ name: 'ci', scopes: ['agent:list', 'agent:deploy'] })
    expect(made).toMatchObject({
      name: 'ci',
      scopes: ['agent:list', 'agent:deploy'],
      status: 'active',
      last_used: null,
    })
    expect(made.key_value).toMatch(/^aegis_[A-Za-z0-9]{40}$/)
    const holder = connect({ bearerToken: made.key_value })
    await holder.deployAgent({ name: 'a', language: 'python', version: '3.12', instruction: 'x' })
    expect((await client.listAgents()).agents.map(({ name }) => name)).toEqual(['a'])
    await expect(holder.listSecrets()).rejects.toMatchObject({ status: 403, body: { required: 'secret:list' } })
    const { api_keys: listed, count } = await client.listApiKeys()
    expect(listed).toMatchObject([{ id: made.id, name: 'ci', expires_at: null, last_used: expect.any(String) }])
    expect([count, JSON.stringify(listed).includes(made.key_value)]).toEqual([1, false])
    expect(await client.revokeApiKey(made.id)).toMatchObject({ status: 'revoked' })
    await expect(holder.listAgents()).rejects.toThrow(AuthenticationError)
    expect((await client.listApiKeys()).api_keys).toEqual([])
    await expect(client.revokeApiKey(made.id)).rejects.toThrow(NotFoundError)
  })

  it("a key without scopes runs agents, ends at its time, gives no more than its maker has, and is its maker's own", async () => {
    const { t, client, connect, account } = await open()
    const expires_at = new Date(t.clock.now() + 60_000).toISOString()
    const made = await client.createApiKey({ name: 'brief', expires_at })
    expect(made).toMatchObject({ scopes: expect.arrayContaining(['agent:execute', 'execution:stream', 'volume:read']) })
    expect(Date.parse(made.expires_at ?? '')).toBe(Date.parse(expires_at))
    const holder = connect({ bearerToken: made.key_value })
    expect((await holder.listExecutions()).count).toBe(0)
    const other = await account({ scopes: ['key:create', 'key:list', 'key:revoke', 'agent:list'] })
    expect((await other.listApiKeys()).api_keys).toEqual([])
    await expect(other.revokeApiKey(made.id)).rejects.toThrow(NotFoundError)
    await expect(other.createApiKey({ name: 'more', scopes: ['secret:read'] })).rejects.toMatchObject({ status: 403 })
    expect((await other.createApiKey({ name: 'less' })).scopes).toEqual(['agent:list'])
    await expect(client.createApiKey({ name: '' })).rejects.toMatchObject({
      status: 400,
      message: /name must be between 1 and 64 characters/,
    })
    await t.clock.advance(60_000)
    await expect(holder.listExecutions()).rejects.toThrow(AuthenticationError)
  })
})
