import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, readStream, type StreamedEvent, startExecution, world } from '../../../test/runtime.ts'

onEachDatabase('what an execution does, as events', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  const storage = (events: readonly StreamedEvent[]) => events.filter(({ category }) => category === 'storage')
  const tools = ['fs.write', 'fs.edit', 'fs.read', 'fs.list', 'fs.create_dir', 'fs.glob', 'fs.delete', 'run_command']
  const once = { mode: 'one-shot' }

  it('files of its workspace and of its volumes: with the call that touched them, none for one that was refused', async () => {
    const w = await open(
      [
        call('fs.write', { path: 'a.txt', content: 'one' }),
        call('fs.edit', { path: 'a.txt', target_content: 'one', replacement_content: 'three' }),
        call('fs.read', { path: 'a.txt' }),
        call('fs.create_dir', { path: 'deep' }),
        call('fs.write', { path: 'data/b.txt', content: '12345' }),
        call('fs.list', { path: '.' }),
        call('fs.glob', { path: '.', pattern: '*.txt' }),
        call('fs.delete', { path: 'a.txt' }),
        call('fs.read', { path: 'a.txt' }),
        { text: 'Done.' },
      ],
      {
        tools,
        execution: once,
        volumes: [{ name: 'data', storage_class: 'persistent', mount_path: '/workspace/data' }],
      },
    )
    const { id, events } = await w.run()
    const volumes = (await t.request({ method: 'GET', url: '/v1/volumes', headers: w.headers })).json()
    const volume_id = volumes.items[0].id
    const of = (type: string, path: string, more: object = {}) => ({
      type,
      path,
      execution_id: id,
      agent_id: w.agent,
      volume_id: null,
      ...more,
    })
    expect(storage(events)).toMatchObject([
      of('file_created', '/workspace/a.txt'),
      of('file_written', '/workspace/a.txt', { offset: 0, bytes_written: 3, duration_ms: expect.any(Number) }),
      of('file_written', '/workspace/a.txt', { bytes_written: 5 }),
      of('file_read', '/workspace/a.txt', { offset: 0, bytes_read: 5, duration_ms: expect.any(Number) }),
      of('file_created', '/workspace/deep', { is_dir: true }),
      of('file_created', '/workspace/data/b.txt', { volume_id }),
      of('file_written', '/workspace/data/b.txt', { volume_id, bytes_written: 5 }),
      of('directory_listed', '/workspace', { entry_count: 3 }),
      of('directory_listed', '/workspace', { entry_count: 2 }),
      of('file_deleted', '/workspace/a.txt'),
    ])
    // What was carried to the volume is told to the tenant, by whom.
    const kept = await readStream(w.address, '/v1/observability/events?follow=false', w.headers)
    expect(storage(kept)).toMatchObject([
      { type: 'file_created', volume_id, path: '/b.txt', execution_id: id },
      { type: 'file_written', volume_id, path: '/b.txt', execution_id: id, bytes_written: 5 },
    ])
  })

  it('a command that its context refuses, and the refusal in the stream of its agent', async () => {
    const context = {
      name: 'narrow',
      capabilities: [{ tool_pattern: 'cmd.run', command_allowlist: ['ls'] }],
    }
    const w = await open([call('run_command', { command: 'rm', args: ['-rf', '/'] }), { text: 'Done.' }])
    const url = '/v1/security-contexts'
    expect((await t.request({ method: 'POST', url, headers: w.headers, payload: context })).statusCode).toBe(200)
    const agent = await deployAgent(
      t,
      w.headers,
      { tools, execution: once, security_context: 'narrow' },
      { name: 'narrow' },
    )
    const events = await w.events(await startExecution(t, w.headers, agent))
    const refused = events.filter(({ type }) => type.endsWith('_policy_violation'))
    expect(refused).toMatchObject([
      { type: 'command_policy_violation', command: 'rm', args: ['-rf', '/'], violation_type: 'ToolNotAllowed' },
      { type: 'tool_policy_violation', tool_name: 'run_command', violation_type: 'ToolNotAllowed' },
    ])
    expect(refused[0]?.tool_call_id).toBe(events.find(({ type }) => type === 'tool_invocation_failed')?.invocation_id)
    const ofAgent = await readStream(w.address, `/v1/agents/${agent}/events?follow=false`, w.headers)
    const ofTenant = await readStream(w.address, '/v1/observability/events?follow=false', w.headers)
    for (const seen of [ofAgent, ofTenant])
      expect(seen.filter(({ type }) => type === 'policy_violation_blocked')).toMatchObject([
        { agent_id: agent, category: 'policy', policy_violation_blocked: { details: expect.stringContaining('rm') } },
      ])
  })

  it('a command whose result does not come any more', async () => {
    const w = await open([call('run_command', { command: 'kill -9 $PPID; sleep 60' }), { text: 'Done.' }], {
      tools,
      execution: once,
    })
    const { events } = await w.run()
    const started = events.find(({ type }) => type === 'command_execution_started')
    expect(events.filter(({ type }) => type === 'command_execution_failed')).toMatchObject([
      { dispatch_id: started?.dispatch_id, reason: 'InstanceTerminated', failed_at: expect.any(String) },
    ])
  })

  it('a secret that is not there: denied in its stream, once for each attempt, without a value', async () => {
    const w = await open([{ text: 'Done.' }], { env: { TOKEN: 'secret:db/none' }, execution: once })
    const { id, events } = await w.run()
    expect(events.filter(({ category }) => category === 'secrets')).toMatchObject([
      {
        type: 'secret_access_denied',
        engine: 'kv',
        path: 'db/none',
        reason: 'it does not exist',
        access_context: {
          orchestrator_id: expect.any(String),
          execution_id: id,
          agent_id: w.agent,
          requested_at: expect.any(String),
        },
      },
    ])
  })

  it('a file that the manifest keeps from its agent', async () => {
    const security = { filesystem: { read: ['/workspace/open'] } }
    const w = await open([call('fs.read', { path: 'shut.txt' }), { text: 'Done.' }], {
      tools,
      execution: once,
      security,
    })
    const { id } = await w.run()
    const events = await readStream(w.address, '/v1/observability/events?follow=false', w.headers)
    expect(events.filter(({ type }) => type === 'filesystem_policy_violation')).toMatchObject([
      {
        execution_id: id,
        volume_id: null,
        operation: 'read',
        path: expect.stringContaining('shut.txt'),
        violated_at: expect.any(String),
      },
    ])
  })

  it('a volume that cannot be mounted', async () => {
    const none = crypto.randomUUID()
    const w = await open([{ text: 'Done.' }], {
      execution: once,
      volumes: [{ name: 'data', mount_path: '/workspace/data', source: { volume_id: none } }],
    })
    const { id, answer } = await w.run()
    expect(answer.status).toBe('failed')
    const events = await readStream(w.address, '/v1/observability/events?follow=false', w.headers)
    expect(events.filter(({ type }) => type === 'volume_mount_failed')).toMatchObject([
      { volume_id: none, instance_id: id, error: expect.stringContaining('no volume'), failed_at: expect.any(String) },
    ])
  })
})
