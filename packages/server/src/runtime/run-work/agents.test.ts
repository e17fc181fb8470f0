import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { until } from '../../../test/runtime.ts'
import { workflowWorld } from '../../../test/workflow-runs.ts'

const judging = (score: number, more: object = {}) => ({
  text: JSON.stringify({ score, confidence: 0.8, reasoning: `it is worth ${score}`, ...more }),
})
const end = { kind: 'System', command: 'true', transitions: [] }

onEachDatabase('states of several agents', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = workflowWorld(async (environment) => {
    t = await start({ environment })
    return t
  })

  it('agents work at once, judges come to a consensus, and score and agreement both decide', async () => {
    const w = await open()
    for (const name of ['one', 'two']) await w.agent(name, [{ text: `{"by": "${name}"}` }])
    await w.agent('sure', [judging(0.9)])
    await w.agent('unsure', [judging(0.2)])
    const asking = {
      kind: 'ParallelAgents',
      agents: [
        { agent: 'one', input: 'a' },
        { agent: 'two', input: 'b', weight: 0 },
      ],
    }
    await w.register({
      ASK: {
        ...asking,
        consensus: { strategy: 'weighted_average' },
        judges_for_parallel: [{ agent_id: 'sure' }, { agent_id: 'sure' }, { agent_id: 'unsure' }],
        transitions: [
          { condition: 'consensus', threshold: 0.6, agreement: 0.9, target: 'SURE' },
          { condition: 'any_rejected', target: 'TORN' },
        ],
      },
      SURE: end,
      TORN: end,
    })
    const { run, log } = await w.ended(await w.run())
    expect(run).toMatchObject({ status: 'completed', current_state: 'TORN' })
    const { ASK } = run.state_outputs
    expect(ASK.agents.map((one: object) => ({ ...one, agent_id: null, execution_id: null }))).toEqual([
      { agent_id: null, execution_id: null, output: { by: 'one' }, weight: 1 },
      { agent_id: null, execution_id: null, output: { by: 'two' }, weight: 1 },
    ])
    expect(ASK.individual_scores).toEqual([0.9, 0.9, 0.2])
    expect(ASK.consensus.score).toBeCloseTo(2 / 3, 9)
    expect(ASK.consensus.confidence).toBeCloseTo(0.7 * (1 - 0.98 / 9 / 0.25) + 0.24, 9)
    expect(log.filter(({ type }) => type === 'GradientValidationPerformed')).toHaveLength(3)
    const judges = (await w.executions()).filter(({ agent_name: name }) => name !== 'one' && name !== 'two')
    expect(judges).toHaveLength(3)
  })

  it('an agent beyond its time is cancelled and told; the others are judged without it', async () => {
    const w = await open()
    await w.agent('quick', [{ text: 'done' }])
    await w.agent('slow', [{ text: 'late', delay_ms: 3_600_000 }])
    await w.agent('judge', [judging(1)])
    await w.register({
      ASK: {
        kind: 'ParallelAgents',
        agents: [
          { agent: 'quick', input: 'a' },
          { agent: 'slow', input: 'b', timeout_seconds: 30 },
        ],
        consensus: { strategy: 'unanimous' },
        judges_for_parallel: [{ agent_id: 'judge' }],
        transitions: [],
      },
    })
    const id = await w.run()
    await until(async () => {
      const found = await w.executions()
      return (
        found.length === 2 &&
        found.every(({ agent_name, status }) => status === (agent_name === 'slow' ? 'running' : 'completed'))
      )
    })
    await t.clock.advance(31_000)
    const { run } = await w.ended(id)
    expect(run.state_outputs.ASK).toMatchObject({
      consensus: { score: 1, binary_valid: true },
      agents: [{ output: 'done' }, { output: null, error: 'It took longer than 30 seconds.' }],
    })
    expect((await w.executions()).find(({ agent_name: name }) => name === 'slow')?.status).toBe('cancelled')
  })

  it('without judges all agents must have come to something; too few judges fail the state', async () => {
    const w = await open()
    await w.agent('good', [{ text: 'done' }])
    await w.agent('bad', [{ error: 'no such model' }])
    await w.agent('prose', [{ text: 'I like it.' }])
    const state = { kind: 'ParallelAgents', consensus: { strategy: 'majority', min_judges_required: 2 } }
    const routes = [{ condition: 'on_failure', target: 'FAILED' }]
    const agent = (name: string) => ({ agent: name, input: 'go' })
    const outcomeOf = async (more: object) => {
      await w.register({ ASK: { ...state, ...more, transitions: routes }, FAILED: end })
      const { run } = await w.ended(await w.run())
      return [run.current_state, run.state_outputs.ASK]
    }
    const [alone, output] = await outcomeOf({ agents: [agent('good'), agent('good')] })
    expect([alone, output.consensus.score]).toEqual(['ASK', 1])
    const [missing, told] = await outcomeOf({ agents: [agent('good'), agent('bad'), agent('nobody')] })
    expect([missing, told.error]).toEqual(['FAILED', expect.stringMatching(/^2 of 3 agents came to no output: /)])
    expect(told.error).toContain("nobody: There is no agent 'nobody'.")
    const [few, said] = await outcomeOf({ agents: [agent('good')], judges_for_parallel: [{ agent_id: 'prose' }] })
    expect([few, said.error]).toEqual(['FAILED', expect.stringContaining('0 of at least 2 judges have answered.')])
    expect(said.error).toContain('The judge answered no JSON')
  })

  it('an agent works again until its judge is content, each time told what was wrong', async () => {
    const w = await open()
    await w.agent('writer', [{ text: 'draft' }])
    await w.agent('judge', [judging(0.3)])
    await w.register({
      WRITE: {
        kind: 'Agent',
        agent: 'writer',
        input: 'Write.',
        judges: [{ agent_id: 'judge', input_template: 'Is {{output}} good for {{input.who}}?' }],
        max_iterations: 3,
        transitions: [
          { condition: 'score_below', threshold: 0.8, target: 'POOR' },
          { condition: 'on_success', target: 'GOOD' },
        ],
      },
      POOR: end,
      GOOD: end,
    })
    const { run, log } = await w.ended(await w.run({ input: { who: 'Ada' } }))
    expect(run).toMatchObject({
      current_state: 'POOR',
      state_outputs: { WRITE: { status: 'failed', output: 'draft', score: 0.3, iterations: 3 } },
    })
    expect(log.filter(({ type }) => type === 'WorkflowIterationStarted').map((one) => one.iteration_number)).toEqual([
      1, 2, 3,
    ])
    expect(log.filter(({ type }) => type === 'RefinementApplied')).toHaveLength(2)
    const inputs = await t.server.database.db
      .selectFrom('executions')
      .select(['agent_name', 'input'])
      .orderBy('seq')
      .execute()
    const of = (name: string) => inputs.flatMap((one) => (one.agent_name === name ? [JSON.parse(one.input)] : []))
    expect(of('judge')).toEqual(Array(3).fill('Is draft good for Ada?'))
    expect(of('writer')[2].match(/Validation failed with score 0\.3\.\nit is worth 0\.3/g)).toHaveLength(2)
  })

  it('a judge that says no beforehand keeps the agent from being asked', async () => {
    const w = await open()
    await w.agent('writer', [{ text: 'draft' }])
    await w.agent('gate', [judging(0.3)])
    await w.register({
      WRITE: {
        kind: 'Agent',
        agent: 'writer',
        input: 'Delete all.',
        pre_execution_validator: { judge_agent: 'gate', criteria: 'Is it harmless?' },
        transitions: [{ condition: 'on_failure', target: 'NO' }],
      },
      NO: end,
    })
    const { run } = await w.ended(await w.run())
    expect(run.state_outputs.WRITE).toEqual({
      status: 'failed',
      error: 'Validation score 0.3 below minimum 0.7: it is worth 0.3',
      pre_validation_score: 0.3,
    })
    expect((await w.executions()).map(({ agent_name: name }) => name)).toEqual(['gate'])
  })

  it('an output handler makes the output, of agents and of several', async () => {
    const w = await open()
    await w.agent('writer', [{ text: 'plain' }])
    await w.agent('phrase', [{ text: '{"phrased": true}' }])
    const output_handler = { type: 'agent', agent_id: 'phrase', input_template: 'Phrase {{output}}' }
    await w.register({
      ONE: { kind: 'Agent', agent: 'writer', input: 'go', output_handler, transitions: [{ target: 'MANY' }] },
      MANY: {
        kind: 'ParallelAgents',
        agents: [{ agent: 'writer', input: 'go' }],
        consensus: { strategy: 'majority' },
        output_handler,
        transitions: [],
      },
    })
    const { run, log } = await w.ended(await w.run())
    expect(run.state_outputs).toMatchObject({
      ONE: { output: { phrased: true } },
      MANY: { agents: [{ output: 'plain' }], handler_output: { phrased: true } },
    })
    expect(log.map(({ type }) => type).filter((type) => type.startsWith('OutputHandler'))).toEqual([
      'OutputHandlerStarted',
      'OutputHandlerCompleted',
      'OutputHandlerStarted',
      'OutputHandlerCompleted',
    ])
  })

  it('cancelling ends all agents, judges and what they wait for', async () => {
    const w = await open()
    await w.agent('slow', [{ text: 'late', delay_ms: 3_600_000 }])
    await w.register({
      ASK: {
        kind: 'ParallelAgents',
        agents: [
          { agent: 'slow', input: 'a', timeout_seconds: 4000 },
          { agent: 'slow', input: 'b' },
        ],
        consensus: { strategy: 'majority' },
        timeout: '1h',
        transitions: [],
      },
    })
    const id = await w.run()
    const statuses = async () => (await w.executions()).map(({ status }) => status)
    await until(async () => (await statuses()).join() === 'running,running')
    await w.send('POST', w.runUrl(id, '/cancel'), {})
    await until(async () => (await statuses()).join() === 'cancelled,cancelled')
  })
})

onEachDatabase('sub-workflows', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  const open = workflowWorld(async (environment) => {
    t = await start({ environment })
    return t
  })
  const sub = (more: object = {}) => ({
    kind: 'Subworkflow',
    workflow_id: 'inner',
    mode: 'blocking',
    result_key: 'made',
    transitions: [],
    ...more,
  })
  const runsOf = async (w: Awaited<ReturnType<typeof open>>, name: string) =>
    (await w.send('GET', `/v1/workflows/executions?workflow_name=${name}`)).json().executions as {
      id: string
      status: string
    }[]

  it('one that is waited for has a record of its own, and its result stands under its key', async () => {
    const w = await open()
    await w.register(
      { ASK: { kind: 'Human', prompt: '{{input.n}}?', transitions: [] } },
      { name: 'inner', output_template: { said: '{{ASK.response}}', n: '{{input.n}}' } },
    )
    await w.register({
      SUB: sub({ input: { n: '{{input.n}}' }, transitions: [{ condition: 'on_success', target: 'SAY' }] }),
      SAY: { kind: 'System', command: "echo '{{made.said}} {{SUB.n}}'", transitions: [] },
    })
    const id = await w.run({ input: { n: 3 } })
    await until(async () => (await w.pending()).length === 1)
    const [child] = await runsOf(w, 'inner')
    expect((await w.pending())[0]).toMatchObject({ execution_id: child?.id, prompt: '3?' })
    expect((await w.send('POST', w.runUrl(child?.id ?? '', '/signal'), { response: 'good' })).statusCode).toBe(202)
    const { run, log } = await w.ended(id)
    expect(run).toMatchObject({ status: 'completed', blackboard: { made: { said: 'good', n: 3 } } })
    expect(run.state_outputs.SAY.stdout).toBe('good 3\n')
    const told = log.filter(({ type }) => type.startsWith('Subworkflow'))
    expect(told.map(({ type }) => type)).toEqual(['SubworkflowTriggered', 'SubworkflowCompleted'])
    expect(told[0]).toMatchObject({
      state_name: 'SUB',
      details: { SubworkflowTriggered: { parent_execution_id: id, child_execution_id: child?.id, mode: 'blocking' } },
    })
  })

  it('one that fails, is cancelled or cannot be begun fails its state', async () => {
    const w = await open()
    const routed = sub({ transitions: [{ condition: 'on_failure', target: 'FAILED' }] })
    const errorOf = async () => {
      await w.register({ SUB: routed, FAILED: end })
      const { run } = await w.ended(await w.run())
      return [run.current_state, run.state_outputs.SUB.error]
    }
    expect(await errorOf()).toEqual(['FAILED', "Workflow 'inner' not found"])
    await w.register(
      { A: { kind: 'System', command: 'exit 1', transitions: [{ condition: 'on_success', target: 'A' }] } },
      { name: 'inner' },
    )
    expect(await errorOf()).toEqual(['FAILED', 'no transition matched in state A'])
    await w.register({ A: end }, { name: 'inner', input_schema: { type: 'object', required: ['n'] } })
    expect((await errorOf())[1]).toContain('Input validation failed')
    await w.register({ ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } }, { name: 'inner' })
    const id = await w.run()
    await until(async () => (await w.pending()).length === 1)
    const child = (await runsOf(w, 'inner')).find(({ status }) => status === 'running')
    await w.send('POST', w.runUrl(child?.id ?? '', '/cancel'), { reason: 'enough' })
    expect((await w.ended(id)).run).toMatchObject({
      current_state: 'FAILED',
      state_outputs: { SUB: { error: 'enough', child_execution_id: child?.id } },
    })
  })

  it('one that is left alone goes on when its parent ends, and outlives its cancelling', async () => {
    const w = await open()
    await w.register({ ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } }, { name: 'inner' })
    const { result_key: _key, ...left } = sub({ mode: 'fire_and_forget' })
    await w.register({
      SUB: { ...left, transitions: [{ target: 'WAIT' }] },
      WAIT: { kind: 'Human', prompt: 'mine?', transitions: [] },
    })
    const id = await w.run()
    await until(async () => (await w.pending()).length === 2)
    const [child] = await runsOf(w, 'inner')
    expect((await w.get(id)).state_outputs.SUB).toEqual({ child_execution_id: child?.id, mode: 'fire_and_forget' })
    await w.send('POST', w.runUrl(id, '/cancel'), {})
    await until(async () => (await w.pending()).length === 1)
    expect(await w.get(child?.id ?? '')).toMatchObject({ status: 'running' })
  })

  it('cancelling ends all that is waited for below, and none is deeper than three', async () => {
    const w = await open()
    await w.register({ SUB: sub({ workflow_id: 'flow' }) })
    const id = await w.run()
    const { run } = await w.ended(id)
    expect(run.status).toBe('completed')
    expect(await runsOf(w, 'flow')).toHaveLength(4)
    const errors = await Promise.all((await runsOf(w, 'flow')).map(async (one) => (await w.get(one.id)).blackboard))
    expect(JSON.stringify(errors)).toContain('Maximum recursive depth reached at depth 3')
    await w.register({ ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } }, { name: 'inner' })
    await w.register({ SUB: sub() }, { name: 'middle' })
    await w.register({ SUB: sub({ workflow_id: 'middle' }) })
    const top = await w.run()
    await until(async () => (await w.pending()).length === 1)
    await w.send('POST', w.runUrl(top, '/cancel'), {})
    await until(async () => (await w.pending()).length === 0)
    await until(async () => (await runsOf(w, 'middle'))[0]?.status === 'cancelled')
    expect((await runsOf(w, 'inner')).map(({ status }) => status)).toEqual(['cancelled'])
  })

  it('one that takes longer than its state may is ended with it', async () => {
    const w = await open()
    await w.register({ ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } }, { name: 'inner' })
    await w.register({
      SUB: sub({ timeout: '60s', transitions: [{ condition: 'on_failure', target: 'LATE' }] }),
      LATE: end,
    })
    const id = await w.run()
    await until(async () => (await w.pending()).length === 1)
    await t.clock.advance(61_000)
    await until(async () => (await runsOf(w, 'inner'))[0]?.status === 'cancelled')
    expect((await w.ended(id)).run).toMatchObject({ status: 'completed', current_state: 'LATE' })
  })

  it('a server that ends while both wait goes on with both', async () => {
    const w = await open()
    await w.register({ ASK: { kind: 'Human', prompt: 'ok?', transitions: [] } }, { name: 'inner' })
    await w.register({ SUB: sub() })
    const id = await w.run()
    await until(async () => (await w.pending()).length === 1)
    const [asked] = await w.pending()
    await t.restart()
    await t.listen()
    await w.send('POST', `/v1/human-approvals/${asked?.id}/approve`, {})
    await until(async () => (await w.get(id)).status === 'completed')
    expect((await w.get(id)).blackboard.made).toMatchObject({ status: 'approved' })
    expect(await runsOf(w, 'inner')).toHaveLength(1)
  })
})
