import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { onEachDatabase, type TestServer } from '../../../test/harness.ts'
import { call, deployAgent, type StreamedEvent, types, world } from '../../../test/runtime.ts'

const says = (score: number, confidence = 0.9) => JSON.stringify({ score, confidence, reasoning: `I give ${score}.` })
/** A turn of one agent, where what it was first told has this in it. */
const turn = (agent: string, answer: string | object, prompt?: string) => ({
  when: { agent, ...(prompt ? { prompt } : {}) },
  ...(typeof answer === 'string' ? { text: answer } : answer),
})
const iterative = (validation: unknown, more: object = {}) => ({
  execution: { mode: 'iterative', max_iterations: 3, validation, ...more },
})
const of = (type: string, events: readonly StreamedEvent[]) => events.filter((event) => event.type === type)

onEachDatabase('judges', (start) => {
  let t: TestServer
  afterEach(() => t.close())
  // One at once: whoever waits for a judge must leave it the place.
  const open = world(async (environment) => {
    t = await start({ environment: { ...environment, LICTOR_MAX_EXECUTIONS: '1' } })
    return t
  })
  const judge = (w: { headers: Record<string, string> }, name: string, spec: object = {}) =>
    deployAgent(t, w.headers, spec, { name, labels: { role: 'judge' } })

  it('refuse a first attempt with their reason, and accept the next; each is a child of the execution', async () => {
    const w = await open(
      [
        turn('worker', 'Second draft', 'Previous Attempts'),
        turn('worker', 'First draft'),
        turn('critic', says(0.2), 'First draft'),
        turn('critic', `Here you are:\n\`\`\`json\n${says(0.8)}\n\`\`\``, 'Second draft'),
      ],
      iterative([{ type: 'semantic', judge_agent: 'critic', criteria: 'It is the second.' }]),
    )
    const critic = await judge(w, 'critic')
    const { id, events, answer } = await w.run({ input: 'Write.' })
    expect(answer).toMatchObject({ status: 'completed', output: 'Second draft', total_iterations: 2 })
    expect(of('gradient_validation_performed', events).map((one) => [one.iteration_number, one.score])).toEqual([
      [1, 0.2],
      [2, 0.8],
    ])
    expect(types(events).filter((type) => type === 'refinement_applied')).toHaveLength(1)
    const children = await t.request({ method: 'GET', url: `/v1/executions?agent_id=${critic}`, headers: w.headers })
    expect(children.json().items).toMatchObject([
      { status: 'completed', parent_execution_id: id },
      { status: 'completed', parent_execution_id: id },
    ])
    const asked = await w.get(children.json().items[1].id)
    expect(asked.input).toMatchObject({
      output: 'First draft',
      criteria: 'It is the second.',
      validation_context: 'semantic_judge',
      worker_mounts: [{ mount_path: '/workspace', access_mode: 'read-only' }],
    })
    const action = of('iteration_started', events)[1]
    expect(String(w.told(events).at(-1))).toContain('Validation score 0.2 below minimum 0.7: I give 0.2.')
    expect(action).toBeDefined()
  })

  it('of several agree by a formula, and every word is told', async () => {
    const w = await open(
      [
        turn('worker', 'Done.'),
        turn('one', says(0.9, 0.8)),
        turn('two', says(0.9, 0.8)),
        turn('three', says(0.2, 0.8)),
        turn('four', 'I like it.'),
      ],
      iterative([
        { type: 'multi_judge', judges: ['one', 'two', 'three', 'four'], min_score: 0.6, min_judges_required: 3 },
      ]),
    )
    const ids = []
    for (const name of ['one', 'two', 'three', 'four']) ids.push(await judge(w, name))
    const { events, answer } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', total_iterations: 1 })
    const [consensus] = of('multi_judge_consensus', events)
    expect(consensus).toMatchObject({
      agent_id: w.agent,
      judge_scores: ids.slice(0, 3).map((judgeId, index) => [judgeId, [0.9, 0.9, 0.2][index]]),
      details: { type: 'execution', Validation: { MultiJudgeConsensus: { confidence: expect.closeTo(0.635, 3) } } },
    })
    expect(consensus?.final_score).toBeCloseTo(2 / 3, 9)
    expect(of('gradient_validation_performed', events).map((one) => one.agent_id)).toEqual([
      ...ids.slice(0, 3),
      w.agent,
    ])
  })

  it('that answer prose, fail or are not there never accept', async () => {
    const w = await open([turn('worker', 'Done.'), turn('critic', 'It looks perfect to me, score 1.0!')], {
      execution: { mode: 'one-shot', validation: [{ type: 'semantic', judge_agent: 'critic' }] },
    })
    expect((await w.run()).answer).toMatchObject({
      status: 'failed',
      error: expect.stringContaining("The judge 'critic' cannot be asked: There is no agent 'critic'."),
    })
    await judge(w, 'critic')
    expect((await w.run()).answer.error).toContain('validation error: The judge answered no JSON')
    await deployAgent(
      t,
      w.headers,
      { runtime: { language: 'javascript', version: '20', model: 'scripted:nowhere' } },
      { name: 'critic', version: '2' },
    )
    expect((await w.run()).answer.error).toContain("The judge 'critic' gave no answer")
  })

  it('see the files of the execution that asks them, and write none', async () => {
    const w = await open(
      [
        turn('worker', call('write_file', { path: 'draft.txt', content: 'The draft.' })),
        turn('worker', 'Done.'),
        turn('critic', call('read_file', { path: 'draft.txt' })),
        turn('critic', call('write_file', { path: 'draft.txt', content: 'Mine.' })),
        turn('critic', says(0.9)),
      ],
      { tools: ['write_file'], execution: { validation: [{ type: 'semantic', judge_agent: 'critic' }] } },
    )
    const critic = await judge(w, 'critic', { tools: ['read_file', 'write_file'] })
    const { id, answer } = await w.run()
    expect(answer.status).toBe('completed')
    const children = await t.request({ method: 'GET', url: `/v1/executions?agent_id=${critic}`, headers: w.headers })
    const told = w.told(await w.events(children.json().items[0].id))
    expect(told[1]).toContain('The draft.')
    expect(told[2]).toContain('security.filesystem.read_only')
    expect(readFileSync(join(w.workspace(id), 'draft.txt'), 'utf8')).toBe('The draft.')
  })

  it('can be a model itself', async () => {
    const w = await open([turn('worker', says(0.9)), turn('worker', says(0.1))], {
      execution: { validation: { semantic: { prompt: 'Is it JSON?', threshold: 0.9 } } },
    })
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: says(0.9) })
    expect(of('llm_interaction', events)).toHaveLength(2)
    expect(String(of('llm_interaction', events)[1]?.prompt)).toContain('semantic_judge')
  })

  it('that judge each other without end come to an end: no child is deeper than three', async () => {
    const w = await open([turn('worker', 'Done.'), turn('ouroboros', says(1))], {
      execution: { validation: [{ type: 'semantic', judge_agent: 'ouroboros' }] },
    })
    await judge(w, 'ouroboros', { execution: { validation: [{ type: 'semantic', judge_agent: 'ouroboros' }] } })
    const { answer } = await w.run()
    expect(answer.status).toBe('failed')
    const rows = await t.server.database.db.selectFrom('executions').select(['id', 'error']).orderBy('seq').execute()
    expect(rows).toHaveLength(4)
    expect(rows[3]?.error).toContain('Maximum recursive depth reached at depth 3; cannot spawn child from execution')
    expect(answer.error).toContain("The judge 'ouroboros' gave no answer")
  })

  const write = call('write_file', { path: 'a.txt', content: 'x' })
  const judged = {
    tools: ['write_file', 'read_file'],
    execution: { tool_validation: [{ type: 'semantic', judge_agent: 'warden', criteria: 'Nothing is written.' }] },
  }

  it('of tool calls keep a call from being made, and the model hears why', async () => {
    const w = await open([turn('worker', write), turn('worker', 'I could not.'), turn('warden', says(0.1))], judged)
    const warden = await judge(w, 'warden')
    const { id, events, answer } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'I could not.' })
    expect(existsSync(join(w.workspace(id), 'a.txt'))).toBe(false)
    expect(w.told(events)[1]).toBe(
      "Tool execution error: a judge of this agent's tools refused the call: Validation score 0.1 below minimum 0.7: I give 0.1.",
    )
    const [child] = (
      await t.request({ method: 'GET', url: `/v1/executions?agent_id=${warden}`, headers: w.headers })
    ).json().items
    expect((await w.get(child.id)).input).toMatchObject({
      execution_id: id,
      proposed_tool_call: { name: 'fs.write', arguments: { path: '/workspace/a.txt', content: 'x' } },
      available_tools: ['write_file', 'read_file'],
      criteria: 'Nothing is written.',
      validation_context: 'semantic_judge_pre_execution_inner_loop',
    })
    const audit = (await t.request({ method: 'GET', url: '/api/v1/events', headers: await t.admin() })).json()
    expect(audit).toMatchObject([{ verdict: 'call_denied', tool_name: 'write_file' }])
  })

  it.each([
    ['accepts', says(0.9), true],
    ['answers prose', 'Go ahead.', false],
  ])('a judge of tool calls that %s', async (_what, said, isWritten) => {
    const w = await open([turn('worker', write), turn('worker', 'Done.'), turn('warden', said)], judged)
    await judge(w, 'warden')
    const { id } = await w.run()
    expect(existsSync(join(w.workspace(id), 'a.txt'))).toBe(isWritten)
  })

  it('a judge of tool calls that is not there refuses them all, and looks at none that changes nothing', async () => {
    const w = await open(
      [turn('worker', write), turn('worker', call('read_file', { path: 'a.txt' })), turn('worker', 'Done.')],
      judged,
    )
    const { events } = await w.run()
    expect(w.told(events)[1]).toContain("The judge 'warden' cannot be asked: There is no agent 'warden'.")
    expect(w.told(events)[2]).not.toContain('judge')
  })

  it('a script of the workspace judges the output, in a sandbox of its own', async () => {
    const script = `let text = ''
for await (const chunk of process.stdin) text += chunk
console.error('The output is ' + text)
process.exit(text === 'Second' ? 0 : 1)
`
    const w = await open(
      [
        turn('worker', 'Second', 'Previous Attempts'),
        turn('worker', call('write_file', { path: 'check.mjs', content: script })),
        turn('worker', 'First'),
      ],
      { tools: ['write_file'], ...iterative({ script: { path: 'check.mjs' } }) },
    )
    const { answer, events } = await w.run()
    expect(answer).toMatchObject({ status: 'completed', output: 'Second', total_iterations: 2 })
    expect(w.told(events).at(-1)).toContain('The output is First')
  })
})
