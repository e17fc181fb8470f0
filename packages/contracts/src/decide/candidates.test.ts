import { describe, expect, it } from 'vitest'
import { createEnvelope } from '../envelope/create.ts'
import { loadPolicy } from '../policy/load.ts'
import { decidePost } from './post.ts'
import { decidePre } from './pre.ts'

const HEAD = 'apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: {name: test}\ndefaults: {mode: enforce}\n'
const BASE = `${HEAD}contracts:
  - {id: p, type: pre, tool: "*", when: {args.x: {equals: 1}}, then: {effect: deny, message: base}}
  - {id: ask, type: pre, tool: "*", when: {args.x: {equals: 5}}, then: {effect: approve, message: ask}}`
const NEXT = `${HEAD}observe_alongside: true
contracts:
  - {id: p, type: pre, tool: "*", when: {args.x: {gte: 2}}, then: {effect: deny, message: "next {args.x}"}}
  - {id: box, type: sandbox, tool: "*", within: [/w], message: box}
  - {id: s, type: session, limits: {max_tool_calls: 3, max_calls_per_tool: {T: 2}}, then: {effect: deny, message: s}}
  - {id: o, type: post, tool: "*", when: {output.text: {contains: x}}, then: {effect: deny, message: o}}`

const policy = loadPolicy([BASE, NEXT])
const decide = (args: Record<string, unknown>, counters = {}) =>
  decidePre(policy, createEnvelope('T', args), { attempts: 1, executions: 0, toolExecutions: 0, ...counters })

describe('candidates of an observe_alongside layer', () => {
  it('report what they would have said of an allowed call, and never decide', () => {
    expect(decide({ x: 2, path: '/etc' })).toMatchObject({
      action: 'allow',
      observed: false,
      contractsEvaluated: [
        { name: 'p', passed: true },
        { name: 'ask', passed: true },
      ],
      observeResults: [
        { name: 'p:candidate', type: 'precondition', passed: false, message: 'next 2', source: 'yaml_precondition' },
        { name: 'box:candidate', type: 'sandbox', passed: false, message: 'box', source: 'yaml_sandbox' },
        { name: 's:candidate', type: 'session_contract', passed: true, message: null, source: 'yaml_session' },
      ],
    })
  })

  it('are not evaluated for a call that is denied or asked about', () => {
    expect(decide({ x: 1 })).toMatchObject({ action: 'deny', observeResults: [] })
    expect(decide({ x: 5 })).toMatchObject({ action: 'pending_approval', observeResults: [] })
  })

  it('session candidates are held against their own limits and change none', () => {
    expect(policy.limits).toMatchObject({ maxAttempts: 500, maxToolCalls: 200 })
    expect(policy.toolLimitFor('T')).toBe(2)
    for (const counters of [{ executions: 3 }, { toolExecutions: 2 }]) {
      const decision = decide({}, counters)
      expect(decision.action).toBe('allow')
      expect(decision.observeResults[2]).toMatchObject({ name: 's:candidate', passed: false, message: 's' })
    }
  })

  it('post candidates warn after the others, and do not count', () => {
    expect(decidePost(policy, createEnvelope('T', {}, { sideEffect: 'read' }), 'x', true)).toMatchObject({
      postconditionsPassed: true,
      redactedResponse: null,
      warnings: ['\u26a0\ufe0f [observe] o'],
      contractsEvaluated: [{ name: 'o:candidate', passed: false, observed: true }],
    })
  })
})
