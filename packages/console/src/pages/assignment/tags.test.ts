import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tagsOf, tagsText } from './tags.ts'

test('tags that were written are read as they were', () => {
  const name = fc.stringMatching(/^[a-z][a-z_.-]{0,8}$/)
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant('1'),
    fc.constant('true'),
    fc.constant('a, b=c'),
  )
  fc.assert(
    fc.property(fc.dictionary(name, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true }), (tags) => {
      // What stands at the ends of a text without quotes is not of it.
      const trimmed = Object.fromEntries(
        Object.entries(tags).map(([key, one]) => [key, typeof one === 'string' ? one.trim() : one]),
      )
      expect(tagsOf(tagsText(trimmed))).toEqual(trimmed)
    }),
  )
})

test('no tags are none, and what cannot be read is said', () => {
  expect(tagsOf('  ')).toBeNull()
  expect(tagsOf('team=ml, tier=1,on=true')).toEqual({ team: 'ml', tier: 1, on: true })
  expect(() => tagsOf('team')).toThrow('name=value')
})
