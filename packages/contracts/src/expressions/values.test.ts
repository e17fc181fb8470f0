import { describe, expect, it } from 'vitest'
import { coerceEnvironmentValue } from './environment.ts'
import { pythonEquals } from './equality.ts'
import { firstCodePoints } from './evaluation.ts'
import { responseText } from './response.ts'

describe('equality is Python equality', () => {
  it.each([
    [1, 1.0, true],
    [true, 1, true],
    [false, 0, true],
    [true, 2, false],
    [true, true, true],
    ['1', 1, false],
    ['true', true, false],
    ['a', 'a', true],
    ['a', 'A', false],
    ['é', 'e\u0301', false],
    [Number.NaN, Number.NaN, false],
    [0, -0, true],
    [10n, 10, true],
    [[1, [2]], [1, [2]], true],
    [[1, 2], [2, 1], false],
    [[1], [true], true],
    [[], {}, false],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: null }, { a: null }, true],
    [{ a: 1 }, { a: '1' }, false],
    [new Date(0), '1970-01-01', false],
    [new Date(0), 0, false],
    [JSON.parse('{"__proto__":1}'), {}, false],
  ])('case %#: equality', (a, b, expected) => {
    expect(pythonEquals(a, b)).toBe(expected)
    expect(pythonEquals(b, a)).toBe(expected)
  })

  it('two cycles end in an error, not in an endless comparison', () => {
    const a: unknown[] = []
    a.push(a)
    const b: unknown[] = []
    b.push(b)
    expect(() => pythonEquals(a, b)).toThrow(RangeError)
  })
})

describe('environment variables are coerced as Python reads numbers', () => {
  it.each([
    ['true', true],
    ['TRUE', true],
    ['False', false],
    ['042', 42],
    ['1_000', 1000],
    [' 42 ', 42],
    ['+7', 7],
    ['-7', -7],
    ['1e5', 100000],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['1_0.5_0', 10.5],
    ['٤٢', 42],
    ['inf', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['0x10', '0x10'],
    ['', ''],
    ['yes', 'yes'],
    ['.', '.'],
    ['e5', 'e5'],
    ['1__0', '1__0'],
    ['_1', '_1'],
    ['1_', '1_'],
    ['1e', '1e'],
    [' true ', ' true '],
    ['\ufeff1', '\ufeff1'],
    ['1 2', '1 2'],
  ])('%j is %j', (raw, expected) => {
    expect(coerceEnvironmentValue(raw)).toBe(expected)
  })

  it('nan is a number that equals nothing', () => {
    expect(coerceEnvironmentValue('nan')).toBeNaN()
  })

  it('an unset variable is missing', () => {
    expect(coerceEnvironmentValue(undefined)).toBeUndefined()
  })
})

describe('the text of a response', () => {
  const cycle: Record<string, unknown> = { a: 1 }
  cycle.self = cycle
  it.each([
    ['text', 'text'],
    ['', ''],
    [null, null],
    [undefined, null],
    [true, 'true'],
    [1.5, '1.5'],
    [10n, '10'],
    [{ a: [1, 'x'] }, '{"a":[1,"x"]}'],
    [[1, null], '[1,null]'],
    [cycle, '{"a":1,"self":"[circular]"}'],
    [{ big: 10n }, '{"big":10}'],
    [
      {
        get bad() {
          throw new Error('no')
        },
        good: 1,
      },
      '{"bad":"[unreadable]","good":1}',
    ],
  ])('case %#', (response, expected) => {
    expect(responseText(response)).toBe(expected)
  })
})

describe('cutting by code points', () => {
  it('never splits a surrogate pair, and counts a lone surrogate as one', () => {
    expect(firstCodePoints('a\u{1f600}b', 2)).toBe('a\u{1f600}')
    expect(firstCodePoints('\ud800ab', 2)).toBe('\ud800a')
    expect(firstCodePoints('ab', 5)).toBe('ab')
  })
})

describe('blanks around a number of an environment variable', () => {
  it.each(['\u001c1', '1\u001f', '\ufeff1', '\u001c𝟙'])('%j is text, as in Python', (raw) => {
    expect(coerceEnvironmentValue(raw)).toBe(raw)
  })
  it.each([' 1', '\t1\n', '\u000b1\f', '\u00a01', '𝟘𝟙', '𝟏', '𝟷', '\u0085١'])('%j is a number, as in Python', (raw) => {
    expect(coerceEnvironmentValue(raw)).toBe(1)
  })
})
