import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decidePre } from '../decide/pre.ts'
import type { Expression } from '../document.ts'
import { createEnvelope } from '../envelope/create.ts'
import { loadBundle } from '../load/index.ts'
import { compilePolicy } from '../policy/compile.ts'
import { checkBundle } from './check.ts'

function bundle(contracts: string, more = ''): string {
  return `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: b}
defaults: {mode: enforce}
${more}contracts:
${contracts}`
}

const pre = (id: string, when: string, rest = "tool: 'x'", effect = 'deny') =>
  `  - {id: ${id}, type: pre, ${rest}, when: ${when}, then: {effect: ${effect}, message: m}}\n`
const post = (tool: string, effect: string) =>
  `  - {id: p, type: post, tool: ${tool}, when: {output.text: {exists: true}}, then: {effect: ${effect}, message: m}}\n`

function warningsOf(text: string): string[] {
  const { bundle, warnings } = checkBundle(text)
  expect(bundle).not.toBeNull()
  return warnings.map(({ code, path }) => `${code} ${path}`)
}

describe('lint warns, loading succeeds', () => {
  test('of nothing in a sound bundle', () => {
    const tools = 'tools:\n  Read: {side_effect: read}\n'
    expect(warningsOf(bundle(pre('a', "{args.path: {matches: '^/etc/'}}") + post('Read', 'redact'), tools))).toEqual([])
  })

  test('of duplicate keys, at the one that counts', () => {
    const text = bundle(pre('a', '{args.x: {equals: 1}}')).replace('{name: b}', '{name: a, name: b}')
    expect(checkBundle(text).warnings).toMatchObject([
      { code: 'duplicate_key', path: 'metadata.name', line: 3, column: 21 },
    ])
  })

  test.each([
    ['on', 'the boolean true', 'text'],
    ['No', 'the boolean false', 'text'],
    ['017', 'the number 15', 'the number 17'],
    ['0o17', 'text', 'the number 15'],
    ['0b11', 'the number 3', 'text'],
    ['1_000', 'the number 1000', 'text'],
    ['1:30', 'the number 90', 'text'],
    ['1e3', 'text', 'the number 1000'],
    ['2024-01-01', 'a date', 'text'],
  ])('of %s, which YAML 1.2 reads otherwise', (word, here, there) => {
    const [warning] = checkBundle(bundle(pre('a', `{args.x: {equals: ${word}}}`))).warnings
    expect(warning).toMatchObject({
      code: 'yaml_dialect',
      line: 6,
      message: `'${word}' is ${here} here, but ${there} in YAML 1.2`,
    })
  })

  test.each(['1', '-1.5', 'true', 'text', '0x1F', '.inf', '"on"', "'017'"])(
    'not of %s, which all read alike',
    (word) => {
      expect(warningsOf(bundle(pre('a', `{args.x: {equals: ${word}}}`)))).toEqual([])
    },
  )

  test('of a merge key, which YAML 1.2 does not know', () => {
    const text = bundle(pre('a', '{args.x: {<<: {equals: 1}}}'))
    expect(warningsOf(text)).toEqual(['yaml_dialect contracts[0].when["args.x"]["<<"]'])
  })

  test('of contracts that another one makes needless', () => {
    const narrow = '{all: [{args.x: {equals: 1}}, {args.y: {equals: 2}}]}'
    expect(warningsOf(bundle(pre('a', '{args.x: {equals: 1}}') + pre('b', narrow)))).toEqual(['shadowed contracts[1]'])
    expect(warningsOf(bundle(pre('a', '{tool.name: {exists: true}}', "tool: '*'") + pre('b', narrow)))).toEqual([
      'shadowed contracts[1]',
    ])
    expect(
      warningsOf(bundle(pre('a', '{args.x: {equals: 1}}', "tool: '*'") + pre('b', narrow, "tool: 'x'", 'approve'))),
    ).toEqual(['shadowed contracts[1]'])
  })

  test('not of contracts that decide something of their own', () => {
    const wide = '{any: [{args.x: {equals: 1}}, {args.y: {equals: 2}}]}'
    const one = pre('a', '{args.x: {equals: 1}}')
    for (const other of [
      pre('b', wide),
      pre('b', '{args.x: {equals: 1}}', "tool: 'y'"),
      pre('b', '{not: {args.x: {equals: 1}}}'),
    ]) {
      expect(warningsOf(bundle(one + other))).toEqual([])
    }
    expect(
      warningsOf(bundle(pre('a', '{args.x: {equals: 1}}', "tool: 'x', mode: observe") + one.replace('id: a', 'id: b'))),
    ).toEqual([])
    expect(
      warningsOf(bundle(pre('a', '{args.x: {equals: 1}}', undefined, 'approve') + one.replace('id: a', 'id: b'))),
    ).toEqual([])
  })

  test.each([
    ['two texts', '{all: [{args.x: {equals: a}}, {args.x: {equals: b}}]}'],
    ['a text and another one', '{all: [{args.x: {equals: a}}, {args.x: {not_equals: a}}]}'],
    ['absent and with a text in it', '{all: [{args.x: {exists: false}}, {args.x: {contains: b}}]}'],
    ['absent and not absent', '{all: [{args.x: {exists: false}}, {not: {args.x: {exists: false}}}]}'],
    ['a list that leaves nothing', '{all: [{args.x: {in: [a, b]}}, {args.x: {in: [c, d]}}]}'],
    ['a list without its members', '{all: [{args.x: {in: [a, b]}}, {args.x: {not_in: [a, b, c]}}]}'],
    ['a list and patterns for others', '{all: [{args.x: {in: [ab, ac]}}, {args.x: {matches: ^b}}]}'],
    ['three together', '{all: [{args.x: {in: [a, b]}}, {args.x: {not_equals: a}}, {args.x: {not_equals: b}}]}'],
    ['above and below', '{all: [{args.x: {gt: 500}}, {args.x: {lt: 100}}]}'],
    ['above and not above', '{all: [{args.x: {gte: 5}}, {not: {args.x: {gt: 3}}}]}'],
    ['above and at most the same', '{all: [{args.x: {gt: 5}}, {args.x: {lte: 5}}]}'],
    ['a number outside of its bounds', '{all: [{args.x: {equals: 7}}, {args.x: {gt: 10}}]}'],
    ['a text and a number', '{all: [{args.x: {contains: a}}, {args.x: {gt: 3}}]}'],
    ['two beginnings', '{all: [{args.x: {starts_with: /srv/}}, {args.x: {starts_with: /tmp/}}]}'],
    ['two ends', '{all: [{args.x: {ends_with: .pem}}, {args.x: {ends_with: .key}}]}'],
    ['a text with parts', '{all: [{args.x: {contains: a}}, {args.x.y: {equals: 1}}]}'],
    ['parts of what is absent', '{all: [{args.x: {exists: false}}, {args.x.y.z: {exists: true}}]}'],
    ['null, which is absent', '{args.x: {equals: null}}'],
    ['in every alternative', '{any: [{all: [{args.x: {equals: 1}}, {args.x: {equals: 2}}]}]}'],
    [
      'across the levels',
      '{all: [{args.x: {equals: a}}, {any: [{args.x: {equals: b}}, {all: [{args.y: {exists: true}}, {args.x: {equals: c}}]}]}]}',
    ],
    ['by de Morgan', '{all: [{args.x: {equals: a}}, {not: {any: [{args.x: {equals: a}}, {args.y: {equals: b}}]}}]}'],
    ['another tool', '{tool.name: {equals: refund}}'],
    ['no name of this tool', '{tool.name: {starts_with: pay_}}'],
    ['an environment that is a number', '{environment: {gt: 3}}'],
    ['a variable that is read as a boolean', "{env.CI: {equals: 'true'}}"],
  ])('of a condition that can never hold: %s', (_, when) => {
    expect(warningsOf(bundle(pre('a', when)))).toEqual(['unreachable contracts[0]'])
  })

  test('with the two that exclude each other', () => {
    const when = '{all: [{args.amount: {gt: 500}}, {args.amount: {lt: 100}}]}'
    expect(checkBundle(bundle(pre('a', when))).warnings[0]?.message).toBe(
      "the condition of 'a' can never hold: no value of 'args.amount' meets both 'gt: 500' and 'lt: 100'",
    )
  })

  test.each([
    '{all: [{args.x: {gt: 5}}, {args.x: {lt: 6}}]}',
    '{all: [{args.x: {gte: 5}}, {args.x: {lte: 5}}]}',
    '{all: [{args.x: {equals: 1}}, {args.x: {in: [true]}}]}',
    '{all: [{args.x: {starts_with: /srv}}, {args.x: {starts_with: /srv/app}}]}',
    '{all: [{not: {args.x: {gt: 5}}}, {not: {args.x: {lt: 10}}}]}',
    '{all: [{not: {args.x: {equals: a}}}, {args.x: {exists: false}}]}',
    '{all: [{args.x: {equals: a}}, {any: [{args.x: {equals: b}}, {args.y: {equals: c}}]}]}',
    '{any: [{args.x: {equals: a}}, {args.x: {equals: b}}]}',
    '{all: [{args.x: {equals: {y: 1}}}, {args.x.y: {equals: 1}}]}',
    '{tool.name: {contains: x}}',
    '{env.CI: {equals: true}}',
    '{env.CI: {not_equals: x}}',
    '{principal.role: {not_in: [admin]}}',
    '{args.x: {in: [null, a]}}',
  ])('not of a condition that can hold: %s', (when) => {
    expect(warningsOf(bundle(pre('a', when)))).toEqual([])
  })

  test('a condition called contradictory holds for no call', () => {
    const value = fc.constantFrom<unknown>('a', 'b', 'ab', '', 1, 2, true, null, { y: 1 }, { y: 'a' }, ['a'])
    const leaf = fc.oneof(
      fc.tuple(fc.constantFrom('equals', 'not_equals'), value),
      fc.tuple(fc.constantFrom('in', 'not_in'), fc.array(value, { minLength: 1, maxLength: 3 })),
      fc.tuple(fc.constantFrom('contains', 'starts_with', 'ends_with', 'matches'), fc.constantFrom('a', 'b', 'ab')),
      fc.tuple(fc.constantFrom('gt', 'gte', 'lt', 'lte'), fc.constantFrom(0, 1, 2)),
      fc.tuple(fc.constant('exists'), fc.boolean()),
    )
    const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
      expression: fc.oneof(
        { depthSize: 'small' },
        fc
          .tuple(fc.constantFrom('args.x', 'args.x', 'args.x.y'), leaf)
          .map(([selector, [operator, argument]]) => ({ [selector]: { [operator]: argument } }) as never),
        fc.array(tie('expression'), { minLength: 1, maxLength: 3 }).map((all) => ({ all }) as never),
        fc.array(tie('expression'), { minLength: 1, maxLength: 3 }).map((any) => ({ any }) as never),
        tie('expression').map((not) => ({ not }) as never),
      ),
    }))
    let found = 0
    fc.assert(
      fc.property(expression, fc.array(fc.option(value, { nil: undefined }), { minLength: 8 }), (when, values) => {
        const { bundle: loaded, warnings } = checkBundle(bundle(pre('a', JSON.stringify(when))))
        if (!warnings.some(({ code }) => code === 'unreachable') || loaded === null) return
        found++
        const policy = compilePolicy(loaded.document, { version: '' })
        for (const x of values) {
          const envelope = createEnvelope('x', x === undefined ? {} : { x }, { callId: 'c', timestamp: '' })
          const { action, policyError } = decidePre(policy, envelope, { attempts: 0, executions: 0, toolExecutions: 0 })
          expect(action === 'deny' && !policyError).toBe(false)
        }
      }),
      { seed: 8, numRuns: 1500 },
    )
    expect(found).toBeGreaterThan(50)
  })

  test('of alternatives without end costs little and finds nothing', () => {
    const choice = (at: number) => `{any: [{args.a${at}: {equals: a}}, {args.a${at}: {equals: b}}]}`
    const all = Array.from({ length: 60 }, (_, at) => choice(at)).join(', ')
    const when = `{all: [${all}, {args.x: {equals: 1}}, {any: [{args.x: {equals: 2}}, {args.x: {equals: 3}}]}]}`
    expect(warningsOf(bundle(pre('a', when))).filter((each) => !each.startsWith('unreachable'))).toEqual([])
  })

  test.each([
    ['9007199254740993', '9007199254740992'],
    ['-9007199254740995', '-9007199254740996'],
    ['9007199254740992', '9007199254740992'],
    ['1.0e+17', '100000000000000000'],
  ])('of %s, which a call cannot carry exactly', (written, carried) => {
    const [warning, ...rest] = checkBundle(bundle(pre('a', `{args.x: {in: [1, ${written}]}}`))).warnings
    expect(rest).toEqual([])
    expect(warning).toMatchObject({ code: 'rounded_number', path: 'contracts[0].when["args.x"].in[1]', line: 6 })
    expect(warning?.message).toContain(`a call carries it as ${carried},`)
  })

  test.each(['9007199254740991', '-9007199254740991', '0.1', '.inf', '"9007199254740993"'])('not of %s', (written) => {
    expect(warningsOf(bundle(pre('a', `{args.x: {in: [${written}]}}`)))).toEqual([])
  })

  test.each([
    ['pre', 'output.text'],
    ['pre', 'result.x'],
    ['pre', 'args'],
    ['pre', 'arg.path'],
    ['pre', 'principal.roles'],
    ['pre', 'tool'],
    ['post', 'output.json'],
    ['sandbox', 'output.text'],
    ['session', 'args.path'],
  ])('of a placeholder that stays as it is: in %s contracts {%s}', (type, selector) => {
    const then = `then: {effect: deny, message: 'no {${selector}} here, {${selector}}'}`
    const text = {
      pre: `  - {id: c, type: pre, tool: t, when: {args.a: {equals: 1}}, ${then}}\n`,
      post: `  - {id: c, type: post, tool: Bash, when: {output.text: {contains: a}}, ${then}}\n`,
      session: `  - {id: c, type: session, limits: {max_attempts: 5}, ${then}}\n`,
      sandbox: `  - {id: c, type: sandbox, tool: t, within: [/srv], message: 'no {${selector}}'}\n`,
    }[type]
    const place = type === 'sandbox' ? 'contracts[0].message' : 'contracts[0].then.message'
    expect(warningsOf(bundle(text as string))).toEqual([`dead_placeholder ${place}`])
  })

  test('of a placeholder for what the condition wants to be absent', () => {
    const when = '{all: [{args.owner: {exists: false}}, {args.path: {contains: a}}]}'
    const text = bundle(pre('a', when).replace('message: m', "message: '{args.path} of {args.owner}'"))
    expect(warningsOf(text)).toEqual(['dead_placeholder contracts[0].then.message'])
  })

  test.each(['{args.path}', '{principal.role}', '{environment}', '{tool.name}', '{"a": 1}', '{2,3}', '{}', '{a b}'])(
    'not of %s in a message',
    (written) => {
      const text = bundle(pre('a', '{args.x: {equals: 1}}').replace('message: m', `message: '${written}'`))
      expect(warningsOf(text)).toEqual([])
    },
  )

  test.each(['^a$b', 'a^b', '(?:x|y)\\Z.', '[^\\s\\S]', '(?m)a$b'])(
    'of the pattern %s, which finds nothing',
    (pattern) => {
      expect(warningsOf(bundle(pre('a', `{args.x: {matches: '${pattern}'}}`)))).toEqual([
        'dead_pattern contracts[0].when["args.x"].matches',
      ])
    },
  )

  test.each(['^a$', '^a$\\n', '$^', '(?m)a$\\nb', '(?:a^|b)', 'a(?:^b)?', '[\\s\\S]'])(
    'not of the pattern %s, which finds something',
    (pattern) => {
      expect(warningsOf(bundle(pre('a', `{args.x: {matches: '${pattern}'}}`)))).toEqual([])
    },
  )

  test.each([
    '^\\s*\\w+\\s*=\\s*.*$',
    '^(\\w+)\\s+(\\w+)\\s+(\\w+)$',
    '\\brm\\s+(?:-\\S+\\s+)*(?:-[a-z]*r|--recursive\\b)',
  ])('not of the pattern %s, on which no text costs much', (pattern) => {
    expect(warningsOf(bundle(pre('a', `{args.x: {matches: '${pattern}'}}`)))).toEqual([])
  })

  test.each(['.*a.*b.*c', 'a+a+a+b', '(\\d+)-(\\d+)-(\\d+)', '\\bgit\\s+push\\b.*--force.*-f.*'])(
    'of the pattern %s, whose cost grows faster than its text',
    (pattern) => {
      expect(warningsOf(bundle(pre('a', `{args.x: {matches: '${pattern}'}}`)))).toEqual([
        'super_linear_regex contracts[0].when["args.x"].matches',
      ])
    },
  )

  test('of patterns escaped twice, and of patterns that explode', () => {
    const text = bundle(
      pre('a', "{any: [{args.x: {matches: '\\\\brm\\\\s'}}, {args.x: {matches_any: [ok, '^(a+)+$']}}]}"),
    )
    expect(warningsOf(text)).toEqual([
      'double_escape contracts[0].when.any[0]["args.x"].matches',
      'super_linear_regex contracts[0].when.any[1]["args.x"].matches_any[1]',
    ])
  })

  test.each([
    ['redact', 'send', 'tools: {send: {side_effect: write}}\n', true],
    ['deny', 'unknown', '', true],
    ['deny', 'read_*', 'tools: {read_a: {side_effect: read}}\n', false],
    ['redact', 'a', 'tools: {a: {side_effect: pure}}\n', false],
    ['warn', 'send', 'tools: {send: {side_effect: write}}\n', false],
    ['redact', 'Bash', '', false],
  ])('of effects that a side effect downgrades: %s on %s', (effect, tool, tools, warns) => {
    expect(warningsOf(bundle(post(tool, effect), tools))).toEqual(
      warns ? ['downgraded_effect contracts[0].then.effect'] : [],
    )
  })

  test.each([
    'args',
    'args.items.0',
    'principal',
    'principal.name',
    'principal.claims',
    'environment.x',
    'tool',
    'tool.id',
    'env',
    'output.json',
    'result.x',
    'metadata',
    'whatever',
    'custom.x',
  ])('of the selector %s, which never has a value', (selector) => {
    const { warnings } = checkBundle(bundle(pre('a', `{${selector}: {exists: true}}`)))
    expect(warnings.map(({ code }) => code)).toContain('dead_selector')
  })

  test.each(['args.a.b', 'principal.role', 'principal.claims.team.name', 'environment', 'env.HOME', 'metadata.x'])(
    'not of the selector %s',
    (selector) => {
      expect(warningsOf(bundle(pre('a', `{${selector}: {equals: q}}`)))).toEqual([])
    },
  )

  test('of limits a bundle cannot raise, and globs where names are exact', () => {
    const session =
      '  - {id: s, type: session, limits: {max_tool_calls: 201, max_attempts: 500, max_calls_per_tool: {mcp_*: 1}}, then: {effect: deny, message: m}}\n'
    expect(warningsOf(bundle(session, 'tools: {a*: {side_effect: read}}\n'))).toEqual([
      'glob_not_expanded tools["a*"]',
      'limit_without_effect contracts[0].limits.max_tool_calls',
      'glob_not_expanded contracts[0].limits.max_calls_per_tool["mcp_*"]',
    ])
  })

  test('in the words of a Ruleset too', () => {
    const text = bundle(post('send', 'redact'))
      .replace('ContractBundle', 'Ruleset')
      .replace('contracts:', 'rules:')
      .replace('effect: redact', 'action: redact')
    expect(warningsOf(text)).toEqual(['downgraded_effect rules[0].then.action'])
  })

  test('and the bundle it gives is the one that loading gives', () => {
    const text = bundle(pre('a', '{args.x: {equals: on}}'))
    expect(checkBundle(text).bundle).toEqual(loadBundle(text))
    expect(checkBundle(text).warnings).toHaveLength(1)
  })

  test('a document with errors still gets the warnings about its YAML', () => {
    const { issues, warnings } = checkBundle(bundle(pre('a', '{args.x: {equals: on, nope: 1}}')))
    expect(issues).toHaveLength(1)
    expect(warnings).toMatchObject([{ code: 'yaml_dialect' }])
  })
})
