import { describe, expect, it } from 'vitest'
import { loadPolicy } from './load.ts'
import { ToolIndex } from './tool-index.ts'

describe('the index by tool', () => {
  const index = new ToolIndex(
    [['Bash'], ['*'], ['mcp_*'], ['*_file'], ['Bash', '*'], ['B?sh'], ['mcp_x', 'mcp_*'], ['[AB]*'], ['mcp__*']].map(
      (tools, id) => ({ id, tools }),
    ),
  )

  it.each([
    ['Bash', [0, 1, 4, 5, 7]],
    ['mcp_x', [1, 2, 4, 6]],
    ['mcp__', [1, 2, 4, 6, 8]],
    ['read_file', [1, 3, 4]],
    ['Anything', [1, 4, 7]],
    ['x', [1, 4]],
    ['__proto__', [1, 4]],
  ])('%s finds its contracts once each, in order', (tool, ids) => {
    expect(index.find(tool).map(({ id }) => id)).toEqual(ids)
  })
})

describe('a policy', () => {
  const policy = loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: observe}
tools: {Look: {side_effect: read, idempotent: true}}
contracts:
  - {id: a, type: pre, tool: "*", when: {args.x: {equals: 1}}, then: {effect: deny, message: m, tags: [t]}}
  - {id: b, type: post, tool: Look, mode: enforce, when: {args.x: {equals: 1}}, then: {effect: warn, message: m}}
  - {id: disabled, type: pre, tool: "*", enabled: false, when: {args.x: {equals: 1}}, then: {effect: deny, message: m}}`)

  it('tells who it is and what it holds', () => {
    expect(policy).toMatchObject({
      name: 'test',
      defaultMode: 'observe',
      version: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(policy.contracts.map(({ id, type, mode, effect }) => [id, type, mode, effect])).toEqual([
      ['a', 'pre', 'observe', 'deny'],
      ['b', 'post', 'enforce', 'warn'],
    ])
    expect(policy.tools.get('Look')).toEqual({ sideEffect: 'read', idempotent: true })
  })

  it('made-up tool names share one plan', () => {
    expect(policy.planFor('made-up-1')).toBe(policy.planFor('made-up-2'))
    expect(policy.planFor('Look')).not.toBe(policy.planFor('made-up-1'))
  })

  it('forgets the oldest plans, and answers the same afterwards', () => {
    const before = policy.planFor('Look')
    for (let i = 0; i < 3000; i++) policy.planFor(`tool-${i}`)
    expect(policy.planFor('Look').post.map(({ id }) => id)).toEqual(before.post.map(({ id }) => id))
  })
})
