import { expect, it } from 'vitest'
import { driveGroup } from './driven.ts'

driveGroup('cluster', (open) => {
  it('one server reports itself, is drained, and takes new work again', async () => {
    const { t, client, account } = await open()
    const { nodes, ...status } = await client.getClusterStatus()
    expect(status).toMatchObject({ overall_status: 'healthy', total_nodes: 1, active_nodes: 1 })
    expect((await client.getClusterNodes({ limit: 5 })).nodes).toEqual(nodes)
    const id = nodes[0]?.id ?? ''
    const admin = await account({ role: 'aegis:admin' })
    expect(await admin.drainNode(id)).toMatchObject({ id, status: 'draining' })
    const { agent_id: agentId } = await client.deployAgent({
      name: 'placed',
      language: 'python',
      version: '3.12',
      instruction: 'x',
    })
    await expect(client.withOptions({ maxRetries: 0 }).startExecution(agentId, 'go')).rejects.toMatchObject({
      status: 503,
    })
    expect(await admin.activateNode(id)).toMatchObject({ id, status: 'active' })
    await client.startExecution(agentId, 'go')
    await expect(admin.removeNode(id)).rejects.toMatchObject({ status: 409 })
    const gone = {
      ...(await t.server.database.db.selectFrom('nodes').selectAll().executeTakeFirstOrThrow()),
      id: 'gone',
    }
    await t.server.database.db
      .insertInto('nodes')
      .values({ ...gone, heartbeat_at: 0 })
      .execute()
    expect(await client.getClusterStatus()).toMatchObject({ overall_status: 'critical', unhealthy_nodes: 1 })
    expect(await admin.removeNode('gone')).toMatchObject({ status: 'removed' })
  })

  it('an operator sees the tenant in numbers', async () => {
    const { client } = await open()
    expect(await client.getDashboardSummary()).toMatchObject({
      swarm_count: 0,
      stimulus_count: 0,
      security_incident_count: 0,
      storage_violation_count: 0,
      execution_count: 0,
      workflow_execution_count: 0,
      active_agents: 0,
      error_rate: 0,
      cluster: { total_nodes: 1 },
    })
    expect((await client.listSecurityIncidents({ limit: 5 })).incidents).toEqual([])
  })
})
