import { describe, expect, it } from 'vitest'
import { parsePattern } from '../regex/parse.ts'
import { PatternCache } from './patterns.ts'
import { requiredLiterals } from './required-literals.ts'

describe('what every match of a pattern contains', () => {
  it.each([
    ['danger', ['danger']],
    ['\\brm\\s+-rf\\b', ['-rf']],
    ['^rm$', ['rm']],
    ['(?:npm|pnpm|yarn)\\s+add', ['add']],
    ['(?:sudo|doas)\\s', ['sudo', 'doas']],
    ['a.bcd.ef', ['bcd']],
    ['(?:abc)+', ['abc']],
    ['(?:abc)*xy', ['xy']],
    ['ab?cd', ['cd']],
    ['(?i)abc', null],
    ['(?:a|bc)', null],
    ['a|', null],
    ['[ab]cd', ['cd']],
    ['(?=abc)d', null],
    ['(?!abc)defg', ['defg']],
    ['\\d{3}-\\d{2}', null],
    ['.*', null],
    ['', null],
    ['\u{1f600}', ['\u{1f600}']],
    ['(?:a1|b1|c1|d1|e1|f1|g1|h1|i1)', null],
  ])('%j: %j', (source, literals) => {
    expect(requiredLiterals(parsePattern(source).root)).toEqual(literals)
  })

  it.each([
    ['(?:npm|pnpm)\\s+(?:i|install)\\b', 'pnpm install x', true],
    ['(?:npm|pnpm)\\s+(?:i|install)\\b', 'yarn add x', false],
    ['foo|bar', 'xbarx', true],
    ['a(?:bc)+d', 'abcbcd', true],
    ['(?i)SECRET', 'my secret', true],
  ])('the filter changes no answer: %j on %j', (source, text, expected) => {
    expect(new PatternCache().get(source).test(text)).toBe(expected)
  })
})
