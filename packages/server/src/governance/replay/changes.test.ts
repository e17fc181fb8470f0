import { describe, expect, it } from 'vitest'
import { createRecordedCalls } from './changes.ts'
import type { DecisionEvent } from './store.ts'

let seq = 0
const event = (callId: string, verdict: string, decisionName = ''): DecisionEvent => ({
  seq: ++seq,
  callId,
  toolName: 'exec',
  verdict,
  timestamp: 0,
  decisionName,
  payload: null,
})
const denied = (contract: string) => ({ decision: 'deny' as const, contract, reason: 'No' })

describe('recorded calls', () => {
  it('are opened once, and count as asked when any event says so', () => {
    const calls = createRecordedCalls()
    const [open] = calls.add([event('a', 'call_allowed'), event('a', 'call_approval_requested')])
    expect(calls.add([event('a', 'call_would_deny')])).toEqual([])
    open?.settle({ decision: 'ask', contract: 'c', reason: '' })
    expect(calls.report()).toMatchObject({ events: 3, calls: 1, changed: 0 })
  })

  it('that pass now are counted under the contract that stopped them', () => {
    const calls = createRecordedCalls()
    for (const open of calls.add([event('a', 'call_denied', 'older'), event('b', 'call_approval_requested', 'asker')]))
      open.settle(null)
    expect(calls.report().byContract).toEqual([
      { contract: 'asker', from: 'ask', to: 'allow', count: 1 },
      { contract: 'older', from: 'deny', to: 'allow', count: 1 },
    ])
  })

  it('are shown by a few examples of each change, the most frequent change first', () => {
    const calls = createRecordedCalls()
    const many = Array.from({ length: 60 }, (_, index) => event(`call-${index}`, 'call_allowed'))
    for (const [index, open] of calls.add(many).entries()) open.settle(denied(index < 40 ? 'often' : 'seldom'))
    const { byContract, examples, changed } = calls.report()
    expect(changed).toBe(60)
    expect(byContract.map(({ contract, count }) => [contract, count])).toEqual([
      ['often', 40],
      ['seldom', 20],
    ])
    expect(examples.map((call) => call.contract)).toEqual([...Array(5).fill('often'), ...Array(5).fill('seldom')])
  })

  it('that cannot be judged are neither changed nor unchanged', () => {
    const calls = createRecordedCalls()
    const [a, b] = calls.add([event('a', 'call_denied'), event('b', 'call_allowed')])
    a?.settle('by_history')
    b?.settle('no_arguments')
    expect(calls.report()).toMatchObject({ calls: 0, changed: 0, skipped: { noArguments: 1, byHistory: 1 } })
  })
})
