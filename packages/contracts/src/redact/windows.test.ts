import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { RedactionPolicy } from './policy.ts'
import { replaceInWindows, USUAL } from './windows.ts'

describe('custom patterns over a long text', () => {
  const policy = new RedactionPolicy({ customPatterns: [[/emp-\d+(?=\b)/, '<employee>']] })
  const filler = (length: number) => 'lorem ipsum '.repeat(Math.ceil(length / 12)).slice(0, length)

  it.each([0, 9_990, 9_995, 9_999, 10_000, 19_995, 25_000, 500_000, 1_000_000])(
    'a secret that only a custom pattern knows is hidden after %i characters',
    (offset) => {
      const redacted = policy.redactBashCommand(`${filler(offset)} emp-12345678 and on`)
      expect(redacted.includes('emp-')).toBe(false)
      expect(redacted).toBe(`${filler(offset)} <employee> and on`)
      expect(policy.redactResult(`${filler(offset)} emp-12345678`, 2_000_000)).not.toContain('emp-')
    },
  )

  it('a match of 9,000 characters is hidden wherever it stands, and one without end to its end', () => {
    const all = new RedactionPolicy({
      customPatterns: [
        [/secret<x+>/, '<gone>'],
        [/passphrase \S+/, '<gone too>'],
      ],
    })
    const secrets = `secret<${'x'.repeat(9_000)}> and passphrase ${'y'.repeat(70_000)} end`
    for (const offset of [0, 9_000, 19_995, 25_000])
      expect(all.redactBashCommand(`${filler(offset)} ${secrets}`)).toBe(`${filler(offset)} <gone> and <gone too> end`)
  })

  it('beyond 1 MiB the rest is dropped, and that is marked', () => {
    const redacted = policy.redactBashCommand(`${filler(1_048_576)} emp-12345678`)
    expect(redacted.endsWith('...')).toBe(true)
    expect(redacted).not.toContain('emp-')
  })

  it('no pattern sees more than a window at once, and each part of the text a few times only', () => {
    const pattern = /a+b/g
    const seen = vi.spyOn(pattern, 'exec')
    const text = 'a '.repeat(400_000)
    expect(replaceInWindows(text, pattern, '')).toBe(text)
    const sizes = seen.mock.calls.map(([part]) => part.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(USUAL.window + USUAL.context)
    expect(sizes.reduce((all, size) => all + size, 0)).toBeLessThan(3 * text.length)
  })

  it('it is what replace does, wherever the windows fall', () => {
    const sizes = { window: 24, overlap: 12, context: 6 }
    const patterns = [
      [/ab+/g, '<$&>'],
      [/(a)(?<name>b?)/g, '$2$1$<name>$$'],
      [/\bca?/g, '-'],
      [/(?<=b)c/g, 'C'],
      [/a(?!b)/gu, ''],
      [/^a|c$/g, '!'],
      [/x*?(?=c)/g, '_'],
    ] as const
    fc.assert(
      fc.property(fc.stringMatching(/^[abc 😀]{0,200}$/u), fc.constantFrom(...patterns), (text, [pattern, by]) => {
        expect(replaceInWindows(text, pattern, by, sizes)).toBe(text.replace(pattern, by))
      }),
      { numRuns: 3_000 },
    )
  })
})
