/** What one judge says, with the weight it has among others: more than 0, usually 1. Score and confidence are from 0 to 1. */
export interface Judgement {
  readonly score: number
  readonly confidence: number
  readonly weight: number
}

export type ConsensusStrategy =
  | {
      readonly kind: 'weighted_average'
      /** How much agreement among judges, and what they say of themselves, count for the confidence; together 1 ± 0.01. */
      readonly factors?: { readonly agreement: number; readonly selfConfidence: number }
    }
  | { readonly kind: 'majority' | 'unanimous'; readonly threshold?: number }
  /** Only the `n` judges with the largest score times confidence count; all of them when left out. */
  | { readonly kind: 'best_of_n'; readonly n?: number }

export interface Consensus {
  readonly score: number
  readonly confidence: number
  /** How the strategy came to it, in the words of the wire. */
  readonly metadata: Readonly<Record<string, number | boolean>>
}

/** Judgements that no consensus can be made of. */
export class NoConsensus extends Error {
  override readonly name = 'NoConsensus'
}

const DEFAULT_THRESHOLD = 0.7
/** The largest variance that numbers from 0 to 1 can have. */
const LARGEST_VARIANCE = 0.25

/** @throws NoConsensus for no judgements, weights that sum to nothing, or factors that do not sum to 1 */
export function consensusOf(strategy: ConsensusStrategy, judgements: readonly Judgement[]): Consensus {
  if (judgements.length === 0) throw new NoConsensus('No judge has answered.')
  switch (strategy.kind) {
    case 'weighted_average':
      return weightedAverage(judgements, strategy.factors ?? { agreement: 0.7, selfConfidence: 0.3 })
    case 'majority':
      return majority(judgements, strategy.threshold ?? DEFAULT_THRESHOLD)
    case 'unanimous':
      return unanimous(judgements, strategy.threshold ?? DEFAULT_THRESHOLD)
    case 'best_of_n':
      return bestOf(judgements, strategy.n ?? judgements.length)
  }
}

function weightedAverage(
  judgements: readonly Judgement[],
  { agreement, selfConfidence }: { agreement: number; selfConfidence: number },
): Consensus {
  const sum = agreement + selfConfidence
  if (!(Math.abs(sum - 1) <= 0.01 + Number.EPSILON) || agreement < 0 || selfConfidence < 0)
    throw new NoConsensus(
      `Confidence weights must sum to 1.0, got ${agreement.toFixed(2)} (agreement) + ${selfConfidence.toFixed(2)} (self-confidence) = ${sum.toFixed(2)}`,
    )
  const score = weighted(judgements, (one) => one.score)
  const variance = varianceOf(judgements.map((one) => one.score))
  const agreed = 1 - Math.min(variance / LARGEST_VARIANCE, 1)
  const confidence = agreement * agreed + selfConfidence * weighted(judgements, (one) => one.confidence)
  return { score, confidence, metadata: { variance } }
}

function majority(judgements: readonly Judgement[], threshold: number): Consensus {
  const passes = judgements.filter((one) => one.score >= threshold).length
  const fails = judgements.length - passes
  return {
    score: passes > fails ? 1 : passes < fails ? 0 : 0.5,
    confidence:
      (0.7 * Math.abs(passes - fails)) / judgements.length + 0.3 * mean(judgements.map((one) => one.confidence)),
    metadata: { pass_votes: passes, fail_votes: fails, threshold },
  }
}

function unanimous(judgements: readonly Judgement[], threshold: number): Consensus {
  const doAllPass = judgements.every((one) => one.score >= threshold)
  return {
    score: doAllPass ? mean(judgements.map((one) => one.score)) : 0,
    confidence: Math.min(...judgements.map((one) => one.confidence)),
    metadata: { all_pass: doAllPass, threshold },
  }
}

function bestOf(judgements: readonly Judgement[], n: number): Consensus {
  if (!Number.isInteger(n) || n < 1) throw new NoConsensus(`best_of_n takes the best of 1 or more judges, not of ${n}.`)
  // Equal ones stay in the order of the manifest.
  const best = [...judgements].sort((a, b) => b.score * b.confidence - a.score * a.confidence).slice(0, n)
  return {
    score: weighted(best, (one) => one.score),
    confidence: mean(best.map((one) => one.confidence)),
    metadata: { n: best.length, total_judges: judgements.length },
  }
}

function weighted(judgements: readonly Judgement[], of: (one: Judgement) => number): number {
  const weight = total(judgements.map((one) => one.weight))
  if (!(weight > 0)) throw new NoConsensus('The weights of the judges sum to nothing.')
  return total(judgements.map((one) => one.weight * of(one))) / weight
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
const mean = (values: readonly number[]): number => total(values) / values.length

function varianceOf(values: readonly number[]): number {
  const middle = mean(values)
  return mean(values.map((value) => (value - middle) ** 2))
}
