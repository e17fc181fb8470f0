import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { analysePattern } from './analyse.ts'
import { compilePattern, PatternLimitError, PatternSyntaxError } from './index.ts'

/** Recorded from CPython 3.11: a pattern with (text, found, text after `sub`), or with the text of its error. */
type Vector = readonly [pattern: string, answers: string | readonly (readonly [string, 0 | 1, string])[]]
const vectors: readonly Vector[] = JSON.parse(readFileSync(new URL('cpython.vectors.json', import.meta.url), 'utf8'))

describe("patterns mean what they mean in Python's re", () => {
  const supported = vectors.filter(([pattern]) => !pattern.includes('\\N{'))
  test.each(supported)('%j', (pattern, answers) => {
    if (typeof answers === 'string') {
      expect(() => compilePattern(pattern)).toThrow(PatternSyntaxError)
      return
    }
    const compiled = compilePattern(pattern)
    for (const [text, found, replaced] of answers) {
      expect([text, compiled.test(text)]).toEqual([text, found === 1])
      expect([text, compiled.replaceAll(text, '<>')]).toEqual([text, replaced])
    }
  })

  test('errors carry the words and the position of the engine', () => {
    const message = (pattern: string) => {
      try {
        compilePattern(pattern)
        return null
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(message('(a')).toBe('missing ), unterminated subpattern at position 0')
    expect(message('a**')).toBe('multiple repeat at position 2')
    expect(message('[b-a]')).toBe('bad character range b-a at position 1')
    expect(message('\\h')).toBe('bad escape \\h at position 0')
    expect(message('a(?i)b')).toBe('global flags not at the start of the expression at position 1')
    expect(message('(?<=a*)b')).toBe('look-behind requires fixed-width pattern')
    expect(message('\\N{DIGIT ONE}')).toContain('\\uXXXX')
  })
})

describe('no pattern blocks', () => {
  test('catastrophic patterns are decided, in linear time', () => {
    const long = `${'a'.repeat(9_999)}!`
    const cases: [string, boolean][] = [
      ['^(a+)+$', false],
      ['^(a|a)*$', false],
      ['^(a|aa)+$', false],
      ['(a*)*b', false],
      ['(\\w+\\s?)*$', true],
      ['^([a-zA-Z]+)*$', false],
    ]
    for (const [pattern, found] of cases) {
      const compiled = compilePattern(pattern)
      expect([pattern, compiled.engine, compiled.test(long)]).toEqual([pattern, 'automaton', found])
    }
  })

  test('quadratic searches do not run on the native engine', () => {
    for (const pattern of ['a+b', 'rm.*-rf', '\\s+$', '.*a.*b', '(x+x+)+y']) {
      expect([pattern, compilePattern(pattern).engine]).toEqual([pattern, 'automaton'])
      expect(compilePattern(pattern).test('a'.repeat(10_000))).toBe(false)
    }
  })

  test('patterns proven linear run on the native engine', () => {
    for (const pattern of [
      '\\brm\\s+-rf\\b',
      '^/srv/[a-z]+/7$',
      '^(?!/workspace/).*',
      '\\d{3}-\\d{2}-\\d{4}',
      '\\.(pem|key)$',
    ]) {
      expect([pattern, compilePattern(pattern).engine]).toEqual([pattern, 'native'])
    }
  })

  test('what needs backtracking counts its steps and gives up', () => {
    const compiled = compilePattern('(?=a)(a+)+$')
    expect(compiled.engine).toBe('backtracking')
    expect(compiled.test('aaa')).toBe(true)
    expect(() => compiled.test(`${'a'.repeat(5_000)}!`)).toThrow(PatternLimitError)
    expect(() => compiled.replaceAll(`${'a'.repeat(5_000)}!`, '')).toThrow(PatternLimitError)
  })

  test('a pattern that would grow beyond all bounds is refused when used, not when loaded', () => {
    const compiled = compilePattern('((a{1,1000}){1,1000}){1,1000}b')
    expect(() => compiled.test('aab')).toThrow(PatternLimitError)
  })

  test('a text is searched whole, or refused', () => {
    const compiled = compilePattern('x')
    expect(compiled.test(`${'a'.repeat(1_048_575)}x`)).toBe(true)
    expect(() => compiled.test('x'.repeat(1_048_577))).toThrow(PatternLimitError)
    expect(() => compiled.replaceAll('x'.repeat(1_048_577), '')).toThrow(PatternLimitError)
    const backtracking = compilePattern('(a)\\1')
    expect(backtracking.test(`${'\u{1f600}'.repeat(9_998)}aa`)).toBe(true)
    expect(() => backtracking.test(`${'b'.repeat(9_999)}aa`)).toThrow(PatternLimitError)
  })

  test('a pattern steep for the native engine runs on the automaton over a long text', () => {
    const steep = compilePattern('(?:a|b|c|d|e){0,4}Q')
    const long = 'abcde'.repeat(100_000)
    expect(steep.test(`${long}Q`)).toBe(true)
    expect(steep.test(long)).toBe(false)
  })

  test('an automaton that would need ever new states is refused', () => {
    let text = ''
    for (let i = 0, x = 1; i < 1_000_000; i++) {
      x = (x * 1_103_515_245 + 12_345) & 0x7fffffff
      text += x & 0x10000 ? 'a' : 'b'
    }
    expect(() => compilePattern('(?:a|b)*a(?:a|b){14}Q').test(text)).toThrow(PatternLimitError)
  })
})

test('a replacement is literal', () => {
  expect(compilePattern('b').replaceAll('abc', '$&$1')).toBe('a$&$1c')
})

test('any text compiles or throws the typed error, and deciding throws nothing but the limit', () => {
  const part = fc.constantFrom(
    'a',
    'b',
    '.',
    '*',
    '+',
    '?',
    '(',
    ')',
    '[',
    ']',
    '{2}',
    '|',
    '^',
    '$',
    '\\w',
    '\\b',
    '(?i)',
    '(?=',
    '\\1',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
      ),
      fc.string(),
      (pattern, text) => {
        let compiled: ReturnType<typeof compilePattern>
        try {
          compiled = compilePattern(pattern)
        } catch (error) {
          expect(error).toBeInstanceOf(PatternSyntaxError)
          return
        }
        try {
          const found = compiled.test(text)
          expect(compiled.test(text)).toBe(found)
          if (!found) expect(compiled.replaceAll(text, '!')).toBe(text)
        } catch (error) {
          expect(error).toBeInstanceOf(PatternLimitError)
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

test('analysis tells patterns that explode from those that do not', () => {
  for (const pattern of ['^(a+)+$', '(a|a)*', '(\\w+\\s?)*', '([a-z]+)*@', '((ab*)+)+']) {
    expect([pattern, analysePattern(pattern).growth]).toEqual([pattern, 'exponential'])
  }
  for (const pattern of ['a+b', '(foo|bar)+', '(?:/[^/]+)+', '\\s*=\\s*', '(a|b)*c', '^(?!/x/).*']) {
    expect([pattern, analysePattern(pattern).growth]).toEqual([pattern, 'modest'])
  }
  expect(analysePattern('.*a.*b.*c').growth).toBe('polynomial')
  expect(analysePattern('\\\\brm\\\\s').doublyEscaped).toBe(true)
  expect(analysePattern('\\brm\\s').doublyEscaped).toBe(false)
})
