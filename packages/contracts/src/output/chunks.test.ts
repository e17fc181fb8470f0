import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decidePost } from '../decide/post.ts'
import { createEnvelope } from '../envelope/create.ts'
import { loadPolicy } from '../policy/load.ts'
import { judgeChunks } from './chunks.ts'

const policy = (...contracts: readonly string[]) =>
  loadPolicy(`apiVersion: edictum/v1
kind: ContractBundle
metadata: {name: test}
defaults: {mode: enforce}
contracts:
${contracts.map((contract, i) => `  - {id: c${i}, type: post, tool: "*", ${contract}}`).join('\n')}`)
const read = createEnvelope('read', {}, { sideEffect: 'read' })

const redact = policy(`when: {output.text: {matches: 'SECRET-\\d+'}}, then: {effect: redact, message: hidden}`)
const deny = policy(`when: {output.text: {contains: FORBIDDEN}}, then: {effect: deny, message: refused}`)

function run(judged: ReturnType<typeof policy>, chunks: readonly (string | Uint8Array)[], envelope = read) {
  const judge = judgeChunks(judged, envelope)
  if (judge === null) return null
  const passed = chunks.map((chunk) => judge.push(chunk))
  const { text, decision } = judge.end()
  return { passed, text: passed.join('') + text, decision }
}

/** Cuts a text into pieces of the given lengths. */
function cut(text: string, lengths: readonly number[]): string[] {
  const chunks: string[] = []
  let at = 0
  for (const length of lengths) {
    chunks.push(text.slice(at, at + length))
    at += length
  }
  return [...chunks, text.slice(at)]
}

describe('an output that comes piece by piece', () => {
  it('is redacted as the whole would be, however it is cut', () => {
    const piece = fc.constantFrom(
      'SECRET-123',
      'SECRET-',
      '7',
      'x',
      ' ',
      'y'.repeat(5000),
      'z'.repeat(9000),
      '\u{1f600}',
    )
    const text = fc.array(piece, { maxLength: 15 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(6000), { maxLength: 12 }), (whole, lengths) => {
        expect(run(redact, cut(whole, lengths))?.text).toBe(
          decidePost(redact, read, whole, true).redactedResponse ?? whole,
        )
      }),
      { numRuns: 300 },
    )
  })

  it('never passes on a part of what is hidden', () => {
    const secret = `SECRET-${'7'.repeat(500)}`
    const whole = `${'x'.repeat(30_000)}${secret}${'x'.repeat(30_000)}`
    for (const size of [1, 100, 4096, 8191, 20_000]) {
      const lengths = Array.from({ length: Math.ceil(whole.length / size) }, () => size)
      const result = run(redact, cut(whole, lengths))
      expect(result?.text).toBe(whole.replace(secret, '[REDACTED]'))
      expect(result?.decision).toMatchObject({ postconditionsPassed: false, outputSuppressed: false })
    }
  })

  it('is passed on before its end, but for the last pieces', () => {
    const result = run(
      redact,
      Array.from({ length: 10 }, () => 'x'.repeat(10_000)),
    )
    expect(result?.passed.join('').length).toBeGreaterThan(80_000)
    expect(result?.text).toBe('x'.repeat(100_000))
    expect(result?.decision).toMatchObject({ postconditionsPassed: true, redactedResponse: null })
  })

  it('is withheld from where a deny fires, and what is cut in two is seen', () => {
    const chunks = ['x'.repeat(20_000), 'FORB', 'IDDEN', 'x'.repeat(20_000)]
    const result = run(deny, chunks)
    expect(result?.text).toMatch(/^x*\[OUTPUT SUPPRESSED\] refused$/)
    expect(result?.passed.at(-1)).toBe('')
    expect(result?.decision).toMatchObject({ outputSuppressed: true, postconditionsPassed: false })
  })

  it('bytes are text, also where a character is cut', () => {
    const bytes = new TextEncoder().encode('é\u{1f600} SECRET-1')
    const result = run(
      redact,
      [...bytes].map((byte) => new Uint8Array([byte])),
    )
    expect(result?.text).toBe('é\u{1f600} [REDACTED]')
  })

  it('a contract that only the whole can be judged by holds everything until the end', () => {
    const whole = policy(`when: {not: {output.text: {contains: OK}}}, then: {effect: deny, message: refused}`)
    expect(run(whole, ['x'.repeat(50_000), 'O', 'K'])).toMatchObject({
      passed: ['', '', ''],
      text: `${'x'.repeat(50_000)}OK`,
    })
    expect(run(whole, ['x', 'O'])?.text).toBe('[OUTPUT SUPPRESSED] refused')
    const both = policy(
      `when: {all: [{output.text: {contains: A}}, {output.text: {contains: B}}]}, then: {effect: deny, message: refused}`,
    )
    expect(run(both, ['A', 'x'.repeat(50_000), 'B'])?.text).toBe('[OUTPUT SUPPRESSED] refused')
  })

  it('what is too long to be judged whole is withheld', () => {
    const whole = policy(`when: {not: {output.text: {contains: OK}}}, then: {effect: deny, message: refused}`)
    const result = run(
      whole,
      Array.from({ length: 12 }, () => 'x'.repeat(100_000)),
    )
    expect(result?.text).toMatch(/^\[OUTPUT SUPPRESSED\] The output is longer than 1048576 characters/)
    expect(result?.decision).toMatchObject({ policyError: true, outputSuppressed: true })
  })

  it('a match without end is withheld, not passed on', () => {
    const endless = policy(`when: {output.text: {matches: '(?s)BEGIN.*END'}}, then: {effect: redact, message: m}`)
    const middle = run(endless, ['BEGIN', 'x'.repeat(5000), 'END', 'x'.repeat(50_000)])
    expect(middle?.text).toBe(`[REDACTED]${'x'.repeat(50_000)}`)
  })

  it('warnings hold nothing back and are told', () => {
    const warn = policy(`when: {output.text: {contains: SECRET}}, then: {effect: warn, message: seen}`)
    const result = run(warn, ['a SEC', 'RET', ' b'])
    expect(result).toMatchObject({ passed: ['a SEC', 'RET', ' b'], text: 'a SECRET b' })
    expect(result?.decision.warnings).toEqual(['\u26a0\ufe0f seen'])
    const write = createEnvelope('write', {}, { sideEffect: 'write' })
    expect(run(deny, ['FORBIDDEN'], write)).toMatchObject({
      text: 'FORBIDDEN',
      decision: { postconditionsPassed: false },
    })
  })

  it('nothing is held where no contract judges the output', () => {
    expect(
      judgeChunks(policy(`enabled: false, when: {output.text: {contains: a}}, then: {effect: deny, message: m}`), read),
    ).toBeNull()
  })
})
