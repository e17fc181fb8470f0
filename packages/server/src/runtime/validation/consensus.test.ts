import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ConsensusStrategy, consensusOf, type Judgement, NoConsensus } from './consensus.ts'

const CLOSE = 1e-9
const unit = fc.double({ min: 0, max: 1, noNaN: true })
const judgement: fc.Arbitrary<Judgement> = fc.record({
  score: unit,
  confidence: unit,
  weight: fc.double({ min: 0.001, max: 100, noNaN: true }),
})
const judgements = fc.array(judgement, { minLength: 1, maxLength: 12 })
const threshold = fc.option(unit, { nil: undefined })

/** The formulas once more, as one writes them down: step by step, over arrays of numbers. */
const reference = {
  weighted_average(js: readonly Judgement[], a: number, c: number) {
    let weights = 0
    let scores = 0
    let confidences = 0
    let sum = 0
    for (const j of js) {
      weights += j.weight
      scores += j.weight * j.score
      confidences += j.weight * j.confidence
      sum += j.score
    }
    let variance = 0
    for (const j of js) variance += ((j.score - sum / js.length) * (j.score - sum / js.length)) / js.length
    let share = variance / 0.25
    if (share > 1) share = 1
    return { score: scores / weights, confidence: a * (1 - share) + c * (confidences / weights) }
  },
  majority(js: readonly Judgement[], t: number) {
    let pass = 0
    let sum = 0
    for (const j of js) {
      if (j.score >= t) pass++
      sum += j.confidence
    }
    const fail = js.length - pass
    let score = 0.5
    if (pass > fail) score = 1
    if (pass < fail) score = 0
    return { score, confidence: 0.7 * (Math.abs(pass - fail) / js.length) + 0.3 * (sum / js.length) }
  },
  unanimous(js: readonly Judgement[], t: number) {
    let least = 1
    let sum = 0
    let all = true
    for (const j of js) {
      if (j.confidence < least) least = j.confidence
      if (j.score < t) all = false
      sum += j.score
    }
    return { score: all ? sum / js.length : 0, confidence: least }
  },
  best_of_n(js: readonly Judgement[], n: number) {
    const left = [...js]
    let weights = 0
    let scores = 0
    let confidences = 0
    let taken = 0
    while (taken < n && left.length > 0) {
      let best = 0
      for (let i = 1; i < left.length; i++) {
        const [one, top] = [left[i], left[best]]
        if (one && top && one.score * one.confidence > top.score * top.confidence) best = i
      }
      const [j] = left.splice(best, 1)
      if (!j) break
      weights += j.weight
      scores += j.weight * j.score
      confidences += j.confidence
      taken++
    }
    return { score: scores / weights, confidence: confidences / taken }
  },
}

function expectClose(found: { score: number; confidence: number }, wanted: { score: number; confidence: number }) {
  expect(Math.abs(found.score - wanted.score)).toBeLessThanOrEqual(CLOSE)
  expect(Math.abs(found.confidence - wanted.confidence)).toBeLessThanOrEqual(CLOSE)
}

describe('consensus agrees with the formulas written down step by step', () => {
  it('weighted_average', () => {
    fc.assert(
      fc.property(judgements, unit, (js, agreement) => {
        expectClose(consensusOf({ kind: 'weighted_average' }, js), reference.weighted_average(js, 0.7, 0.3))
        const factors = { agreement, selfConfidence: 1 - agreement }
        const found = consensusOf({ kind: 'weighted_average', factors }, js)
        expectClose(found, reference.weighted_average(js, agreement, 1 - agreement))
      }),
    )
  })
  it('majority and unanimous', () => {
    fc.assert(
      fc.property(judgements, threshold, (js, t) => {
        const at = t === undefined ? {} : { threshold: t }
        expectClose(consensusOf({ kind: 'majority', ...at }, js), reference.majority(js, t ?? 0.7))
        expectClose(consensusOf({ kind: 'unanimous', ...at }, js), reference.unanimous(js, t ?? 0.7))
      }),
    )
  })
  it('best_of_n', () => {
    fc.assert(
      fc.property(judgements, fc.integer({ min: 1, max: 15 }), (js, n) => {
        expectClose(consensusOf({ kind: 'best_of_n', n }, js), reference.best_of_n(js, n))
        expectClose(consensusOf({ kind: 'best_of_n' }, js), reference.best_of_n(js, js.length))
      }),
    )
  })
  it('stays within 0 and 1, whatever the judges say', () => {
    const kinds = fc.constantFrom<ConsensusStrategy['kind']>('weighted_average', 'majority', 'unanimous', 'best_of_n')
    fc.assert(
      fc.property(judgements, kinds, (js, kind) => {
        const { score, confidence } = consensusOf({ kind } as ConsensusStrategy, js)
        for (const value of [score, confidence]) {
          expect(value).toBeGreaterThanOrEqual(-CLOSE)
          expect(value).toBeLessThanOrEqual(1 + CLOSE)
        }
      }),
    )
  })
})

describe('consensus of three judges, two for and one against', () => {
  const js = [0.9, 0.9, 0.2].map((score) => ({ score, confidence: 0.8, weight: 1 }))
  it.each<[ConsensusStrategy, number, number, object]>([
    [{ kind: 'weighted_average' }, 2 / 3, 0.7 * (1 - 0.98 / 9 / 0.25) + 0.24, {}],
    [{ kind: 'majority' }, 1, 0.7 / 3 + 0.24, { pass_votes: 2, fail_votes: 1, threshold: 0.7 }],
    [{ kind: 'unanimous' }, 0, 0.8, { all_pass: false, threshold: 0.7 }],
    [{ kind: 'best_of_n', n: 2 }, 0.9, 0.8, { n: 2, total_judges: 3 }],
  ])('%j', (strategy, score, confidence, metadata) => {
    const found = consensusOf(strategy, js)
    expectClose(found, { score, confidence })
    expect(found.metadata).toMatchObject(metadata)
  })
})

describe('what no consensus can be made of is refused', () => {
  const one = { score: 1, confidence: 1, weight: 1 }
  it.each<[string, ConsensusStrategy, Judgement[], string]>([
    ['no judge', { kind: 'majority' }, [], 'No judge has answered.'],
    ['weights of nothing', { kind: 'weighted_average' }, [{ ...one, weight: 0 }], 'sum to nothing'],
    ['the best of none', { kind: 'best_of_n', n: 0 }, [one], '1 or more judges, not of 0'],
    [
      'factors that are not a whole',
      { kind: 'weighted_average', factors: { agreement: 0.7, selfConfidence: 0.5 } },
      [one],
      'Confidence weights must sum to 1.0, got 0.70 (agreement) + 0.50 (self-confidence) = 1.20',
    ],
  ])('%s', (_name, strategy, js, message) => {
    expect(() => consensusOf(strategy, js)).toThrow(NoConsensus)
    expect(() => consensusOf(strategy, js)).toThrow(message)
  })
})

it('one judge alone agrees with itself', () => {
  expectClose(consensusOf({ kind: 'weighted_average' }, [{ score: 0.4, confidence: 0.5, weight: 3 }]), {
    score: 0.4,
    confidence: 0.7 + 0.15,
  })
})

it('a tie of votes is half a yes', () => {
  const js = [1, 0].map((score) => ({ score, confidence: 1, weight: 1 }))
  expectClose(consensusOf({ kind: 'majority' }, js), { score: 0.5, confidence: 0.3 })
})
