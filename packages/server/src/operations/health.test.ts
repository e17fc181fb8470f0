import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../test/harness.ts'
import { hasRedis, startRedis } from '../../test/redis.ts'
import { openSse } from '../../test/sse-client.ts'

/** Health in one shape whatever is wrong; 503 while something is. */
onEachDatabase('health', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await t.request({ method: 'GET', url: `/api/v1/health${path}`, headers })
    return [answer.statusCode, answer.json()]
  }
  const probe = { connected: true, latency_ms: expect.any(Number) }

  it('to everybody it says whether it is up and set up, and nothing else', async () => {
    t = await start()
    expect(await get('')).toEqual([200, { status: 'ok', bootstrap_complete: false }])
    await t.admin()
    expect(await get('')).toEqual([200, { status: 'ok', bootstrap_complete: true }])
    expect(await get('/live')).toEqual([200, { status: 'alive' }])
    expect(await get('/ready')).toEqual([
      200,
      {
        status: 'ready',
        database: probe,
        redis: probe,
        storage: { full: false },
        workers: expect.objectContaining({ approval_timeout: 'running' }),
      },
    ])
  })

  it('details are for who is signed in', async () => {
    t = await start()
    expect(await get('/details')).toEqual([401, { detail: 'Not authenticated.' }])
    expect((await get('/details', await t.agent()))[0]).toBe(401)
    const [status, body] = await get('/details', await t.admin())
    expect([status, body]).toEqual([
      200,
      {
        status: 'ok',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        auth_provider: 'local',
        bootstrap_complete: true,
        base_url_https: false,
        database: probe,
        redis: probe,
        storage: { full: false, free_bytes: expect.any(Number) },
        connected_agents: 0,
        workers: Object.keys(body.worker_status).length,
        worker_status: expect.objectContaining({ approval_timeout: 'running' }),
      },
    ])
    expect(new Set(Object.values(body.worker_status))).toEqual(new Set(['running']))
    for (const { latency_ms } of [body.database, body.redis])
      expect(latency_ms).toBe(Math.round(latency_ms * 100) / 100)
  })

  it('agents of all tenants are counted while they are connected', async () => {
    t = await start({ environment: { LICTOR_BASE_URL: 'https://lictor.example.com', LICTOR_TRUSTED_PROXIES: '*' } })
    const admin = await t.admin()
    const other = await t.otherTenant()
    const key = await t.request({ method: 'POST', url: '/api/v1/keys', headers: other, payload: { env: 'staging' } })
    const address = await t.listen()
    const streams = [
      await openSse(`${address}/api/v1/stream?env=production`, await t.agent()),
      await openSse(`${address}/api/v1/stream?env=staging`, { authorization: `Bearer ${key.json().key}` }),
    ]
    const connected = async (count: number) => {
      // Of other processes a server learns with a short delay; of its own at once.
      for (;;) {
        const [, body] = await get('/details', admin)
        if (body.connected_agents === count) return body
        await t.clock.advance(1_000)
      }
    }
    expect(await connected(2)).toMatchObject({ base_url_https: true })
    for (const stream of streams) stream.close()
    expect(await connected(0)).toMatchObject({ status: 'ok' })
  })

  it('a worker that crashed makes it degraded: 503 to operators and probes, 200 to clients', async () => {
    t = await start()
    const admin = await t.admin()
    await t.listen()
    await t.server.database.db.schema.alterTable('approvals').renameTo('approvals_gone').execute()
    await t.clock.advance(10_000)
    for (;;) {
      const [status, body] = await get('/ready')
      if (body.workers.approval_timeout === 'crashed') {
        expect([status, body.status]).toEqual([503, 'not_ready'])
        break
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await get('')).toEqual([200, { status: 'degraded', bootstrap_complete: true }])
    const [status, body] = await get('/details', admin)
    expect([status, body]).toEqual([503, expect.objectContaining({ status: 'degraded' })])
    // What else looks at approvals crashes with it; all others run.
    const crashed = Object.entries(body.worker_status).flatMap(([name, state]) => (state === 'crashed' ? [name] : []))
    expect(crashed).toContain('approval_timeout')
    expect(crashed.length).toBeLessThan(4)
    expect(body.workers).toBe(Object.keys(body.worker_status).length - crashed.length)
  })

  it('a database that is away makes it degraded, and nobody is led to set it up again', async () => {
    t = await start()
    await t.admin()
    const { ping } = t.server.database
    Object.assign(t.server.database, { ping: () => Promise.reject(new Error('away')) })
    expect(await get('')).toEqual([200, { status: 'degraded', bootstrap_complete: true }])
    const [status, body] = await get('/ready')
    expect([status, body]).toEqual([
      503,
      expect.objectContaining({ status: 'not_ready', database: { connected: false, latency_ms: null } }),
    ])
    Object.assign(t.server.database, { ping })
    expect((await get('/ready'))[0]).toBe(200)
  })

  it.skipIf(!hasRedis)('Redis that is away makes it degraded, with no latency to tell', async () => {
    const redis = await startRedis()
    t = await start({ environment: { REDIS_URL: redis.url } })
    const admin = await t.admin()
    expect((await get('/details', admin))[1]).toMatchObject({ status: 'ok', redis: probe })
    await redis.kill()
    expect(await get('')).toEqual([200, { status: 'degraded', bootstrap_complete: true }])
    const [status, body] = await get('/details', admin)
    expect([status, body]).toEqual([
      503,
      expect.objectContaining({ status: 'degraded', redis: { connected: false, latency_ms: null }, database: probe }),
    ])
  })
})
