// biome-ignore-all lint/suspicious/noThenProperty: 'then' is a field of the contract language
import { checkBundle } from '@lictor/contracts/authoring'
import { describe, expect, test } from 'vitest'
import { issueOfContract } from '../issues.ts'
import { fixOf } from './fixes.ts'

const contract = (text: string) => `apiVersion: edictum/v1
kind: ContractBundle
metadata: { name: a }
defaults: { mode: enforce }
contracts:
${text}`

const issuesIn = (text: string) => {
  const { issues, warnings } = checkBundle(text)
  return [...issues.map(issueOfContract('error')), ...warnings.map(issueOfContract('warning'))]
}

const whole = (part: Partial<Record<'type' | 'tool' | 'when' | 'then', string>>) =>
  contract(
    `  - id: a\n    type: ${part.type ?? 'pre'}\n    ${part.tool ?? 'tool: x'}\n    when: ${part.when ?? '{ args.x: { equals: 1 } }'}\n    then: ${part.then ?? '{ effect: deny, message: m }'}\n`,
  )

/** What the loader hints at, with the text before and after. */
const SLIPS: readonly (readonly [string, string, string])[] = [
  ['a field', whole({ then: '{ effekt: deny, message: m }' }), whole({})],
  ['a word', whole({ type: 'prr' }), whole({})],
  ['a word in quotes', whole({ type: '"prr"' }), whole({ type: '"pre"' })],
  ['a word of the other vocabulary', whole({ then: '{ effect: block, message: m }' }), whole({})],
  ['several tools', whole({ tool: 'tools: x' }), whole({})],
  ['an operator', whole({ when: '{ args.x: { equal: 1 } }' }), whole({})],
  ['a bare name', whole({ when: '{ path: { equals: 1 } }' }), whole({ when: '{ args.path: { equals: 1 } }' })],
  ['a root', whole({ when: '{ "arg.x": { equals: 1 } }' }), whole({ when: '{ "args.x": { equals: 1 } }' })],
  ['a part too many', whole({ when: '{ tool: { equals: x } }' }), whole({ when: '{ tool.name: { equals: x } }' })],
  [
    'a selector in a message',
    whole({ then: '{ effect: deny, message: "🚫 {args.x} {path}" }' }),
    whole({ then: '{ effect: deny, message: "🚫 {args.x} {args.path}" }' }),
  ],
  [
    'a slip behind signs that take two units',
    whole({ then: '{ message: "🚫🚫", effekt: deny }' }),
    whole({ then: '{ message: "🚫🚫", effect: deny }' }),
  ],
]

describe('a hint of the loader is a change of the text', () => {
  test.each(SLIPS)('%s', (_, before, after) => {
    const [fix] = issuesIn(before).flatMap((issue) => fixOf(before, issue) ?? [])
    expect(fix && before.slice(0, fix.from) + fix.insert + before.slice(fix.to)).toBe(after)
  })

  test('and what is no one thing changes nothing', () => {
    for (const text of [
      whole({ when: '{ output.text: { contains: x } }' }),
      whole({ then: '{ effect: deny }' }),
      whole({ then: '{ effect: deny, message: m, qqqqqqqqqqqqq: 1 }' }),
    ]) {
      const issues = issuesIn(text)
      expect(issues.length).toBeGreaterThan(0)
      expect(issues.flatMap((issue) => fixOf(text, issue) ?? [])).toEqual([])
    }
  })
})
