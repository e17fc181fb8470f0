import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { microsOf } from '../packages/server/src/storage/instants.ts'
import { openPostgres } from '../packages/server/src/storage/postgres.ts'
import type {} from '../packages/server/test/databases.global.ts'
import { bundleYaml } from '../packages/server/test/documents.ts'
import { hasRedis } from '../packages/server/test/redis.ts'
import { openSse } from '../packages/server/test/sse-client.ts'
import { type Cluster, startCluster } from './support/cluster.ts'
import { query } from './support/databases.ts'
import { type Hook, holdsPort, startHook } from './support/hook.ts'
import { type Administrator, administrator, eventually } from './support/server.ts'

const LOGINS = 5
const TWO_DAYS = 172_800_000_000
const postgresUrl = inject('postgresUrl')

/** What several nodes share, each shown by asking all of them at once. */
describe.skipIf(postgresUrl === '' || !hasRedis)('three servers, asked at the same time', () => {
  let cluster: Cluster
  let hook: Hook
  let admin: Administrator
  let person: Record<string, string>
  let key = ''

  const headersOf = (agentId: string, apiKey = key) => ({
    authorization: `Bearer ${apiKey}`,
    'x-edictum-agent-id': agentId,
  })
  async function call(
    url: string,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
  }
  /** The same at each node, all at once. */
  const everywhere = <T>(work: (url: string) => Promise<T>): Promise<T[]> =>
    Promise.all(cluster.nodes.map((node) => work(node.url)))
  async function ask(timeout = 300): Promise<string> {
    const agentId = randomUUID()
    const asked = { agent_id: agentId, tool_name: 'exec', message: 'May I?', timeout }
    const { status, body } = await call(cluster.next(), 'POST', '/api/v1/approvals', headersOf(agentId), asked)
    expect(status).toBe(201)
    return String(body.id)
  }
  const waitingDeliveries = async () =>
    query<{ id: string }>(cluster.databaseUrl, "select id from notification_deliveries where status = 'waiting'")
  const allDelivered = (seconds?: number) =>
    eventually('the outbox is empty', async () => (await waitingDeliveries()).length === 0, seconds)
  const callsOf = (event: string, ids: readonly string[]) =>
    hook.calls.filter((one) => one.event === event && ids.includes(one.approvalId)).map((one) => one.approvalId)

  beforeAll(async () => {
    hook = await startHook()
    cluster = await startCluster(postgresUrl, 3, {
      LICTOR_OUTBOUND_ALLOW: '127.0.0.0/8',
      LICTOR_LOGIN_ATTEMPTS: String(LOGINS),
      LICTOR_TRUSTED_PROXIES: '127.0.0.1',
    })
    admin = await administrator(cluster.next())
    person = { cookie: admin.cookie, 'x-requested-with': 'e2e' }
    key = await admin.createKey()
    await admin.deploy(bundleYaml('devops'))
    await admin.call('POST', '/api/v1/notifications/channels', {
      name: 'hook',
      channel_type: 'webhook',
      config: { url: hook.url, secret: 'secret' },
    })
  })
  afterAll(async () => {
    await cluster?.close()
    await hook?.close()
  })

  it('of thirty logins from one address exactly five get through', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const node = cluster.nodes[index % 3]?.url ?? ''
        const credentials = { email: 'nobody@example.com', password: 'a wrong password' }
        const { status } = await call(
          node,
          'POST',
          '/api/v1/auth/login',
          { 'x-forwarded-for': '203.0.113.7' },
          credentials,
        )
        return status
      }),
    )
    expect(statuses.filter((status) => status === 401)).toHaveLength(LOGINS)
    expect(statuses.filter((status) => status === 429)).toHaveLength(30 - LOGINS)
    // Another address has its own.
    const other = await call(
      cluster.next(),
      'POST',
      '/api/v1/auth/login',
      { 'x-forwarded-for': '203.0.113.8' },
      { email: 'nobody@example.com', password: 'a wrong password' },
    )
    expect(other.status).toBe(401)
  })

  it('a counter gives each of a hundred and fifty increments a value of its own', async () => {
    const values = await Promise.all(
      Array.from({ length: 150 }, async (_, index) => {
        const node = cluster.nodes[index % 3]?.url ?? ''
        const { body } = await call(node, 'POST', '/api/v1/sessions/shared/increment', headersOf('counter'), {
          amount: 1,
        })
        return Number(body.value)
      }),
    )
    expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, index) => index + 1))
    for (const { body } of await everywhere((url) => call(url, 'GET', '/api/v1/sessions/shared', headersOf('counter'))))
      expect(body.value).toBe('150')
  })

  it('an increment that is sent to every node under one key counts once', async () => {
    const headers = { ...headersOf('counter'), 'idempotency-key': randomUUID() }
    const answers = await everywhere((url) =>
      call(url, 'POST', '/api/v1/sessions/once/increment', headers, { amount: 7 }),
    )
    expect(answers.map(({ status, body }) => [status, body.value])).toEqual(Array(3).fill([200, 7]))
  })

  it('of all who decide an approval, wherever they do, exactly one does; the others hear how it ended', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => ask()))
    await Promise.all(
      ids.map(async (id) => {
        const answers = (
          await Promise.all(
            [true, false].map((approved) =>
              everywhere((url) => call(url, 'PUT', `/api/v1/approvals/${id}`, person, { approved })),
            ),
          )
        ).flat()
        const [won, ...others] = answers.filter(({ status }) => status === 200)
        expect(others).toEqual([])
        const lost = answers.filter(({ status }) => status === 409)
        expect(lost).toHaveLength(5)
        const seen = await everywhere((url) => call(url, 'GET', `/api/v1/approvals/${id}`, person))
        expect(new Set(seen.map(({ body }) => body.status))).toEqual(new Set([won?.body.status]))
      }),
    )
    const records = await query<{ id: string }>(
      cluster.databaseUrl,
      "select data::json->>'approval_id' id from stream_log where type = 'approval_decided'",
    )
    expect(records.map((record) => record.id).sort()).toEqual([...ids].sort())
    await allDelivered()
    expect(callsOf('approval_requested', ids).sort()).toEqual([...ids].sort())
    expect(callsOf('approval_decided', ids).sort()).toEqual([...ids].sort())
  })

  it('what nobody decides times out once, whichever node looks', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => ask(1)))
    const timedOut = () =>
      query<{ id: string }>(
        cluster.databaseUrl,
        "select data::json->>'approval_id' id from stream_log where type = 'approval_timeout'",
      )
    await eventually('all of them timed out', async () => {
      // Whoever looks times out what is overdue: three at once.
      await Promise.all(ids.map((id) => everywhere((url) => call(url, 'GET', `/api/v1/approvals/${id}`, person))))
      return (await timedOut()).length >= ids.length
    })
    expect((await timedOut()).map((record) => record.id).sort()).toEqual([...ids].sort())
    const told = await query<{ approval_id: string }>(
      cluster.databaseUrl,
      "select approval_id from notification_deliveries where kind = 'expired'",
    )
    expect(told.map((one) => one.approval_id).sort()).toEqual([...new Set(told.map((one) => one.approval_id))].sort())
  })

  it('events that three nodes purge at once are counted once', async () => {
    const stored = 60
    const events = Array.from({ length: stored }, () => ({
      call_id: randomUUID(),
      agent_id: 'purged',
      tool_name: 'exec',
      verdict: 'call_allowed',
      mode: 'enforce',
      timestamp: new Date().toISOString(),
      payload: {},
    }))
    expect((await call(cluster.next(), 'POST', '/api/v1/events', headersOf('purged'), { events })).status).toBe(200)
    const database = openPostgres(cluster.databaseUrl, () => {})
    // Early in a month there is none yet for what arrived in the last one.
    await database.events.prepare(microsOf(Date.now()) - TWO_DAYS)
    await database.close()
    await query(cluster.databaseUrl, `update events set created_at = created_at - ${TWO_DAYS}`)
    // What is purged goes by the links of the audit chain, which know when their events arrived.
    await query(cluster.databaseUrl, `update event_links set arrived_at = arrived_at - ${TWO_DAYS}`)
    const answers = await everywhere((url) =>
      call(url, 'DELETE', '/api/v1/settings/purge-events?older_than_days=1', person),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(answers.reduce((sum, { body }) => sum + Number(body.deleted_count ?? body.deleted), 0)).toBe(stored)
    expect(await query(cluster.databaseUrl, 'select 1 from events')).toEqual([])
  })

  it('what one node changes holds on the others with the next request', async () => {
    const [first, second, third] = cluster.nodes.map((node) => node.url) as [string, string, string]
    const current = (url: string) => call(url, 'GET', '/api/v1/bundles/devops/current?env=production', headersOf('a'))
    // A deploy.
    const { version } = await administratorAt(first).deploy(bundleYaml('devops', { padding: 7 }))
    for (const { body } of await everywhere(current)) expect(body.version).toBe(version)
    // Another signing key: everything deployed is signed by it, wherever one asks.
    const rotated = await call(second, 'POST', '/api/v1/settings/rotate-signing-key', person)
    expect(rotated.status).toBe(201)
    for (const { body } of await everywhere(current)) expect(body.public_key).toBe(rotated.body.public_key)
    const stream = await openSse(
      `${third}/api/v1/stream?env=production&bundle_name=devops&policy_version=none`,
      headersOf('listener'),
    )
    expect((await stream.next()).data).toMatchObject({ public_key: rotated.body.public_key })
    // An assignment.
    expect(
      (await call(first, 'PATCH', '/api/v1/agent-registrations/listener', person, { bundle_name: 'devops' })).status,
    ).toBe(200)
    for (const { body } of await everywhere((url) =>
      call(url, 'GET', '/api/v1/assignment-rules/resolve/listener', person),
    ))
      expect(body.bundle_name).toBe('devops')
    stream.close()
    // A login that ends.
    const login = await fetch(`${first}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' },
      body: JSON.stringify({ email: 'admin@example.com', password: 'correct horse battery' }),
    })
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const me = () => everywhere((url) => call(url, 'GET', '/api/v1/auth/me', { cookie }))
    expect((await me()).map(({ status }) => status)).toEqual([200, 200, 200])
    await call(third, 'POST', '/api/v1/auth/logout', { cookie, 'x-requested-with': 'e2e' })
    expect((await me()).map(({ status }) => status)).toEqual([401, 401, 401])
  })

  it('a key revoked at one node is refused by all at once, and its streams end everywhere', async () => {
    const [first] = cluster.nodes
    const made = await admin.call<{ id: string; key: string }>('POST', '/api/v1/keys', { env: 'production' })
    const headers = headersOf('revoked', made.key)
    const streams = await everywhere((url) => openSse(`${url}/api/v1/stream?env=production`, headers))
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await call(first?.url ?? '', 'DELETE', `/api/v1/keys/${made.id}`, person)).status).toBe(204)
    const answers = await everywhere((url) => call(url, 'GET', '/api/v1/events', headers))
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
    await Promise.all(streams.map(({ ended }) => ended))
  })

  it('a node that is killed while it delivers loses no message, and only what was in flight comes twice', async () => {
    await allDelivered()
    hook.hold()
    const from = hook.calls.length
    const ids = await Promise.all(Array.from({ length: 20 }, () => ask()))
    // One channel is told of several approvals at once only by different nodes.
    await eventually('a delivery is in flight', async () => hook.calls.length > from)
    const inFlight = hook.calls.slice(from)
    const victim = cluster.nodes.find(({ child }) =>
      inFlight.some(({ port }) => child.pid !== undefined && holdsPort(child.pid, port)),
    )
    expect(victim).toBeDefined()
    if (!victim) return
    await cluster.kill(victim)
    const known = hook.calls.slice(from)
    hook.release()
    // Who delivers next waits until the dead node's claim has run out, two minutes later: put the time forward.
    await eventually('only what the dead node held is left', async () => {
      const left = await query<{ claim: string | null }>(
        cluster.databaseUrl,
        "select claim from notification_deliveries where status = 'waiting'",
      )
      return left.length > 0 && left.length <= known.length && left.every(({ claim }) => claim !== null)
    })
    await query(cluster.databaseUrl, "update notification_deliveries set due_at = 0 where status = 'waiting'")
    await allDelivered()
    const arrived = hook.calls.slice(from).filter(({ event }) => event === 'approval_requested')
    expect([...new Set(arrived.map(({ approvalId }) => approvalId))].sort()).toEqual([...ids].sort())
    const keysOf = (some: readonly { key: string }[]) => some.map(({ key: one }) => one)
    const twice = keysOf(arrived).filter((one, index, all) => all.indexOf(one) !== index)
    expect(twice.length).toBeGreaterThan(0)
    expect(twice.filter((one) => !keysOf(known).includes(one))).toEqual([])
    // Once somebody answers, nothing comes again.
    const answered = keysOf(hook.calls.slice(from + known.length))
    expect(answered).toEqual([...new Set(answered)])
  })

  const administratorAt = (url: string): Pick<Administrator, 'deploy'> => ({
    async deploy(yaml, env = 'production') {
      const uploaded = await call(url, 'POST', '/api/v1/bundles', person, { yaml_content: yaml })
      const { name, version } = uploaded.body as { name: string; version: number }
      await call(url, 'POST', `/api/v1/bundles/${name}/${version}/deploy`, person, { env })
      return { name, version }
    },
  })
})
