import { describe, expect, it } from 'vitest'
import { createEnvelope } from '../envelope/create.ts'
import { EdictumConfigError } from '../errors.ts'
import {
  evaluateWorkflow,
  initialState,
  loadWorkflow,
  recordApproval,
  recordResult,
  resetToStage,
  setStage,
  type Workflow,
  type WorkflowState,
  workflowStateFromWire,
  workflowStateToWire,
} from './index.ts'

const TRAIN = loadWorkflow(`apiVersion: edictum/v1
kind: Workflow
metadata: {name: release-train, version: "3"}
stages:
  - id: prepare
    tools: [Read, "mcp__docs__*"]
    exit:
      - {condition: file_read("CHECKLIST.md"), message: Read the checklist first}
  - id: sign-off
    entry: [{condition: stage_complete("prepare")}]
    approval: {message: Release manager must agree}
  - id: ship
    tools: [Bash]
    checks:
      - {command_matches: "^make release$", message: Only the release target may run here}
    terminal: true
    exit: [{condition: command_matches("^make release$")}]
`)

const call = (tool: string, args: Record<string, unknown> = {}) =>
  createEnvelope(tool, args, { timestamp: '2026-01-01T00:00:00Z' })
const read = call('Read', { file_path: 'CHECKLIST.md' })
const ship = call('Bash', { command: 'make release' })
const start = initialState(TRAIN, 's1')

function workflowOf(stages: string): Workflow {
  return loadWorkflow(`apiVersion: edictum/v1\nkind: Workflow\nmetadata: {name: w}\nstages:\n${stages}`)
}

describe('a release train', () => {
  it('goes from the checklist over the approval to the release, and ends there', () => {
    expect(evaluateWorkflow(TRAIN, start, ship)).toMatchObject({
      action: 'deny',
      stageId: 'prepare',
      reason: 'Read the checklist first',
    })
    const reading = evaluateWorkflow(TRAIN, start, read)
    expect(reading).toMatchObject({ action: 'allow', stageId: 'prepare', events: [] })
    let state = recordResult(TRAIN, reading.state, reading.stageId, read).state
    expect(state.evidence.reads).toEqual(['CHECKLIST.md'])

    const pause = evaluateWorkflow(TRAIN, state, ship)
    expect(pause).toMatchObject({
      action: 'pending_approval',
      stageId: 'sign-off',
      reason: 'Release manager must agree',
      events: [{ action: 'workflow_stage_advanced', stageId: 'prepare', toStageId: 'sign-off' }],
      state: { activeStage: 'sign-off', pendingApproval: { required: true, stageId: 'sign-off' } },
    })
    state = recordApproval(TRAIN, pause.state, 'sign-off')
    expect(state.pendingApproval.required).toBe(false)

    const wrong = evaluateWorkflow(TRAIN, state, call('Bash', { command: 'make clean' }))
    expect(wrong).toMatchObject({
      action: 'deny',
      stageId: 'ship',
      reason: 'Only the release target may run here',
      state: { activeStage: 'ship' },
    })
    const allowed = evaluateWorkflow(TRAIN, wrong.state, ship)
    expect(allowed).toMatchObject({ action: 'allow', stageId: 'ship' })
    state = recordResult(TRAIN, allowed.state, 'ship', ship).state
    expect(state.activeStage).toBe('ship')
    expect(evaluateWorkflow(TRAIN, state, ship)).toMatchObject({
      action: 'deny',
      reason: 'workflow complete \u2014 no further tool calls are accepted',
    })
  })

  it('records every gate it looked at', () => {
    const { records } = evaluateWorkflow(TRAIN, start, ship)
    expect(records.map(({ name, passed }) => [name, passed])).toEqual([
      ['release-train:prepare:tools', false],
      ['release-train:prepare:file_read', false],
    ])
    expect(records[1]).toMatchObject({
      type: 'workflow_gate',
      message: 'Read the checklist first',
      metadata: {
        gate_kind: 'file_read',
        gate_condition: 'file_read("CHECKLIST.md")',
        gate_passed: false,
        gate_evidence: 'CHECKLIST.md',
      },
    })
  })

  it('keeps status: a denial names the action, an allowed call clears the reason', () => {
    const denied = evaluateWorkflow(TRAIN, start, call('Bash', { command: 'export API_KEY=abc' }))
    expect(denied.state).toMatchObject({
      blockedReason: 'Read the checklist first',
      lastBlockedAction: { tool: 'Bash', summary: 'export API_KEY=[REDACTED]', timestamp: '2026-01-01T00:00:00Z' },
    })
    expect(evaluateWorkflow(TRAIN, denied.state, read).state.blockedReason).toBeNull()
  })
})

describe('a failing check against the advance of a stage', () => {
  const stages = (exit: string, kind: string, next: string) => `  - id: one
    tools: [Bash]
    checks: [{${kind}: "^work$", message: check}]
${exit}  - {id: two, tools: [Bash]${next}}\n`
  const exit = '    exit: [{condition: command_matches("^work$"), message: exit}]\n'
  const other = call('Bash', { command: 'other' })
  const judge = (workflow: Workflow, envelope = other, state = initialState(workflow, 's')) =>
    evaluateWorkflow(workflow, state, envelope)

  it('command_matches on a stage with exits: the unmet exit speaks; once met the stage is left', () => {
    const workflow = workflowOf(stages(exit, 'command_matches', ''))
    expect(judge(workflow).reason).toBe('exit')
    const work = call('Bash', { command: 'work' })
    const { state } = recordResult(workflow, initialState(workflow, 's'), 'one', work)
    expect(judge(workflow, other, state)).toMatchObject({ action: 'allow', stageId: 'two' })
  })

  it('command_not_matches on a stage with exits blocks at once', () => {
    const workflow = workflowOf(stages(exit, 'command_not_matches', ''))
    expect(judge(workflow, call('Bash', { command: 'work' })).reason).toBe('check')
  })

  it('on a stage without exits it blocks, unless the next stage names the command', () => {
    expect(judge(workflowOf(stages('', 'command_matches', ''))).reason).toBe('check')
    const named = workflowOf(stages('', 'command_matches', ', checks: [{command_matches: "^other$", message: n}]'))
    expect(judge(named)).toMatchObject({ action: 'allow', stageId: 'two' })
  })

  it('on the last stage it blocks', () => {
    const workflow = workflowOf(stages('', 'command_matches', ', checks: [{command_matches: "^x$", message: last}]'))
    expect(judge(workflow, other, setStage(workflow, initialState(workflow, 's'), 'two').state).reason).toBe('last')
  })
})

describe('conditions', () => {
  const gate = (condition: string, state: Partial<WorkflowState['evidence']> = {}, approvals = {}) => {
    const workflow = workflowOf(
      `  - {id: a, tools: [A], exit: [{condition: '${condition}', message: shut}]}\n  - {id: b, tools: [B]}\n`,
    )
    const begun = initialState(workflow, 's')
    return (
      evaluateWorkflow(workflow, { ...begun, approvals, evidence: { ...begun.evidence, ...state } }, call('B'))
        .action === 'allow'
    )
  }

  it.each([
    ['file_read("x")', { reads: ['x'] }, true],
    ['file_read("x")', { reads: ['./x'] }, false],
    ['command_matches("^npm test$")', { stageCalls: { a: ['ls', 'npm test'] } }, true],
    ['command_matches("test")', { stageCalls: { b: ['npm test'] } }, false],
    ['command_not_matches("rm")', { stageCalls: { a: ['ls'] } }, true],
    ['command_not_matches("rm")', {}, true],
    ['command_not_matches("rm")', { stageCalls: { a: ['rm x'] } }, false],
    ['command_matches("a\\.b")', { stageCalls: { a: ['a.b'] } }, true],
    ['command_matches("a\\.b")', { stageCalls: { a: ['axb'] } }, false],
    [
      'mcp_result_matches("ci", "status", "green")',
      { mcpResults: { ci: [{ status: 'red' }, { status: 'green' }] } },
      true,
    ],
    ['mcp_result_matches("ci", "count", "3")', { mcpResults: { ci: [{ count: 3 }] } }, true],
    ['mcp_result_matches("ci", "status", "green")', { mcpResults: { other: [{ status: 'green' }] } }, false],
    ['mcp_result_matches("ci", "constructor", "x")', { mcpResults: { ci: [{}] } }, false],
    ['stage_complete("a")', {}, false],
  ])('%s', (condition, evidence, open) => {
    expect(gate(condition, evidence as Partial<WorkflowState['evidence']>)).toBe(open)
  })

  it('approval() asks for the own stage, approval("x") for another', () => {
    expect(gate('approval()', {}, { a: 'approved' })).toBe(true)
    expect(gate('approval()', {}, { b: 'approved' })).toBe(false)
    expect(gate('approval("b")', {}, { b: 'approved' })).toBe(true)
  })

  it.each([
    'exec("x")',
    'file_read(x)',
    ' file_read("x")',
    'unknown("x")',
    'file_read("x") and file_read("y")',
    'command_matches("(")',
    'file_read("a\tb")',
    '',
  ])('%j is refused', (condition) => {
    expect(() => gate(condition)).toThrow(EdictumConfigError)
  })

  it('exec runs through the caller, and only where it is allowed', () => {
    const text =
      'apiVersion: edictum/v1\nkind: Workflow\nmetadata: {name: w}\nstages:\n  - {id: a, tools: [A], exit: [{condition: \'exec("make check", exit_code=2)\'}]}\n  - {id: b, tools: [B]}\n'
    const workflow = loadWorkflow(text, { allowExec: true })
    const judge = (exitCode: number) =>
      evaluateWorkflow(workflow, initialState(workflow, 's'), call('B'), () => ({ exitCode, output: 'x'.repeat(5000) }))
    expect(judge(2).action).toBe('allow')
    expect(judge(0).action).toBe('deny')
    expect(judge(0).records.at(-1)?.metadata.gate_evidence).toBe(`exit_code=0 output=${'x'.repeat(4096)}...[truncated]`)
    expect(() => evaluateWorkflow(workflow, initialState(workflow, 's'), call('B'))).toThrow('exec')
  })
})

describe('documents', () => {
  const head = 'apiVersion: edictum/v1\nkind: Workflow\nmetadata: {name: w}\n'
  it.each([
    ['a: [', 'YAML parse error'],
    ['[]', 'must be a mapping'],
    ['kind: Workflow', 'apiVersion'],
    ['apiVersion: edictum/v1\nkind: Ruleset\nmetadata: {name: w}\nstages: []', 'kind'],
    [`${head}stages: []`, 'stages must not be empty'],
    [`${head}extra: 1\nstages: [{id: a, tools: [A]}]`, "unknown field 'extra'"],
    [`${head}stages: [{id: A, tools: [A]}]`, 'must match'],
    [`${head}stages: [{id: a, tools: [A], colour: red}]`, "unknown field 'colour'"],
    [`${head}stages: [{id: a, tools: [A]}, {id: a, tools: [A]}]`, "duplicate stage id 'a'"],
    [`${head}stages: [{id: a, tools: [a/b]}]`, 'tool name'],
    [`${head}stages: [{id: a, checks: [{command_matches: x}]}]`, 'message'],
    [`${head}stages: [{id: a, checks: [{command_matches: x, command_not_matches: y, message: m}]}]`, 'exactly one'],
    [`${head}stages: [{id: a, checks: [{command_matches: "(", message: m}]}]`, 'invalid regex'],
    [`${head}stages: [{id: a, approval: {}}]`, 'approval.message'],
    [`${head}stages: [{id: a, terminal: 1}]`, 'terminal'],
    [`${head}stages: [{id: a, tools: [A], terminal: true}, {id: b, tools: [B]}]`, 'only the last stage'],
    [`${head}stages: [{id: a}, {id: b, tools: [B]}]`, 'nothing could end it'],
    [`${head}stages: [{id: a, tools: [A], exit: [{message: m}]}]`, 'condition'],
  ])('%j is refused', (text, message) => {
    expect(() => loadWorkflow(text)).toThrow(EdictumConfigError)
    expect(() => loadWorkflow(text)).toThrow(/^workflow: /)
    expect(() => loadWorkflow(text)).toThrow(message)
  })
})

describe('operations', () => {
  const state: WorkflowState = {
    ...initialState(TRAIN, 's'),
    activeStage: 'ship',
    completedStages: ['prepare', 'sign-off'],
    approvals: { 'sign-off': 'approved' },
    evidence: {
      reads: ['CHECKLIST.md'],
      stageCalls: { ship: ['make release'] },
      mcpResults: { mcp__docs__get: [{ a: 1 }] },
    },
  }

  it('reset forgets what the stage and later ones have gathered', () => {
    const { state: after, events } = resetToStage(TRAIN, state, 'sign-off')
    expect(after).toMatchObject({ activeStage: 'sign-off', completedStages: ['prepare'], approvals: {} })
    expect(after.evidence).toEqual({
      reads: ['CHECKLIST.md'],
      stageCalls: {},
      mcpResults: { mcp__docs__get: [{ a: 1 }] },
    })
    expect(events).toEqual([{ action: 'workflow_state_updated', stageId: 'sign-off' }])
    expect(resetToStage(TRAIN, state, 'prepare').state.evidence).toEqual({ reads: [], stageCalls: {}, mcpResults: {} })
  })

  it('setting a stage keeps approvals and evidence, and waits for an approval that is missing', () => {
    expect(setStage(TRAIN, state, 'sign-off').state).toMatchObject({
      approvals: { 'sign-off': 'approved' },
      pendingApproval: { required: false },
    })
    expect(setStage(TRAIN, { ...state, approvals: {} }, 'sign-off').state.pendingApproval).toEqual({
      required: true,
      stageId: 'sign-off',
      message: 'Release manager must agree',
    })
  })

  it('unknown stages are errors', () => {
    for (const operate of [resetToStage, setStage, recordApproval]) {
      expect(() => operate(TRAIN, state, 'nope')).toThrow(EdictumConfigError)
    }
  })

  it('a state survives being stored; one of another workflow is refused', () => {
    const stored = JSON.parse(JSON.stringify(workflowStateToWire(state)))
    expect(workflowStateFromWire(TRAIN, stored)).toEqual(state)
    expect(() => workflowStateFromWire(TRAIN, { ...stored, active_stage: 'gone' })).toThrow("'gone'")
    expect(() => workflowStateFromWire(TRAIN, 'x')).toThrow(EdictumConfigError)
  })

  it('reads are kept once, commands repeat, structured results are kept, unusable texts are not', () => {
    const once = recordResult(TRAIN, recordResult(TRAIN, start, 'prepare', read).state, 'prepare', read).state
    expect(once.evidence.reads).toEqual(['CHECKLIST.md'])
    const twice = recordResult(TRAIN, recordResult(TRAIN, start, 'ship', ship).state, 'ship', ship).state
    expect(twice.evidence.stageCalls).toEqual({ ship: ['make release', 'make release'] })
    const long = recordResult(TRAIN, start, 'prepare', call('Read', { file_path: 'x'.repeat(5000) })).state
    expect(long.evidence.reads).toEqual([])
    const result = recordResult(TRAIN, start, 'prepare', call('mcp__docs__get'), {
      a: null,
      b: 'x'.repeat(5000),
      c: 3,
    }).state
    expect(result.evidence.mcpResults).toEqual({ mcp__docs__get: [{ a: '', b: '', c: 3 }] })
    expect(result.lastRecordedEvidence).toMatchObject({ tool: 'mcp__docs__get' })
  })

  it('a last stage whose exits are met ends the workflow; every later call is allowed', () => {
    const workflow = workflowOf('  - {id: only, tools: [Bash], exit: [{condition: command_matches("done")}]}\n')
    const done = recordResult(workflow, initialState(workflow, 's'), 'only', call('Bash', { command: 'done' }))
    expect(done).toMatchObject({
      state: { activeStage: '', completedStages: ['only'] },
      events: [{ action: 'workflow_completed' }],
    })
    expect(evaluateWorkflow(workflow, done.state, call('Anything'))).toMatchObject({ action: 'allow', stageId: '' })
  })
})
