// biome-ignore-all lint/suspicious/noThenProperty: the language calls it so
import { describe, expect, it } from 'vitest'
import { createEnvelope, type EnvelopeOptions } from '../envelope/create.ts'
import { loadDocument } from '../load/index.ts'
import { compilePolicy } from '../policy/compile.ts'
import { loadPolicy } from '../policy/load.ts'
import type { Policy } from '../policy/policy.ts'
import type { Counters, DecideContext } from '../types.ts'
import { checkAttemptLimit } from './limits.ts'
import { decidePre } from './pre.ts'

const NONE: Counters = { attempts: 1, executions: 0, toolExecutions: 0 }

function bundle(contracts: string, mode = 'enforce', tail = ''): Policy {
  const body = contracts
    .trim()
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')
  return loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: ${mode}}
contracts:
${body}
${tail}`)
}

const pre = (id: string, when: string, then = 'effect: deny', more = '') =>
  `- {id: ${id}, type: pre, tool: "*", ${more} when: {${when}}, then: {message: "${id} fired", ${then}}}\n`

function decide(
  policy: Policy,
  args: Record<string, unknown> = {},
  options: EnvelopeOptions & { tool?: string; counters?: Partial<Counters>; context?: DecideContext } = {},
) {
  const { tool = 'Tool', counters, context, ...rest } = options
  return decidePre(policy, createEnvelope(tool, args, rest), { ...NONE, ...counters }, context)
}

const fires = (when: string, args: Record<string, unknown>, options: Parameters<typeof decide>[2] = {}) => {
  const decision = decide(bundle(pre('c', when)), args, options)
  return decision.policyError ? 'error' : decision.action === 'deny'
}

describe('missing and null values', () => {
  const operators = [
    'equals: 1',
    'equals: null',
    'not_equals: 1',
    'in: [1]',
    'not_in: [1]',
    'contains: ""',
    'contains_any: [""]',
    'starts_with: ""',
    'ends_with: ""',
    'matches: ".*"',
    'matches_any: [".*"]',
    'gt: 0',
    'gte: 0',
    'lt: 0',
    'lte: 0',
    'exists: true',
  ]
  it.each(operators)('%s is false for a missing and for a null value', (operator) => {
    expect(fires(`args.x: {${operator}}`, {})).toBe(false)
    expect(fires(`args.x: {${operator}}`, { x: null })).toBe(false)
    expect(fires(`args.x: {${operator}}`, { x: undefined })).toBe(false)
  })

  it('exists: false holds for them, and not for empty, zero and false', () => {
    expect(fires('args.x: {exists: false}', {})).toBe(true)
    expect(fires('args.x: {exists: false}', { x: null })).toBe(true)
    for (const x of ['', 0, false, [], {}]) {
      expect(fires('args.x: {exists: false}', { x })).toBe(false)
      expect(fires('args.x: {exists: true}', { x })).toBe(true)
    }
  })

  it('not inverts the false of a missing value', () => {
    expect(fires('not: {args.x: {equals: 1}}', {})).toBe(true)
  })
})

describe('operators', () => {
  it.each([
    ['equals: 1', 1, true],
    ['equals: 1', true, true],
    ['equals: true', 1, true],
    ['equals: 0', false, true],
    ['equals: 1', 1.5, false],
    ['equals: "1"', 1, false],
    ['equals: a', 'A', false],
    ['equals: [1, {a: 2}]', [1, { a: 2 }], true],
    ['equals: {a: 1, b: 2}', { b: 2, a: 1 }, true],
    ['equals: .nan', Number.NaN, false],
    ['equals: 2024-01-01', '2024-01-01', false],
    ['equals: on', true, true],
    ['equals: on', 'on', false],
    ['not_equals: 1', 2, true],
    ['not_equals: 1', true, false],
    ['not_equals: null', 'x', true],
    ['in: [a, 1]', 'a', true],
    ['in: [a, 1]', true, true],
    ['in: [a, 1]', 1.0, true],
    ['in: [a, 1]', '1', false],
    ['in: [[1], {a: 1}]', [1], true],
    ['in: [[1], {a: 1}]', { a: true }, true],
    ['in: [.nan]', Number.NaN, false],
    ['in: [true]', 1, true],
    ['not_in: [a]', 'b', true],
    ['not_in: [a]', 'a', false],
    ['not_in: [0]', false, false],
    ['contains: ell', 'hello', true],
    ['contains: ELL', 'hello', false],
    ['contains: ""', '', true],
    ['contains: a', ['a'], 'error'],
    ['contains: a', { a: 1 }, 'error'],
    ['contains: a', 1, 'error'],
    ['contains_any: [x, ll]', 'hello', true],
    ['contains_any: [x, y]', 'hello', false],
    ['contains_any: [x]', 1, 'error'],
    ['starts_with: he', 'hello', true],
    ['starts_with: lo', 'hello', false],
    ['starts_with: a', false, 'error'],
    ['ends_with: lo', 'hello', true],
    ['ends_with: he', 'hello', false],
    ['ends_with: a', [], 'error'],
    ['matches: "^h.l+o$"', 'hello', true],
    ['matches: "l{3}"', 'hello', false],
    ['matches: a', 1, 'error'],
    ['matches_any: ["x", "l{2}"]', 'hello', true],
    ['matches_any: ["x", "y"]', 'hello', false],
    ['matches_any: ["x"]', {}, 'error'],
    ['gt: 1', 2, true],
    ['gt: 1', 1, false],
    ['gt: 0', true, true],
    ['gt: 0', '5', 'error'],
    ['gt: 0', Number.NaN, false],
    ['gte: 1', 1, true],
    ['gte: 1', 0, false],
    ['gte: 1', [], 'error'],
    ['lt: 1', 0, true],
    ['lt: 1', false, true],
    ['lt: 1', 'x', 'error'],
    ['lte: 1', 1, true],
    ['lte: 1', 1.1, false],
    ['lte: 1', {}, 'error'],
    ['gt: 0', 10n, true],
  ])('%s on %s', (operator, x, expected) => {
    expect(fires(`args.x: {${operator}}`, { x })).toBe(expected)
  })

  it('a pattern sees the whole value, up to 1,048,576 characters', () => {
    expect(fires('args.x: {matches: "end"}', { x: `${'a'.repeat(1_000_000)}end` })).toBe(true)
    expect(fires('args.x: {matches: "end"}', { x: 'a'.repeat(1_048_576) })).toBe(false)
    expect(fires('args.x: {matches: "[xyz]"}', { x: 'a'.repeat(1_048_577) })).toBe('error')
    expect(fires('args.x: {matches: "end"}', { x: 'a'.repeat(1_048_577) })).toBe('error')
    expect(fires('args.x: {contains: "end"}', { x: `${'a'.repeat(2_000_000)}end` })).toBe(true)
  })

  it('a pattern that needs backtracking is run over 10,000 characters, and is a policy error beyond', () => {
    const twice = "args.x: {matches: '(x)-\\1'}"
    expect(fires(twice, { x: `${'a'.repeat(9_997)}x-x` })).toBe(true)
    expect(fires(twice, { x: '\u{1f600}'.repeat(10_000) })).toBe(false)
    expect(fires(twice, { x: 'a'.repeat(10_001) })).toBe('error')
    expect(fires(twice, { x: `${'a'.repeat(20_000)}x-x` })).toBe('error')
  })

  it('a pattern that would never end answers at once', () => {
    expect(fires('args.x: {matches: "^(a+)+$"}', { x: `${'a'.repeat(40)}!` })).toBe(false)
  })
})

describe('selectors', () => {
  const principal = { userId: 'u', serviceId: 's', orgId: 'o', role: 'r', ticketRef: 't', claims: { a: { b: 'c' } } }
  it.each([
    ['environment', 'production'],
    ['tool.name', 'Tool'],
    ['args.a', 'x'],
    ['args.n.m', 'y'],
    ['args.', 'empty key'],
    ['principal.user_id', 'u'],
    ['principal.service_id', 's'],
    ['principal.org_id', 'o'],
    ['principal.role', 'r'],
    ['principal.ticket_ref', 't'],
    ['principal.claims.a.b', 'c'],
    ['metadata.k.l', 'z'],
    ['env.FLAG', true],
    ['env.A.B', 7],
  ])('%s is %j', (selector, value) => {
    const decision = decide(
      bundle(pre('c', `"${selector}": {equals: ${JSON.stringify(value)}}`)),
      { a: 'x', n: { m: 'y' }, '': 'empty key' },
      { principal, metadata: { k: { l: 'z' } }, context: { env: { FLAG: 'True', 'A.B': ' 7 ' } } },
    )
    expect(decision.action).toBe('deny')
  })

  it.each([
    'args',
    'args.items.0',
    'args.items.length',
    'args.dotted.key',
    'args.__proto__',
    'args.__proto__.x',
    'args.constructor',
    'args.constructor.name',
    'args.toString',
    'args.a.length',
    'principal',
    'principal.foo',
    'principal.claims',
    'principal.userId',
    'environment.x',
    'tool',
    'tool.x',
    'output',
    'output.text',
    'output.json',
    'result.a',
    'env.UNSET',
    'env.constructor',
    'unknown.x',
    'nodots',
  ])('%s is missing', (selector) => {
    const decision = decide(
      // The loader refuses output.text in pre contracts, so the document is compiled from its parts.
      compilePolicy(
        {
          ...loadDocument({
            apiVersion: 'edictum/v1',
            kind: 'ContractBundle',
            metadata: { name: 'x' },
            defaults: { mode: 'enforce' },
            contracts: [
              {
                id: 'c',
                type: 'pre',
                tool: '*',
                when: { x: { exists: true } },
                then: { effect: 'deny', message: 'm' },
              },
            ],
          }),
          contracts: [
            {
              type: 'pre',
              id: 'c',
              enabled: true,
              mode: null,
              candidate: false,
              tool: '*',
              when: { selector, operator: 'exists', value: true },
              then: { effect: 'deny', message: 'm', tags: [], metadata: {}, timeout: 300, timeoutEffect: 'deny' },
            },
          ],
        },
        { version: 'v' },
      ),
      { items: ['a'], 'dotted.key': 1, a: 'x' },
      { principal, context: { env: {} } },
    )
    expect(decision.action).toBe('allow')
  })

  it('env is missing where the caller lends no environment', () => {
    expect(fires('env.PATH: {exists: true}', {})).toBe(false)
  })

  it('an own __proto__ key is an ordinary key', () => {
    expect(fires('args.__proto__.x: {equals: 1}', JSON.parse('{"__proto__":{"x":1}}'))).toBe(true)
  })
})

describe('policy errors and boolean nodes', () => {
  const err = 'args.n: {contains: a}'
  const yes = 'args.t: {equals: 1}'
  const no = 'args.t: {equals: 2}'
  it.each([
    [`all: [{${no}}, {${err}}]`, false],
    [`all: [{${yes}}, {${err}}]`, 'error'],
    [`all: [{${err}}, {${no}}]`, 'error'],
    [`all: [{${yes}}, {${yes}}, {${yes}}]`, true],
    [`all: [{${yes}}, {${yes}}, {${no}}]`, false],
    [`any: [{${yes}}, {${err}}]`, true],
    [`any: [{${err}}, {${yes}}]`, 'error'],
    [`any: [{${no}}, {${err}}]`, 'error'],
    [`any: [{${no}}, {${no}}]`, false],
    [`not: {${err}}`, 'error'],
    [`not: {${yes}}`, false],
    [`not: {not: {${yes}}}`, true],
    [`all: [{any: [{${no}}, {${yes}}]}, {not: {${no}}}]`, true],
  ])('%s', (when, expected) => {
    expect(fires(when, { n: 5, t: 1 })).toBe(expected)
  })

  it('a contract that cannot be judged fires with its effect, message, tags and metadata', () => {
    const policy = bundle(pre('c', 'args.x: {gt: 1}', 'effect: deny, tags: [a], metadata: {k: v}'))
    expect(decide(policy, { x: 'y' })).toMatchObject({
      action: 'deny',
      reason: 'c fired',
      policyError: true,
      contractsEvaluated: [
        { name: 'c', passed: false, policyError: true, metadata: { tags: ['a'], k: 'v', policy_error: true } },
      ],
    })
  })
})

describe('verdict metadata', () => {
  it('keeps tags and own keys, and drops keys that would clash', () => {
    const policy = bundle(
      pre(
        'c',
        'tool.name: {exists: true}',
        'effect: deny, tags: [t], metadata: {tags: x, message: m, policy_error: true, error_detail: e, own: 1}',
      ),
    )
    const [record] = decide(policy).contractsEvaluated
    expect(record).toEqual({
      name: 'c',
      type: 'precondition',
      passed: false,
      message: 'c fired',
      metadata: { tags: ['t'], own: 1 },
    })
  })
})

describe('messages', () => {
  const message = (text: string, args: Record<string, unknown>, options = {}) => {
    const policy = compilePolicy(
      loadDocument({
        apiVersion: 'edictum/v1',
        kind: 'ContractBundle',
        metadata: { name: 'x' },
        defaults: { mode: 'enforce' },
        contracts: [
          {
            id: 'c',
            type: 'pre',
            tool: '*',
            when: { 'tool.name': { exists: true } },
            then: { effect: 'deny', message: text },
          },
        ],
      }),
      { version: 'v' },
    )
    return decide(policy, args, options).reason
  }

  it.each([
    ['run {args.x}!', { x: 'ls' }, 'run ls!'],
    ['{args.x}{args.y}', { x: 'a', y: 'b' }, 'ab'],
    ['{args.missing}', {}, '{args.missing}'],
    ['{args.x}', { x: null }, '{args.x}'],
    ['{{args.x}}', { x: 'a' }, '{{args.x}}'],
    ['{ args.x }', { x: 'a' }, '{ args.x }'],
    ['{}', {}, '{}'],
    ['{args.x}', { x: true }, 'True'],
    ['{args.x}', { x: 1.5 }, '1.5'],
    ['{args.x}', { x: [1, 'x', null, false] }, "[1, 'x', None, False]"],
    ['{args.x}', { x: { k: null } }, "{'k': None}"],
    ['{args.x}', { x: `sk-${'a'.repeat(300)}` }, '[REDACTED]'],
    ['{args.x}', { x: '{args.y}', y: 'no' }, '{args.y}'],
    ['{args.x}', { x: 'y'.repeat(201) }, `${'y'.repeat(197)}...`],
    ['{args.x}', { x: 'y'.repeat(200) }, 'y'.repeat(200)],
    ['{tool.name} {environment}', {}, 'Tool production'],
    ['{output.text}', {}, '{output.text}'],
  ])('%j with %j', (text, args, expected) => {
    expect(message(text, args)).toBe(expected)
  })

  it('is cut to 500 characters after expansion', () => {
    const text = message('{args.x}{args.x}{args.x}', { x: 'y'.repeat(200) })
    expect(text).toBe(`${'y'.repeat(497)}...`)
  })

  it('survives a value that cannot be printed', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    expect(message('{args.x}', { x: cycle })).toContain('self')
  })
})

describe('the pipeline', () => {
  it('stops at the first denial; what lies behind has no record', () => {
    const policy = bundle(
      pre('one', 'args.x: {equals: 1}') +
        pre('two', 'tool.name: {exists: true}') +
        pre('three', 'tool.name: {exists: true}'),
    )
    const decision = decide(policy, { x: 2 })
    expect(decision).toMatchObject({ action: 'deny', decisionSource: 'yaml_precondition', decisionName: 'two' })
    expect(decision.contractsEvaluated.map(({ name, passed }) => [name, passed])).toEqual([
      ['one', true],
      ['two', false],
    ])
  })

  it('walks pre contracts before sandboxes before session contracts, whatever their order in the bundle', () => {
    const policy = bundle(`
- {id: s, type: session, limits: {max_tool_calls: 5}, then: {effect: deny, message: s}}
- {id: box, type: sandbox, tool: "*", within: [/w], message: box}
${pre('p', 'args.x: {equals: 1}').trim()}`)
    expect(decide(policy).contractsEvaluated.map(({ name, type }) => [name, type])).toEqual([
      ['p', 'precondition'],
      ['box', 'sandbox'],
      ['s', 'session_contract'],
    ])
    expect(decide(policy, { x: 1, path: '/etc' }, { counters: { executions: 9 } }).decisionName).toBe('p')
    expect(decide(policy, { x: 2, path: '/etc' }, { counters: { executions: 9 } }).decisionName).toBe('box')
    expect(decide(policy, { x: 2, path: '/w/a' }, { counters: { executions: 9 } }).decisionName).toBe('s')
  })

  it('an allowed call needs no allocation: the same decision every time', () => {
    const policy = bundle(pre('p', 'args.x: {equals: 1}'))
    expect(decide(policy)).toBe(decide(policy, { x: 5 }))
    expect(decide(policy)).toEqual({
      action: 'allow',
      reason: null,
      decisionSource: null,
      decisionName: null,
      observed: false,
      policyError: false,
      contractsEvaluated: [{ name: 'p', type: 'precondition', passed: true, message: null }],
      observeResults: [],
      approvalTimeout: 300,
      approvalTimeoutEffect: 'deny',
      approvalMessage: null,
    })
  })

  it('contracts of other tools and disabled ones leave no record', () => {
    const policy = bundle(`
- {id: other, type: pre, tool: Other, when: {tool.name: {exists: true}}, then: {effect: deny, message: m}}
- {id: disabled, type: pre, tool: "*", enabled: false, when: {tool.name: {exists: true}}, then: {effect: deny, message: m}}
- {id: glob, type: pre, tool: "T*l", when: {args.x: {equals: 1}}, then: {effect: deny, message: m}}
- {id: prefix, type: pre, tool: "To*", when: {args.x: {equals: 1}}, then: {effect: deny, message: m}}
- {id: name, type: pre, tool: Tool, when: {args.x: {equals: 1}}, then: {effect: deny, message: m}}`)
    expect(decide(policy).contractsEvaluated.map(({ name }) => name)).toEqual(['glob', 'prefix', 'name'])
  })

  it('observe: a firing contract is recorded and the call goes on', () => {
    const policy = bundle(
      pre('a', 'tool.name: {exists: true}', 'effect: deny', 'mode: observe,') + pre('b', 'args.x: {equals: 1}'),
    )
    expect(decide(policy)).toMatchObject({
      action: 'allow',
      observed: true,
      contractsEvaluated: [
        { name: 'a', passed: false, observed: true },
        { name: 'b', passed: true },
      ],
    })
    expect(decide(policy, { x: 1 })).toMatchObject({ action: 'deny', decisionName: 'b', observed: false })
  })

  it('the own mode of a contract wins over the default', () => {
    const policy = bundle(pre('a', 'tool.name: {exists: true}', 'effect: deny', 'mode: enforce,'), 'observe')
    expect(decide(policy).action).toBe('deny')
  })

  it('observe: an approval is not asked for', () => {
    const policy = bundle(pre('a', 'tool.name: {exists: true}', 'effect: approve'), 'observe')
    expect(decide(policy)).toMatchObject({ action: 'allow', observed: true })
  })

  describe('deny wins, ask last', () => {
    const ask = pre('ask', 'args.ask: {equals: 1}', 'effect: approve, timeout: 7, timeout_effect: allow')
    const rest = `${ask}${pre('ask-too', 'args.ask: {equals: 1}', 'effect: approve')}${pre('nope', 'args.deny: {equals: 1}')}
- {id: box, type: sandbox, tool: "*", within: [/w], message: box}
- {id: s, type: session, limits: {max_tool_calls: 5, max_calls_per_tool: {Tool: 3}}, then: {effect: deny, message: s}}`
    const policy = bundle(rest)
    it('asks once, for the first approving contract, with its timeout', () => {
      expect(decide(policy, { ask: 1 })).toMatchObject({
        action: 'pending_approval',
        decisionSource: 'yaml_precondition',
        decisionName: 'ask',
        reason: 'ask fired',
        approvalMessage: 'ask fired',
        approvalTimeout: 7,
        approvalTimeoutEffect: 'allow',
      })
    })
    it.each([
      ['a later contract', { ask: 1, deny: 1 }, {}, 'nope'],
      ['a sandbox', { ask: 1, path: '/etc' }, {}, 'box'],
      ['a session contract', { ask: 1 }, { executions: 5 }, 's'],
      ['a limit of the tool', { ask: 1 }, { toolExecutions: 3 }, 'max_calls_per_tool:Tool'],
    ])('%s denies all the same', (_, args, counters, name) => {
      expect(decide(policy, args, { counters })).toMatchObject({ action: 'deny', decisionName: name })
    })
    it('a sandbox can ask too', () => {
      const box = bundle(
        '- {id: box, type: sandbox, tools: ["T*"], within: [/w], outside: approve, timeout: 9, message: "ask {args.path}"}',
      )
      expect(decide(box, { path: '/etc' })).toMatchObject({
        action: 'pending_approval',
        decisionSource: 'yaml_sandbox',
        decisionName: 'box',
        approvalTimeout: 9,
        approvalTimeoutEffect: 'deny',
        approvalMessage: 'ask /etc',
      })
    })
  })
})

describe('session limits', () => {
  const limits = (policy: Policy, counters: Partial<Counters>) => {
    const { action, decisionSource, decisionName, reason } = decide(policy, {}, { counters })
    return { action, decisionSource, decisionName, reason }
  }
  const none = bundle(pre('p', 'args.x: {equals: 1}'))

  it('by default 500 attempts and 200 executions', () => {
    expect(limits(none, { attempts: 499, executions: 199 }).action).toBe('allow')
    expect(limits(none, { attempts: 500 })).toMatchObject({
      decisionSource: 'attempt_limit',
      decisionName: 'max_attempts',
    })
    expect(limits(none, { executions: 200 })).toMatchObject({
      decisionSource: 'operation_limit',
      decisionName: 'max_tool_calls',
      reason: expect.stringContaining('200'),
    })
  })

  it('the reason of the attempt limit names it, and speaks of a limit and of retrying', () => {
    const { reason } = limits(none, { attempts: 500 })
    expect(reason).toMatch(/^Attempt limit reached \(500\)/)
    expect(reason).toMatch(/limit.*retry/)
  })

  it('max_attempts: 3 denies the third attempt, before anything else is evaluated', () => {
    const policy = bundle(`${pre('p', 'tool.name: {exists: true}')}
- {id: s, type: session, limits: {max_attempts: 3}, then: {effect: deny, message: s}}`)
    expect(decide(policy, {}, { counters: { attempts: 2 } }).decisionName).toBe('p')
    expect(decide(policy, {}, { counters: { attempts: 3 } })).toMatchObject({
      decisionName: 'max_attempts',
      contractsEvaluated: [],
    })
    expect(checkAttemptLimit(policy, { ...NONE, attempts: 2 })).toBeNull()
    expect(checkAttemptLimit(policy, { ...NONE, attempts: 3 })?.decisionName).toBe('max_attempts')
  })

  it('max_tool_calls: N lets exactly N run; the session contract speaks, unexpanded', () => {
    const policy = bundle(
      '- {id: s, type: session, limits: {max_tool_calls: 2}, then: {effect: deny, message: "over {tool.name}"}}',
    )
    expect(limits(policy, { executions: 1 }).action).toBe('allow')
    expect(limits(policy, { executions: 2 })).toEqual({
      action: 'deny',
      decisionSource: 'yaml_session',
      decisionName: 's',
      reason: 'over {tool.name}',
    })
  })

  it('a bundle lowers limits and never raises them; the lowest of several holds', () => {
    const policy = bundle(`
- {id: a, type: session, limits: {max_tool_calls: 1000, max_attempts: 9000}, then: {effect: deny, message: a}}
- {id: b, type: session, limits: {max_tool_calls: 7, max_calls_per_tool: {T: 3}}, then: {effect: deny, message: b}}
- {id: c, type: session, limits: {max_tool_calls: 9, max_calls_per_tool: {T: 5, U: 1}}, then: {effect: deny, message: c}}`)
    expect(policy.limits.maxAttempts).toBe(500)
    expect(policy.limits.maxToolCalls).toBe(7)
    expect([...policy.limits.maxCallsPerTool]).toEqual([
      ['T', 3],
      ['U', 1],
    ])
    expect(limits(policy, { executions: 7 }).decisionName).toBe('b')
    expect(limits(policy, { executions: 200 }).decisionName).toBe('a')
  })

  it('limits of single tools hold by exact name, are not those of a prototype, and never speak with a contract', () => {
    const policy = bundle(
      '- {id: s, type: session, limits: {max_calls_per_tool: {Tool: 2, "T*": 1}}, then: {effect: deny, message: s}}',
    )
    expect(policy.toolLimitFor('Tool')).toBe(2)
    expect(policy.toolLimitFor('Tx')).toBeNull()
    expect(policy.toolLimitFor('constructor')).toBeNull()
    expect(limits(policy, { toolExecutions: 1 }).action).toBe('allow')
    const denied = limits(policy, { toolExecutions: 2 })
    expect(denied).toMatchObject({ decisionSource: 'operation_limit', decisionName: 'max_calls_per_tool:Tool' })
    expect(denied.reason).toMatch(/^Per-tool limit: Tool .*2.*2/)
    expect(decide(policy, {}, { tool: 'constructor', counters: { toolExecutions: 99 } }).action).toBe('allow')
  })

  it('a session contract that only observes lets the call pass and does not lower limits', () => {
    const policy = bundle(
      '- {id: s, type: session, mode: observe, limits: {max_tool_calls: 2, max_attempts: 4, max_calls_per_tool: {Tool: 1}}, then: {effect: deny, message: s}}',
    )
    expect(policy.limits).toMatchObject({ maxAttempts: 500, maxToolCalls: 200 })
    expect(policy.toolLimitFor('Tool')).toBe(1)
    for (const counters of [{ executions: 2 }, { attempts: 4 }, { toolExecutions: 1 }]) {
      expect(decide(policy, {}, { counters })).toMatchObject({
        action: 'allow',
        observed: true,
        contractsEvaluated: [{ name: 's', passed: false, observed: true }],
      })
    }
    expect(decide(policy)).toMatchObject({ action: 'allow', observed: false })
  })

  it('limits given in code are where a bundle starts from', () => {
    const policy = compilePolicy(null, { version: '', limits: { maxAttempts: 1000, maxCallsPerTool: { T: 1 } } })
    expect(policy.limits).toMatchObject({ maxAttempts: 1000, maxToolCalls: 200 })
    expect(decide(policy, {}, { tool: 'T', counters: { toolExecutions: 1 } }).decisionName).toBe('max_calls_per_tool:T')
  })
})
