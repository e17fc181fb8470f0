import { expect, it } from 'vitest'
import { PatternCache } from './patterns.ts'

const matches = (source: string, text: string) => new PatternCache().get(source).test(text)

it.each([
  ['.{5000}', 'b'.repeat(4000), false],
  ['.{5000}', 'b'.repeat(6000), true],
  ['(?:ab){2500}', `${'ab'.repeat(2499)}a`, false],
  ['😀{3}', '😀😀', false],
  ['😀{3}', '😀😀😀', true],
])('%s is decided on a text near its least length', (source, text, found) => {
  expect(matches(source, text)).toBe(found)
})

it.each([
  ['(\\d+)-\\1', '1'.repeat(5000), false],
  ['(\\d+)-\\1', `${'1'.repeat(300)}-1`, true],
  ['(?<!a)\\d+-(?:x|y)', '1'.repeat(5000), false],
  ['(?i)(\\d+)k\\1', '1\u212a1', true],
])('%s, which backtracks, is run only where what it needs is there', (source, text, found) => {
  expect(matches(source, text)).toBe(found)
})
