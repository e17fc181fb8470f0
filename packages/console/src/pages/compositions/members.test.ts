import { expect, test } from 'vitest'
import { draftIn, draftOf, isSame, moved, settingsOf } from './members.ts'
import type { Composition } from './queries.ts'

const composition = {
  name: 'c',
  description: null,
  defaults_mode: 'observe',
  update_strategy: 'observe_first',
  contracts: [
    { contract_id: 'a', position: 3, mode_override: null, enabled: true },
    { contract_id: 'b', position: 7, mode_override: 'enforce', enabled: false },
  ],
} as Composition

test('a composition that nobody changed is saved as it was, in the same order', () => {
  const draft = draftOf(composition)
  expect(settingsOf(draft)).toEqual({
    description: '',
    defaults_mode: 'observe',
    update_strategy: 'observe_first',
    contracts: [
      { contract_id: 'a', position: 10, mode_override: null, enabled: true },
      { contract_id: 'b', position: 20, mode_override: 'enforce', enabled: false },
    ],
  })
  expect(isSame(draft, draftOf(composition))).toBe(true)
})

test('a member goes up and down, and not beyond an end', () => {
  const { members } = draftOf(composition)
  const ids = (list: typeof members) => list.map(({ id }) => id).join('')
  expect(ids(moved(members, 'b', -1))).toBe('ba')
  expect(ids(moved(members, 'a', 1))).toBe('ba')
  expect(ids(moved(members, 'a', -1))).toBe('ab')
  expect(ids(moved(members, 'b', 1))).toBe('ab')
  expect(ids(moved(members, 'nobody', 1))).toBe('ab')
})

test('a draft that was kept is read again, and what is none is left', () => {
  const draft = draftOf(composition)
  expect(draftIn(JSON.stringify(draft))).toEqual(draft)
  for (const text of [null, '', '{', '{}', '[]', '"x"']) expect(draftIn(text)).toBeNull()
})
