import { bundleJsonSchema, OPERATOR_NAMES, SELECTORS } from '@lictor/contracts/authoring'
import { describe, expect, test } from 'vitest'
import { explainedAt, type Seen, suggest } from './suggest.ts'

const language = { schema: bundleJsonSchema, selectors: SELECTORS }
const seen: Seen = {
  tools: [
    { name: 'read_file', calls: 12, ungovernedFor: [] },
    { name: 'on', calls: 1, ungovernedFor: ['loner'] },
  ],
  environments: ['production', 'staging'],
  bundles: ['assistant'],
  argumentsOf: async (tool) => (tool === 'read_file' ? ['path', 'encoding'] : []),
}
const at = async (text: string) =>
  (await suggest(text.replace('¦', ''), text.indexOf('¦'), language, seen))?.options ?? []
const labels = async (text: string) => (await at(text)).map(({ label }) => label)
const pre = (rest: string) => `contracts:\n  - id: a\n    type: pre\n    tool: read_file\n    ${rest}`

describe('what is offered while one writes a bundle', () => {
  test('keys of the document, those that are there no more', async () => {
    expect(await labels('apiVersion: edictum/v1\nkind: ContractBundle\n¦')).toEqual([
      'metadata',
      'defaults',
      'contracts',
      'tools',
      'observability',
      'observe_alongside',
    ])
    expect(await labels('kind: Ruleset\n¦')).toContain('rules')
  })

  test('keys of a contract by its type, all of them while it has none', async () => {
    expect(await labels('contracts:\n  - id: a\n    type: session\n    ¦')).toEqual([
      'enabled',
      'mode',
      'limits',
      'then',
    ])
    expect(await labels('contracts:\n  - id: a\n    ¦')).toEqual(
      expect.arrayContaining(['type', 'limits', 'within', 'when']),
    )
    expect(await labels(pre('¦'))).toEqual(['enabled', 'mode', 'when', 'after', 'then'])
  })

  test('the words of a field, in both vocabularies', async () => {
    expect(await labels('contracts:\n  - type: ¦')).toEqual(['pre', 'post', 'session', 'sandbox'])
    expect(await labels(pre('then:\n      effect: ¦'))).toEqual(['deny', 'approve'])
    expect(await labels('kind: Ruleset\nrules:\n  - type: pre\n    then: { action: ¦')).toEqual(
      expect.arrayContaining(['block', 'ask']),
    )
    expect(await labels(pre('enabled: ¦'))).toEqual(['true', 'false'])
  })

  test('every operator, and none beside one', async () => {
    expect(await labels(pre('when:\n      args.path:\n        ¦'))).toEqual(OPERATOR_NAMES)
    expect(await labels(pre('when: { args.path: { ¦'))).toEqual(OPERATOR_NAMES)
    expect(await labels(pre('when:\n      args.path:\n        equals: x\n        ¦'))).toEqual([])
  })

  test('selectors that the contract can see, with the arguments that calls of its tool had', async () => {
    const before = await labels(pre('when:\n      ¦'))
    expect(before).toEqual(expect.arrayContaining(['all', 'any', 'not', 'args.path', 'args.encoding', 'environment']))
    expect(before).not.toContain('output.text')
    expect(await labels('contracts:\n  - id: a\n    type: post\n    tool: x\n    when:\n      ¦')).toContain(
      'output.text',
    )
    expect(await labels(pre('when:\n      all:\n        - ¦'))).toContain('args.path')
    expect(await labels(pre('when:\n      not:\n        ¦'))).toContain('args.path')
  })

  test('tools, environments and bundles that were seen; a name that YAML reads otherwise is quoted', async () => {
    const tools = await at('contracts:\n  - id: a\n    type: pre\n    tool: ¦')
    expect(tools.map(({ label, insert, detail }) => [label, insert, detail])).toEqual([
      ['read_file', 'read_file', '12 calls'],
      ['on', '"on"', 'ungoverned'],
    ])
    expect(await labels('contracts:\n  - id: a\n    type: sandbox\n    tools: [¦')).toEqual(['read_file', 'on'])
    expect(await labels('tools:\n  ¦')).toEqual(['read_file', 'on'])
    expect(await labels(pre('when: { environment: { equals: ¦'))).toEqual(['production', 'staging'])
    expect(await labels('metadata:\n  name: ¦')).toEqual(['assistant'])
  })

  test('selectors inside of a message, with the brace that closes', async () => {
    const options = await at(pre('then:\n      message: "Not {args.¦"'))
    expect(options.find(({ label }) => label === 'args.path')?.insert).toBe('args.path}')
    expect(options.find(({ label }) => label === 'args.')?.insert).toBe('args.')
    expect(await labels(pre('then:\n      message: "Not ¦"'))).toEqual([])
  })

  test('a key comes with what must follow it', async () => {
    const insertOf = async (text: string, label: string) => (await at(text)).find((one) => one.label === label)?.insert
    expect(await insertOf('¦', 'contracts')).toBe('contracts:\n  - ')
    expect(await insertOf(pre('¦'), 'then')).toBe('then:\n      ')
    expect(await insertOf(pre('then:\n      ¦'), 'message')).toBe('message: ')
    expect(await insertOf(pre('then: { ¦'), 'message')).toBe('message: ')
    expect(await insertOf(pre('when:\n      ¦'), 'all')).toBe('all:\n        - ')
    expect(await insertOf(pre('when:\n      ¦'), 'environment')).toBe('environment:\n        ')
  })
})

test('a key, a word, an operator and a selector are explained where they stand', () => {
  const text = pre('when: { args.path: { starts_with: /etc } }\n    then: { effect: deny, message: m }\n')
  const said = (word: string) => explainedAt(text, text.indexOf(word) + 1, language)?.text
  expect(said('type:')).toMatch(/before a call/)
  expect(said('starts_with')).toMatch(/^Holds when/)
  expect(said('args.path')).toMatch(/argument/)
  expect(said('effect')).toMatch(/refuses/)
  expect(said('deny')).toMatch(/refuses/)
  expect(said('when')).toMatch(/condition/)
  expect(said('/etc')).toBeUndefined()
})
