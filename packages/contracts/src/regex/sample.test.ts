import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PatternSyntaxError } from './index.ts'
import { samplePattern } from './sample.ts'

describe('samples of a pattern', () => {
  test.each([
    String.raw`\brm\s+-(?:r|rf)\b`,
    String.raw`(?i)^git\s+push.*--force`,
    String.raw`\d{3}-\d{2}-\d{4}`,
    String.raw`^(?P<a>x|y)+[^z]\.env$`,
    '[]a]{2,}b?',
    '(?<=--)force',
    String.raw`[^\s\w]+`,
  ])('%s are found by it', (pattern) => {
    const flags = pattern.startsWith('(?i)') ? 'i' : ''
    const native = new RegExp(pattern.replace('(?i)', '').replace('(?P<', '(?<').replace('[]a]', '[\\]a]'), flags)
    const samples = samplePattern(pattern)
    expect(samples.length).toBeGreaterThan(0)
    for (const sample of samples) expect(sample).toMatch(native)
  })

  test('show each alternative', () => {
    expect(samplePattern('rm|dd')).toEqual(['rm', 'dd', 'x rm'])
  })

  test('of any pattern come without end or error, and stay short', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'()[]{}|*+?\\^$a1,-:P<>=!.') }), (pattern) => {
        try {
          for (const sample of samplePattern(pattern)) expect(sample.length).toBeLessThanOrEqual(2002)
        } catch (error) {
          expect(error).toBeInstanceOf(PatternSyntaxError)
        }
      }),
    )
  })

  test('a pattern that nothing matches has none', () => {
    expect(samplePattern('a^b')).toEqual([])
  })
})
