import { describe, expect, test } from 'vitest'
import { EdictumConfigError } from './errors.ts'
import { MemoryBackend } from './storage.ts'
import { approve, deny, guardFrom, limit, post } from './testing/guards.ts'

describe('evaluate', () => {
  test('reports every matching contract, also after one that denies', async () => {
    const { guard } = guardFrom([
      deny('one', 't', 'x'),
      deny('two', 't', 'x'),
      deny('three', 't', 'y'),
      deny('other', 'u', 'x'),
    ])
    const result = await guard.evaluate('t', { path: 'x' })
    expect(result.verdict).toBe('deny')
    expect(result.contracts.map((contract) => [contract.contractId, contract.passed])).toEqual([
      ['one', false],
      ['two', false],
      ['three', true],
    ])
    expect(result.denyReasons).toHaveLength(2)
  })

  test('judges postconditions only with an output; a denying one warns', async () => {
    const { guard } = guardFrom([post('gone', 't', 'secret', 'deny')])
    expect((await guard.evaluate('t', {})).contracts).toEqual([])
    expect((await guard.evaluate('t', {}, { output: null })).contracts).toEqual([])
    const result = await guard.evaluate('t', {}, { output: 'a secret' })
    expect(result).toMatchObject({ verdict: 'warn', denyReasons: [], warnReasons: ['Found by gone.'] })
  })

  test('an asking contract counts as a denial, an observing one as nothing', async () => {
    expect((await guardFrom([approve('ask', 't')]).guard.evaluate('t', { path: 'x' })).verdict).toBe('deny')
    const { guard } = guardFrom([deny('seen', 't', 'x', ', mode: observe')])
    expect(await guard.evaluate('t', { path: 'x' })).toMatchObject({
      verdict: 'allow',
      contracts: [{ observed: true, passed: false }],
    })
  })

  test('leaves no event, no counter, calls nobody, knows no limits', async () => {
    const backend = new MemoryBackend()
    const called: unknown[] = []
    const { guard, sink } = guardFrom([deny('one', 't', 'x'), limit('few', '{ max_tool_calls: 1 }')], {
      backend,
      onDeny: () => called.push(1),
      onAllow: () => called.push(1),
    })
    for (let round = 0; round < 3; round++) {
      expect((await guard.evaluate('t', { path: 'x' })).verdict).toBe('deny')
      expect((await guard.evaluate('t', { path: 'a' })).verdict).toBe('allow')
    }
    expect([sink.events, called, backend.get(`s:${guard.sessionId}:attempts`)]).toEqual([[], [], null])
  })

  test('uses its own principal, never the guard’s', async () => {
    const rule =
      '{ id: admins, type: pre, tool: t, when: { principal.role: { equals: admin } }, then: { effect: deny, message: "Not admins." } }'
    const { guard } = guardFrom([rule], { principal: { role: 'admin' } })
    expect((await guard.evaluate('t', {})).verdict).toBe('allow')
    expect((await guard.evaluate('t', {}, { principal: { role: 'admin' } })).verdict).toBe('deny')
  })
})

describe('evaluateBatch', () => {
  test('keeps the order, reads wire principals, takes objects as JSON text', async () => {
    const rule =
      '{ id: bob, type: pre, tool: t, when: { principal.user_id: { equals: bob } }, then: { effect: deny, message: "Not Bob." } }'
    const { guard } = guardFrom([rule, post('json', 't', '\\\\{\\"a\\":1\\\\}', 'warn')])
    const results = await guard.evaluateBatch([
      { tool: 't', principal: { user_id: 'bob' } },
      { tool: 't' },
      { tool: 't', output: { a: 1 } },
      { tool: 'u', args: { x: 1 } },
    ])
    expect(results.map((result) => [result.toolName, result.verdict])).toEqual([
      ['t', 'deny'],
      ['t', 'allow'],
      ['t', 'warn'],
      ['u', 'allow'],
    ])
  })

  test('a call without a tool is an error', async () => {
    const { guard } = guardFrom([])
    await expect(guard.evaluateBatch([{} as never])).rejects.toBeInstanceOf(EdictumConfigError)
  })
})
