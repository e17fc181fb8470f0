import { describe, expect, it } from 'vitest'
import { createEnvelope } from '../envelope/create.ts'
import { loadPolicy } from '../policy/load.ts'
import { explain } from './explain.ts'

const policy = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - id: p
    type: pre
    tool: "*"
    when: {any: [{args.a: {equals: 1}}, {not: {all: [{args.b: {gt: 2}}, {principal.role: {exists: true}}]}}]}
    then: {effect: deny, message: "p {args.a}"}
  - {id: later, type: pre, tool: "*", when: {args.token: {contains: x}}, then: {effect: deny, message: later}}
  - {id: box, type: sandbox, tool: "*", within: [/w], allows: {commands: [ls], domains: [a.com]}, message: box}
  - {id: s, type: session, limits: {max_tool_calls: 3}, then: {effect: deny, message: s}}
  - {id: o, type: post, tool: "*", when: {output.text: {contains: x}}, then: {effect: warn, message: o}}`)

const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }

describe('explaining a decision', () => {
  it('shows every contract, every leaf and the value it saw, also behind the denial', () => {
    const { decision, contracts } = explain(policy, createEnvelope('T', { a: 1, b: 'two' }), COUNTERS)
    expect(decision).toMatchObject({ action: 'deny', decisionName: 'p' })
    expect(contracts.map(({ id, fired }) => [id, fired])).toEqual([
      ['p', true],
      ['later', false],
      ['box', false],
      ['s', false],
    ])
    expect(contracts[0]?.condition).toEqual({
      kind: 'any',
      result: true,
      error: null,
      children: [
        {
          kind: 'leaf',
          selector: 'args.a',
          operator: 'equals',
          argument: 1,
          present: true,
          value: 1,
          result: true,
          error: null,
        },
        {
          kind: 'not',
          result: null,
          error: "'gt' needs a number, but the value is a string",
          children: [
            {
              kind: 'all',
              result: null,
              error: "'gt' needs a number, but the value is a string",
              children: [
                {
                  kind: 'leaf',
                  selector: 'args.b',
                  operator: 'gt',
                  argument: 2,
                  present: true,
                  value: 'two',
                  result: null,
                  error: "'gt' needs a number, but the value is a string",
                },
                {
                  kind: 'leaf',
                  selector: 'principal.role',
                  operator: 'exists',
                  argument: true,
                  present: false,
                  value: null,
                  result: false,
                  error: null,
                },
              ],
            },
          ],
        },
      ],
    })
    expect(contracts[3]).toMatchObject({ limits: { maxAttempts: 500, maxToolCalls: 3 }, condition: null })
  })

  it('shows what a sandbox judged', () => {
    const args = { path: '/w/%2e%2e/x', command: 'rm', url: 'https://b.com' }
    expect(explain(policy, createEnvelope('T', args), COUNTERS).contracts[2]?.sandbox).toEqual({
      paths: [{ path: '/w/%2e%2e/x', judgedAs: ['/w/%2e%2e/x', '/x'], allowed: false }],
      command: { text: 'rm', allowed: false },
      hosts: [{ host: 'b.com', allowed: false }],
    })
  })

  it('hides secrets among the values', () => {
    const { contracts } = explain(policy, createEnvelope('T', { token: `sk-${'a'.repeat(30)}` }), COUNTERS)
    expect(contracts[1]?.condition).toMatchObject({ present: true, value: '[REDACTED]' })
  })

  it('explains post contracts when there is an output', () => {
    const { contracts } = explain(policy, createEnvelope('T', { a: 2 }), COUNTERS, undefined, 'xyz')
    expect(contracts.at(-1)).toMatchObject({ id: 'o', fired: true, condition: { value: 'xyz', result: true } })
  })
})
