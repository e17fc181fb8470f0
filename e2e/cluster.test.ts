import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type {} from '../packages/server/test/databases.global.ts'
import { bundleYaml } from '../packages/server/test/documents.ts'
import { hasRedis } from '../packages/server/test/redis.ts'
import { type Cluster, startCluster } from './support/cluster.ts'
import { query } from './support/databases.ts'
import { type Clients, clientsOf, eventBatch, type Listener, listen } from './support/load.ts'
import { administrator, eventually } from './support/server.ts'

const AGENTS = 6
const AWAY_MS = 10_000
const postgresUrl = inject('postgresUrl')

interface Decided {
  readonly id: string
  /** Every decision that was acknowledged. */
  readonly wins: string[]
  /** What the one who waited was told. */
  readonly told: unknown
}

describe.skipIf(postgresUrl === '' || !hasRedis)('three servers are one Console', () => {
  let cluster: Cluster
  let clients: Clients
  let admin: { cookie: string }
  const agents: Listener[] = []
  let dashboard: Listener
  let key = ''
  let dashboardFrom = 0
  const load: Promise<void>[] = []

  const acknowledged: string[] = []
  const sums = new Map<string, number>()
  const decided: Decided[] = []
  const abandoned: string[] = []
  let deployed = ''
  let uploads = 0

  const agentHeaders = (agentId: string) => ({ authorization: `Bearer ${key}`, 'x-edictum-agent-id': agentId })
  const healthOf = async (url: string) =>
    ((await (await fetch(`${url}/api/v1/health`)).json()) as { status: string }).status
  const healths = () => Promise.all(cluster.nodes.map((node) => healthOf(node.url)))
  const everyNodeIs = (status: string) =>
    eventually(`every node is ${status}`, async () => {
      const all = await healths()
      if (all.every((one) => one === status)) return true
      throw new Error(all.join(', '))
    })

  async function ingest(): Promise<void> {
    const batch = eventBatch('reporter')
    const { status } = await clients.insist('POST', '/api/v1/events', agentHeaders('reporter'), batch)
    expect(status).toBe(200)
    acknowledged.push(...batch.events.map((event) => event.call_id))
  }

  async function increment(counter: string): Promise<void> {
    const headers = { ...agentHeaders('counter'), 'idempotency-key': randomUUID() }
    const { status } = await clients.insist('POST', `/api/v1/sessions/${counter}/increment`, headers, { amount: 1 })
    expect(status).toBe(200)
    sums.set(counter, (sums.get(counter) ?? 0) + 1)
  }

  const ask = async (agentId: string, timeout: number): Promise<string> => {
    const headers = { ...agentHeaders(agentId), 'idempotency-key': randomUUID() }
    const asked = { agent_id: agentId, tool_name: 'exec', message: 'may I?', timeout }
    const { status, body } = await clients.insist('POST', '/api/v1/approvals', headers, asked)
    expect(status).toBe(201)
    return String(body.id)
  }

  /** Three decide at the same time, each at another node, while the agent waits at one of them. */
  async function approve(): Promise<void> {
    const agentId = randomUUID()
    const id = await ask(agentId, 300)
    const path = `/api/v1/approvals/${id}`
    const waiting = (async () => {
      for (;;) {
        const { body } = await clients.insist('GET', `${path}?wait=30`, agentHeaders(agentId))
        if (body.status !== 'pending') return body.status
      }
    })()
    const verdicts = [true, false, true]
    const wins: string[] = []
    await Promise.all(
      verdicts.map(async (approved) => {
        const { status } = await clients.insist('PUT', path, admin, { approved })
        expect([200, 409]).toContain(status)
        if (status === 200) wins.push(approved ? 'approved' : 'denied')
      }),
    )
    decided.push({ id, wins, told: await waiting })
  }

  async function deploy(): Promise<void> {
    const yaml_content = bundleYaml('devops', { padding: ++uploads })
    const uploaded = await clients.insist('POST', '/api/v1/bundles', admin, { yaml_content })
    expect(uploaded.status).toBe(201)
    const { version, revision_hash } = uploaded.body
    const path = `/api/v1/bundles/devops/${version}/deploy`
    expect((await clients.insist('POST', path, admin, { env: 'production' })).status).toBe(201)
    deployed = String(revision_hash)
  }

  const versionOf = (received: Listener['received']): string =>
    String(received.findLast((event) => event.type === 'contract_update')?.data.revision_hash ?? '')

  beforeAll(async () => {
    cluster = await startCluster(postgresUrl, 3)
    clients = clientsOf(cluster)
    const person = await administrator(cluster.next())
    admin = { cookie: person.cookie }
    key = await person.createKey()
    await deploy()
    const [head] = await query<{ id: string }>(cluster.databaseUrl, 'select coalesce(max(id), 0) id from stream_log')
    dashboardFrom = Number(head?.id)
    for (let index = 0; index < AGENTS; index++)
      agents.push(
        listen(
          cluster,
          (received) =>
            `/api/v1/stream?env=production&bundle_name=devops&policy_version=${versionOf(received) || 'none'}`,
          agentHeaders(`agent-${index}`),
        ),
      )
    dashboard = listen(cluster, () => '/api/v1/stream/dashboard', { ...admin, 'last-event-id': String(dashboardFrom) })
    await eventually('every agent runs the first version', async () =>
      agents.every((agent) => versionOf(agent.received) === deployed),
    )
    load.push(
      ...Array.from({ length: 3 }, () => clients.repeat(20, ingest)),
      ...['a', 'b'].flatMap((counter) => [0, 1].map(() => clients.repeat(20, () => increment(counter)))),
      clients.repeat(100, approve),
      clients.repeat(1_000, deploy),
      clients.repeat(2_000, async () => void abandoned.push(await ask(randomUUID(), 3))),
    )
    // Watched here, so that a broken expectation fails the test that waits for the load, not the process.
    for (const one of load) one.catch(() => {})
  })
  afterAll(async () => {
    clients?.stop()
    await Promise.all([...agents, dashboard].map((listener) => listener?.close()))
    await cluster?.close()
  })

  it('loses a node to kill -9', async () => {
    await everyNodeIs('ok')
    await sleep(2_000)
    const [victim] = cluster.nodes
    if (victim) await cluster.kill(victim)
    await sleep(1_000)
    await everyNodeIs('ok')
  })

  it('loses Redis for ten seconds, and says so', async () => {
    cluster.redis.stall()
    await everyNodeIs('degraded')
    const before = deployed
    await deploy()
    expect(deployed).not.toBe(before)
    await eventually(
      'agents of every node run what was deployed meanwhile',
      async () => agents.every((agent) => versionOf(agent.received) === deployed),
      8,
    )
    await sleep(AWAY_MS)
    await cluster.redis.mend()
    await everyNodeIs('ok')
  })

  it('takes in a new node, and loses PostgreSQL for ten seconds, and says so', async () => {
    await cluster.add()
    await cluster.postgres.cut()
    await everyNodeIs('degraded')
    const ready = await fetch(`${cluster.next()}/api/v1/health/ready`)
    expect([ready.status, (await fetch(`${cluster.next()}/api/v1/health/live`)).status]).toEqual([503, 200])
    await sleep(AWAY_MS)
    await cluster.postgres.mend()
    await everyNodeIs('ok')
    expect(cluster.nodes).toHaveLength(3)
    await sleep(2_000)
  })

  it('lost nothing that was acknowledged, and answered nothing but what a client can deal with', async () => {
    clients.stop()
    await Promise.all(load)
    const stored = new Set(
      (await query<{ call_id: string }>(cluster.databaseUrl, 'select call_id from events')).map((row) => row.call_id),
    )
    expect(acknowledged.length).toBeGreaterThan(1_000)
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
    expect(stored.size).toBe(acknowledged.length)
    expect(clients.scandals).toEqual([])
  })

  it('counted exactly', async () => {
    for (const [counter, sum] of sums) {
      const { body } = await clients.insist('GET', `/api/v1/sessions/${counter}`, agentHeaders('counter'))
      expect(body.value).toBe(String(sum))
    }
    expect([...sums.values()].every((sum) => sum > 100)).toBe(true)
  })

  it('decided every approval once, and told who waited', async () => {
    expect(decided.length).toBeGreaterThan(20)
    for (const { wins, told } of decided) {
      // None when the answer to the one who won was lost with a connection.
      expect(wins.length).toBeLessThanOrEqual(1)
      if (wins.length === 1) expect(told).toBe(wins[0])
      else expect(['approved', 'denied']).toContain(told)
    }
    const records = await query<{ id: string; type: string }>(
      cluster.databaseUrl,
      "select data::json->>'approval_id' id, type from stream_log where type in ('approval_decided', 'approval_timeout')",
    )
    const ends = records.map((record) => record.id).sort()
    expect(ends).toEqual([...new Set(ends)])
    await eventually('every approval nobody decided timed out, once', async () => {
      const timedOut = await query<{ id: string }>(
        cluster.databaseUrl,
        "select data::json->>'approval_id' id from stream_log where type = 'approval_timeout'",
      )
      expect(timedOut.map((record) => record.id).sort()).toEqual([...abandoned].sort())
      return true
    })
  })

  it('brought every agent and every dashboard all that was logged, once and in order', async () => {
    await eventually('every agent runs the last version', async () =>
      agents.every((agent) => versionOf(agent.received) === deployed),
    )
    const logged = await query<{ id: string; type: string; dashboard: number }>(
      cluster.databaseUrl,
      `select id, type, dashboard from stream_log where id > ${dashboardFrom} order by id`,
    )
    const idsOf = (listener: Listener) => listener.received.map((event) => Number(event.id))
    const forDashboards = logged.filter((record) => record.dashboard === 1).map((record) => Number(record.id))
    await eventually('the dashboard has caught up', async () => idsOf(dashboard).at(-1) === forDashboards.at(-1))
    expect(idsOf(dashboard)).toEqual(forDashboards)
    const updates = logged.filter((record) => record.type === 'contract_update').map((record) => Number(record.id))
    expect(updates.length).toBeGreaterThan(5)
    for (const agent of agents) {
      const ids = idsOf(agent)
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
      const seen = agent.received.filter((event) => event.type === 'contract_update').map((event) => Number(event.id))
      // The first is what was deployed when it connected.
      expect(seen.slice(1)).toEqual(updates)
    }
    expect(dashboard.returns + agents.reduce((sum, agent) => sum + agent.returns, 0)).toBeGreaterThan(0)
  })

  it('knows on every node which agents are connected to any', async () => {
    for (const node of cluster.nodes)
      await eventually(
        'each agent is current',
        async () => {
          const answer = await fetch(`${node.url}/api/v1/agents/status`, { headers: admin })
          const { agents: present } = (await answer.json()) as { agents: { agent_id: string }[] }
          const ids = present.map((agent) => agent.agent_id).sort()
          expect(ids).toEqual(Array.from({ length: AGENTS }, (_, index) => `agent-${index}`))
          const details = await fetch(`${node.url}/api/v1/health/details`, { headers: admin })
          expect(((await details.json()) as { connected_agents: number }).connected_agents).toBe(AGENTS)
          return true
        },
        40,
      )
  })
})
