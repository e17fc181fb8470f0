import type { JudgeAnswer } from './answer.ts'
import type { Judge, JudgedCheck, MultiJudgeCheck, SemanticCheck } from './checks.ts'
import { consensusOf } from './consensus.ts'
import type { Gradient, NamedJudgement } from './gradient.ts'

/** What a judge is asked. */
export interface Question {
  /** Names the question within its execution: asked again after a crash, it is answered as it was. */
  readonly key: string
  readonly judge: Judge
  /** The input of its execution. */
  readonly input: Readonly<Record<string, unknown>>
  /** Seconds it may take. */
  readonly timeoutSeconds: number
}

export interface Answered {
  /** Id of the agent; null of a model. */
  readonly judgeId: string | null
  readonly answer: JudgeAnswer
}

/** Asks judges, for one execution, all of the questions at once. */
export interface Judges {
  /**
   * An answer for each question, in their order, or why there is none: JudgeFailed; UnreadableAnswer when the judge answered, but
   * not as a judge.
   * @throws the signal's reason when it fires
   */
  ask(questions: readonly Question[], signal: AbortSignal): Promise<readonly (Answered | Error)[]>
}

/** A judge that gave no answer: unknown, failed, or too slow. */
export class JudgeFailed extends Error {
  override readonly name = 'JudgeFailed'
}

/**
 * Put a question to whoever the check names, and make of the answers what it says.
 * @param key names the check within its execution
 * @throws JudgeFailed, UnreadableAnswer, NoConsensus; the signal's reason when it fires
 */
export function judgeBy(check: JudgedCheck, asked: Asked, judges: Judges, signal: AbortSignal): Promise<Gradient> {
  return check.type === 'semantic'
    ? judgeByOne(check, asked, judges, signal)
    : judgeBySeveral(check, asked, judges, signal)
}

export type Asked = Pick<Question, 'key' | 'input'>

async function judgeByOne(check: SemanticCheck, asked: Asked, judges: Judges, signal: AbortSignal): Promise<Gradient> {
  const { judge, timeoutSeconds } = check
  const [answered = new JudgeFailed('The judge was not asked.')] = await judges.ask(
    [{ ...asked, judge, timeoutSeconds }],
    signal,
  )
  if (answered instanceof Error) {
    if (!(answered instanceof JudgeFailed) || check.whenUnavailable === 'fail') throw answered
    return {
      validator: check.type,
      score: 1,
      confidence: 1,
      reasoning: `Skipped, as the manifest says: ${answered.message}`,
      metadata: { skipped: true },
    }
  }
  const { score, confidence, reasoning, signals, suggestions, verdict, metadata } = answered.answer
  return {
    validator: check.type,
    score,
    confidence,
    reasoning,
    ...(signals.length > 0 ? { signals } : {}),
    metadata: { ...metadata, ...(suggestions.length > 0 ? { suggestions } : {}), ...(verdict ? { verdict } : {}) },
    judgements: [namedOf(nameOf(judge), answered)],
  }
}

async function judgeBySeveral(
  check: MultiJudgeCheck,
  { key, input }: Asked,
  judges: Judges,
  signal: AbortSignal,
): Promise<Gradient> {
  const { timeoutSeconds, minJudges, strategy } = check
  const questions = check.judges.map(
    (agent, index): Question => ({ key: `${key}:${index}`, judge: { kind: 'agent', agent }, input, timeoutSeconds }),
  )
  const answers = await judges.ask(questions, signal)
  const judgements = answers.flatMap((one, index) =>
    one instanceof Error ? [] : [namedOf(check.judges[index] ?? '', one)],
  )
  const failures = answers.flatMap((one) => (one instanceof Error ? [one.message] : []))
  if (judgements.length < minJudges || judgements.length === 0) {
    const problem = `Insufficient judges succeeded: ${judgements.length} of ${minJudges} required (total: ${check.judges.length})`
    throw new JudgeFailed([problem, ...failures].join('; '))
  }
  const { score, confidence, metadata } = consensusOf(
    strategy,
    judgements.map((one) => ({ score: one.score, confidence: one.confidence, weight: 1 })),
  )
  return {
    validator: check.type,
    score,
    confidence,
    reasoning: judgements.map((one) => `${one.judge} (${one.score}): ${one.reasoning}`).join('; '),
    metadata: { ...metadata, strategy: strategy.kind, ...(failures.length > 0 ? { failures } : {}) },
    judgements,
  }
}

const nameOf = (judge: Judge): string => (judge.kind === 'agent' ? judge.agent : `model ${judge.alias}`)

const namedOf = (judge: string, { judgeId, answer }: Answered): NamedJudgement => ({
  judgeId,
  judge,
  score: answer.score,
  confidence: answer.confidence,
  reasoning: answer.reasoning,
})

/** Why a gradient does not pass; null when it does. */
export function objectionTo(
  { score, confidence, reasoning }: Gradient,
  minimum: { readonly minScore: number; readonly minConfidence?: number },
): string | null {
  const { minScore, minConfidence = 0 } = minimum
  // A value that is no number passes nothing.
  if (!(confidence >= minConfidence))
    return `Validation confidence ${confidence} below minimum ${minConfidence}: ${reasoning}`
  if (!(score >= minScore)) return `Validation score ${score} below minimum ${minScore}: ${reasoning}`
  return null
}
