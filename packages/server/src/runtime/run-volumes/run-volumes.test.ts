import { afterEach, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, until } from '../../../test/runtime.ts'
import { workflowWorld } from '../../../test/workflow-runs.ts'

onEachDatabase('volumes of workflows', (start) => {
  let t: TestServer
  afterEach(() => t?.close())
  const open = workflowWorld(async (environment) => {
    t = await start({ environment })
    return t
  })
  type World = Awaited<ReturnType<typeof open>>
  const system = (command: string, target?: string) => ({
    kind: 'System',
    command,
    transitions: target === undefined ? [] : [{ target }],
  })
  const human = (target: string) => ({ kind: 'Human', prompt: 'Go on?', transitions: [{ target }] })
  const agent = (w: World, name: string, ...turns: object[]) =>
    deployAgent(
      t,
      w.headers,
      { runtime: { language: 'javascript', version: '20', model: 'scripted' }, tools: ['fs.read', 'fs.write'] },
      { name, annotations: { 'lictor.dev/script': stringify({ turns: [...turns, { text: 'Done.' }] }) } },
    )
  const show = async (w: World, id: string) => {
    const answer = await w.send('GET', `/v1/volumes/${id}`)
    return answer.statusCode === 200 ? answer.json().status : answer.statusCode
  }
  const make = async (w: World, label: string) =>
    (await w.send('POST', '/v1/volumes', { label })).json<{ id: string }>().id
  const read = async (w: World, id: string, path: string) => {
    const answer = await w.send('GET', `/v1/volumes/${id}/files/download?path=${path}`)
    return answer.statusCode === 200 ? answer.body : answer.statusCode
  }
  const waiting = (w: World) => until(async () => (await w.pending()).length === 1)

  it('commands and agents work on one workspace, which is there while the run is, and goes with it', async () => {
    const w = await open()
    await agent(
      w,
      'writer',
      call('fs.read', { path: 'in.txt' }),
      call('fs.write', { path: 'deep/out.txt', content: 'by the agent' }),
    )
    await w.register(
      {
        FIRST: system('echo by a command > in.txt; echo gone > old.txt', 'AGENT'),
        AGENT: { kind: 'Agent', agent: 'writer', input: 'Write.', transitions: [{ target: 'SECOND' }] },
        SECOND: system('cat in.txt deep/out.txt; rm old.txt', 'ASK'),
        ASK: human('LAST'),
        LAST: system('ls; echo {{workspace_volume_id}}'),
      },
      {},
      { storage: { workspace: {} } },
    )
    const id = await w.run()
    await waiting(w)
    const { blackboard } = await w.get(id)
    const volume = blackboard.workspace_volume_id
    expect(blackboard.workflow.storage).toEqual({ workspace: volume, shared_volumes: {} })
    expect([await show(w, volume), await read(w, volume, 'deep/out.txt')]).toEqual(['attached', 'by the agent'])
    // Who runs a workflow finds its volume there, whatever is tried on it.
    expect((await w.send('DELETE', `/v1/volumes/${volume}`)).statusCode).toBe(409)
    await w.send('POST', w.runUrl(id, '/signal'), { response: 'approved' })
    const { run } = await w.ended(id)
    expect(run.status).toBe('completed')
    expect(run.state_outputs.SECOND.stdout).toBe('by a command\nby the agent')
    expect(run.state_outputs.LAST.stdout).toBe(`deep\nin.txt\n${volume}\n`)
    await until(async () => (await show(w, volume)) === 404)
  })

  it('a workspace is there after a restart, and outlives its time while the run is under way', async () => {
    const w = await open()
    await w.register(
      { FIRST: system('echo kept > in.txt', 'ASK'), ASK: human('LAST'), LAST: system('cat in.txt') },
      {},
      { storage: { workspace: { ttl_hours: 0.1 } } },
    )
    const id = await w.run()
    await waiting(w)
    const volume = (await w.get(id)).blackboard.workspace_volume_id
    await t.clock.advance(660_000)
    await t.restart()
    await t.listen()
    // Access tokens are good for five minutes, a person's session for longer.
    const as = await t.admin()
    const get = async () => (await w.send('GET', w.runUrl(id), undefined, as)).json()
    const status = async () => (await w.send('GET', `/v1/volumes/${volume}`, undefined, as)).statusCode
    expect(await status()).toBe(200)
    await w.send('POST', w.runUrl(id, '/signal'), { response: 'approved' }, as)
    await until(async () => (await get()).status === 'completed')
    expect((await get()).state_outputs.LAST.stdout).toBe('kept\n')
    await until(async () => (await status()) === 404)
  })

  it('a volume of the tenant keeps what was written, and stays; it cannot be deleted while a run has it', async () => {
    const w = await open()
    await agent(w, 'writer', call('fs.write', { path: 'shared/agent.txt', content: 'by the agent' }))
    const [kept, read_only] = [await make(w, 'kept'), await make(w, 'read-only')]
    const volumes = [
      { volume: 'kept', mount_path: '/workspace/shared' },
      { volume: 'looked-at', mount_path: '/workspace/looked-at', access_mode: 'read-only' },
    ]
    await w.register(
      {
        AGENT: { kind: 'Agent', agent: 'writer', input: 'Write.', volumes, transitions: [{ target: 'ASK' }] },
        ASK: human('LAST'),
        LAST: system('ls; cat made.txt 2>/dev/null || echo none'),
      },
      {},
      {
        storage: {
          workspace: { volume_id: kept, storage_class: 'persistent' },
          shared_volumes: [
            { name: 'kept', volume_id: kept },
            { name: 'looked-at', volume_id: read_only },
          ],
        },
      },
    )
    const id = await w.run()
    await waiting(w)
    expect(await read(w, kept, 'agent.txt')).toBe('by the agent')
    expect((await w.send('DELETE', `/v1/volumes/${kept}`)).statusCode).toBe(409)
    await w.send('POST', w.runUrl(id, '/signal'), { response: 'approved' })
    const { run } = await w.ended(id)
    expect(run.state_outputs.LAST.stdout).toBe('agent.txt\nnone\n')
    await until(async () => (await show(w, kept)) === 'available')
    expect(await read(w, kept, 'agent.txt')).toBe('by the agent')
    expect(await read(w, kept, 'shared')).toBe(404)
    expect((await w.send('DELETE', `/v1/volumes/${kept}`)).statusCode).toBe(200)
    const gone = await w.send('POST', '/v1/workflows/flow/run', {})
    expect([gone.statusCode, gone.body]).toEqual([422, expect.stringContaining(`There is no volume ${kept}`)])
  })

  it('whatever the outcome, the workspace is gone: a failure, a cancelled agent', async () => {
    const w = await open()
    await deployAgent(
      t,
      w.headers,
      { runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      {
        name: 'slow',
        annotations: { 'lictor.dev/script': stringify({ turns: [{ text: 'Late.', delay_ms: 600_000 }] }) },
      },
    )
    const storage = { workspace: { size_limit_mb: 1, blackboard_key: 'place' } }
    await w.register({ FULL: system('head -c 2000000 /dev/zero > large') }, { name: 'full' }, { storage })
    const full = await w.ended(await w.run({}, 'full'))
    expect(full.run.state_outputs.FULL ?? full.run).toMatchObject({
      error: expect.stringContaining('What was written to /workspace could not be kept'),
    })
    await until(async () => (await show(w, full.run.blackboard.place)) === 404)
    await w.register(
      { AGENT: { kind: 'Agent', agent: 'slow', input: 'Wait.', transitions: [] } },
      { name: 'slow' },
      { storage },
    )
    const id = await w.run({}, 'slow')
    await until(async () => (await w.executions()).some(({ status }) => status === 'running'))
    const { place } = (await w.get(id)).blackboard
    await until(async () => (await show(w, place)) === 'attached')
    expect((await w.send('POST', w.runUrl(id, '/cancel'), {})).statusCode).toBeLessThan(300)
    await until(async () => (await show(w, place)) === 404)
  })

  it('an agent of its own mounts no volume of a run, and a run none of a person', async () => {
    const w = await open()
    await w.register({ ASK: human('LAST'), LAST: system('true') }, {}, { storage: { workspace: {} } })
    const id = await w.run()
    await waiting(w)
    const volume = (await w.get(id)).blackboard.workspace_volume_id
    const stranger = await deployAgent(
      t,
      w.headers,
      {
        runtime: { language: 'javascript', version: '20', model: 'scripted' },
        volumes: [{ name: 'theirs', mount_path: '/workspace/theirs', source: { volume_id: volume } }],
      },
      { name: 'stranger', annotations: { 'lictor.dev/script': stringify({ turns: [{ text: 'Done.' }] }) } },
    )
    const begun = await w.send('POST', '/v1/executions', { agent_id: stranger, input: 'Look.' })
    const { execution_id } = begun.json<{ execution_id: string }>()
    const status = async () => (await w.send('GET', `/v1/executions/${execution_id}`)).json()
    await until(async () => (await status()).status === 'failed')
    expect((await status()).error).toContain(`there is no volume ${volume}`)
    await w.register(
      {
        A: {
          kind: 'Agent',
          agent: 'stranger',
          input: '',
          volumes: [{ volume: 'x', mount_path: '/workspace/x' }],
          transitions: [],
        },
      },
      { name: 'undeclared' },
    )
    const other = await w.ended(await w.run({ blackboard: { x_volume_id: volume } }, 'undeclared'))
    expect(JSON.stringify(other.run)).toContain("There is no volume 'x'.")
  })
})
