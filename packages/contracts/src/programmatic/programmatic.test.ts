import { describe, expect, it } from 'vitest'
import { dryRun } from '../decide/dry-run.ts'
import { decidePost, decidePostAsync } from '../decide/post.ts'
import { decidePre, decidePreAsync } from '../decide/pre.ts'
import { createEnvelope } from '../envelope/create.ts'
import { EdictumConfigError } from '../errors.ts'
import { compilePolicy } from '../policy/compile.ts'
import { loadPolicy } from '../policy/load.ts'
import type { ProgrammaticContract } from './contracts.ts'
import { denySensitiveReads } from './deny-sensitive-reads.ts'
import { Verdict } from './verdict.ts'

const COUNTERS = { attempts: 1, executions: 0, toolExecutions: 0 }
const policyOf = (...contracts: ProgrammaticContract[]) => compilePolicy(null, { version: 'v', contracts })
const envelope = createEnvelope('Tool', { a: 1 })

const BUNDLE = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: x}
defaults: {mode: enforce}
contracts:
  - {id: p, type: pre, tool: "*", when: {args.risk: {close_to: 5}}, then: {effect: deny, message: "near {risk.level}"}}
  - {id: q, type: pre, tool: "*", when: {risk.level: {equals: high}}, then: {effect: deny, message: q}}`

describe('custom operators and selectors', () => {
  const operators = { close_to: (value: unknown, near: unknown) => Math.abs(Number(value) - Number(near)) < 2 }
  const selectors = { risk: () => ({ level: 'low' }) }

  it('are called with value and argument; selectors are walked along the path', () => {
    const policy = loadPolicy(BUNDLE, { operators, selectors })
    const decide = (args: Record<string, unknown>) => decidePre(policy, createEnvelope('T', args), COUNTERS)
    expect(decide({ risk: 6 })).toMatchObject({ action: 'deny', reason: 'near low' })
    expect(decide({ risk: 9 }).action).toBe('allow')
  })

  it('an operator is not called for a missing value, and counts by truthiness', () => {
    let calls = 0
    const policy = loadPolicy(BUNDLE, { selectors, operators: { close_to: () => `call ${++calls}` } })
    expect(decidePre(policy, createEnvelope('T', {}), COUNTERS).action).toBe('allow')
    expect(calls).toBe(0)
    expect(decidePre(policy, createEnvelope('T', { risk: 0 }), COUNTERS).action).toBe('deny')
    expect(calls).toBe(1)
  })

  it('what throws fires the contract with a policy error', () => {
    const boom = () => {
      throw new Error('boom')
    }
    const byOperator = loadPolicy(BUNDLE, { selectors, operators: { close_to: boom } })
    expect(decidePre(byOperator, createEnvelope('T', { risk: 1 }), COUNTERS)).toMatchObject({
      action: 'deny',
      decisionName: 'p',
      policyError: true,
      contractsEvaluated: [{ metadata: { error_detail: 'boom' } }],
    })
    const bySelector = loadPolicy(BUNDLE, { operators, selectors: { risk: boom } })
    expect(decidePre(bySelector, createEnvelope('T', {}), COUNTERS)).toMatchObject({
      decisionName: 'q',
      policyError: true,
    })
  })

  it.each(['equals', 'exists', 'lte'])('an operator may not be called %s', (name) => {
    expect(() => loadPolicy(BUNDLE, { operators: { ...operators, [name]: () => true } })).toThrow(EdictumConfigError)
  })

  it.each(['environment', 'tool', 'args', 'principal', 'output', 'env', 'metadata'])(
    'a selector may not be called %s',
    (prefix) => {
      expect(() => loadPolicy(BUNDLE, { operators, selectors: { [prefix]: () => ({}) } })).toThrow(EdictumConfigError)
    },
  )

  it('both must be functions, and an operator nobody knows is named with its contract', () => {
    expect(() => loadPolicy(BUNDLE, { operators: { close_to: 5 as never } })).toThrow(EdictumConfigError)
    expect(() => loadPolicy(BUNDLE, { operators, selectors: { x: 5 as never } })).toThrow(EdictumConfigError)
    expect(() => loadPolicy(BUNDLE)).toThrow(/'p'.*close_to/)
  })

  it('an operator may itself decide a call', () => {
    const inner = loadPolicy(BUNDLE, { operators, selectors })
    const nested = loadPolicy(BUNDLE, {
      selectors,
      operators: { close_to: () => decidePre(inner, createEnvelope('T', { risk: 5 }), COUNTERS).action === 'deny' },
    })
    expect(decidePre(nested, createEnvelope('T', { risk: 100 }), COUNTERS).action).toBe('deny')
  })
})

describe('contracts given in code', () => {
  it('deny, pass and name themselves', () => {
    const policy = policyOf(
      { tool: 'T*', name: 'fine', check: () => Verdict.pass() },
      {
        tool: 'T*',
        check: function tooBold() {
          return Verdict.fail('no', { tags: ['x'] })
        },
      },
    )
    expect(decidePre(policy, envelope, COUNTERS)).toMatchObject({
      action: 'deny',
      decisionSource: 'precondition',
      decisionName: 'tooBold',
      reason: 'no',
      contractsEvaluated: [
        { name: 'fine', passed: true },
        { name: 'tooBold', passed: false, metadata: { tags: ['x'] } },
      ],
    })
  })

  it('of other tools and with a filter that says no leave no record; a filter that throws does not exclude', () => {
    const policy = policyOf(
      { tool: 'Other', check: () => Verdict.fail('x') },
      { tool: '*', name: 'filtered', when: () => false, check: () => Verdict.fail('x') },
      {
        tool: '*',
        name: 'last',
        when: () => {
          throw new Error('x')
        },
        check: () => Verdict.pass(),
      },
    )
    expect(decidePre(policy, envelope, COUNTERS).contractsEvaluated.map(({ name }) => name)).toEqual(['last'])
  })

  it('a check that throws denies with a policy error', () => {
    const policy = policyOf({
      tool: '*',
      name: 'c',
      check: () => {
        throw new Error('boom')
      },
    })
    expect(decidePre(policy, envelope, COUNTERS)).toMatchObject({
      action: 'deny',
      policyError: true,
      reason: 'Precondition error: boom',
    })
    expect(dryRun(policy, { toolName: 'x' })).toMatchObject({
      verdict: 'deny',
      policyError: true,
      denyReasons: ['Precondition error: boom'],
    })
  })

  it('session contracts see the session of the caller', () => {
    const policy = policyOf({
      name: 'budget',
      check: (session: unknown) => ((session as { spent: number }).spent > 5 ? Verdict.fail('spent') : Verdict.pass()),
    })
    expect(decidePre(policy, envelope, COUNTERS, { session: { spent: 9 } })).toMatchObject({
      action: 'deny',
      decisionSource: 'session_contract',
      decisionName: 'budget',
    })
    expect(decidePre(policy, envelope, COUNTERS, { session: { spent: 1 } }).action).toBe('allow')
    expect(decidePre(policy, envelope, COUNTERS)).toMatchObject({
      policyError: true,
      reason: expect.stringMatching(/^Session contract error: /),
    })
  })

  it('post contracts warn', () => {
    const policy = policyOf({
      contractType: 'post',
      tool: '*',
      name: 'c',
      check: (_, response) => (response === 'bad' ? Verdict.fail('bad output', { field: 'body' }) : Verdict.pass()),
    })
    expect(decidePost(policy, envelope, 'bad', true)).toMatchObject({
      postconditionsPassed: false,
      warnings: [expect.stringContaining('bad output')],
    })
    expect(decidePost(policy, envelope, 'good', true)).toMatchObject({ postconditionsPassed: true, warnings: [] })
  })

  it.each([
    { tool: '*', check: (_e: unknown, _r: unknown) => Verdict.pass() },
    { tool: '*', contractType: 'during', check: () => Verdict.pass() },
    { tool: '', check: () => Verdict.pass() },
    { tool: '*' },
    {},
  ])('what is no contract is a configuration error (%#)', (contract) => {
    expect(() => policyOf(contract as never)).toThrow(EdictumConfigError)
  })

  it('a verdict message is cut at 500 characters', () => {
    expect(Verdict.fail('x'.repeat(600)).message).toBe(`${'x'.repeat(497)}...`)
  })
})

describe('asynchronous checks', () => {
  const order: string[] = []
  const step = (name: string, passes: boolean, isAsync: boolean): ProgrammaticContract => ({
    tool: '*',
    name,
    check: () => {
      order.push(name)
      const verdict = passes ? Verdict.pass() : Verdict.fail(name)
      return isAsync ? Promise.resolve(verdict) : verdict
    },
  })

  it('are awaited in order, each check asked once, none behind a denial', async () => {
    order.length = 0
    const policy = policyOf(
      step('a', true, true),
      step('b', true, false),
      step('c', false, true),
      step('d', false, true),
    )
    expect(await decidePreAsync(policy, envelope, COUNTERS)).toMatchObject({
      action: 'deny',
      decisionName: 'c',
      contractsEvaluated: [{ name: 'a' }, { name: 'b' }, { name: 'c', passed: false }],
    })
    expect(order).toEqual(['a', 'b', 'c'])
  })

  it('a rejection denies with a policy error', async () => {
    const policy = policyOf({ tool: '*', name: 'c', check: () => Promise.reject(new Error('down')) })
    expect(await decidePreAsync(policy, envelope, COUNTERS)).toMatchObject({
      action: 'deny',
      policyError: true,
      reason: 'Precondition error: down',
    })
  })

  it('judged synchronously they fail closed', () => {
    const policy = policyOf(step('a', true, true))
    expect(decidePre(policy, envelope, COUNTERS)).toMatchObject({
      action: 'deny',
      policyError: true,
      decisionName: 'a',
    })
    const post = policyOf({ contractType: 'post', tool: '*', name: 'p', check: async () => Verdict.pass() })
    expect(decidePost(post, envelope, 'x', true)).toMatchObject({ postconditionsPassed: false, policyError: true })
  })

  it('work for responses too', async () => {
    const policy = policyOf({
      contractType: 'post',
      tool: '*',
      name: 'p',
      check: async (_e, r) => (r === 'x' ? Verdict.fail('p') : Verdict.pass()),
    })
    expect((await decidePostAsync(policy, envelope, 'x', true)).contractsEvaluated).toMatchObject([
      { name: 'p', passed: false },
    ])
    expect((await decidePostAsync(policy, envelope, 'y', true)).postconditionsPassed).toBe(true)
  })
})

describe('deny_sensitive_reads', () => {
  const policy = policyOf(denySensitiveReads())
  const allows = (tool: string, args: Record<string, unknown>) =>
    decidePre(policy, createEnvelope(tool, args), COUNTERS).action === 'allow'
  it.each([
    ['Read', { file_path: '/home/u/.ssh/id_rsa' }],
    ['Read', { file_path: '/app/.env' }],
    ['Edit', { file_path: '/root/.aws/credentials' }],
    ['Bash', { command: 'env' }],
    ['Bash', { command: ' printenv PATH' }],
    ['Bash', { command: 'cat ~/.ssh/id_ed25519' }],
  ])('%s %j is denied', (tool, args) => {
    expect(allows(tool, args)).toBe(false)
  })
  it.each([
    ['Read', { file_path: '/app/main.ts' }],
    ['Bash', { command: 'envsubst x' }],
    ['other', { file_path: '/app/.env' }],
  ])('%s %j is allowed', (tool, args) => {
    expect(allows(tool, args)).toBe(true)
  })
  it('takes lists of its own', () => {
    const own = policyOf(denySensitiveReads({ sensitivePaths: ['/vault/'], sensitiveCommands: [] }))
    expect(decidePre(own, createEnvelope('Read', { file_path: '/x/.env' }), COUNTERS).action).toBe('allow')
    expect(decidePre(own, createEnvelope('Read', { file_path: '/vault/a' }), COUNTERS).action).toBe('deny')
    expect(decidePre(own, createEnvelope('Bash', { command: 'env' }), COUNTERS).action).toBe('deny')
  })
})
