import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createWorkbench } from './workbench.ts'

const manifest = (states: string) => `apiVersion: 100monkeys.ai/v1
kind: Workflow
metadata: {name: gate, version: "2.0"}
spec:
  initial_state: BUILD
  states:
${states}`

const bench = createWorkbench({
  'gate.yaml': manifest(`    BUILD:
      kind: System
      command: make {{input.target}}
      transitions:
        - {condition: exit_code_zero, target: 'REVIEW "it"'}
        - {condition: exit_code, value: 2, target: BUILD}
        - {condition: custom, expression: 'blackboard.n > 3 && "a" == "a"', target: SUB}
        - {target: END}
    'REVIEW "it"': {kind: Human, prompt: ok?, transitions: [{condition: approved, target: END}]}
    SUB: {kind: Subworkflow, workflow_id: w, mode: fire_and_forget, transitions: [{condition: score_between, min: 0.5, max: 1, target: END}]}
    END: {kind: System, command: 'true', transitions: []}
`),
  'broken.yaml': manifest(`    BUILD:
      kind: System
      command: make {{#if x}}
      transitions: [{condition: exit_code_zero, target: NOWHERE}, {condition: custom, expression: 'a b', target: BUILD}]
    LONELY: {kind: System, command: ls, transitions: []}
`),
  'warned.yaml': manifest(`    BUILD: {kind: System, command: ls, transitions: [{target: BUILD}]}\n`),
  'yaml.yaml': 'a: [',
})
afterAll(() => bench.close())

test('a workflow that loads', async () => {
  expect(await bench.run('workflow', 'validate', 'gate.yaml')).toMatchObject({
    code: 0,
    out: 'valid  gate.yaml  gate 2.0, 4 states',
    err: '',
  })
  expect((await bench.run('workflow', 'validate', 'gate.yaml', '--json')).json()).toEqual({
    file: 'gate.yaml',
    valid: true,
    name: 'gate',
    version: '2.0',
    states: 4,
    issues: [],
  })
})

test('every problem is told, with path, line and column; templates and expressions too', async () => {
  const ran = await bench.run('workflow', 'validate', 'broken.yaml')
  expect(ran).toMatchObject({ code: 1, out: '' })
  const lines = ran.err.split('\n')
  expect(lines.map((line) => line.split(': ').slice(0, 2).join(': '))).toEqual([
    'broken.yaml:9:16: error',
    'broken.yaml:10:57: error',
    'broken.yaml:10:99: error',
  ])
  expect(lines[1]).toContain("Transition target 'NOWHERE' not found (from state 'BUILD')")
  expect(lines[0]).toContain("Invalid template in state 'BUILD': Parse error")
  expect(lines[2]).toContain("Invalid expression in state 'BUILD': it is no expression")
  expect((await bench.run('workflow', 'validate', 'broken.yaml', '--json')).json()).toMatchObject({
    valid: false,
    issues: [
      { path: 'spec.states.BUILD.command', line: 9 },
      { path: 'spec.states.BUILD.transitions[0].target', severity: 'error', line: 10, column: 57 },
      { path: 'spec.states.BUILD.transitions[1].expression', line: 10 },
    ],
  })
})

test('warnings do not fail it', async () => {
  const ran = await bench.run('workflow', 'validate', 'warned.yaml')
  expect(ran.code).toBe(0)
  expect(ran.err).toContain("warned.yaml:7:12: warning: spec.states.BUILD: no way leads from state 'BUILD' to an end")
})

test('what is no YAML has a place too; a missing file is a wrong use', async () => {
  const ran = await bench.run('workflow', 'validate', 'yaml.yaml')
  expect(ran.code).toBe(1)
  expect(ran.err).toMatch(/^yaml\.yaml:1:\d+: error: not readable as YAML/)
  expect((await bench.run('workflow', 'validate', 'gone.yaml')).code).toBe(2)
})

test('a diagram has every state and way, whatever they are called', async () => {
  const ran = await bench.run('workflow', 'graph', 'gate.yaml')
  expect(ran.code).toBe(0)
  expect(ran.out).toBe(`---
title: "gate 2.0"
---
flowchart TD
  start(( )) --> s0
  s0["BUILD<br/><small>System</small>"]
  s1{{"REVIEW #34;it#34;<br/><small>Human</small>"}}
  s2[["SUB<br/><small>Subworkflow</small>"]]
  s3(["END<br/><small>System</small>"])
  s0 -->|"exit code zero"| s1
  s0 -->|"exit code 2"| s0
  s0 -->|"custom blackboard.n #62; 3 #38;#38; #34;a#34; == #34;a#34;"| s2
  s0 --> s3
  s1 -->|"approved"| s3
  s2 -->|"score between min 0.5 max 1"| s3`)
  const broken = await bench.run('workflow', 'graph', 'broken.yaml', '--json')
  expect(broken.code).toBe(1)
  expect(broken.json()).toMatchObject({ code: 'manifest', issues: [{ line: 10 }] })
})

test('the example of the guide is valid, and without a warning', async () => {
  const example = join(import.meta.dirname, '../../../examples/workflows/release-gate.yaml')
  const ran = await bench.run('workflow', 'validate', example)
  expect(ran).toMatchObject({ code: 0, err: '' })
})
