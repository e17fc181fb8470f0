import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { until } from '../runtime.ts'
import { driveGroup } from './driven.ts'

const manifest = (name: string, turns: readonly object[]) => ({
  apiVersion: '100monkeys.ai/v1',
  kind: 'Agent',
  metadata: { name, version: '1.0.0', annotations: { 'lictor.dev/script': stringify({ turns }) } },
  spec: {
    runtime: { language: 'javascript', version: '20', model: 'scripted' },
    task: { instruction: 'Work.' },
    advanced: { swarm_enabled: true },
  },
})

driveGroup('swarms', (open) => {
  it('a swarm is listed while it is there, is shown with its members, and is gone from the list afterwards', async () => {
    const { client, account } = await open({ environment: { LICTOR_SANDBOX: 'process' } })
    expect((await client.listSwarms()).swarms).toEqual([])
    const child = stringify(manifest('child', [{ text: 'late', delay_ms: 3_600_000 }]))
    const spawn = { tool_calls: [{ name: 'aegis.spawn_child', arguments: { manifest_yaml: child } }] }
    const { agent_id: agentId } = await client.deployAgent(
      manifest('parent', [spawn, { text: 'late', delay_ms: 3_600_000 }]) as never,
    )
    const { execution_id: id } = await client.startExecution(agentId, 'go')
    await until(async () => (await client.listSwarms({ limit: 5 })).swarms.length === 1)
    const [swarm] = (await client.listSwarms()).swarms
    expect(await client.getSwarm(swarm?.swarm_id ?? '')).toMatchObject({
      status: 'active',
      parent_execution_id: id,
      member_count: 2,
      locks: [],
      recent_messages: [],
    })
    const reader = await account({ role: 'aegis:readonly' })
    expect((await reader.listSwarms()).count).toBe(1)
    await client.cancelExecution(id)
    expect((await client.listSwarms()).swarms).toEqual([])
    expect((await client.listSwarms({ status: 'dissolved' })).swarms).toMatchObject([{ reason: 'ParentCancelled' }])
    await expect(client.getSwarm('00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({ status: 404 })
  })
})
