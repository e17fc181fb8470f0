import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FACETS, facetsOf, type Selection } from './counts.ts'
import type { EventCombination } from './store.ts'

const word = fc.constantFrom('', 'a', 'b', 'c')
const combination: fc.Arbitrary<EventCombination> = fc.record({
  agentId: word,
  toolName: word,
  verdict: word,
  mode: word,
  env: word,
  decisionName: word,
  policyVersion: word,
  count: fc.integer({ min: 1, max: 9 }),
})
const FIELDS = {
  agent_id: 'agentId',
  tool_name: 'toolName',
  verdict: 'verdict',
  mode: 'mode',
  contract: 'decisionName',
  env: 'env',
  policy_version: 'policyVersion',
} as const

test('a facet says for each of its values how many events its choice would leave', () => {
  const selection = fc.record(Object.fromEntries(FACETS.map((name) => [name, word])), { requiredKeys: [] })
  fc.assert(
    fc.property(fc.array(combination, { maxLength: 30 }), selection, (combinations, chosen) => {
      const left = (asked: Selection) =>
        combinations
          .filter((one) => FACETS.every((name) => asked[name] === undefined || one[FIELDS[name]] === asked[name]))
          .reduce((sum, { count }) => sum + count, 0)
      const { events, facets } = facetsOf(combinations, chosen)
      expect(events).toBe(left(chosen))
      for (const name of FACETS)
        for (const value of ['', 'a', 'b', 'c'])
          expect(facets[name].values.find((one) => one.value === value)?.count ?? 0).toBe(
            left({ ...chosen, [name]: value }),
          )
    }),
  )
})

test('of very many values the most frequent are listed, and how many are not', () => {
  const combinations = Array.from({ length: 700 }, (_, index) => ({
    agentId: `agent-${index}`,
    toolName: 't',
    verdict: 'v',
    mode: 'm',
    env: 'e',
    decisionName: '',
    policyVersion: '',
    count: index + 1,
  }))
  const { agent_id } = facetsOf(combinations, {}).facets
  expect(agent_id.values[0]).toEqual({ value: 'agent-699', count: 700 })
  expect([agent_id.values.length, agent_id.more]).toEqual([500, 200])
})
