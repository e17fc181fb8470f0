// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language, and a keyword of JSON Schema
import { describe, expect, test } from 'vitest'
import { EdictumConfigError } from '../errors.ts'
import { loadBundle } from '../load/index.ts'
import { convertDocument } from './index.ts'

const SEEDS = `# A bundle, with its comments
apiVersion: edictum/v1
kind: ContractBundle   # the kind
metadata: {name: b, description: "deny approve contracts"}
defaults: {mode: enforce}

contracts: # the list
  - id: one
    type: pre
    tool: deny
    when:
      args.effect: {equals: deny}   # untouched
    then:
      effect: 'deny'
      message: "deny"
      timeout_effect: deny
      tags: [deny, approve]
      metadata: {effect: deny}
  - {id: two, type: pre, tool: x, when: {args.x: {in: [approve]}}, then: {"effect": "approve", message: ask}}
  - id: three
    type: post
    tool: x
    when: {output.text: {contains: deny}}
    then: {effect: redact, message: m}
  - id: four
    type: sandbox
    tools: [approve]
    within: [/deny]
    outside: approve
    timeout_effect: allow
    message: outside
`

const LATER = SEEDS.replace('kind: ContractBundle', 'kind: Ruleset')
  .replace('contracts: #', 'rules: #')
  .replace("effect: 'deny'", "action: 'block'")
  .replace('timeout_effect: deny', 'timeout_action: block')
  .replace('timeout_effect: allow', 'timeout_action: allow')
  .replace('"effect": "approve"', '"action": "ask"')
  .replace('effect: redact', 'action: redact')
  .replace('outside: approve', 'outside: ask')

describe('conversion between the vocabularies', () => {
  test('only the words that differ change; comments, order and quotes stay', () => {
    expect(convertDocument(SEEDS, 'Ruleset')).toBe(LATER)
    expect(convertDocument(LATER, 'ContractBundle')).toBe(SEEDS)
  })
  test('a document of the kind asked for comes back as it is', () => {
    expect(convertDocument(SEEDS, 'ContractBundle')).toBe(SEEDS)
    expect(convertDocument(LATER, 'Ruleset')).toBe(LATER)
  })
  test('timeout_effect, which a Ruleset may also say, is kept', () => {
    const text = LATER.replace('timeout_action: block', 'timeout_effect: block')
    expect(convertDocument(text, 'ContractBundle')).toBe(SEEDS)
  })
  test('the words of a ContractBundle that a Ruleset may keep need no change', () => {
    const text = LATER.replace('outside: ask', 'outside: approve')
    expect(convertDocument(text, 'ContractBundle')).toBe(SEEDS)
  })
  test('JSON is YAML', () => {
    const { document } = loadBundle(
      convertDocument(
        JSON.stringify({
          apiVersion: 'edictum/v1',
          kind: 'ContractBundle',
          metadata: { name: 'b' },
          defaults: { mode: 'enforce' },
          contracts: [
            {
              id: 'a',
              type: 'pre',
              tool: 'x',
              when: { a: { exists: true } },
              then: { effect: 'approve', message: 'm' },
            },
          ],
        }),
        'Ruleset',
      ),
    )
    expect(document).toMatchObject({ kind: 'Ruleset', contracts: [{ then: { effect: 'approve' } }] })
  })
  test('a block shared by an anchor is converted once', () => {
    const text = `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: b}
defaults: {mode: enforce}
contracts:
  - {id: a, type: pre, tool: x, when: &w {a: {exists: true}}, then: &t {effect: deny, message: m}}
  - {id: b, type: pre, tool: y, when: *w, then: *t}
`
    const converted = convertDocument(text, 'Ruleset')
    expect(converted).toContain('then: &t {action: block, message: m}')
    expect(loadBundle(converted).document.contracts).toEqual(loadBundle(text).document.contracts)
  })
  test('a word shared with a place that must keep it is refused', () => {
    const text = SEEDS.replace("effect: 'deny'", 'effect: &e deny').replace('message: "deny"', 'message: *e')
    expect(() => convertDocument(text, 'Ruleset')).toThrow('anchor')
  })
  test('what does not load is not converted', () => {
    expect(() => convertDocument('a: 1', 'Ruleset')).toThrow(EdictumConfigError)
  })
})
