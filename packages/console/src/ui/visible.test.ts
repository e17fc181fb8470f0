import { expect, test } from 'vitest'
import { visible } from './visible.ts'

test('characters that hide or turn text are spelled out', () => {
  expect(visible('pay \u202e001 to \u200bbob\u0007')).toBe('pay \\u202e001 to \\u200bbob\\u0007')
})

test('ordinary text in any script stays as it is', () => {
  for (const text of ['delete_user', 'Löschen', '削除', 'مرحبا', 'a\n\tb', '🙂']) expect(visible(text)).toBe(text)
})
