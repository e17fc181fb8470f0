import { WorkflowManifest } from '@lictor/aegis'
import fc from 'fast-check'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { loadTemplates, type Templates } from '../templates/renderer.ts'
import { MOST_BLACKBOARD, overrideProblem, sizeOf } from './blackboard.ts'
import { interpret, MOST_SIGNALS, stateOutputs } from './interpreter.ts'
import type { Command, RunEvent, RunState, Step, Work, WorkResult } from './run.ts'

let templates: Templates
beforeAll(async () => {
  templates = await loadTemplates()
})

const AT = 1_700_000_000_000
type Given = {
  [Type in RunEvent['type']]: Partial<Omit<Extract<RunEvent, { type: Type }>, 'type'>> & { type: Type }
}[RunEvent['type']]

const blank = {
  input: {},
  intent: null,
  overrides: {},
  runId: 'run',
  tenantId: 'acme',
  volumes: { workspace: null, shared: {} },
}
const fields: Readonly<Record<string, object>> = {
  started: blank,
  human_decided: { isApproved: true, feedback: '', by: 'ada' },
  child_ended: { childId: 'child', status: 'completed', result: null, error: null },
  child_started: { childId: 'child' },
  signalled: { response: 'yes', feedback: '', name: null, payload: null },
  cancelled: { reason: null },
}

/** A run that is told one thing after the other; each event is about the state that is under way. Every step goes through JSON. */
function begin(spec: string, started: Partial<Extract<RunEvent, { type: 'started' }>> = {}, metadata = '') {
  const text = `apiVersion: 100monkeys.ai/v1\nkind: Workflow\nmetadata: {name: w${metadata}}\nspec:\n${spec}`
  const definition = WorkflowManifest.parse(text).toJSON()
  let step: Step
  const take = (state: RunState | null, event: RunEvent): Step => {
    const taken = interpret(definition, state, event, templates)
    expect(JSON.parse(JSON.stringify(taken))).toEqual(taken)
    return taken
  }
  step = take(null, { type: 'started', at: AT, ...blank, ...started })
  return {
    definition,
    get state() {
      return step.state
    },
    get commands() {
      return step.commands
    },
    get work(): Work | undefined {
      const found = step.commands.findLast((command) => command.type === 'work')
      return found?.type === 'work' ? found.work : undefined
    },
    told: () => step.commands.flatMap((command) => (command.type === 'tell' ? [command.event] : [])),
    kinds: () => step.commands.map(({ type }) => type).filter((type) => type !== 'tell'),
    tell(event: Given) {
      step = take(step.state, { at: AT, entry: step.state.entry, ...fields[event.type], ...event } as RunEvent)
      return this
    },
    exit(exitCode: number, stdout = '') {
      return this.tell({
        type: 'state_completed',
        result: { kind: 'System', exitCode, stdout, stderr: '', durationMs: 5 },
      })
    },
    agent(more: Partial<Extract<WorkResult, { kind: 'Agent' }>> = {}) {
      const result = {
        kind: 'Agent',
        isSuccess: true,
        output: 'done',
        error: null,
        executionId: 'e1',
        iterations: 1,
        score: null,
        confidence: null,
        ...more,
      } as const
      return this.tell({ type: 'state_completed', result })
    },
  }
}

const three = `
  initial_state: BUILD
  context: {branch: main}
  states:
    BUILD: {kind: System, command: 'make {{workflow.context.branch}} {{input.target}}', transitions: [{condition: exit_code_zero, target: WRITE, feedback: 'built {{BUILD.output.stdout}}'}]}
    WRITE: {kind: Agent, agent: '{{agent}}', input: '{{state.feedback}} <b>"', transitions: [{condition: on_success, target: ASK}, {condition: on_failure, target: FAILED}]}
    ASK: {kind: Human, prompt: 'Ship {{WRITE.output.title}}?', transitions: [{condition: approved, target: SHIP}, {condition: rejected, target: FAILED}]}
    SHIP: {kind: System, command: 'echo {{human.feedback}}', transitions: []}
    FAILED: {kind: System, command: 'false', transitions: []}
`

it('a run goes from its start to its end, through templates, answers and feedback', () => {
  const run = begin(
    three,
    { input: { target: 'all', task: 'T' }, overrides: { agent: 'writer', branch: 'dev' } },
    ", output_template: {title: '{{WRITE.output}}', text: 'by {{ASK.approved_by}}', list: [1, '{{SHIP.exit_code}}']}",
  )
  expect(run.told()).toEqual(['workflow_execution_started', 'workflow_state_entered'])
  expect(run.work).toEqual({ kind: 'System', command: 'make main all', env: {}, workdir: '/workspace' })
  expect(run.state.blackboard).toMatchObject({
    branch: 'dev',
    tenant_id: 'acme',
    intent: null,
    workflow: { name: 'w', version: '1.0.0', context: { branch: 'main' }, task: 'T' },
    execution: { id: 'run' },
  })
  run.exit(0, 'well')
  expect(run.work).toMatchObject({ kind: 'Agent', agent: 'writer', input: 'built well <b>"', maxIterations: 10 })
  run.agent({ output: '{"title":"One"}', score: 0.9 })
  expect(run.commands.at(-1)).toMatchObject({
    type: 'work',
    state: 'ASK',
    timeoutSeconds: 3600,
    work: { prompt: 'Ship One?' },
  })
  run.tell({ type: 'human_decided', feedback: 'with care' })
  expect(run.work).toMatchObject({ command: 'echo with care' })
  run.exit(0)
  expect(run.told()).toEqual(['workflow_state_exited', 'workflow_execution_completed'])
  expect(run.kinds()).toEqual(['end'])
  expect(run.state).toMatchObject({ status: 'completed', transitions: 3, entry: 4, reason: null })
  expect(run.state.finalOutput).toEqual({ title: { title: 'One' }, text: 'by ada', list: [1, 0] })
  expect(Object.keys(stateOutputs(run.definition, run.state))).toEqual(['BUILD', 'WRITE', 'ASK', 'SHIP'])
})

it('without an output template the result is the last output', () => {
  const run = begin('  initial_state: A\n  states: {A: {kind: System, command: ls, transitions: []}}').exit(0, 'x')
  const shown = { exit_code: 0, stdout: 'x', stderr: '', duration_ms: 5 }
  expect(run.state.finalOutput).toEqual({ status: 'success', output: shown, ...shown })
})

describe('one event counts once', () => {
  test.each<Given>([
    { type: 'state_completed', result: { kind: 'System', exitCode: 0, stdout: '', stderr: '', durationMs: 1 } },
    { type: 'state_failed', error: 'x' },
    { type: 'state_timed_out' },
    { type: 'human_decided' },
    { type: 'child_started' },
    { type: 'child_ended' },
  ])('an answer to an earlier entry changes nothing: $type', (event) => {
    const run = begin(three, { overrides: { agent: 'a' } }).exit(0)
    const { state } = run
    run.tell({ ...event, entry: 1 } as Given)
    expect(run.state).toBe(state)
    expect(run.commands).toEqual([])
  })

  test.each<Given>([{ type: 'cancelled' }, { type: 'signalled' }, { type: 'state_timed_out' }])(
    'nothing happens to a run that is over: $type',
    (event) => {
      const run = begin(three).tell({ type: 'cancelled', reason: 'enough' })
      const { state } = run
      expect(state).toMatchObject({ status: 'cancelled', reason: 'enough' })
      expect(run.kinds()).toEqual(['stop_work', 'end'])
      run.tell(event)
      expect(run.state).toBe(state)
      expect(run.commands).toEqual([])
    },
  )

  it('a run is started once, and first', () => {
    const { definition, state } = begin(three)
    expect(() => interpret(definition, state, { type: 'started', at: AT, ...blank }, templates)).toThrow('once')
    expect(() => interpret(definition, null, { type: 'cancelled', at: AT, reason: null }, templates)).toThrow('begins')
  })
})

describe('ways out of a state', () => {
  const only = (transitions: string, kind = 'System, command: ls') =>
    `  initial_state: A\n  states:\n    A: {kind: ${kind}, transitions: [${transitions}]}\n    X: {kind: System, command: x, transitions: []}\n    Y: {kind: System, command: y, transitions: []}\n`
  const scored = only('{condition: score_above, threshold: 0.5, target: X}, {target: Y}', 'Agent, agent: a')

  it('the first that holds is taken', () => {
    expect(begin(scored).agent({ score: 0.51 }).state.current).toBe('X')
    expect(begin(scored).agent({ score: 0.5 }).state.current).toBe('Y')
  })

  it('none: the run completes, unless the state failed', () => {
    const none = only('{condition: exit_code_non_zero, target: X}')
    expect(begin(none).exit(0).state.status).toBe('completed')
    const failing = begin(only('{condition: on_success, target: X}'))
    expect(failing.exit(1).state).toMatchObject({ status: 'failed', reason: 'no transition matched in state A' })
    expect(failing.told()).toEqual(['workflow_state_exited', 'workflow_execution_failed'])
    expect(failing.kinds()).toEqual(['end'])
  })

  it('an agent that failed is routed like any other state', () => {
    const routed = begin(only('{condition: on_failure, target: X}', 'Agent, agent: a')).tell({
      type: 'state_failed',
      error: 'boom',
    })
    expect(routed.state).toMatchObject({ current: 'X', blackboard: { A: { status: 'failed', error: 'boom' } } })
    const unrouted = begin(only('{condition: on_success, target: X}', 'Agent, agent: a')).tell({
      type: 'state_failed',
      error: 'boom',
    })
    expect(unrouted.state).toMatchObject({ status: 'failed', reason: 'no transition matched in state A: boom' })
  })

  it('a state that takes too long has failed, and what worked for it is stopped', () => {
    const run = begin(only('{condition: on_failure, target: X}')).tell({ type: 'state_timed_out' })
    expect(run.commands[0]).toEqual({ type: 'stop_work', entry: 1 })
    expect(run.state).toMatchObject({
      current: 'X',
      blackboard: { A: { timed_out: true, error: "State 'A' took longer than 300 s." } },
    })
  })

  it('a name that renders empty fails the state', () => {
    const run = begin(only('{condition: on_failure, target: X}', "Agent, agent: '{{nobody}}'"))
    expect(run.state.blackboard.A).toEqual({
      status: 'failed',
      error: 'Template resolution failed: "{{nobody}}" resolved to empty string.',
    })
    expect(run.state.current).toBe('X')
  })
})

describe('rounds end', () => {
  const round = (limits: string) =>
    `  initial_state: A\n${limits}  states:\n    A: {kind: System, command: a, max_state_visits: 3, transitions: [{target: B}]}\n    B: {kind: System, command: b, max_state_visits: 20, transitions: [{target: A}]}\n`

  it('after so many visits', () => {
    const run = begin(round(''))
    let visited = 0
    for (; run.state.status === 'running' && visited < 50; visited++) run.exit(0)
    expect(run.state.reason).toBe("State 'A' was entered 3 times already (max_state_visits is 3)")
    expect(run.state.visits).toEqual({ A: 3, B: 3 })
    expect(visited).toBe(6)
  })

  it('after so many transitions', () => {
    const run = begin(round('  max_total_transitions: 2\n')).exit(0).exit(0).exit(0)
    expect(run.state.reason).toBe('The workflow made 2 transitions already (max_total_transitions is 2)')
  })

  it('also where no state asks for anything', () => {
    const run = begin(
      `  initial_state: A\n  max_total_transitions: 100\n  states: {A: {kind: Agent, agent: '{{none}}', max_state_visits: 20, transitions: [{target: A}]}}`,
    )
    expect(run.state).toMatchObject({ status: 'failed', visits: { A: 20 } })
  })

  it('a hundred transitions through a thousand states', () => {
    const states = Array.from(
      { length: 1000 },
      (_, n) => `    S${n}: {kind: System, command: c, transitions: [${n < 999 ? `{target: S${n + 1}}` : ''}]}\n`,
    )
    const run = begin(`  initial_state: S0\n  max_total_transitions: 100\n  states:\n${states.join('')}`)
    while (run.state.status === 'running') run.exit(0)
    expect(run.state).toMatchObject({ status: 'failed', current: 'S100', transitions: 100 })
  })
})

describe('a person', () => {
  const asking = (more = '', before = '') =>
    `  initial_state: ${before ? 'FIRST' : 'ASK'}\n  states:\n${before}    ASK: {kind: Human, prompt: ok?, transitions: [{condition: approved, target: X}, {condition: rejected, target: Y}]${more}}\n    X: {kind: System, command: x, transitions: []}\n    Y: {kind: System, command: y, transitions: []}\n`
  const later = asking('', '    FIRST: {kind: System, command: f, transitions: [{target: ASK}]}\n')

  it('approves or rejects', () => {
    const approved = begin(asking()).tell({ type: 'human_decided', feedback: 'fine' })
    expect(approved.state).toMatchObject({
      current: 'X',
      feedback: { human: 'fine' },
      blackboard: {
        ASK: { response: 'approved', status: 'approved', feedback: 'fine', approved_by: 'ada', timeout: false },
      },
    })
    const rejected = begin(asking()).tell({ type: 'human_decided', isApproved: false, feedback: 'no!' })
    expect(rejected.state).toMatchObject({
      current: 'Y',
      blackboard: { ASK: { response: 'rejected', feedback: 'no!' } },
    })
  })

  it('answers by a signal, and nobody is asked any more', () => {
    const run = begin(asking()).tell({ type: 'signalled', response: 'YES' })
    expect(run.commands[0]).toEqual({ type: 'stop_work', entry: 1 })
    expect(run.state).toMatchObject({ current: 'X', blackboard: { ASK: { response: 'YES' } } })
  })

  it('answers before being asked: the answer waits, and nobody is asked', () => {
    const run = begin(later).tell({ type: 'signalled', response: 'no' }).exit(0)
    expect(run.state).toMatchObject({ current: 'Y', signals: [], transitions: 2 })
    expect(run.commands.filter(({ type }) => type === 'work')).toHaveLength(1)
  })

  it('an answer waits for a day, and no more than 64 wait', () => {
    const old = begin(later)
      .tell({ type: 'signalled', response: 'no', at: AT - 24 * 3_600_000 })
      .exit(0)
    expect(old.state.current).toBe('ASK')
    const many = begin(later)
    for (let n = 0; n < MOST_SIGNALS; n++) many.tell({ type: 'signalled', response: 'no' })
    expect(many.state.signals).toHaveLength(MOST_SIGNALS)
    const { state } = many
    many.tell({ type: 'signalled', response: 'no', name: 'more', payload: 1 })
    expect(many.state).toBe(state)
    expect(many.kinds()).toEqual(['refuse_signal'])
  })

  it('a signal with a name of its own stands on the blackboard', () => {
    const run = begin(later)
      .tell({ type: 'signalled', name: 'go', payload: { n: 1 } })
      .tell({ type: 'signalled', name: 'human_input' })
    expect(run.state.blackboard.signals).toEqual({ go: { n: 1 } })
  })

  it.each([
    ['', { status: 'failed', reason: 'human_input_timeout' }],
    [', default_response: yes', { current: 'X', blackboard: { ASK: { response: 'yes', timeout: true } } }],
    [', reject_on_timeout: true', { current: 'Y', blackboard: { ASK: { response: 'rejected', timeout: true } } }],
  ])('does not answer in time%s', (more, expected) => {
    const run = begin(asking(more)).tell({ type: 'state_timed_out' })
    expect(run.commands[0]).toEqual({ type: 'stop_work', entry: 1 })
    expect(run.state).toMatchObject(expected)
  })
})

describe('a sub-workflow', () => {
  const sub = (fields: string) =>
    `  initial_state: SUB\n  states:\n    SUB: {kind: Subworkflow, workflow_id: 'w-{{input.name}}', input: {n: '{{input.n}}', text: 'n={{input.n}}'}, ${fields}, transitions: [{condition: on_success, target: X}, {condition: on_failure, target: Y}]}\n    X: {kind: System, command: x, transitions: []}\n    Y: {kind: System, command: y, transitions: []}\n`
  const started = { input: { name: 'a', n: 3 } }

  it('is waited for, and its result stands under its key', () => {
    const run = begin(sub('mode: blocking, result_key: made'), started)
    expect(run.work).toEqual({ kind: 'Subworkflow', workflow: 'w-a', mode: 'blocking', input: { n: 3, text: 'n=3' } })
    run.tell({ type: 'child_started' })
    expect(run.state.current).toBe('SUB')
    expect(run.told()).toEqual(['subworkflow_triggered'])
    run.tell({ type: 'child_ended', result: { title: 'T' } })
    expect(run.state).toMatchObject({ current: 'X', blackboard: { made: { title: 'T' }, SUB: { title: 'T' } } })
  })

  it('that fails is a state that failed', () => {
    const run = begin(sub('mode: blocking, result_key: made'), started).tell({
      type: 'child_ended',
      status: 'failed',
      error: 'boom',
    })
    expect(run.told().slice(0, 2)).toEqual(['subworkflow_triggered', 'subworkflow_failed'])
    expect(run.state).toMatchObject({ current: 'Y', blackboard: { SUB: { status: 'failed', error: 'boom' } } })
    expect(run.state.blackboard).not.toHaveProperty('made')
  })

  it('that is said to be begun twice is told once', () => {
    const run = begin(sub('mode: blocking, result_key: made'), started).tell({ type: 'child_started' })
    const { state } = run
    run.tell({ type: 'child_started' })
    expect([run.state, run.commands]).toEqual([state, []])
    run.tell({ type: 'child_ended', result: 1 })
    expect(run.told()[0]).toBe('subworkflow_completed')
  })

  it('is begun and left alone', () => {
    const run = begin(sub('mode: fire_and_forget'), started).tell({ type: 'child_started' })
    expect(run.state).toMatchObject({
      current: 'X',
      blackboard: { SUB: { child_execution_id: 'child', mode: 'fire_and_forget' } },
    })
  })
})

describe('containers and judges', () => {
  const of = (state: string, more = '') =>
    `  initial_state: A\n${more}  states:\n    A: {${state}, transitions: [{condition: on_failure, target: Y}]}\n    Y: {kind: System, command: y, transitions: []}\n`
  const result = (exitCode: number) => ({ exitCode, stdout: 'o', stderr: 'e', durationMs: 1 })

  it('a container gets its input, its volumes by name, and no empty words', () => {
    const run = begin(
      of(
        "kind: ContainerRun, name: n, image: 'i:{{input.tag}}', command: [run, '{{none}}', '{{input.tag}}'], env: {TAG: '{{input.tag}}'}, volumes: [{name: cache, mount_path: /c}, {name: workspace, mount_path: /w, read_only: true}, {name: v-1, mount_path: /v}]",
        '  storage: {workspace: {}, shared_volumes: [{name: cache}, {name: v-1}]}\n',
      ),
      { input: { tag: '2' }, volumes: { workspace: 'ws-id', shared: { cache: 'cache-id' } } },
    )
    expect(run.work).toMatchObject({
      kind: 'ContainerRun',
      step: {
        image: 'i:2',
        command: ['run', '2'],
        env: { INTENT_INPUTS: '{"tag":"2"}', TAG: '2' },
        timeoutSeconds: 300,
        volumes: [
          { volumeId: 'cache-id', mountPath: '/c', isReadOnly: false },
          { volumeId: 'ws-id', mountPath: '/w', isReadOnly: true },
          { volumeId: 'v-1', mountPath: '/v', isReadOnly: false },
        ],
      },
    })
    run.tell({ type: 'state_completed', result: { kind: 'ContainerRun', attempts: 2, ...result(3) } })
    expect(run.state.blackboard.A).toMatchObject({
      status: 'failed',
      exit_code: 3,
      attempts: 2,
      output: { stderr: 'e', attempts: 2 },
    })
  })

  it('a shell gets one line', () => {
    const run = begin(of('kind: ContainerRun, name: n, image: i, shell: true, command: [echo, "$HOME"]'))
    expect(run.work).toMatchObject({ step: { command: ['sh', '-c', 'echo $HOME'] } })
  })

  test.each([
    ['all_succeed', [0, 0], true],
    ['all_succeed', [0, 1], false],
    ['any_succeed', [0, 1], true],
    ['any_succeed', [1, 1], false],
    ['best_effort', [1, 1], true],
  ] as const)('steps under %s with exit codes %j', (completion, [a, b], isSuccess) => {
    const run = begin(
      of(
        `kind: ParallelContainerRun, completion: ${completion}, steps: [{name: a, image: i, command: [c]}, {name: unit-tests, image: i, command: [c]}]`,
      ),
    )
    expect(run.work).toMatchObject({ steps: [{ name: 'a' }, { name: 'unit-tests' }], completion })
    run.tell({
      type: 'state_completed',
      result: { kind: 'ParallelContainerRun', steps: { a: result(a), 'unit-tests': result(b) } },
    })
    expect(run.state.blackboard.A).toMatchObject({
      overall_success: isSuccess,
      succeeded: [a, b].filter((n) => n === 0).length,
    })
    expect(run.state.status === 'completed').toBe(isSuccess)
  })

  const judged = (consensus: string) =>
    of(
      `kind: ParallelAgents, agents: [{agent: a}, {agent: b, weight: 0}], judges_for_parallel: [{agent_id: j}], consensus: ${consensus}`,
    )
  const answer = (...scores: number[]): WorkResult => ({
    kind: 'ParallelAgents',
    agents: [{ agentId: 'a', output: '{"x":1}', weight: 1 }],
    judgements: scores.map((score, n) => ({ agentId: `j${n}`, score, confidence: 0.8, weight: 1 })),
  })

  it('judges come to a consensus by its strategy', () => {
    const run = begin(judged('{strategy: weighted_average}'))
    expect(run.work).toMatchObject({
      agents: [{ weight: 1, timeoutSeconds: 60, pollIntervalMs: 500 }, { weight: 1 }],
      judges: [{ agentId: 'j', weight: 1 }],
    })
    run.tell({ type: 'state_completed', result: answer(0.9, 0.9, 0.2) })
    const { A } = run.state.blackboard as { A: { consensus: { score: number; confidence: number } } }
    expect(A).toMatchObject({
      consensus: { binary_valid: false },
      individual_scores: [0.9, 0.9, 0.2],
      agents: [{ output: { x: 1 } }],
    })
    expect(A.consensus.score).toBeCloseTo(0.667, 3)
    expect(A.consensus.confidence).toBeCloseTo(0.635, 3)
    expect(run.state.current).toBe('Y')
  })

  it('without judges all agree; with too few the state fails', () => {
    const none = begin(judged('{strategy: majority}')).tell({ type: 'state_completed', result: answer() })
    expect(none.state.blackboard.A).toMatchObject({ consensus: { score: 1 }, individual_scores: [] })
    const few = begin(judged('{strategy: majority, min_judges_required: 2}')).tell({
      type: 'state_completed',
      result: answer(1),
    })
    expect(few.state).toMatchObject({
      current: 'Y',
      blackboard: { A: { error: '1 of at least 2 judges have answered.' } },
    })
  })

  it('a result of another kind is a failure, not a crash', () => {
    const run = begin(judged('{strategy: majority}')).exit(0)
    expect(run.state.current).toBe('Y')
  })
})

describe('an agent with judges', () => {
  const spec = (more = '') =>
    `  initial_state: A\n  states:\n    A: {kind: Agent, agent: a, input: 'Write.', judges: [{agent_id: j}, {agent_id: 'k{{none}}', weight: 0}]${more}, transitions: [{condition: score_below, threshold: 0.8, target: Y}, {condition: on_success, target: X}]}\n    X: {kind: System, command: x, transitions: []}\n    Y: {kind: System, command: y, transitions: []}\n`
  const said = (...scores: number[]) => ({
    judgements: scores.map((score, n) => ({
      agentId: `j${n}`,
      score,
      confidence: 1,
      weight: 1,
      reasoning: `is ${score}`,
    })),
    failures: scores.length === 0 ? ['j does not answer.'] : [],
  })
  const answer = (run: ReturnType<typeof begin>, iterations: number, ...scores: number[]) => {
    const result = { kind: 'Agent', isSuccess: true, output: 'o', error: null, executionId: 'e' } as const
    return run.tell({
      type: 'state_completed',
      step: iterations,
      result: { ...result, iterations, score: null, confidence: null, judged: said(...scores) },
    })
  }

  it('works again, told what was wrong, until they are content', () => {
    const run = begin(spec())
    expect(run.work).toMatchObject({
      iteration: 1,
      input: 'Write.',
      judges: [
        { agentId: 'j', weight: 1, inputTemplate: null },
        { agentId: 'k', weight: 1 },
      ],
    })
    answer(run, 1, 0.5, 0.7)
    expect(run.told()).toEqual([
      'gradient_validation_performed',
      'gradient_validation_performed',
      'multi_judge_consensus',
      'refinement_applied',
    ])
    expect(run.work).toMatchObject({
      iteration: 2,
      input: 'Write.\n\nValidation failed with score 0.6.\nis 0.5\nis 0.7\nRefine the answer so that it meets this.',
    })
    expect(run.commands.at(-1)).toMatchObject({ type: 'work', entry: 1, step: 2 })
    // The first answer, once more, is about a step that is over.
    const { state } = run
    answer(run, 1, 1, 1)
    expect([run.state, run.commands]).toEqual([state, []])
    answer(run, 2, 0.8)
    expect(run.state).toMatchObject({
      current: 'X',
      visits: { A: 1 },
      blackboard: { A: { status: 'success', score: 0.8, iterations: 2 } },
    })
  })

  it('that they are never content with leaves its last output, as a failure with its score', () => {
    const run = begin(spec(', max_iterations: 2'))
    answer(answer(run, 1, 0.1), 2, 0.79)
    expect(run.state).toMatchObject({
      current: 'Y',
      blackboard: { A: { status: 'failed', output: 'o', score: 0.79, iterations: 2 } },
    })
  })

  it('that nobody judges is not accepted', () => {
    const run = begin(spec(', max_iterations: 1'))
    answer(run, 1)
    expect(run.state.blackboard.A).toMatchObject({ status: 'failed', score: 0, confidence: 0 })
    expect((run.state.blackboard.A as { error: string }).error).toContain('j does not answer.')
  })

  it('that fails is not judged, and one that was not let begin says by which score', () => {
    const failing = begin(spec()).agent({ isSuccess: false, error: 'broke', output: '' })
    expect(failing.state.blackboard.A).toMatchObject({ status: 'failed', error: 'broke', iterations: 1 })
    const rejected = begin(spec()).tell({
      type: 'state_completed',
      result: { kind: 'Rejected', error: 'no', score: 0.2 },
    })
    expect(rejected.state.blackboard.A).toEqual({ status: 'failed', error: 'no', pre_validation_score: 0.2 })
  })
})

describe('an output handler', () => {
  const spec = (more = '') =>
    `  initial_state: A\n  states:\n    A: {kind: Agent, agent: a, input: i, output_handler: {type: agent, agent_id: h, input_template: 'Say {{output}} to {{input.who}}'${more}}, transitions: [{condition: on_success, target: X}, {target: Y}]}\n    X: {kind: System, command: x, transitions: []}\n    Y: {kind: System, command: y, transitions: []}\n`
  const handled = (run: ReturnType<typeof begin>, output: string | null, error: string | null) =>
    run.tell({ type: 'state_completed', step: 2, result: { kind: 'Handled', output, error } })

  it('gets what was accepted, and what it answers is the output', () => {
    const run = begin(spec(), { input: { who: 'Ada' } }).agent({ output: 'hi' })
    expect(run.work).toMatchObject({ kind: 'Handler', handler: { agent: 'h' }, input: 'Say hi to Ada' })
    expect(run.state.current).toBe('A')
    handled(run, '{"said": true}', null)
    expect(run.state).toMatchObject({ current: 'X', blackboard: { A: { status: 'success', output: { said: true } } } })
  })

  it('that fails leaves the output as it was, unless it must not', () => {
    const free = begin(spec()).agent({ output: 'hi' })
    expect(handled(free, null, 'away').state).toMatchObject({ current: 'X', blackboard: { A: { output: 'hi' } } })
    const required = begin(spec(', required: true')).agent({ output: 'hi' })
    expect(handled(required, null, 'away').state).toMatchObject({
      current: 'Y',
      blackboard: { A: { status: 'failed', error: 'output_handler: away' } },
    })
  })

  it('is not asked about what failed', () => {
    const run = begin(spec()).agent({ isSuccess: false, error: 'broke' })
    expect(run.state.current).toBe('Y')
  })
})

describe('the blackboard', () => {
  const long = 'x'.repeat(1_000_000)
  const reading =
    "  initial_state: A\n  states:\n    A: {kind: Agent, agent: a, input: '{{B}}', transitions: [{target: B}]}\n    B: {kind: Agent, agent: a, input: '{{A.output}}', transitions: []}\n"

  it('of more than 8 MiB ends the run, and says so', () => {
    const big = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`k${n}`, long]))
    const run = begin(reading, { input: big })
    expect(run.state).toMatchObject({ status: 'failed', entry: 0 })
    expect(run.state.reason).toMatch(/^The blackboard is too large: with its input and context/)
    const grown = begin(reading, { input: Object.fromEntries(Object.entries(big).slice(0, 8)) }).agent({ output: long })
    expect(grown.state.reason).toMatch(/^The blackboard is too large: with the output of state 'A'/)
    expect(grown.state.blackboard).not.toHaveProperty('A')
  })

  it('knows its size, whatever is put on it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.json(), { maxLength: 8 }),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (outputs, input) => {
          const run = begin(
            '  initial_state: A\n  states: {A: {kind: Agent, agent: a, max_state_visits: 20, transitions: [{target: A}]}}',
            { input },
          )
          for (const output of outputs) run.agent({ output })
          expect(run.state.blackboardSize).toBe(sizeOf(run.state.blackboard))
          expect(run.state.blackboardSize).toBeLessThan(MOST_BLACKBOARD)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('keeps states and keys that are named like members of a prototype', () => {
    const run = begin(
      "  initial_state: __proto__\n  states:\n    __proto__: {kind: Agent, agent: a, transitions: [{target: constructor}]}\n    constructor: {kind: Agent, agent: '{{constructor}}{{toString}}x', transitions: []}\n",
      { overrides: JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown> },
    ).agent()
    expect(run.state.visits).toEqual(JSON.parse('{"__proto__": 1, "constructor": 1}'))
    expect(run.work).toMatchObject({ agent: 'x' })
    run.agent()
    expect(run.state.status).toBe('completed')
    expect(Object.keys(stateOutputs(run.definition, run.state))).toEqual(['__proto__', 'constructor'])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test.each(['instruction', 'input', 'iteration_number', 'previous_error', 'context', 'workflow'])(
    'keeps %s for itself',
    (key) => {
      const said = `Workflow blackboard overrides contain reserved key '${key}'`
      expect(overrideProblem({ [key]: 1 })).toBe(said)
      expect(begin(reading, { overrides: { [key]: 1 } }).state).toMatchObject({ status: 'failed', reason: said })
    },
  )

  it('takes an object alone', () => {
    for (const given of [null, [], 'x', 1])
      expect(overrideProblem(given)).toBe('Workflow blackboard overrides must be a JSON/YAML object')
    expect(overrideProblem({ constructor: 1, mine: 2 })).toBeNull()
  })
})

it('whatever is told in whatever order, a run stays sound: it ends once, within its limits, and the same again', () => {
  const ways = `
  initial_state: A
  max_total_transitions: 12
  states:
    A: {kind: Agent, agent: a, transitions: [{condition: on_failure, target: C}, {target: B}]}
    B: {kind: Human, prompt: '{{A.output}}', default_response: later, transitions: [{condition: approved, target: D}, {target: A, feedback: '{{B.response}}'}]}
    C: {kind: System, command: c, transitions: [{condition: exit_code_zero, target: A}, {condition: exit_code, value: 1, target: D}]}
    D: {kind: Subworkflow, workflow_id: d, mode: blocking, result_key: made, transitions: [{target: B}]}
`
  const entry = fc.integer({ min: -1, max: 0 })
  const event = fc.oneof(
    fc.record({ type: fc.constant('state_failed'), error: fc.string(), late: entry }),
    fc.record({ type: fc.constant('state_timed_out'), late: entry }),
    fc.record({
      type: fc.constant('human_decided'),
      isApproved: fc.boolean(),
      feedback: fc.string(),
      by: fc.constant(null),
      late: entry,
    }),
    fc.record({ type: fc.constant('child_started'), childId: fc.uuid(), late: entry }),
    fc.record({
      type: fc.constant('child_ended'),
      childId: fc.uuid(),
      status: fc.constantFrom('completed', 'failed', 'cancelled'),
      result: fc.jsonValue(),
      error: fc.constant(null),
      late: entry,
    }),
    fc.record({
      type: fc.constant('signalled'),
      response: fc.constantFrom('yes', 'no', 'x'),
      feedback: fc.string(),
      name: fc.option(fc.string()),
      payload: fc.jsonValue(),
    }),
    fc.record({ type: fc.constant('cancelled'), reason: fc.option(fc.string()) }),
    fc.record({
      type: fc.constant('state_completed'),
      result: fc.oneof(
        fc.record({
          kind: fc.constant('System'),
          exitCode: fc.integer({ min: 0, max: 2 }),
          stdout: fc.string(),
          stderr: fc.string(),
          durationMs: fc.nat(),
        }),
        fc.record({
          kind: fc.constant('Agent'),
          isSuccess: fc.boolean(),
          output: fc.string(),
          error: fc.constant(null),
          executionId: fc.uuid(),
          iterations: fc.nat(),
          score: fc.constant(null),
          confidence: fc.constant(null),
        }),
      ),
      late: entry,
    }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const { definition, state: first } = begin(ways)
      let state = first
      for (const { late = 0, ...given } of events as ({ late?: number } & Record<string, unknown>)[]) {
        const before = state
        const told = { at: AT, entry: state.entry + late, ...given } as unknown as RunEvent
        const step = interpret(definition, before, told, templates)
        expect(interpret(definition, JSON.parse(JSON.stringify(before)) as RunState, told, templates)).toEqual(step)
        state = step.state
        const ends = step.commands.filter(({ type }: Command) => type === 'end')
        expect(ends.length).toBe(before.status === 'running' && state.status !== 'running' ? 1 : 0)
        expect(state.transitions).toBeLessThanOrEqual(12)
        for (const visits of Object.values(state.visits)) expect(visits).toBeLessThanOrEqual(5)
        expect(state.entry).toBeGreaterThanOrEqual(before.entry)
        expect(state.blackboardSize).toBe(sizeOf(state.blackboard))
        // A state that was entered and is still under way was asked to work, exactly once.
        const asked = step.commands.filter((command) => command.type === 'work' && command.entry === state.entry)
        expect(asked.length).toBe(state.status === 'running' && state.entry > before.entry ? 1 : 0)
        if (before.status !== 'running') expect(step).toEqual({ state: before, commands: [] })
      }
    }),
    { numRuns: 300 },
  )
})
