import { describe, expect, it } from 'vitest'
import { createEnvelope } from '../envelope/create.ts'
import { ToolRegistry } from '../envelope/registry.ts'
import { explain } from '../explain/explain.ts'
import { loadPolicy } from '../policy/load.ts'
import { dryRun } from './dry-run.ts'
import { decidePre, decidePreAsync } from './pre.ts'

const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }
const policy = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: no-force, type: pre, tool: "*", when: {args.command: {matches: '\\bgit\\s+push\\b.*--force'}}, then: {effect: deny, message: "no force"}}
  - {id: ask, type: pre, tool: "*", when: {args.command: {equals: "git tag 'a b'"}}, then: {effect: approve, message: "Tag?"}}
  - {id: as-is, type: pre, tool: "*", when: {args.command: {equals: rm}}, then: {effect: deny, message: no rm}}
  - {id: seen, type: pre, mode: observe, tool: "*", when: {args.command: {ends_with: fetch}}, then: {effect: deny, message: seen}}
  - {id: box, type: sandbox, tool: "*", within: [/workspace], message: outside}`)

describe('a tool that takes program and arguments apart is judged as a whole too', () => {
  const call = (args: Record<string, unknown>, tool = 'run_command', registry = new ToolRegistry()) =>
    createEnvelope(tool, args, { registry })
  const decide = (args: Record<string, unknown>, tool?: string, registry?: ToolRegistry) =>
    decidePre(policy, call(args, tool, registry), COUNTERS)

  it.each([
    [{ command: 'git', args: ['push', '--force'] }, 'deny', 'no-force'],
    [{ command: 'git push', args: ['--force'] }, 'deny', 'no-force'],
    [{ command: 'git', args: 'push --force' }, 'deny', 'no-force'],
    [{ command: 'git push --force' }, 'deny', 'no-force'],
    [{ command: 'rm', args: ['x'] }, 'deny', 'as-is'],
    [{ command: 'git', args: ['tag', 'a b'] }, 'pending_approval', 'ask'],
    [{ command: 'cat', args: ['../../etc/passwd'] }, 'deny', 'box'],
    [{ command: 'cat', args: ['a.txt'] }, 'allow', null],
    [{ command: 'git', args: ['push'] }, 'allow', null],
  ])('%j: %s by %s', (args, action, name) => {
    expect(decide(args)).toMatchObject({ action, decisionName: name })
  })

  it('the runtime knows the tool by two names, and a record says it of any other', () => {
    const args = { program: 'git', argv: ['push', '--force'] }
    expect(decide({ command: 'git', args: ['push', '--force'] }, 'cmd.run').action).toBe('deny')
    expect(decide(args, 'exec').action).toBe('allow')
    const registry = new ToolRegistry([
      ['exec', { arguments: { commandLine: { command: 'program', arguments: 'argv' } } }],
    ])
    expect(decide(args, 'exec', registry)).toMatchObject({ action: 'deny', decisionName: 'no-force' })
  })

  it('a classification of the bundle leaves the record of the runtime in place', () => {
    const registry = new ToolRegistry([['run_command', { side_effect: 'write' }]])
    expect(decide({ command: 'git', args: ['push', '--force'] }, 'run_command', registry).action).toBe('deny')
  })

  it('for other tools nothing is joined', () => {
    expect(decide({ command: 'git', args: ['push', '--force'] }, 'bash').action).toBe('allow')
  })

  it('an observing contract that fires only on the whole is told', () => {
    const decision = decide({ command: 'git', args: ['fetch'] })
    expect(decision).toMatchObject({ action: 'allow', observed: true })
    expect(decision.contractsEvaluated).toContainEqual(expect.objectContaining({ name: 'seen', passed: false }))
    expect(decision.contractsEvaluated).toHaveLength(5)
  })

  it('the tool is given what it was called with', () => {
    expect(call({ command: 'git', args: ['push'] }).args).toEqual({ command: 'git', args: ['push'] })
  })

  it('waiting checks, dry runs and explanations say the same', async () => {
    const args = { command: 'git', args: ['push', '--force'] }
    expect(await decidePreAsync(policy, call(args), COUNTERS)).toMatchObject({ decisionName: 'no-force' })
    expect(dryRun(policy, { toolName: 'run_command', args })).toMatchObject({
      verdict: 'deny',
      denyReasons: ['no force'],
    })
    const told = explain(policy, call(args), COUNTERS)
    expect(told.decision.action).toBe('deny')
    expect(told.contracts.find(({ id }) => id === 'no-force')?.fired).toBe(true)
  })
})
