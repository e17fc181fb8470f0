// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language
import { describe, expect, test } from 'vitest'
import { loadBundle } from '../load/index.ts'
import { laxWords, offerRuleset } from './offer.ts'

const bundle = (contracts: string, more = ''): string => `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: b${more}}
defaults: {mode: enforce}
contracts:
${contracts}
`
const PRE = (when: string): string => `  - {id: a, type: pre, tool: x, when: ${when}, then: {effect: deny, message: m}}`

/** A document with all that the two vocabularies have in common left out. */
const meaning = (text: string): string =>
  JSON.stringify({ ...loadBundle(text).document, kind: '' }, (_, value: unknown) =>
    value instanceof Map ? [...value] : typeof value === 'bigint' ? `${value}n` : value,
  )

describe('a bundle as agents that read only rulesets are given it', () => {
  test('every word that differs is exchanged, and no other', () => {
    const text = bundle(`  - id: one
    type: pre
    tool: deny
    when: {args.effect: {in: [deny, approve, ContractBundle]}}
    then: {effect: approve, message: deny, timeout: 60, timeout_effect: deny, tags: [deny], metadata: {effect: deny, outside: approve}}
  - {id: two, type: post, tool: x, when: {output.text: {contains: deny}}, then: {effect: redact, message: m}}
  - {id: three, type: session, limits: {max_tool_calls: 5}, then: {effect: deny, message: m}}
  - {id: four, type: sandbox, tools: [x], within: [/deny], outside: approve, timeout_effect: allow, message: m}`)
    expect(JSON.parse(offerRuleset(text))).toEqual({
      apiVersion: 'edictum/v1',
      kind: 'Ruleset',
      metadata: { name: 'b' },
      defaults: { mode: 'enforce' },
      rules: [
        {
          id: 'one',
          type: 'pre',
          tool: 'deny',
          when: { 'args.effect': { in: ['deny', 'approve', 'ContractBundle'] } },
          then: {
            action: 'ask',
            message: 'deny',
            timeout: 60,
            timeout_action: 'block',
            tags: ['deny'],
            metadata: { effect: 'deny', outside: 'approve' },
          },
        },
        {
          id: 'two',
          type: 'post',
          tool: 'x',
          when: { 'output.text': { contains: 'deny' } },
          then: { action: 'redact', message: 'm' },
        },
        { id: 'three', type: 'session', limits: { max_tool_calls: 5 }, then: { action: 'block', message: 'm' } },
        {
          id: 'four',
          type: 'sandbox',
          tools: ['x'],
          within: ['/deny'],
          outside: 'ask',
          timeout_action: 'allow',
          message: 'm',
        },
      ],
    })
    expect(meaning(offerRuleset(text))).toBe(meaning(text))
  })

  test('a word that an anchor shares with a value is exchanged at its own place alone', () => {
    const text = bundle(
      '  - {id: a, type: pre, tool: x, when: {args.a: {equals: &w deny}}, then: {effect: *w, message: m}}',
    )
    expect(JSON.parse(offerRuleset(text)).rules[0]).toMatchObject({
      when: { 'args.a': { equals: 'deny' } },
      then: { action: 'block' },
    })
  })

  test.each([
    [
      'merge keys are worked in',
      '  - {<<: {type: pre, tool: x}, id: a, when: {args.a: {exists: true}}, then: {effect: deny, message: m}}',
    ],
    ['words that only YAML 1.1 takes for booleans', PRE('{args.a: {in: [yes, "yes", off]}}')],
    ['octal, hexadecimal, binary and sexagesimal numbers', PRE('{args.a: {in: [0o17, 017, 0x1f, 0b11, 1:30, 1_000]}}')],
    ['numbers beyond 2^53', PRE('{args.a: {in: [123456789012345678901234567890]}}')],
    [
      'fractions, exponents and what is no number',
      PRE('{args.a: {in: [1.0, 0.5, 1.0e+30, 1.0e-9, -0.0, .inf, -.inf]}}'),
    ],
    [
      'text that looks like something else',
      PRE('{args.a: {in: ["1e5", "2024-01-01", "null", "~", "0x10", "=", "<<"]}}'),
    ],
    ['dates stay dates', PRE('{args.a: {in: [2024-01-01, 2024-01-01T10:00:00Z, 2024-01-01 10:00:00 +02:00]}}')],
    [
      'characters that end a line or cannot be printed',
      PRE('{args.a: {in: ["\\x85 \\u2028 \\u2029 \\ufeff \\x7f \\t \\n 😀"]}}'),
    ],
    ['null and empty values', `${PRE('{args.a: {equals: x}}')}`],
  ])('%s: what is offered means what is stored', (_, contracts) => {
    const text = bundle(contracts)
    const offered = offerRuleset(text)
    expect(meaning(offered)).toBe(meaning(text))
    expect(offered).not.toMatch(/[\u007f-\u009f\u2028\u2029\ufeff]/)
  })

  test('the bytes offered for a text never change: agents report their hash', () => {
    const text = bundle(PRE('{args.a: {in: [1.0, 1.0e+30, yes, "é", 2024-01-01]}}'), ', description: "d"')
    expect(offerRuleset(text)).toBe(
      '{"apiVersion": "edictum/v1", "kind": "Ruleset", "metadata": {"name": "b", "description": "d"}, "defaults": {"mode": "enforce"}, ' +
        '"rules": [{"id": "a", "type": "pre", "tool": "x", "when": {"args.a": {"in": [1.0, 1.0e+30, true, "é", 2024-01-01]}}, "then": {"action": "block", "message": "m"}}]}\n',
    )
  })

  test('a ruleset in the strict words is offered as it was stored, comments and all', () => {
    const text = `# mine\napiVersion: edictum/v1\nkind: Ruleset\nmetadata: {name: b}\ndefaults: {mode: enforce}\nrules:\n  - {id: a, type: pre, tool: x, when: {args.a: {exists: true}}, then: {action: block, message: m}}\n`
    expect(offerRuleset(text)).toBe(text)
    expect(laxWords(text)).toEqual([])
  })

  test('a ruleset in lax words is offered in the strict ones, and its words are named with their place', () => {
    const text = `apiVersion: edictum/v1\nkind: Ruleset\nmetadata: {name: b}\ndefaults: {mode: enforce}\nrules:\n  - {id: a, type: sandbox, tools: [x], within: [/tmp], outside: approve, timeout_effect: deny, message: m}\n`
    expect(laxWords(text).map(({ path, found, expected }) => [path, found, expected])).toEqual([
      ['rules[0].outside', 'approve', 'ask'],
      ['rules[0].timeout_effect', 'timeout_effect', 'timeout_action'],
      ['rules[0].timeout_effect', 'deny', 'block'],
    ])
    expect(laxWords(offerRuleset(text))).toEqual([])
    expect(meaning(offerRuleset(text))).toBe(meaning(text))
  })
})
