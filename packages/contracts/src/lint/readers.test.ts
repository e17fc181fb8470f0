// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the language
import { expect, test } from 'vitest'
import { offerRuleset } from '../convert/offer.ts'
import { loadBundle } from '../load/index.ts'
import { readerIssues } from './readers.ts'

function issuesOf(contracts: string) {
  const text = `apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: {name: b}\ndefaults: {mode: enforce}\ncontracts:\n${contracts}\n`
  return readerIssues(text, loadBundle(text).document, offerRuleset(text))
}
const matching = (pattern: string): string =>
  `  - {id: a, type: pre, tool: x, when: {any: [{args.a: {matches: ${JSON.stringify(pattern)}}}]}, then: {effect: deny, message: m}}`

test.each([
  ['(?i)secret', ['typescript']],
  ['(?P<n>a)(?P=n)', ['typescript', 'go']],
  ['a(?=b)', ['go']],
  ['(?<!a)b', ['go']],
  ['(a)\\1', ['go']],
  ['a{1001}', ['go']],
  ['^[a-z]+(?:-[0-9]{2,4})?$', []],
])('the pattern %s is refused by the SDKs of %j', (pattern, readers) => {
  const issues = issuesOf(matching(pattern))
  expect(issues.map((each) => each.reader)).toEqual(readers)
  for (const each of issues) expect(each).toMatchObject({ path: 'contracts[0].when.any[0].args.a.matches', line: 6 })
})

test('an argument that has the name of an operator is no pattern', () => {
  expect(
    issuesOf(
      '  - {id: a, type: pre, tool: x, when: {args.matches: {equals: "(?i)a"}}, then: {effect: deny, message: m}}',
    ),
  ).toEqual([])
})

test('folders that Go agents must have are named once each', () => {
  const sandbox = (id: string) => `  - {id: ${id}, type: sandbox, tools: [x], within: [/srv/data, /tmp], message: m}`
  expect(issuesOf(`${sandbox('a')}\n${sandbox('b')}`)).toMatchObject([
    { reader: 'go', code: 'folders_of_reader', message: expect.stringContaining('/srv/data, /tmp') },
  ])
})

test('a bundle that the TypeScript SDK finds too large is told with both sizes', () => {
  const message = 'm'.repeat(450)
  const many = Array.from(
    { length: 1_000 },
    (_, i) =>
      `  - {id: c${i}, type: pre, tool: x, when: {args.a: {equals: "${i}"}}, then: {effect: deny, message: ${message}}}`,
  )
  expect(issuesOf(many.join('\n'))).toMatchObject([
    {
      reader: 'typescript',
      code: 'too_large_for_reader',
      message: expect.stringMatching(/\d{6} bytes, its limit is 524288/),
    },
  ])
})
