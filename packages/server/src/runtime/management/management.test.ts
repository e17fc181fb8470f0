import { afterEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { onEachDatabase, startTestServer, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, world } from '../../../test/runtime.ts'
import { matches } from './discovery-tools.ts'
import { overlap } from './search.ts'

const manifest = (name: string, version = '1.0.0', spec: object = {}, metadata: object = {}) =>
  stringify({
    apiVersion: '100monkeys.ai/v1',
    kind: 'Agent',
    metadata: { name, version, ...metadata },
    spec: { runtime: { language: 'javascript', version: '20' }, task: { instruction: 'Work.' }, ...spec },
  })
const tools = [
  'aegis.agent.list',
  'aegis.agent.create',
  'aegis.agent.update',
  'aegis.agent.export',
  'aegis.agent.delete',
  'aegis.agent.generate',
  'aegis.agent.logs',
  'aegis.agent.wait',
  'aegis.agent.search',
  'aegis.task.execute',
  'aegis.task.status',
  'aegis.task.cancel',
  'aegis.task.remove',
  'aegis.task.wait',
  'aegis.task.logs',
  'aegis.task.list',
  'aegis.execution.file',
  'aegis.tools.list',
  'aegis.tools.search',
  'aegis.schema.get',
  'aegis.schema.validate',
  'aegis.runtime.list',
  'aegis.system.info',
  'aegis.system.config',
  'aegis.edge.fleet.list',
  'fs.read',
]

onEachDatabase('tools that manage things', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process' } })
    return t
  })
  /** What the model was told of its calls, in order, parsed where it is JSON. */
  async function told(
    turns: readonly object[],
    spec: object = {},
    prepare?: (w: Awaited<ReturnType<typeof open>>) => Promise<unknown>,
  ) {
    const w = await open([...turns, { text: 'Done.' }], { tools, ...spec })
    await prepare?.(w)
    const { id, events } = await w.run()
    const answers = w
      .told(events)
      .slice(1)
      .map((text): unknown => {
        try {
          return JSON.parse(text)
        } catch {
          return text
        }
      })
    return { w, id, events, answers }
  }

  it('agents are made, changed, exported and found by the rules of the HTTP routes', async () => {
    const { answers, w } = await told([
      call('aegis.agent.create', { manifest_yaml: manifest('made', '1.0.0', {}, { description: 'Counts cats.' }) }),
      call('aegis.agent.create', { manifest_yaml: manifest('made') }),
      call('aegis.agent.create', { manifest_yaml: 'kind: Nonsense' }),
      call('aegis.agent.create', { manifest_yaml: manifest('other', '1', { tools: ['no.such'] }) }),
      call('aegis.agent.update', { manifest_yaml: manifest('made', '2.0.0', {}, { description: 'Counts cats.' }) }),
      call('aegis.agent.update', { manifest_yaml: manifest('unknown') }),
      call('aegis.agent.export', { name: 'made' }),
      call('aegis.agent.list', {}),
      call('aegis.agent.search', { query: 'count cats' }),
      call('aegis.agent.search', { query: 'quantum gravity' }),
      call('aegis.agent.generate', { input: 'an agent' }),
    ])
    expect(answers).toEqual([
      expect.objectContaining({ name: 'made', version: '1.0.0', status: 'deployed' }),
      expect.stringContaining('is already deployed'),
      expect.stringMatching(/^Tool execution error: /),
      expect.stringContaining("'no.such'"),
      expect.objectContaining({ version: '2.0.0', status: 'updated', previous_version: '1.0.0' }),
      'Tool execution error: Agent not found',
      expect.objectContaining({ manifest_yaml: expect.stringContaining('2.0.0') }),
      expect.objectContaining({ count: 2 }),
      expect.objectContaining({ agents: [expect.objectContaining({ name: 'made' })] }),
      { agents: [], count: 0 },
      expect.stringContaining("There is no agent 'agent-creator-agent'"),
    ])
    const versions = await t.request({
      method: 'GET',
      url: `/v1/agents/${(answers[0] as { id: string }).id}/versions`,
      headers: w.headers,
    })
    expect(versions.json().count).toBe(2)
  })

  it('an agent has another one work, waits for it though there is one place, and reads what it did', async () => {
    const w = await world(async (environment) => {
      t = await start({ environment: { ...environment, LICTOR_SANDBOX: 'process', LICTOR_MAX_EXECUTIONS: '1' } })
      return t
    })([], { tools })
    await deployAgent(
      t,
      w.headers,
      { tools: ['fs.write'], runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      {
        name: 'child',
        annotations: {
          'lictor.dev/script': stringify({
            turns: [call('fs.write', { path: 'out.txt', content: 'made by the child' }), { text: 'The answer is 42.' }],
          }),
        },
      },
    )
    const started = await w.start()
    void started
    const parent = await deployAgent(
      t,
      w.headers,
      { tools, runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      {
        name: 'parent',
        annotations: {
          'lictor.dev/script': stringify({
            turns: [call('aegis.task.execute', { agent_id: 'child', intent: 'Go.' }), { text: 'Begun.' }],
          }),
        },
      },
    )
    const begun = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: parent, input: 'x' },
    })
    expect(begun.statusCode).toBe(200)
    const events = await w.events(begun.json<{ execution_id: string }>().execution_id)
    const child = JSON.parse(w.told(events)[1] ?? '') as { execution_id: string; status: string }
    expect(child.status).toBe('started')
    const waiter = await deployAgent(
      t,
      w.headers,
      { tools, runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      {
        name: 'waiter',
        annotations: {
          'lictor.dev/script': stringify({
            turns: [
              call('aegis.task.wait', { execution_id: child.execution_id }),
              call('aegis.task.status', { execution_id: child.execution_id }),
              call('aegis.execution.file', { execution_id: child.execution_id, path: 'out.txt' }),
              call('aegis.execution.file', { execution_id: child.execution_id, path: '../../lictor.db' }),
              call('aegis.task.logs', { execution_id: child.execution_id, limit: 2 }),
              call('aegis.agent.logs', { agent_id: 'child', limit: 3 }),
              call('aegis.task.list', { agent_id: 'child' }),
              call('aegis.task.cancel', { execution_id: child.execution_id }),
              call('aegis.task.status', { execution_id: '00000000-0000-4000-8000-000000000000' }),
              call('aegis.task.status', { execution_id: 'x' }),
              { text: 'Done.' },
            ],
          }),
        },
      },
    )
    const second = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: waiter, input: 'x' },
    })
    const heard = w.told(await w.events(second.json<{ execution_id: string }>().execution_id)).slice(1)
    expect(JSON.parse(heard[0] ?? '')).toMatchObject({
      status: 'completed',
      output: 'The answer is 42.',
      timed_out: false,
    })
    expect(JSON.parse(heard[1] ?? '')).toMatchObject({ status: 'completed' })
    expect(JSON.parse(heard[2] ?? '')).toMatchObject({ content: 'made by the child', encoding: 'utf-8' })
    expect(heard[3]).toContain("contains '..'")
    expect(JSON.parse(heard[4] ?? '')).toMatchObject({ logs: [{ type: 'execution_started' }, {}], has_more: true })
    expect(JSON.parse(heard[5] ?? '').logs).toHaveLength(3)
    expect(JSON.parse(heard[6] ?? '')).toMatchObject({ count: 1 })
    expect(JSON.parse(heard[7] ?? '')).toMatchObject({ status: 'completed' })
    expect(heard[8]).toBe('Tool execution error: Execution not found')
    expect(heard[9]).toContain('no id of an execution')
  })

  it('what belongs to another tenant is not there', async () => {
    const w = await open([], { tools })
    const foreign = await t.otherTenant()
    const theirs = await t.request({
      method: 'POST',
      url: '/v1/agents',
      headers: { ...foreign, 'content-type': 'text/yaml' },
      payload: manifest('theirs'),
    })
    const { id } = theirs.json<{ id: string }>()
    const run = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: foreign,
      payload: { agent_id: id, input: 'x' },
    })
    const execution = run.json<{ execution_id: string }>().execution_id
    const mine = await deployAgent(
      t,
      w.headers,
      { tools, runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      {
        name: 'mine',
        annotations: {
          'lictor.dev/script': stringify({
            turns: [
              call('aegis.agent.export', { name: 'theirs' }),
              call('aegis.agent.logs', { agent_id: id }),
              call('aegis.task.execute', { agent_id: id, intent: 'x' }),
              call('aegis.task.status', { execution_id: execution }),
              call('aegis.task.cancel', { execution_id: execution }),
              call('aegis.execution.file', { execution_id: execution, path: 'x' }),
              call('aegis.task.list', {}),
              call('aegis.agent.list', { tenant_id: 'another' }),
              { text: 'Done.' },
            ],
          }),
        },
      },
    )
    const started = await t.request({
      method: 'POST',
      url: '/v1/executions',
      headers: w.headers,
      payload: { agent_id: mine, input: 'x' },
    })
    const heard = w.told(await w.events(started.json<{ execution_id: string }>().execution_id)).slice(1)
    expect(heard.slice(0, 3)).toEqual(Array(3).fill('Tool execution error: Agent not found'))
    expect(heard.slice(3, 6)).toEqual(Array(3).fill('Tool execution error: Execution not found'))
    expect(heard[6]).not.toContain(execution)
    expect(heard[7]).toContain('is not available')
  })
})

describe('what can be called', () => {
  let t: TestServer
  afterEach(() => t.close())
  const open = world(async (environment) => {
    t = await startTestServer({ environment: { ...environment, LICTOR_SANDBOX: 'process', LICTOR_SEARCH_KEY: 'hush' } })
    return t
  })

  it('is what is listed, and the reverse; operators alone are told of the server', async () => {
    const w = await open(
      [
        ...[0, 15, 30, 45, 60].map((offset) => call('aegis.tools.list', { limit: 15, offset })),
        call('aegis.tools.list', { limit: 2, offset: 1, category: 'filesystem' }),
        call('aegis.tools.search', { name_pattern: 'fs.*', tags: ['read-only'] }),
        call('aegis.tools.search', { keyword: 'markdown' }),
        call('aegis.schema.get', { key: 'agent/manifest/v1' }),
        call('aegis.schema.get', { key: 'x' }),
        call('aegis.schema.validate', { kind: 'agent', manifest_yaml: 'kind: Agent' }),
        call('aegis.runtime.list', { language: 'python' }),
        call('aegis.system.config', {}),
        call('aegis.edge.fleet.list', {}),
        { text: 'Done.' },
      ],
      { tools },
    )
    const { events } = await w.run()
    const heard = w.told(events).slice(1)
    const pages = heard.splice(0, 5).map((page) => JSON.parse(page) as { total: number; tools: { name: string }[] })
    const names = pages.flatMap(({ tools }) => tools.map(({ name }) => name))
    expect(names).toHaveLength(pages[0]?.total ?? 0)
    expect(names).toEqual(expect.arrayContaining(['fs.read', 'cmd.run', 'web.fetch', 'aegis.task.execute']))
    // The default context has no tools of operators, so it is told of none.
    expect(names.filter((name) => /system|remove|agent\.delete|edge/.test(name))).toEqual([])
    expect(JSON.parse(heard[0] ?? '')).toMatchObject({ count: 2, offset: 1, limit: 2 })
    expect(
      JSON.parse(heard[1] ?? '')
        .tools.map((one: { name: string }) => one.name)
        .sort(),
    ).toEqual(['fs.glob', 'fs.grep', 'fs.list', 'fs.read'])
    expect(JSON.parse(heard[2] ?? '').tools[0].name).toBe('web.fetch')
    expect(JSON.parse(heard[3] ?? '').schema.required).toContain('spec')
    expect(heard[4]).toContain('key must be equal to one of the allowed values')
    expect(JSON.parse(heard[5] ?? '')).toMatchObject({ valid: false })
    expect(JSON.parse(heard[6] ?? '').runtimes[0].versions).toContain('3.12')
    expect(heard[7]).toContain('is not available')
    expect(heard[8]).toContain('is not available')
    expect(heard.join()).not.toContain('hush')
  })

  it('a search without a service ends the conversation, and says which setting is missing', async () => {
    const w = await open([call('web.search', { query: 'x' })], { tools: ['web.search'] })
    const { answer } = await w.run()
    expect(answer.status).toBe('failed')
    expect(answer.error).toContain("Tool 'web.search' terminated with fatal error: no search of the web is configured")
  })

  it('two hundred calls in one answer are all answered, in order', async () => {
    const calls = Array.from({ length: 200 }, (_one, index) => ({
      name: index % 2 === 0 ? 'aegis.runtime.list' : `no.such.${index}`,
      arguments: {},
    }))
    const w = await open([{ tool_calls: calls }, { text: 'Done.' }], { tools })
    const { events, answer } = await w.run()
    expect(answer.status).toBe('completed')
    expect(events.filter(({ type }) => type === 'tool_invocation_completed')).toHaveLength(100)
    expect(events.filter(({ type }) => type === 'tool_policy_violation')).toHaveLength(100)
  })
})

describe('words that are looked for', () => {
  it('are found whole, or by their beginning for half', () => {
    expect(overlap('count cats', 'It counts cats.')).toBe(0.75)
    expect(overlap('', 'x')).toBe(0)
    expect(overlap('dog', 'cats')).toBe(0)
  })
  it('a pattern of names takes any run of characters for its star', () => {
    expect(matches('fs.*', 'fs.read')).toBe(true)
    expect(matches('*read', 'fs.read')).toBe(true)
    expect(matches('f*r*d', 'fs.read')).toBe(true)
    expect(matches('fs.r*r', 'fs.r')).toBe(false)
    expect(matches('fs', 'fs.read')).toBe(false)
  })
})
