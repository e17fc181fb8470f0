import { bundleJsonSchema, checkBundle, SELECTORS } from '@lictor/contracts/authoring'
import { expect, test } from 'vitest'
import { issueOfContract } from '../issues.ts'
import { framed, inFrame, issueOutOfFrame, outOfFrame } from './frame.ts'
import { suggest } from './suggest.ts'

const frame = {
  head: 'apiVersion: edictum/v1\nkind: ContractBundle\nmetadata: { name: a }\ndefaults: { mode: enforce }\ncontracts:\n  - id: a\n    type: pre\n',
  indent: 4,
}
const text = 'tool: x\nwhen: { args.a: { equals: 1 } }\nthen:\n  effekt: deny\n  message: m\n'

test('a part is checked as the whole that it belongs to, and what is wrong has its place in the part', () => {
  const [issue] = checkBundle(framed(text, frame)).issues.map(issueOfContract('error'))
  expect(issue && issueOutOfFrame(issue, frame, 'contracts[0]')).toMatchObject({
    line: 4,
    column: 3,
    path: 'then.effekt',
    hint: "did you mean 'effect'?",
  })
})

test('it is completed in its place', async () => {
  const offset = text.indexOf('effekt')
  const at = inFrame(text, offset, frame)
  expect(framed(text, frame).slice(at, at + 6)).toBe('effekt')
  const seen = { tools: [], environments: [], bundles: [], argumentsOf: async () => [] }
  const whole = framed('tool: x\n', frame)
  const end = inFrame('tool: x\n', 8, frame)
  const found = await suggest(whole, end, { schema: bundleJsonSchema, selectors: SELECTORS }, seen)
  const then = found?.options.find(({ label }) => label === 'then')
  expect(then && outOfFrame(then.insert, frame)).toBe('then:\n  ')
})

test('without a frame the text is the whole', () => {
  expect([framed('a', undefined), inFrame('a', 1, undefined), outOfFrame('a\n  b', undefined)]).toEqual([
    'a',
    1,
    'a\n  b',
  ])
})
