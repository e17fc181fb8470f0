import {
  classifyBash,
  type Envelope,
  type Postcondition,
  type Precondition,
  type SessionContract,
  type Verdict,
} from '@lictor/contracts'
import type { Session } from './session.ts'

/** Builders of contracts in code, for those who know them from Python. */

type Check<Args extends unknown[]> = (...args: Args) => Verdict | Promise<Verdict>

export function precondition(
  tool: string,
  check: Check<[Envelope]>,
  options: Omit<Precondition, 'contractType' | 'tool' | 'check'> = {},
): Precondition {
  return {
    name: check.name || 'anonymous',
    ...options,
    contractType: 'pre',
    tool,
    check: (envelope) => check(envelope),
  }
}

export function postcondition(
  tool: string,
  check: Check<[Envelope, unknown]>,
  options: Omit<Postcondition, 'contractType' | 'tool' | 'check'> = {},
): Postcondition {
  return {
    name: check.name || 'anonymous',
    ...options,
    contractType: 'post',
    tool,
    check: (envelope, response) => check(envelope, response),
  }
}

export function sessionContract(check: Check<[Session]>, options: { readonly name?: string } = {}): SessionContract {
  return { name: check.name || 'anonymous', ...options, check: (session) => check(session as Session) }
}

/** What a shell command may do; a heuristic, no security boundary. */
export const BashClassifier = Object.freeze({ classify: classifyBash })
