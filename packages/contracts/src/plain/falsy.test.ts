import { describe, expect, it } from 'vitest'
import { decidePre } from '../decide/pre.ts'
import { createEnvelope } from '../envelope/create.ts'
import { loadPolicy } from '../policy/load.ts'
import { isFalsy } from './falsy.ts'

const FALSY = [null, undefined, false, 0, -0, 0n, '', [], {}, new Map(), new Set(), new Uint8Array()]
const TRUTHY = [true, 1, Number.NaN, 1n, ' ', '0', [0], { a: 0 }, new Map([[1, 1]]), new Uint8Array(1), new Date(0)]

it.each(FALSY.map((value) => [value]))('takes %o for false', (value) => expect(isFalsy(value)).toBe(true))
it.each(TRUTHY.map((value) => [value]))('takes %o for true', (value) => expect(isFalsy(value)).toBe(false))

describe('what Python takes for false is no path and no command', () => {
  const policy = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: paths, type: sandbox, tool: '*', within: [/tmp/ws], message: out}
  - {id: commands, type: sandbox, tool: '*', allows: {commands: [git]}, message: out}
`)
  const actionOf = (tool: string, args: Record<string, unknown>) =>
    decidePre(policy, createEnvelope(tool, args), { attempts: 0, executions: 0, toolExecutions: 0 })

  it.each([[null], [false], [0], [''], [[]], [{}]])('%j', (value) => {
    expect(actionOf('Read', { file_path: value }).action).toBe('allow')
    expect(actionOf('t', { command: value }).action).toBe('allow')
    // The next name is looked at.
    expect(actionOf('Read', { file_path: value, path: 5 })).toMatchObject({ action: 'deny', policyError: true })
    expect(createEnvelope('Read', { file_path: value, path: '/tmp/ws/a' }).filePath).toBe('/tmp/ws/a')
  })

  it.each([[true], [1], [1.5], [['a']], [{ a: 1 }]])('but %j is one that cannot be judged', (value) => {
    expect(actionOf('Read', { file_path: value })).toMatchObject({ action: 'deny', policyError: true })
    expect(actionOf('t', { command: value })).toMatchObject({ action: 'deny', policyError: true })
  })
})
