import { afterEach, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, serviceHeaders, startExecution, until, world } from '../../../test/runtime.ts'

const tools = ['aegis.task.execute', 'aegis.task.wait', 'aegis.tools.list']

onEachDatabase('what an agent starts by aegis.task.execute', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  /** An agent that plays these turns. */
  const deploy = (headers: Record<string, string>, name: string, turns: readonly object[], spec: object = {}) =>
    deployAgent(
      t,
      headers,
      { tools, runtime: { language: 'javascript', version: '20', model: 'scripted' }, ...spec },
      { name, annotations: { 'lictor.dev/script': stringify({ turns }) } },
    )
  const executionsOf = async (agent: string) =>
    t.server.database.db.selectFrom('executions').selectAll().where('agent_name', '=', agent).orderBy('seq').execute()
  const statusesOf = async (agent: string) => (await executionsOf(agent)).map(({ status }) => status)

  it('is its child, and an agent that starts itself for ever is stopped at the third', async () => {
    const w = await open([], { tools })
    const id = await deploy(w.headers, 'again', [
      call('aegis.task.execute', { agent_id: 'again', intent: 'Go on.' }),
      { text: 'Begun.' },
    ])
    const first = await startExecution(t, w.headers, id)
    await until(async () => {
      const found = await executionsOf('again')
      return found.length === 4 && found.every(({ status }) => status === 'completed')
    })
    const found = await executionsOf('again')
    expect(found.map(({ ancestors }) => (JSON.parse(ancestors) as string[]).length)).toEqual([0, 1, 2, 3])
    const shown = await w.get(found[3]?.id ?? '')
    expect(shown).toMatchObject({ parent_execution_id: found[2]?.id, hierarchy: { depth: 3 } })
    const told = w.told(await w.events(found[3]?.id ?? ''))
    expect(told[1]).toBe(
      `Tool execution error: Maximum recursive depth reached at depth 3; cannot spawn child from execution ${found[3]?.id}`,
    )
    expect((await w.events(first)).map(({ type }) => type)).toContain('child_execution_spawned')
  })

  it('goes on when what began it has completed, and ends with it when that is cancelled, however deep it is', async () => {
    const w = await open([], { tools })
    await deploy(w.headers, 'sleeper', [{ text: 'late', delay_ms: 3_600_000 }])
    await deploy(w.headers, 'middle', [
      call('aegis.task.execute', { agent_id: 'sleeper', intent: 'Sleep.' }),
      { text: 'Begun.' },
    ])
    const top = await deploy(w.headers, 'top', [
      call('aegis.task.execute', { agent_id: 'middle', intent: 'Begin it.' }),
      { text: 'late', delay_ms: 3_600_000 },
    ])
    const id = await startExecution(t, w.headers, top)
    await until(async () => (await statusesOf('middle'))[0] === 'completed')
    expect(await statusesOf('sleeper')).toEqual(['running'])
    await t.request({ method: 'POST', url: `/v1/executions/${id}/cancel`, headers: w.headers, payload: {} })
    await until(async () => (await statusesOf('sleeper'))[0] === 'cancelled')
    expect([await statusesOf('top'), await statusesOf('middle')]).toEqual([['cancelled'], ['completed']])
    expect((await executionsOf('sleeper'))[0]?.error).toBe('The execution that began it has ended.')
  })

  it('is allowed no more than what began it, is of the version that was asked for, and takes attachments', async () => {
    const w = await open([], { tools })
    const admin = await serviceHeaders(t, { role: 'aegis:admin' })
    await t.request({
      method: 'POST',
      url: '/v1/security-contexts',
      headers: admin,
      payload: { name: 'deletes', capabilities: [{ tool_pattern: 'aegis.agent.delete' }] },
    })
    await t.request({
      method: 'POST',
      url: '/v1/volumes/chat-attachments/files/upload?path=note.txt',
      headers: { ...w.headers, 'content-type': 'application/octet-stream' },
      payload: 'a note',
    })
    await deploy(w.headers, 'wider', [{ text: 'Never.' }], { security_context: 'deletes' })
    await deploy(w.headers, 'plain', [{ text: 'Done.' }])
    const id = await deploy(w.headers, 'asking', [
      call('aegis.task.execute', { agent_id: 'wider', intent: 'x' }),
      call('aegis.task.execute', { agent_id: 'plain', intent: 'x', version: '9.9.9' }),
      call('aegis.task.execute', {
        agent_id: 'plain',
        input: 'x',
        attachments: [{ volume_id: 'chat-attachments', path: 'note.txt' }],
      }),
      call('aegis.task.execute', {
        agent_id: 'plain',
        input: 'x',
        attachments: [{ volume_id: 'chat-attachments', path: 'none.txt' }],
      }),
      { text: 'Done.' },
    ])
    const told = w.told(await w.events(await startExecution(t, w.headers, id))).slice(1)
    expect(told).toEqual([
      expect.stringContaining("'deletes' of the agent 'wider' allows more than"),
      expect.stringContaining("Version mismatch: requested '9.9.9' but agent has '1.0.0'"),
      expect.stringContaining('"status":"started"'),
      expect.stringContaining('attachments[0]'),
    ])
    expect(await executionsOf('wider')).toEqual([])
    const [child, ...others] = await executionsOf('plain')
    expect(others).toEqual([])
    expect(child?.input).toContain('note.txt')
  })
})
