import { isRecord } from './blackboard.ts'
import type { Judged } from './run.ts'

const fields: readonly string[] = [
  ...['type', 'judge_agent', 'agent_id', 'criteria', 'min_score', 'min_confidence', 'timeout_seconds'],
]
const MOST_SECONDS = 600

/** Who is asked whether an agent may begin with what it is given. */
export interface PreValidator {
  readonly judge: string
  readonly criteria: string | null
  readonly seconds: number
  /** Why the agent is not asked; null when it is. */
  objectionTo(judged: Judged): string | null
}

/**
 * `pre_execution_validator` of an Agent state: the fields of a `semantic` validator.
 * @throws Error naming the field that is missing, wrong or unknown
 */
export function preValidatorOf(given: Readonly<Record<string, unknown>> | undefined): PreValidator | null {
  if (given === undefined) return null
  const at = (field: string) => `pre_execution_validator.${field}`
  const unknown = Object.keys(given).find((key) => !fields.includes(key))
  if (unknown !== undefined) throw new Error(`${at(unknown)} is not known. It takes ${fields.join(', ')}.`)
  if (given.type !== undefined && given.type !== 'semantic') throw new Error(`${at('type')} must be semantic.`)
  const judge = given.judge_agent ?? given.agent_id
  if (typeof judge !== 'string' || judge.trim() === '')
    throw new Error(`${at('judge_agent')} must name the agent that judges.`)
  const { criteria = null } = given
  if (criteria !== null && typeof criteria !== 'string') throw new Error(`${at('criteria')} must be a text.`)
  const within = (field: string, fallback: number, most: number) => {
    const value = given[field] ?? fallback
    if (typeof value === 'number' && value >= 0 && value <= most) return value
    throw new Error(`${at(field)} must be a number from 0 to ${most}.`)
  }
  const minScore = within('min_score', 0.7, 1)
  const minConfidence = within('min_confidence', 0, 1)
  return {
    judge: judge.trim(),
    criteria,
    seconds: within('timeout_seconds', 300, MOST_SECONDS),
    objectionTo({ judgements: [judgement], failures }) {
      if (!judgement) return `Validation before the execution failed: ${failures.join('; ')}`
      const { score, confidence, reasoning = '' } = judgement
      if (!(confidence >= minConfidence))
        return `Validation confidence ${confidence} below minimum ${minConfidence}: ${reasoning}`
      return score >= minScore ? null : `Validation score ${score} below minimum ${minScore}: ${reasoning}`
    },
  }
}

/** Its judge, where a manifest names one. */
export const judgeOfPreValidator = (given: unknown): string | null => {
  const named = isRecord(given) ? (given.judge_agent ?? given.agent_id) : null
  return typeof named === 'string' ? named : null
}
