import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../test/harness.ts'
import { call, world } from '../../test/runtime.ts'

onEachDatabase('metrics', (start) => {
  let t: TestServer
  afterEach(() => t.close())

  /** A figure by its name and labels; undefined when there is none. */
  async function figures(): Promise<(name: string) => number | undefined> {
    const answer = await t.request({ method: 'GET', url: '/metrics' })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, expect.stringContaining('text/plain')])
    const lines = answer.body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const byName = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
    return (name) => byName.get(name)
  }
  const ask = async (headers: Record<string, string>) => {
    const payload = { agent_id: 'a', tool_name: 'exec', message: 'May I?', timeout: 300 }
    return (await t.request({ method: 'POST', url: '/api/v1/approvals', headers, payload })).json<{ id: string }>().id
  }

  it('tell what waits for a person and for how long, and how long decisions take', async () => {
    t = await start()
    const admin = await t.admin()
    const agent = await t.agent()
    const before = await figures()
    expect([before('lictor_approvals_pending'), before('lictor_approvals_oldest_seconds')]).toEqual([0, 0])
    const id = await ask(agent)
    await t.clock.advance(20_000)
    await ask(agent)
    const waiting = await figures()
    expect(waiting('lictor_approvals_pending')).toBe(2)
    expect(waiting('lictor_approvals_oldest_seconds')).toBe(20)
    await t.request({ method: 'PUT', url: `/api/v1/approvals/${id}`, headers: admin, payload: { approved: false } })
    // What the database said is good for five seconds.
    expect((await figures())('lictor_approvals_pending')).toBe(2)
    await t.clock.advance(5_000)
    const decided = await figures()
    expect(decided('lictor_approvals_pending')).toBe(1)
    expect(decided('lictor_approvals_total{status="denied"}')).toBe(1)
    const labels = 'status="denied",via="console"'
    expect(decided(`lictor_approval_decision_seconds_bucket{le="15",${labels}}`)).toBe(0)
    expect(decided(`lictor_approval_decision_seconds_bucket{le="30",${labels}}`)).toBe(1)
  })

  it('tell what the outbox holds, and what became of each attempt', async () => {
    let status = 500
    t = await start({
      overrides: { outbound: { check: async () => {}, send: async () => ({ status, headers: {}, body: '' }) } },
    })
    const headers = await t.admin()
    const payload = {
      name: 'hook',
      channel_type: 'webhook',
      config: { url: 'https://hooks.example.com/x', secret: 's' },
    }
    expect(
      (await t.request({ method: 'POST', url: '/api/v1/notifications/channels', headers, payload })).statusCode,
    ).toBe(201)
    await ask(await t.agent())
    const attempt = async (outcome: string, times: number) => {
      while (
        (await figures())(`lictor_notification_attempts_total{channel_type="webhook",outcome="${outcome}"}`) !== times
      )
        await new Promise((resolve) => setImmediate(resolve))
    }
    await attempt('failed', 1)
    await t.clock.advance(6_000)
    const failing = await figures()
    expect(failing('lictor_outbox_waiting')).toBe(1)
    expect(failing('lictor_outbox_oldest_seconds')).toBeGreaterThanOrEqual(6)
    status = 200
    await t.clock.advance(3_600_000)
    await attempt('sent', 1)
    await t.clock.advance(6_000)
    const sent = await figures()
    expect(sent('lictor_notification_retries_total{channel_type="webhook"}')).toBeGreaterThanOrEqual(1)
    expect(sent('lictor_notifications_given_up_total')).toBe(0)
  })

  it('tell what was stored, replayed, and which workers are well', async () => {
    t = await start()
    const headers = await t.admin()
    const event = {
      call_id: 'c1',
      agent_id: 'a',
      tool_name: 'read_file',
      verdict: 'call_allowed',
      mode: 'enforce',
      timestamp: new Date(t.clock.now()).toISOString(),
      payload: { tool_args: { path: 'x' } },
    }
    await t.request({ method: 'POST', url: '/api/v1/events', headers: await t.agent(), payload: { events: [event] } })
    const yaml_content = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: b}
defaults: {mode: enforce}
contracts:
  - {id: one, type: pre, tool: read_file, when: {args.path: {equals: x}}, then: {effect: deny, message: stop}}
`
    await t.request({ method: 'POST', url: '/api/v1/bundles', headers, payload: { yaml_content } })
    const replayed = await t.request({
      method: 'POST',
      url: '/api/v1/bundles/b/1/replay?env=production',
      headers,
    })
    expect(replayed.statusCode).toBe(200)
    const after = await figures()
    expect(after('lictor_events_ingested_total')).toBe(1)
    expect(after('lictor_ingest_commit_seconds_count')).toBe(1)
    expect([after('lictor_ingest_waiting_events'), after('lictor_ingest_waiting_bytes')]).toEqual([0, 0])
    expect(after('lictor_replays_total{outcome="done"}')).toBe(1)
    expect(after('lictor_replay_events_total')).toBe(1)
    expect(after('lictor_worker_up{worker="notifications"}')).toBe(1)
    if (t.environment.DATABASE_URL) expect(after('lictor_database_connections{state="idle"}')).toBeGreaterThan(0)
    else expect(after('lictor_database_connections{state="idle"}')).toBeUndefined()
  })

  it('tell of the models of agents', async () => {
    const open = world(async (environment) => {
      t = await start({ environment })
      return t
    })
    const w = await open([call('list_dir', { path: '.' }), { text: 'Done.' }])
    await w.run()
    const after = await figures()
    expect(after('lictor_ai_calls_total{purpose="agent",provider="scripted",outcome="answered"}')).toBe(2)
    expect(after('lictor_ai_call_seconds_count{purpose="agent",provider="scripted"}')).toBe(2)
    expect(after('lictor_executions_total{status="completed"}')).toBe(1)
  })

  it('say nothing of what cannot be looked up, and the rest all the same', async () => {
    t = await start()
    await t.admin()
    await ask(await t.agent())
    expect((await figures())('lictor_approvals_pending')).toBe(1)
    await t.clock.advance(5_000)
    await t.server.database.db.schema.dropTable('approvals').execute()
    const without = await figures()
    expect(without('lictor_approvals_pending')).toBeUndefined()
    expect(without('lictor_approvals_total{status="pending"}')).toBe(1)
  })
})
