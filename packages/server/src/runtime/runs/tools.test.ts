import { afterEach, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { allEvents, call, deployAgent, serviceHeaders, startExecution, until } from '../../../test/runtime.ts'
import { workflowWorld } from '../../../test/workflow-runs.ts'

const names = [
  ...['list', 'validate', 'create', 'update', 'export', 'run', 'logs', 'wait', 'status', 'cancel', 'signal', 'search'],
  ...['executions.list', 'executions.get', 'delete', 'remove', 'promote'],
].map((one) => `aegis.workflow.${one}`)
const asking = { initial_state: 'ASK', states: { ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } } }
const manifest = (name: string, spec: object = asking, version = '1.0.0') =>
  stringify({ apiVersion: '100monkeys.ai/v1', kind: 'Workflow', metadata: { name, version }, spec })

/** Whatever a tool answers. */
// biome-ignore lint/suspicious/noExplicitAny: answers of seventeen tools
type Told = any

onEachDatabase('tools over workflows', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = workflowWorld(async (environment) => {
    t = await start({ environment })
    return t
  })
  type World = Awaited<ReturnType<typeof open>>
  async function allow(name: string, ...patterns: string[]) {
    const answer = await t.request({
      method: 'POST',
      url: '/v1/security-contexts',
      headers: await serviceHeaders(t, { role: 'aegis:admin' }),
      payload: { name, capabilities: patterns.map((tool_pattern) => ({ tool_pattern })) },
    })
    expect(answer.statusCode).toBeLessThan(300)
  }
  /** What an agent is told of these calls, in order, parsed where it is JSON. */
  async function told(w: World, calls: readonly object[], context = 'all', agent = 'manager') {
    const id = await deployAgent(
      t,
      w.headers,
      {
        tools: names,
        security_context: context,
        runtime: { language: 'javascript', version: '20', model: 'scripted' },
      },
      { name: agent, annotations: { 'lictor.dev/script': stringify({ turns: [...calls, { text: 'Done.' }] }) } },
    )
    const events = await allEvents(w.address, w.headers, await startExecution(t, w.headers, id))
    return events
      .filter(({ type }) => type === 'llm_interaction')
      .slice(1)
      .map(({ prompt }): Told => {
        try {
          return JSON.parse(String(prompt)) as Told
        } catch {
          return String(prompt) as never
        }
      })
  }

  it('register, find, run, look and answer, by the rules of the routes', async () => {
    const w = await open()
    await allow('all', '*')
    const [created, listed, updated, exported, found, begun] = await told(w, [
      call('aegis.workflow.create', { manifest_yaml: manifest('asking') }),
      call('aegis.workflow.list', {}),
      call('aegis.workflow.update', { manifest_yaml: manifest('asking', asking, '1.1.0') }),
      call('aegis.workflow.export', { name: 'asking' }),
      call('aegis.workflow.search', { query: 'asking' }),
      call('aegis.workflow.run', { name: 'asking', input: { n: 1 } }),
    ])
    expect(created).toMatchObject({ name: 'asking', status: 'registered' })
    expect(listed).toMatchObject({ count: 1 })
    expect(updated).toMatchObject({ status: 'updated', previous_version: '1.0.0', version: '1.1.0' })
    expect(exported.manifest_yaml).toContain('kind: Human')
    expect(found.workflows[0]).toMatchObject({ name: 'asking', score: 1 })
    expect(begun).toMatchObject({ status: 'started', workflow_name: 'asking' })
    const execution_id = begun.execution_id
    await until(async () => (await w.pending()).length === 1)
    const [status, one, listedRuns, late, sent, ended, logs, removed] = await told(
      w,
      [
        call('aegis.workflow.status', { execution_id }),
        call('aegis.workflow.executions.get', { execution_id }),
        call('aegis.workflow.executions.list', { workflow_id: 'asking' }),
        call('aegis.workflow.signal', { execution_id, response: '' }),
        call('aegis.workflow.signal', { execution_id, response: 'fine' }),
        call('aegis.workflow.wait', { execution_id }),
        call('aegis.workflow.logs', { execution_id, limit: 2 }),
        call('aegis.workflow.remove', { execution_id }),
      ],
      'all',
      'watcher',
    )
    expect(status).toMatchObject({ status: 'running', current_state: 'ASK' })
    expect(one).toMatchObject({ execution_id, final_output: null })
    expect(listedRuns).toMatchObject({ count: 1, executions: [{ execution_id }] })
    expect(late).toContain('response must not be empty')
    expect(sent).toMatchObject({ status: 'signal_sent' })
    expect(ended).toMatchObject({ status: 'completed', timed_out: false, final_output: { response: 'fine' } })
    expect(logs).toMatchObject({ logs: [{ sequence: 1 }, { sequence: 2 }], has_more: true })
    // Only operators remove what was run.
    expect(removed).toMatch(/^Tool 'aegis\.workflow\.remove' is not /)
  })

  it('a manifest whose scores lead nowhere, or that is none, is not registered', async () => {
    const w = await open()
    await allow('all', '*')
    await w.agent('scored', [{ text: 'x' }])
    const scored = (...transitions: object[]) =>
      manifest('scored', {
        initial_state: 'A',
        states: {
          A: { kind: 'Agent', agent: 'scored', transitions },
          B: { kind: 'Human', prompt: 'ok?', transitions: [] },
        },
      })
    const above = { condition: 'score_above', threshold: 0.5, target: 'B' }
    const [half, mixed, broken, verdict] = await told(w, [
      call('aegis.workflow.create', { manifest_yaml: scored(above) }),
      call('aegis.workflow.create', { manifest_yaml: scored({ condition: 'on_success', target: 'B' }, above) }),
      call('aegis.workflow.create', { manifest_yaml: 'kind: Nothing' }),
      call('aegis.workflow.validate', { manifest_yaml: manifest('x', { initial_state: 'NO', states: asking.states }) }),
    ])
    expect(half).toContain("State 'A' leads on by a score, and nowhere below it.")
    expect(mixed).toContain('both by on_success and by a score')
    expect(broken).toContain('Workflow')
    expect(verdict).toMatchObject({ valid: false, error: expect.stringContaining("Initial state 'NO' not found") })
    expect((await w.send('GET', '/v1/workflows')).json().count).toBe(0)
  })

  it('what an agent starts is allowed no more than the agent, and is no deeper than three', async () => {
    const w = await open()
    await allow('runs', 'aegis.workflow.run', 'aegis.workflow.wait')
    await allow('deletes', 'aegis.agent.delete')
    await deployAgent(
      t,
      w.headers,
      { security_context: 'deletes', runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      { name: 'wider', annotations: { 'lictor.dev/script': stringify({ turns: [{ text: 'Never.' }] }) } },
    )
    await w.register({
      A: { kind: 'Agent', agent: 'wider', input: 'go', transitions: [{ condition: 'on_success', target: 'A' }] },
    })
    const [begun] = await told(w, [call('aegis.workflow.run', { name: 'flow' })], 'runs')
    const { run } = await w.ended(begun.execution_id)
    expect(run).toMatchObject({ status: 'failed' })
    expect(run.state_outputs.A.error).toContain("'deletes' of the agent 'wider' allows more than 'runs'")
    expect((await w.executions()).map(({ agent_name: name }) => name)).toEqual(['manager'])
    // An agent in a workflow that starts the workflow that it is in.
    const script = { turns: [call('aegis.workflow.run', { name: 'round' }), { text: 'Begun.' }] }
    await deployAgent(
      t,
      w.headers,
      { tools: names, security_context: 'runs', runtime: { language: 'javascript', version: '20', model: 'scripted' } },
      { name: 'again', annotations: { 'lictor.dev/script': stringify(script) } },
    )
    await w.register({ A: { kind: 'Agent', agent: 'again', input: 'go', transitions: [] } }, { name: 'round' })
    await w.run({}, 'round')
    const runs = async () =>
      (await w.send('GET', '/v1/workflows/executions?workflow_name=round')).json().executions as { status: string }[]
    await until(async () => {
      const found = await runs()
      return found.length === 4 && found.every(({ status }) => status === 'completed')
    })
    expect(await runs()).toHaveLength(4)
  })
})
