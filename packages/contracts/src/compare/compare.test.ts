import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadTemplate, OPERATORS, templateNames } from '../authoring.ts'
import { type BundleDocument, type ContractDocument, loadBundle } from '../index.ts'
import { Comparison } from './compare.ts'
import { sampleGlob } from './glob.ts'

const bundle = (contracts: readonly string[]) => `apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
${contracts.map((contract) => `  - ${contract}`).join('\n')}
`

function compare(before: string, after: string) {
  const [was, is] = [before, after].map((contract) => loadBundle(bundle([contract])).document) as [
    BundleDocument,
    BundleDocument,
  ]
  return new Comparison(was, is).effectOf(was.contracts[0] as ContractDocument, is.contracts[0] as ContractDocument)
}

const contract = (when: object) =>
  `{id: c, type: pre, tool: t, when: ${JSON.stringify(when)}, then: {effect: deny, message: m}}`

describe('what a change does', () => {
  test.each(['gt', 'gte'])('%s: a higher bound loosens, a lower one tightens, the same does nothing', (operator) => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -1000, max: 1000 }), (a, b) => {
        const { change } = compare(contract({ 'args.n': { [operator]: a } }), contract({ 'args.n': { [operator]: b } }))
        expect(change).toBe(a < b ? 'loosened' : a > b ? 'tightened' : 'other')
      }),
    )
  })

  test('in: a longer list denies more, a shorter one less', () => {
    const words = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,5}$/), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(words, words, (a, b) => {
        const { change } = compare(contract({ 'args.n': { in: a } }), contract({ 'args.n': { in: b } }))
        const added = b.some((word) => !a.includes(word))
        const removed = a.some((word) => !b.includes(word))
        expect(change).toBe(added === removed ? 'other' : added ? 'tightened' : 'loosened')
      }),
    )
  })

  test.each(OPERATORS)('$name: another argument is seen, with a call that shows it', ({ name, examples }) => {
    for (const before of examples)
      for (const after of examples) {
        const effect = compare(
          contract({ 'args.v': { [name]: before.argument } }),
          contract({ 'args.v': { [name]: after.argument } }),
        )
        expect(effect.examples.length > 0).toBe(before !== after)
      }
  })

  test.each(OPERATORS)('$name: its opposite is seen, with a call that shows it', ({ name, examples }) => {
    for (const { argument } of examples) {
      const leaf = { 'args.v': { [name]: argument } }
      expect(compare(contract(leaf), contract({ not: leaf })).examples.length).toBeGreaterThan(0)
    }
  })

  test('one more condition under all loosens, under any tightens', () => {
    const first = { 'args.a': { contains: 'x' } }
    const second = { environment: { equals: 'production' } }
    expect(compare(contract({ all: [first] }), contract({ all: [first, second] })).change).toBe('loosened')
    expect(compare(contract({ any: [first] }), contract({ any: [first, second] })).change).toBe('tightened')
  })

  test('every pair of templates can be compared, and each equals itself', () => {
    const documents = templateNames.map((name) => loadBundle(loadTemplate(name)).document)
    for (const before of documents)
      for (const after of documents) {
        const comparison = new Comparison(before, after)
        for (const is of after.contracts) {
          const was = before.contracts.find(({ id }) => id === is.id) ?? null
          const effect = comparison.effectOf(was, is)
          if (before === after) expect(effect).toEqual({ change: 'other', examples: [] })
        }
      }
  })

  test('taking any contract of a template away is found, with a call that shows it', () => {
    for (const name of templateNames) {
      const { document } = loadBundle(loadTemplate(name))
      for (const gone of document.contracts) {
        const rest = { ...document, contracts: document.contracts.filter((each) => each !== gone) }
        const { change, examples } = new Comparison(document, rest).effectOf(gone, null)
        const isObserved = (gone.mode ?? document.defaultMode) === 'observe'
        expect([name, gone.id, change, examples.length]).toEqual([
          name,
          gone.id,
          isObserved ? 'other' : 'loosened',
          isObserved ? 0 : 1,
        ])
      }
    }
  })
})

describe('samples', () => {
  test.each(['mcp_*', 'a?c', '[rw]ead', '[!rw]ead', '*', 'plain', 'a*b*'])('of the glob %s are not empty', (glob) => {
    for (const sample of sampleGlob(glob)) expect(sample).not.toBe('')
  })
})
