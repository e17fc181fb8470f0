import { expect, test } from 'vitest'
import { keptFields } from './use-fields.ts'

test('of what was kept only texts of fields that the form has come back', () => {
  const initial = { label: '', env: 'production' }
  expect(keptFields('{"label":"ci","other":"x","env":7}', initial)).toEqual({ label: 'ci', env: 'production' })
  for (const text of [null, '', 'null', '{', '[]', '7']) expect(keptFields(text, initial)).toEqual(initial)
})
