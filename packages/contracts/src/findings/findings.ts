import type { PostDecision } from '../types.ts'

export type FindingType = 'pii_detected' | 'secret_detected' | 'limit_exceeded' | 'policy_violation'

/** What a post contract found in a response. */
export interface Finding {
  readonly type: FindingType
  readonly contractId: string
  readonly field: string
  readonly message: string
  readonly metadata: Readonly<Record<string, unknown>>
}

/** What adapters hand on after a call. */
export interface PostCallResult {
  readonly result: unknown
  readonly postconditionsPassed: boolean
  readonly findings: readonly Finding[]
  readonly outputSuppressed: boolean
}

const WORDS: readonly (readonly [FindingType, RegExp])[] = [
  ['pii_detected', /pii|ssn|patient|name|dob/],
  ['secret_detected', /secret|token|key|credential|password/],
  ['limit_exceeded', /session|limit|max_calls|budget/],
]

/** The kind of a finding, by the first group of words that occurs in id or message. */
export function classifyFinding(contractId: string, message: string | null): FindingType {
  const id = contractId.toLowerCase()
  const text = (message ?? '').toLowerCase()
  return WORDS.find(([, words]) => words.test(id) || words.test(text))?.[0] ?? 'policy_violation'
}

/** One finding per post contract that fired, observed ones included. */
export function buildFindings(decision: PostDecision): readonly Finding[] {
  return decision.contractsEvaluated
    .filter((record) => !record.passed)
    .map((record) => ({
      type: classifyFinding(record.name, record.message),
      contractId: record.name,
      field: typeof record.metadata?.field === 'string' ? record.metadata.field : 'output',
      message: record.message ?? '',
      metadata: record.metadata ?? {},
    }))
}
