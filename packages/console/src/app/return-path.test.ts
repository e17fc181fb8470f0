import { expect, test } from 'vitest'
import { safeReturnPath } from './return-path.ts'

test('a path inside the console is followed', () => {
  expect(safeReturnPath('/approvals?id=4')).toBe('/approvals?id=4')
})

test.each([
  undefined,
  7,
  '',
  'approvals',
  '//evil.example',
  '/\\evil.example',
  'https://evil.example',
  '/\n/evil',
  '/login',
  '/login?next=/',
  '/setup',
])('%j leads to the overview instead', (next) => {
  expect(safeReturnPath(next)).toBe('/')
})
