import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { WorkflowManifest, WorkflowManifestError } from './manifest.ts'
import { stateKinds } from './types.ts'

const header = 'apiVersion: 100monkeys.ai/v1\nkind: Workflow\nmetadata:\n  name: gate\n'
const withSpec = (spec: string): string => `${header}spec:\n${spec}`
/** A workflow of one state `A`, given in YAML's flow style. */
const withState = (state: string, more = ''): string =>
  withSpec(`  initial_state: A\n${more}  states:\n    A: ${state}\n`)
const container = (fields: string): string => withState(`{kind: ContainerRun, transitions: [], ${fields}}`)
const steps = (list: string): string => withState(`{kind: ParallelContainerRun, transitions: [], steps: [${list}]}`)
const sub = (fields: string): string => withState(`{kind: Subworkflow, transitions: [], ${fields}}`)
const judged = (consensus: string): string =>
  withState(`{kind: ParallelAgents, transitions: [], agents: [{agent: a}], consensus: ${consensus}}`)

const every = `${header}  version: 2.0
  labels: {port: 8080}
  output_template: {verdict: '{{REVIEW.response}}'}
spec:
  initial_state: BUILD
  max_total_transitions: 30
  context: {branch: main}
  storage:
    workspace: {size_limit_mb: 64}
    shared_volumes: [{name: cache}]
  states:
    BUILD:
      kind: ContainerRun
      name: build
      image: docker.io/library/node:20
      command: [npm, run, build]
      volumes: [{name: cache, mount_path: /cache}, {name: workspace, mount_path: /workspace}]
      retry: {max_attempts: 2, backoff: 5s}
      resources: {cpu: 500, memory: 256Mi, timeout: 5m}
      transitions:
        - {condition: exit_code_zero, target: TEST}
        - {condition: exit_code, value: 2, target: LINT}
        - {target: FAILED}
    TEST:
      kind: ParallelContainerRun
      completion: any_succeed
      steps:
        - {name: unit-tests, image: a/b, command: [t]}
        - {name: e2e, image: a/b, command: [t], volumes: [{name: cache, mount_path: /c}]}
      transitions: [{condition: on_success, target: JUDGE}, {condition: on_failure, target: WRITE, feedback: '{{TEST.output.unit-tests.stderr}}'}]
    WRITE:
      kind: Agent
      agent: writer
      input: '{{state.feedback}}'
      judges: [{agent_id: judge}]
      max_state_visits: 3
      timeout: 1h 30m
      volumes: [{volume: cache, mount_path: /c, access_mode: read-only}]
      transitions: [{condition: score_above, threshold: 0.7, target: BUILD}, {target: FAILED}]
    JUDGE:
      kind: ParallelAgents
      agents: [{agent: one, weight: 2}, {agent: two}]
      consensus: {strategy: weighted_average, agreement: 0.6, confidence_weighting: {agreement_factor: 0.5, self_confidence_factor: 0.5}}
      transitions: [{condition: consensus, threshold: 0.7, agreement: 0.9, target: REVIEW}, {condition: custom, expression: 'blackboard.n > 3', target: LINT}]
    LINT: {kind: System, command: npm run lint, env: {CI: true}, transitions: [{target: REVIEW}]}
    REVIEW:
      kind: Human
      prompt: Ship it?
      timeout: 1h
      transitions:
        - {condition: input_equals, value: 5, target: NEXT}
        - {condition: approved, target: NEXT}
        - {condition: rejected, target: FAILED}
    NEXT: {kind: Subworkflow, workflow_id: deploy, mode: blocking, result_key: deployed, transitions: []}
    FAILED: {kind: System, command: 'false', transitions: []}
`

function problem(act: () => unknown): WorkflowManifestError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(WorkflowManifestError)
    return error as WorkflowManifestError
  }
  throw new Error('expected a WorkflowManifestError')
}

describe('a manifest that loads', () => {
  it('has every kind of state, and reads as it was written', () => {
    const manifest = WorkflowManifest.parse(every)
    expect(new Set(Object.values(manifest.spec.states).map(({ kind }) => kind))).toEqual(new Set(stateKinds))
    expect(manifest.metadata).toMatchObject({ version: '2.0', labels: { port: '8080' } })
    expect(manifest.spec.states.LINT).toMatchObject({ env: { CI: 'true' } })
    expect(manifest.spec.states.REVIEW?.transitions[0]).toEqual({
      condition: 'input_equals',
      value: '5',
      target: 'NEXT',
    })
    expect(manifest.spec.states.JUDGE).toMatchObject({ consensus: { min_agreement_confidence: 0.6 } })
    expect(manifest.warnings).toEqual([])
  })

  it('is the same after it was written as YAML, as JSON, and as a value', () => {
    const manifest = WorkflowManifest.parse(every)
    for (const again of [
      WorkflowManifest.parse(manifest.toYaml()),
      WorkflowManifest.parse(JSON.stringify(manifest)),
      WorkflowManifest.from(manifest),
    ])
      expect(again.toJSON()).toEqual(manifest.toJSON())
  })

  it('has version 1.0.0 where it names none', () => {
    expect(WorkflowManifest.parse(withState('{kind: System, command: ls, transitions: []}')).metadata.version).toBe(
      '1.0.0',
    )
  })

  it('may list its states, each with its name; places are those of the list', () => {
    const listed = (target: string) =>
      withSpec(`  initial_state: A
  states:
    - {name: A, kind: System, command: ls, transitions: [{target: ${target}}]}
    - {name: B, kind: ContainerRun, image: a/b, command: [x], transitions: []}
`)
    const manifest = WorkflowManifest.parse(listed('B'))
    expect(Object.keys(manifest.spec.states)).toEqual(['A', 'B'])
    expect(manifest.spec.states.B).toMatchObject({ name: 'B' })
    expect(problem(() => WorkflowManifest.parse(listed('C'))).issues).toEqual([
      {
        path: 'spec.states[0].transitions[0].target',
        message: "Transition target 'C' not found (from state 'A')",
        severity: 'error',
        line: 8,
        column: 67,
      },
    ])
  })

  it('of a thousand states is read; states named like a prototype’s members are states', () => {
    const states = Array.from(
      { length: 1000 },
      (_, n) =>
        `    S${n}: {kind: System, command: ls, transitions: [{target: ${n < 999 ? `S${n + 1}` : '__proto__'}}]}\n`,
    )
    const text = withSpec(
      `  initial_state: S0\n  states:\n${states.join('')}    __proto__: {kind: Human, prompt: x, transitions: [{target: constructor}]}\n    constructor: {kind: Human, prompt: x, transitions: []}\n`,
    )
    const manifest = WorkflowManifest.parse(text)
    expect(Object.keys(manifest.spec.states)).toHaveLength(1002)
    expect(Object.hasOwn(manifest.spec.states, '__proto__')).toBe(true)
    expect(manifest.warnings).toEqual([])
  })

  it.each([
    ['a ring', '{kind: System, command: ls, transitions: [{target: A}]}', "from state 'A' to an end"],
    [
      'a way behind one that is always taken',
      '{kind: Human, prompt: x, transitions: [{target: A}, {condition: approved, target: A}]}',
      'never taken',
    ],
    ['a name with a meaning of its own', undefined, 'means something else'],
  ])('is warned of %s', (_, state, said) => {
    const text = state
      ? withState(state)
      : withSpec('  initial_state: input\n  states:\n    input: {kind: System, command: ls, transitions: []}\n')
    expect(
      WorkflowManifest.parse(text)
        .warnings.map(({ message }) => message)
        .join(),
    ).toContain(said)
  })

  it('is warned of a state that no way leads to', () => {
    const text = withState('{kind: System, command: ls, transitions: []}').concat(
      '    B: {kind: System, command: ls, transitions: []}\n',
    )
    expect(WorkflowManifest.parse(text).warnings).toMatchObject([
      { path: 'spec.states.B', message: "no way leads from 'A' to state 'B'", line: 9, column: 8 },
    ])
  })
})

const parsing = 'Failed to parse workflow YAML manifest: '
const validation = `${parsing}Validation error: `
const inContainer = `${validation}Invalid container state configuration in state 'A': `
const inSub = `${validation}Invalid subworkflow state configuration in state 'A': `
const named = (name: string) => every.replace('name: gate', `name: ${name}`)
const step = '{name: s, image: i, command: [c]}'

test.each<[text: string, refusal: string, path: string]>([
  [
    every.replace('100monkeys.ai/v1', 'v2'),
    `${parsing}Invalid API version: expected '100monkeys.ai/v1', got 'v2'`,
    'apiVersion',
  ],
  [every.replace('kind: Workflow', 'kind: Agent'), `${parsing}Invalid kind: expected 'Workflow', got 'Agent'`, 'kind'],
  [
    named('""'),
    `${validation}Invalid workflow name: Invalid workflow name: Name must be 1-63 characters`,
    'metadata.name',
  ],
  [
    named('x'.repeat(64)),
    `${validation}Invalid workflow name: Invalid workflow name: Name must be 1-63 characters`,
    'metadata.name',
  ],
  [
    named('Gate'),
    `${validation}Invalid workflow name: Invalid workflow name: Name must be lowercase alphanumeric + hyphens`,
    'metadata.name',
  ],
  [
    named('gate-'),
    `${validation}Invalid workflow name: Invalid workflow name: Name must start and end with alphanumeric`,
    'metadata.name',
  ],
  [
    named('executions'),
    `${validation}Workflow name 'executions' is part of the addresses of the API (/v1/workflows/executions); choose another`,
    'metadata.name',
  ],
  [
    withState('{kind: System, command: ls, transitions: []}').concat(
      '    "": {kind: System, command: ls, transitions: []}\n',
    ),
    `${validation}Invalid state name: State name cannot be empty`,
    'spec.states[""]',
  ],
  [withSpec('  initial_state: A\n  states: {}\n'), `${validation}Workflow must have at least one state`, 'spec.states'],
  [withSpec('  initial_state: A\n'), `${validation}Workflow must have at least one state`, 'spec.states'],
  [
    every.replace('initial_state: BUILD', 'initial_state: BULID'),
    `${validation}Initial state 'BULID' not found in workflow states`,
    'spec.initial_state',
  ],
  [
    every.replace('target: TEST', 'target: TSET'),
    `${validation}Transition target 'TSET' not found (from state 'BUILD')`,
    'spec.states.BUILD.transitions[0].target',
  ],
  [
    container('name: " ", image: i, command: [c]'),
    `${inContainer}ContainerRun.name cannot be empty`,
    'spec.states.A.name',
  ],
  [container('image: i, command: [c]'), `${inContainer}ContainerRun.name cannot be empty`, 'spec.states.A.name'],
  [
    container('name: n, image: "", command: [c]'),
    `${inContainer}ContainerRun.image cannot be empty`,
    'spec.states.A.image',
  ],
  [
    container('name: n, image: i, command: []'),
    `${inContainer}ContainerRun.command must contain at least one token`,
    'spec.states.A.command',
  ],
  [
    container('name: n, image: i, command: [c], volumes: [{name: "", mount_path: /x}]'),
    `${inContainer}ContainerRun volume name cannot be empty`,
    'spec.states.A.volumes[0].name',
  ],
  [
    container('name: n, image: i, command: [c], volumes: [{name: v, mount_path: x}]'),
    `${inContainer}ContainerRun mount_path 'x' must be an absolute path`,
    'spec.states.A.volumes[0].mount_path',
  ],
  [steps(''), `${inContainer}ParallelContainerRun.steps must contain at least one step`, 'spec.states.A.steps'],
  [
    steps('{name: "", image: i, command: [c]}'),
    `${inContainer}ParallelContainerRun step name cannot be empty`,
    'spec.states.A.steps[0].name',
  ],
  [
    steps(`${step}, ${step}`),
    `${inContainer}ParallelContainerRun step name 's' must be unique`,
    'spec.states.A.steps[1].name',
  ],
  [
    steps('{name: s, command: [c]}'),
    `${inContainer}ParallelContainerRun step 's' has empty image`,
    'spec.states.A.steps[0].image',
  ],
  [
    steps('{name: s, image: i}'),
    `${inContainer}ParallelContainerRun step 's' command must contain at least one token`,
    'spec.states.A.steps[0].command',
  ],
  [
    steps('{name: s, image: i, command: [c], volumes: [{name: "", mount_path: /x}]}'),
    `${inContainer}ParallelContainerRun step 's' has empty volume name`,
    'spec.states.A.steps[0].volumes[0].name',
  ],
  [
    steps('{name: s, image: i, command: [c], volumes: [{name: v, mount_path: ./x}]}'),
    `${inContainer}ParallelContainerRun step 's' has non-absolute mount_path './x'`,
    'spec.states.A.steps[0].volumes[0].mount_path',
  ],
  [
    sub('workflow_id: "", mode: fire_and_forget'),
    `${inSub}Subworkflow.workflow_id cannot be empty`,
    'spec.states.A.workflow_id',
  ],
  [
    sub('workflow_id: w, mode: blocking'),
    `${inSub}Subworkflow in blocking mode requires a result_key`,
    'spec.states.A.result_key',
  ],
  [
    sub('workflow_id: w, mode: fire_and_forget, result_key: r'),
    `${inSub}Subworkflow in fire_and_forget mode must not specify result_key`,
    'spec.states.A.result_key',
  ],
  [
    sub('workflow_id: w, mode: later'),
    `${validation}Invalid subworkflow mode 'later': expected 'blocking' or 'fire_and_forget'`,
    'spec.states.A.mode',
  ],
  [
    every.replace('{name: cache, mount_path: /cache}', '{name: cash, mount_path: /cache}'),
    `${validation}Volume 'cash' referenced in state 'BUILD' is not declared in spec.storage.shared_volumes`,
    'spec.states.BUILD.volumes[0].name',
  ],
  [
    every.replace('volume: cache', 'volume: cash'),
    `${validation}Volume 'cash' referenced in state 'WRITE' is not declared in spec.storage.shared_volumes`,
    'spec.states.WRITE.volumes[0].volume',
  ],
  [
    judged('{strategy: majority, confidence_weighting: {agreement_factor: 0.5, self_confidence_factor: 0.3}}'),
    `${validation}Confidence weights must sum to 1.0, got 0.50 (agreement) + 0.30 (self-confidence) = 0.80`,
    'spec.states.A.consensus.confidence_weighting',
  ],
  [
    every.replace('max_total_transitions: 30', 'max_total_transitions: 0'),
    'max_total_transitions must be between 1 and 100, got 0',
    'spec.max_total_transitions',
  ],
  [
    every.replace('max_total_transitions: 30', 'max_total_transitions: 101'),
    'max_total_transitions must be between 1 and 100, got 101',
    'spec.max_total_transitions',
  ],
  [
    every.replace('max_state_visits: 3', 'max_state_visits: 21'),
    "max_state_visits for state 'WRITE' must be between 1 and 20, got 21",
    'spec.states.WRITE.max_state_visits',
  ],
])('one error is the only one said, with its place (%#)', (text, refusal, path) => {
  const error = problem(() => WorkflowManifest.parse(text))
  expect(error.refusal).toBe(refusal)
  expect(error.issues).toHaveLength(1)
  expect(error.issues[0]).toMatchObject({ path, line: expect.any(Number), column: expect.any(Number) })
  expect(refusal.endsWith(error.issues[0]?.message ?? '?')).toBe(true)
})

test.each<[text: string, said: string]>([
  ['a: [', 'YAML parse error: not readable as YAML'],
  ['', 'YAML parse error: the manifest is empty'],
  ['a: 1\na: 2', 'Map keys must be unique'],
  ['- 1', 'YAML parse error: the document must be an object, not a list'],
  [
    withState('{kind: System, command: ls, transitions: [], comand: x}'),
    "unknown key spec.states.A.comand; did you mean 'command'?",
  ],
  [withState('{kind: System, command: ls}'), 'spec.states.A.transitions is required'],
  [withState('{command: ls, transitions: []}'), 'spec.states.A.kind is required: one of Agent, System'],
  [
    withState('{kind: Robot, transitions: []}'),
    "spec.states.A.kind must be one of Agent, System, Human, ParallelAgents, ContainerRun, ParallelContainerRun, Subworkflow, not 'Robot'",
  ],
  [
    withState('{kind: System, command: ls, timeout: soon, transitions: []}'),
    "spec.states.A.timeout: 'soon' is not a duration",
  ],
  [
    withState('{kind: System, command: ls, timeout: 0s, transitions: []}'),
    "spec.states.A.timeout: '0s' is no time at all",
  ],
  [
    withState('{kind: System, command: ls, transitions: [{target: A, treshold: 1}]}'),
    "unknown key spec.states.A.transitions[0].treshold; did you mean 'threshold'?",
  ],
  [
    withState('{kind: System, command: ls, transitions: [{condition: score_above, min: 0.5, target: A}]}'),
    "the condition 'score_above' takes no 'min'",
  ],
  [
    withState('{kind: System, command: ls, transitions: [{condition: consensus, threshold: 0.5, target: A}]}'),
    "agreement is required by the condition 'consensus'",
  ],
  [
    withState('{kind: System, command: ls, transitions: [{condition: exit_code, value: two, target: A}]}'),
    "must be a whole number, not 'two'",
  ],
  [
    withState('{kind: System, command: ls, transitions: [{condition: never, target: A}]}'),
    'condition must be one of always,',
  ],
  [
    withState('{kind: Human, prompt: x, timeout: 1m, timeout_seconds: 60, transitions: []}'),
    'has both timeout and timeout_seconds',
  ],
  [
    judged('{strategy: majority, agreement: 0.5, min_agreement_confidence: 0.6}'),
    'has both min_agreement_confidence and its alias agreement',
  ],
])('what cannot be read is said, once and in words (%#)', (text, said) => {
  const error = problem(() => WorkflowManifest.parse(text))
  expect(error.refusal).toContain(said)
  expect(error.refusal.startsWith(parsing)).toBe(true)
  expect(error.issues).toHaveLength(1)
})

it('every problem is told at once', () => {
  const text = every
    .replace('name: gate', 'name: Gate')
    .replace('target: TEST', 'target: X')
    .replace('image: a/b', 'image: ""')
  expect(
    problem(() => WorkflowManifest.parse(text))
      .issues.map(({ path }) => path)
      .sort(),
  ).toEqual(['metadata.name', 'spec.states.BUILD.transitions[0].target', 'spec.states.TEST.steps[0].image'])
})

it('what is nested without end is no manifest, however it comes', () => {
  for (const levels of [101, 3_000]) {
    const nested = `${'['.repeat(levels)}${']'.repeat(levels)}`
    const text = every.replace('context: {branch: main}', `context: {a: ${nested}}`)
    expect(problem(() => WorkflowManifest.parse(text)).refusal).toContain(
      'the manifest is nested more than 100 levels deep',
    )
  }
  let context: unknown = 1
  for (let level = 0; level < 50_000; level++) context = { a: context }
  const whole = WorkflowManifest.parse(every).toJSON()
  const deep = { ...whole, spec: { ...whole.spec, context } }
  expect(problem(() => WorkflowManifest.from(deep)).code).toBe('manifest_unreadable')
})

it('a manifest of too many templates is refused before they are all judged', () => {
  let judged = 0
  const templates = () => {
    judged++
    return null
  }
  const states = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, n) => [`S${n}`, { kind: 'System', command: '{{a}}', transitions: [] }]),
  )
  const whole = { ...WorkflowManifest.parse(every).toJSON(), spec: { initial_state: 'S0', states } }
  const { issues } = problem(() => WorkflowManifest.from({ ...whole, metadata: { name: 'w' } }, { templates }))
  expect(issues.map(({ message }) => message)).toEqual(['the workflow has more than 4000 expressions in its templates'])
  expect(judged).toBe(4_000)
})

it('whatever is given, it is a manifest or a WorkflowManifestError', () => {
  const base = WorkflowManifest.parse(every).toJSON() as unknown as Record<string, unknown>
  const paths = (value: unknown, at: string[] = []): string[][] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => [[...at, key], ...paths(inner, [...at, key])])
      : []
  fc.assert(
    fc.property(fc.constantFrom(...paths(base)), fc.jsonValue(), (path, value) => {
      const broken = structuredClone(base)
      const parent = path.slice(0, -1).reduce<Record<string, unknown>>((at, key) => at[key] as never, broken)
      parent[path.at(-1) ?? ''] = value
      try {
        const read = WorkflowManifest.from(broken)
        expect(WorkflowManifest.parse(read.toYaml()).toJSON()).toEqual(read.toJSON())
      } catch (error) {
        expect(error).toBeInstanceOf(WorkflowManifestError)
        expect((error as WorkflowManifestError).issues.length).toBeGreaterThan(0)
        expect((error as WorkflowManifestError).refusal).not.toBe(parsing)
      }
    }),
    { numRuns: 300 },
  )
})

it('its templates are judged where somebody knows them, each at its place', () => {
  const judged: [string, string][] = []
  const templates = (text: string, kind: string) => {
    judged.push([kind, text])
    return text.includes('stderr') || kind === 'expression' ? 'it is broken' : null
  }
  const error = problem(() => WorkflowManifest.parse(every, { templates }))
  expect(error.issues).toMatchObject([
    {
      path: 'spec.states.TEST.transitions[1].feedback',
      message: "Invalid template in state 'TEST': it is broken",
      line: expect.any(Number),
    },
    {
      path: 'spec.states.JUDGE.transitions[1].expression',
      message: "Invalid expression in state 'JUDGE': it is broken",
      line: expect.any(Number),
    },
  ])
  expect(judged).toContainEqual(['template', '{{REVIEW.response}}'])
  expect(error.refusal).toBe(`${validation}${error.issues[0]?.message}`)
})

it('what it is registered as stands in its metadata, and a spec alone is enough', () => {
  const { spec } = WorkflowManifest.parse(every).toJSON()
  const manifest = WorkflowManifest.from(spec, { metadata: { name: 'gate', version: '3' } })
  expect(manifest.toJSON()).toMatchObject({ kind: 'Workflow', metadata: { name: 'gate', version: '3' }, spec })
  expect(WorkflowManifest.parse(every, { metadata: { name: 'other' } }).metadata).toMatchObject({
    name: 'other',
    version: '2.0',
  })
})
