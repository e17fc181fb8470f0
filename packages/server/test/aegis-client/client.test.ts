import { AegisUsageError, AuthenticationError } from '@lictor/aegis'
import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('client', (open) => {
  it('probes answer words, whoever asks', async () => {
    const { client, connect } = await open()
    for (const one of [client, connect({})]) {
      expect(await one.healthLive()).toMatchObject({ status: 'ok' })
      const ready = await one.healthReady()
      expect(ready.status).toBe('ready')
      expect(Object.values(ready).filter((value) => typeof value !== 'string')).toEqual([])
    }
  })

  it('another client of the same settings is one of its own, and one that is closed calls nothing', async () => {
    const { client, connect } = await open()
    const forged = connect({ bearerToken: 'forged' })
    await expect(forged.listAgents()).rejects.toThrow(AuthenticationError)
    const { key_value } = await client.createApiKey({ name: 'k', scopes: ['agent:list'] })
    const mended = forged.withOptions({ bearerToken: key_value })
    expect((await mended.listAgents()).count).toBe(0)
    await client.aclose()
    await expect(client.listAgents()).rejects.toThrow(AegisUsageError)
    expect((await mended.listAgents()).count).toBe(0)
    await mended.aclose()
  })
})
