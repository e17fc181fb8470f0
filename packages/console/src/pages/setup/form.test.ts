import { expect, test } from 'vitest'
import { fieldProblems } from './form.ts'

test('each problem stands under its field, in plain words', () => {
  expect(
    fieldProblems([
      { loc: ['body', 'password'], msg: 'Value error, Password must be at least 12 characters' },
      { loc: ['body', 'tenant_name'], msg: 'too long.' },
      { loc: ['body', 'unknown'], msg: 'x' },
    ]),
  ).toEqual({ password: 'Password must be at least 12 characters.', tenant: 'too long.' })
})
