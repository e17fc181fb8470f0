import { describe, expect, it } from 'vitest'
import { EdictumConfigError } from '../errors.ts'
import { loadPolicy } from '../policy/load.ts'
import { dryRunToWire } from '../wire/wire.ts'
import { dryRun, dryRunBatch } from './dry-run.ts'

const policy = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: observed, type: pre, mode: observe, tool: send_mail, when: {tool.name: {exists: true}}, then: {effect: deny, message: watched, tags: [o]}}
  - {id: ask, type: pre, tool: send_mail, when: {args.ask: {equals: true}}, then: {effect: approve, message: ask}}
  - {id: external, type: pre, tool: send_mail, when: {not: {args.to: {ends_with: "@own.example"}}}, then: {effect: deny, message: "External recipient {args.to}", tags: [dlp]}}
  - {id: box, type: sandbox, tool: send_mail, within: [/out], message: "Attach from /out"}
  - {id: leak, type: post, tool: "*", when: {output.text: {contains: secret}}, then: {effect: deny, message: leaked}}
  - {id: few, type: session, limits: {max_tool_calls: 1}, then: {effect: deny, message: few}}
`)

describe('a dry run', () => {
  it('reports every contract, also behind a denial, and no session contract', () => {
    const result = dryRun(policy, {
      toolName: 'send_mail',
      args: { to: 'bob@other.example', path: '/etc/x', ask: true },
    })
    expect(dryRunToWire(result)).toEqual({
      verdict: 'deny',
      tool_name: 'send_mail',
      contracts: [
        {
          contract_id: 'observed',
          contract_type: 'precondition',
          passed: false,
          message: 'watched',
          tags: ['o'],
          observed: true,
          effect: 'warn',
          policy_error: false,
        },
        {
          contract_id: 'ask',
          contract_type: 'precondition',
          passed: false,
          message: 'ask',
          tags: [],
          observed: false,
          effect: 'warn',
          policy_error: false,
        },
        {
          contract_id: 'external',
          contract_type: 'precondition',
          passed: false,
          message: 'External recipient bob@other.example',
          tags: ['dlp'],
          observed: false,
          effect: 'warn',
          policy_error: false,
        },
        {
          contract_id: 'box',
          contract_type: 'sandbox',
          passed: false,
          message: 'Attach from /out',
          tags: [],
          observed: false,
          effect: 'warn',
          policy_error: false,
        },
      ],
      deny_reasons: ['ask', 'External recipient bob@other.example', 'Attach from /out'],
      warn_reasons: [],
      contracts_evaluated: 4,
      policy_error: false,
      labels: [],
    })
  })

  it('judges post contracts only with an output; a deny effect still only warns', () => {
    const call = { toolName: 'send_mail', args: { to: 'a@own.example' } }
    expect(dryRun(policy, call)).toMatchObject({ verdict: 'allow', contractsEvaluated: 4 })
    expect(dryRun(policy, { ...call, output: 'a secret' })).toMatchObject({
      verdict: 'warn',
      warnReasons: ['leaked'],
      contracts: [{}, {}, {}, {}, { contractId: 'leak', effect: 'deny' }],
    })
    expect(dryRun(policy, { ...call, output: 'fine' })).toMatchObject({ verdict: 'allow', contractsEvaluated: 5 })
    expect(dryRun(policy, { ...call, output: null }).contractsEvaluated).toBe(4)
  })

  it('a passed contract has no message', () => {
    expect(dryRun(policy, { toolName: 'other', output: 'x' }).contracts).toEqual([
      {
        contractId: 'leak',
        contractType: 'postcondition',
        passed: true,
        message: null,
        tags: [],
        observed: false,
        effect: 'deny',
        policyError: false,
      },
    ])
  })

  it('an unusable tool name is an error', () => {
    expect(() => dryRun(policy, { toolName: 'a/b' })).toThrow(EdictumConfigError)
  })

  it('an empty environment falls back', () => {
    const env = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
  - {id: p, type: pre, tool: "*", when: {environment: {equals: production}}, then: {effect: deny, message: m}}`)
    expect(dryRun(env, { toolName: 'x', environment: '' }).verdict).toBe('deny')
    expect(dryRun(env, { toolName: 'x', environment: 'staging' }).verdict).toBe('allow')
  })
})

describe('a batch', () => {
  it('keeps the order and judges objects by their JSON text', () => {
    const results = dryRunBatch(policy, [
      { tool: 'x', output: { a: 'secret' } },
      { tool: 'send_mail', args: { to: 'a@own.example' } },
      { tool: 'x' },
    ])
    expect(results.map(({ verdict }) => verdict)).toEqual(['warn', 'allow', 'allow'])
  })

  it('a call without a tool is an error', () => {
    expect(() => dryRunBatch(policy, [{} as never])).toThrow("Call 0: 'tool' is required")
  })
})

it('a sandbox that cannot judge the call is a reason also where it only observes, as in Python', () => {
  const observing = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: observe}
contracts:
  - {id: box, type: sandbox, tool: '*', within: [/out], message: out}
  - {id: text, type: pre, tool: '*', when: {args.path: {contains: x}}, then: {effect: deny, message: m}}
`)
  const result = dryRun(observing, { toolName: 'Read', args: { path: 5 } })
  expect(result).toMatchObject({ verdict: 'deny', denyReasons: ['out'], policyError: true })
  expect(result.contracts).toMatchObject([
    { contractId: 'text', observed: true, policyError: true },
    { contractId: 'box', observed: false, policyError: true },
  ])
  expect(dryRun(observing, { toolName: 'Read', args: { path: '/etc' } })).toMatchObject({ verdict: 'allow' })
})
