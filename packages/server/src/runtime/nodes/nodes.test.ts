import { afterEach, expect, it, vi } from 'vitest'
import { onEachDatabase, postgresStart, type TestServer } from '../../../test/harness.ts'
import { deployAgent, readStream, scriptEnvironment, serviceHeaders } from '../../../test/runtime.ts'

type Headers = Record<string, string>

onEachDatabase('servers of an installation', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const status = async (headers: Headers) =>
    (await t.request({ method: 'GET', url: '/v1/cluster/status', headers })).json()

  it('one alone reports itself, also after a restart, and none that stopped in order is missed', async () => {
    t = await start()
    await t.listen()
    const headers = await serviceHeaders(t)
    const { nodes, ...summary } = await status(headers)
    expect(summary).toEqual({
      overall_status: 'healthy',
      cluster_health: 'healthy',
      uptime_seconds: 0,
      source: 'cluster_repository',
      controller_node_id: null,
      total_nodes: 1,
      active_nodes: 1,
      draining_nodes: 0,
      unhealthy_nodes: 0,
    })
    expect(nodes[0]).toMatchObject({ status: 'active', role: 'hybrid', node_id: nodes[0].id })
    await t.restart()
    expect(await status(headers)).toMatchObject({ total_nodes: 0, overall_status: 'critical' })
    await t.listen()
    expect(await status(headers)).toMatchObject({ total_nodes: 1, nodes: [{ id: nodes[0].id, status: 'active' }] })
  })

  it('one that is silent is unhealthy after 90 seconds and not before, and forgotten after a day', async () => {
    t = await start()
    await t.listen()
    const row = await t.server.database.db.selectFrom('nodes').selectAll().executeTakeFirstOrThrow()
    await t.server.database.db
      .insertInto('nodes')
      .values({ ...row, id: 'silent' })
      .execute()
    const seen = async () => {
      const { nodes, overall_status } = await status(await serviceHeaders(t))
      return [
        overall_status,
        ...nodes.map((node: { id: string; status: string }) => node.id === 'silent' && node.status),
      ]
    }
    await t.clock.advance(90_000)
    expect(await seen()).toEqual(['healthy', ...(await both('active'))])
    await t.clock.advance(1)
    expect(await seen()).toEqual(['critical', ...(await both('unhealthy'))])
    const dayAgo = (t.clock.now() - 86_400_000) * 1000
    await t.server.database.db.updateTable('nodes').set({ heartbeat_at: dayAgo }).where('id', '=', 'silent').execute()
    await vi.waitFor(
      async () => {
        await t.clock.advance(30_000)
        expect(await t.server.database.db.selectFrom('nodes').select('id').execute()).toHaveLength(1)
      },
      { timeout: 30_000 },
    )
    async function both(word: string) {
      const rows = await t.server.database.db
        .selectFrom('nodes')
        .select('id')
        .orderBy('registered_at')
        .orderBy('id')
        .execute()
      return rows.map(({ id }) => id === 'silent' && word)
    }
  })

  it('one alone that drains takes nothing new and says so, and what runs there goes on', async () => {
    t = await start({ environment: scriptEnvironment([{ text: 'Done.' }]) })
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers)
    const begin = () =>
      t.request({ method: 'POST', url: '/v1/executions', headers, payload: { agent_id: agent, input: 'go' } })
    const running = (await begin()).json().execution_id
    const [{ id }] = (await status(headers)).nodes
    const admin = await t.admin()
    const turn = (word: string, as: Headers = admin) =>
      t.request({ method: 'POST', url: `/v1/cluster/nodes/${id}/${word}`, headers: as })
    expect((await turn('drain')).json()).toMatchObject({ id, status: 'draining' })
    const refused = await begin()
    expect([refused.statusCode, refused.json().error, refused.headers['retry-after']]).toEqual([503, 'draining', '30'])
    expect((await readStream(address, `/v1/executions/${running}/stream`, headers)).at(-1)?.type).toBe(
      'execution_completed',
    )
    for (const as of [await t.member(), await t.otherTenant(), headers])
      expect((await turn('activate', as)).statusCode).toBe(403)
    expect((await turn('activate')).json()).toMatchObject({ status: 'active' })
    expect((await begin()).statusCode).toBe(200)
    const nobody = await t.request({ method: 'POST', url: '/v1/cluster/nodes/nobody/drain', headers: admin })
    expect([nobody.statusCode, nobody.json().message]).toEqual([404, "There is no node 'nobody'."])
  })

  it('the summary counts what there is, and started is what ended and what goes on', async () => {
    t = await start({ environment: scriptEnvironment([{ text: 'Done.' }]) })
    const address = await t.listen()
    const headers = await serviceHeaders(t)
    const agent = await deployAgent(t, headers)
    const begin = async () =>
      (
        await t.request({ method: 'POST', url: '/v1/executions', headers, payload: { agent_id: agent, input: 'go' } })
      ).json().execution_id
    const id = await begin()
    await readStream(address, `/v1/executions/${id}/stream`, headers)
    await t.server.database.db.updateTable('executions').set({ status: 'failed' }).execute()
    const second = await begin()
    await readStream(address, `/v1/executions/${second}/stream`, headers)
    for (const url of ['/v1/dashboard/summary', '/v1/observability/dashboard'])
      expect((await t.request({ method: 'GET', url, headers })).json()).toMatchObject({
        execution_count: 2,
        execution_counts: { completed: 1, failed: 1 },
        recent_execution_count: 2,
        workflow_execution_count: 0,
        active_agents: 1,
        error_rate: 0.5,
        cluster: { total_nodes: 1, overall_status: 'healthy' },
      })
    const refused = await t.request({ method: 'GET', url: '/v1/dashboard/summary', headers: await t.member() })
    expect(refused.statusCode).toBe(403)
    const figures = (await t.request({ method: 'GET', url: '/metrics' })).body
    for (const line of [
      'aegis_executions_total{kind="agent",status="started"} 2',
      'aegis_executions_total{kind="agent",status="completed"} 2',
      'aegis_execution_active 0',
      'aegis_execution_duration_seconds_count{status="completed"} 2',
      'aegis_execution_iterations_total 2',
      'aegis_cluster_nodes{status="active"} 1',
      'aegis_http_requests_total{method="POST",route="/v1/executions",status="200"} 2',
    ])
      expect(figures).toContain(line)
    expect(figures).toMatch(/aegis_event_bus_published_total\{event_type="journal"\} [1-9]/)
  })
})

it.skipIf(postgresStart() === null)('what a draining server is asked for, another takes up', async () => {
  const start = postgresStart()
  if (start === null) return
  const script = {
    ...scriptEnvironment([{ text: 'Done.' }]),
    LICTOR_MASTER_KEY: '7'.repeat(64),
  }
  const one = await start({ environment: script })
  const { DATABASE_URL = '' } = one.environment
  const two = await start({ environment: { ...script, DATABASE_URL } })
  try {
    await one.listen()
    await two.listen()
    const headers = await serviceHeaders(one)
    const admin = await one.admin()
    const agent = await deployAgent(one, headers)
    const { db } = one.server.database
    const first = (await db.selectFrom('nodes').select('id').execute()).map(({ id }) => id)
    expect(first).toHaveLength(2)
    const before = await one.request({
      method: 'POST',
      url: '/v1/executions',
      headers,
      payload: { agent_id: agent, input: 'go' },
    })
    const mine = await db
      .selectFrom('executions')
      .select('owner')
      .where('id', '=', before.json().execution_id)
      .executeTakeFirstOrThrow()
    const drained = await one.request({
      method: 'POST',
      url: `/v1/cluster/nodes/${mine.owner}/drain`,
      headers: admin,
    })
    expect(drained.json().status).toBe('draining')
    const answer = await one.request({
      method: 'POST',
      url: '/v1/executions',
      headers,
      payload: { agent_id: agent, input: 'go' },
    })
    expect(answer.statusCode).toBe(200)
    await vi.waitFor(
      async () => {
        await two.clock.advance(5_000)
        const row = await db
          .selectFrom('executions')
          .select(['owner', 'status'])
          .where('id', '=', answer.json().execution_id)
          .executeTakeFirstOrThrow()
        expect(row).toEqual({ owner: first.find((id) => id !== mine.owner), status: 'completed' })
      },
      { timeout: 60_000, interval: 100 },
    )
  } finally {
    await two.close()
    await one.close()
  }
})
