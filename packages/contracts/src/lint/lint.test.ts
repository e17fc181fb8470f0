import { describe, expect, test } from 'vitest'
import { checkBundle, loadBundle } from '../load/index.ts'

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

  test.each(['1', '-1.5', 'true', 'null', '~', 'text', '0x1F', '.inf', '"on"', "'017'"])(
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
    '{all: [{args.x: {equals: a}}, {args.x: {equals: b}}]}',
    '{all: [{args.x: {exists: false}}, {args.x: {contains: b}}]}',
    '{any: [{all: [{args.x: {equals: 1}}, {args.x: {equals: 2}}]}]}',
  ])('of a condition that cannot hold: %s', (when) => {
    expect(warningsOf(bundle(pre('a', when)))).toEqual(['unreachable contracts[0]'])
  })

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

  test.each([
    'args.a.b',
    'principal.role',
    'principal.claims.team.name',
    'environment',
    'tool.name',
    'env.HOME',
    'metadata.x',
  ])('not of the selector %s', (selector) => {
    expect(warningsOf(bundle(pre('a', `{${selector}: {equals: q}}`)))).toEqual([])
  })

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

  test('and a loaded bundle knows its warnings', () => {
    const text = bundle(pre('a', '{args.x: {equals: on}}'))
    expect(loadBundle(text).warnings).toEqual(checkBundle(text).warnings)
    expect(loadBundle(text).warnings).toHaveLength(1)
  })

  test('a document with errors still gets the warnings about its YAML', () => {
    const { issues, warnings } = checkBundle(bundle(pre('a', '{args.x: {equals: on, nope: 1}}')))
    expect(issues).toHaveLength(1)
    expect(warnings).toMatchObject([{ code: 'yaml_dialect' }])
  })
})
