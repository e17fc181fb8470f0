import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('limits', (open) => {
  it('a limit is set, read, counted against, and taken back', async () => {
    const { client, account } = await open()
    const admin = await account({ role: 'aegis:admin' })
    const { agent_id: agentId } = await client.deployAgent({
      name: 'counted',
      language: 'python',
      version: '3.12',
      instruction: 'x',
    })
    const limit = { resource_type: 'agent_execution', bucket: 'hourly', limit_value: 1 } as const
    const { id } = await admin.createRateLimitOverride({ ...limit, tenant_id: 'default' })
    expect((await admin.listRateLimitOverrides('default')).overrides).toMatchObject([{ id, ...limit, user_id: null }])
    await client.startExecution(agentId, 'go')
    await expect(client.withOptions({ maxRetries: 0 }).startExecution(agentId, 'go')).rejects.toMatchObject({
      status: 429,
    })
    const own = await client.getUserRateLimitUsage()
    expect(own.buckets).toEqual([{ bucket_name: 'agent_execution:hourly', usage_pct: 1 }])
    const { usage } = await admin.getRateLimitUsage('user', own.user_id)
    expect(usage).toMatchObject([{ scope_type: 'user', resource_type: 'agent_execution', counter: 1 }])
    expect(await admin.deleteRateLimitOverride(id)).toEqual({ status: 'deleted', id })
    await client.startExecution(agentId, 'go')
  })
})
