// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language, and a keyword of JSON Schema
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { checkBundle } from '../lint/check.ts'
import { bundleJsonSchema } from './index.ts'

const validate = new Ajv2020({ strict: false, allErrors: true }).compile(bundleJsonSchema)

const pre = {
  id: 'a',
  type: 'pre',
  tool: 'x',
  when: { 'args.x': { equals: 1 } },
  then: { effect: 'deny', message: 'm' },
}
const labelling = (then: object) => ({ id: 'a', type: 'post', tool: 'x', then })
const sandbox = { id: 'a', type: 'sandbox', tool: 'x', within: ['/srv'], message: 'm' }
const session = { id: 'a', type: 'session', limits: { max_attempts: 1 }, then: pre.then }
const seeds = (contract: unknown, more = {}) => ({
  apiVersion: 'edictum/v1',
  kind: 'ContractBundle',
  metadata: { name: 'b' },
  defaults: { mode: 'enforce' },
  contracts: [contract],
  ...more,
})
const later = (rule: unknown, more = {}) => ({
  ...seeds(rule),
  kind: 'Ruleset',
  contracts: undefined,
  rules: [rule],
  ...more,
})

describe('the JSON Schema and the loader agree', () => {
  const cases: [string, boolean, unknown][] = [
    ['a pre contract', true, seeds(pre)],
    ['a sandbox', true, seeds(sandbox)],
    ['a session', true, seeds(session)],
    [
      'nested conditions',
      true,
      seeds({ ...pre, when: { all: [{ not: { a: { in: [1, null] } } }, { any: [{ b: { gt: 1.5 } }] }] } }),
    ],
    [
      'tools and observability',
      true,
      seeds(pre, { tools: { x: { side_effect: 'read' } }, observability: { file: null, otel: { protocol: 'grpc' } } }),
    ],
    ['a Ruleset', true, later({ ...pre, then: { action: 'block', message: 'm', timeout_action: 'block' } })],
    ['a Ruleset with seeds words', true, later({ ...sandbox, outside: 'approve', timeout_effect: 'deny' })],
    ['a past and no condition', true, seeds({ ...pre, when: undefined, after: { tools: ['y'] } })],
    ['no past and no condition', false, seeds({ ...pre, when: undefined })],
    ['an empty past', false, seeds({ ...pre, after: {} })],
    ['a label', true, seeds(labelling({ effect: 'label', label: 'l' }))],
    ['a label in a Ruleset', true, later(labelling({ action: 'label', label: 'l' }))],
    ['a label without its word', false, seeds(labelling({ effect: 'label' }))],
    ['a word of a label elsewhere', false, seeds(labelling({ effect: 'warn', message: 'm', label: 'l' }))],
    ['a warning without a condition', false, later(labelling({ action: 'warn', message: 'm' }))],
    ['a warning without a message', false, later({ ...labelling({ action: 'warn' }), when: pre.when })],
    ['no message', false, seeds({ ...pre, then: { effect: 'deny' } })],
    ['an empty message', false, seeds({ ...pre, then: { effect: 'deny', message: '' } })],
    ['a wrong effect', false, seeds({ ...pre, then: { effect: 'warn', message: 'm' } })],
    ['a later word in a bundle', false, seeds({ ...pre, then: { action: 'block', message: 'm' } })],
    ['an unknown field', false, seeds({ ...pre, extra: 1 })],
    ['an unknown type', false, seeds({ ...pre, type: 'x' })],
    ['no kind', false, seeds(pre, { kind: undefined })],
    ['rules in a bundle', false, seeds(pre, { rules: [pre] })],
    ['two spellings', false, later({ ...pre, then: { action: 'block', effect: 'deny', message: 'm' } })],
    ['tool and tools', false, seeds({ ...sandbox, tools: ['y'] })],
    ['neither within nor allows', false, seeds({ ...sandbox, within: undefined })],
    ['no limit', false, seeds({ ...session, limits: {} })],
    ['a limit of 0', false, seeds({ ...session, limits: { max_attempts: 0 } })],
    ['an empty all', false, seeds({ ...pre, when: { all: [] } })],
    ['two selectors', false, seeds({ ...pre, when: { a: { exists: true }, b: { exists: true } } })],
    ['exists of a number', false, seeds({ ...pre, when: { a: { exists: 1 } } })],
    ['an upper-case id', false, seeds({ ...pre, id: 'A' })],
  ]
  test.each(cases)('%s: %s', (_, valid, value) => {
    const plain = JSON.parse(JSON.stringify(value))
    expect([validate(plain), validate.errors]).toEqual([valid, valid ? null : expect.anything()])
    expect(checkBundle(JSON.stringify(plain)).issues.length === 0).toBe(valid)
  })
})
