import { type DecideContext, decidePre, type Policy } from '@lictor/contracts'
import { CliError } from '../../errors.ts'
import { envelopeOf, sessionAfter } from './call.ts'
import { isMapping, type Mapping } from './mapping.ts'
import { type WrittenCall, writtenCall } from './written-call.ts'
import { parseYaml } from './yaml.ts'

/** One case of a case file. */
export interface Case extends WrittenCall {
  readonly id: string
  /** `deny` also holds when a human would be asked: the call does not run as it is. `approve` holds only then. */
  readonly expect: 'allow' | 'deny' | 'approve'
  readonly matchContract: string | null
}

export interface CaseResult {
  readonly id: string
  readonly tool: string
  readonly passed: boolean
  readonly expected: Case['expect']
  readonly actual: Case['expect']
  /** The contract that decided, or null. */
  readonly contract_id: string | null
  readonly message: string | null
  /** Why the case failed; empty when it passed. */
  readonly problem: string
}

const EXPECTATIONS: readonly string[] = ['allow', 'deny', 'approve'] satisfies Case['expect'][]

/** @throws CliError: failed without cases, used wrongly when a case is not complete */
export function parseCases(file: string, text: string): readonly Case[] {
  const document = parseYaml(file, text)
  const cases = isMapping(document) ? document.cases : undefined
  if (!Array.isArray(cases)) throw new CliError('cases', `${file}: there is no list 'cases'`)
  if (cases.length === 0) throw new CliError('cases', `${file}: the list 'cases' is empty, so nothing was tested`)
  return cases.map((given: unknown, index) => parseCase(file, given, index + 1))
}

function parseCase(file: string, given: unknown, number: number): Case {
  const wrong = (what: string) => new CliError('cases', `${file}: case ${number}: ${what}`, { exitCode: 2 })
  const call = writtenCall(given, ['id', 'expect', 'match_contract'], wrong)
  const { id, expect, match_contract: matchContract } = given as Mapping
  if (expect === undefined || expect === null) throw wrong("'expect' is missing")
  const expected = String(expect).toLowerCase()
  if (!EXPECTATIONS.includes(expected)) throw wrong(`'expect' is '${expect}'; it is one of ${EXPECTATIONS.join(', ')}`)
  if (matchContract !== undefined && matchContract !== null && typeof matchContract !== 'string')
    throw wrong("'match_contract' is no text")
  return {
    ...call,
    id: id === undefined || id === null ? `case-${number}` : String(id),
    expect: expected as Case['expect'],
    matchContract: matchContract ?? null,
  }
}

/** Pre contracts and sandboxes judge the call; limits and post contracts do not. */
export function runCase(policy: Policy, given: Case, environment: string, context: DecideContext): CaseResult {
  const envelope = envelopeOf(policy, { ...given, environment: given.environment ?? environment })
  const { action, decisionName, reason } = decidePre(policy, envelope, sessionAfter(given.after), context)
  const actual = action === 'pending_approval' ? 'approve' : action
  const { id, tool, expect: expected, matchContract } = given
  let problem = ''
  if (expected !== actual && !(expected === 'deny' && actual === 'approve'))
    problem = reason ?? 'No contract stops the call.'
  else if (actual !== 'allow' && matchContract !== null && matchContract !== decisionName)
    problem = `Expected contract ${matchContract} to decide.`
  return {
    id,
    tool,
    passed: problem === '',
    expected,
    actual,
    contract_id: decisionName,
    message: reason,
    problem,
  }
}
