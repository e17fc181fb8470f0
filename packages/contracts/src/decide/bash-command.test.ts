import { expect, it } from 'vitest'
import { createEnvelope } from '../envelope/create.ts'
import { loadPolicy } from '../policy/load.ts'
import { dryRun } from './dry-run.ts'
import { decidePre, decidePreAsync } from './pre.ts'

const policy = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: c, type: pre, tool: other, when: {args.a: {exists: true}}, then: {effect: deny, message: m}}
`)
const NO_COUNTERS = { attempts: 0, executions: 0, toolExecutions: 0 }
const REASON = 'The command of a Bash call must be a string, but it is'

it.each([
  [5, 'a number'],
  [0, 'a number'],
  [true, 'a boolean'],
  [false, 'a boolean'],
  [null, 'null'],
  [['ls'], 'an array'],
  [[], 'an array'],
  [{ a: 1 }, 'an object'],
])('a Bash call whose command is %j is denied, though no contract names it', async (command, kind) => {
  const envelope = createEnvelope('Bash', { command })
  const decision = decidePre(policy, envelope, NO_COUNTERS)
  expect(decision).toMatchObject({
    action: 'deny',
    reason: `${REASON} ${kind}`,
    decisionSource: 'envelope',
    decisionName: 'bash_command',
    policyError: true,
  })
  expect(await decidePreAsync(policy, envelope, NO_COUNTERS)).toEqual(decision)
  expect(dryRun(policy, { toolName: 'Bash', args: { command } })).toMatchObject({
    verdict: 'deny',
    denyReasons: [`${REASON} ${kind}`],
    policyError: true,
  })
})

it.each([{}, { command: '' }, { command: ' ' }, { command: 'ls' }])('a Bash call with %j runs', (args) => {
  expect(decidePre(policy, createEnvelope('Bash', args), NO_COUNTERS).action).toBe('allow')
  expect(dryRun(policy, { toolName: 'Bash', args }).verdict).toBe('allow')
})

it('other tools may have any command', () => {
  expect(decidePre(policy, createEnvelope('t', { command: 5 }), NO_COUNTERS).action).toBe('allow')
})
