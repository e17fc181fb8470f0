import { DEFAULT_TIMEOUT, MAX_MESSAGE } from '../bounds.ts'
import {
  type CompiledContract,
  type ContractOutcome,
  type Fired,
  passedRecord,
  SKIPPED,
} from '../contracts/compiled.ts'
import { unjudged } from '../contracts/verdict.ts'
import { configError } from '../errors.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { errorText } from '../expressions/outcome.ts'
import { cutText } from '../messages/cut.ts'
import type { Envelope } from '../types.ts'
import type { Postcondition, Precondition, ProgrammaticContract, SessionContract } from './contracts.ts'
import type { Verdict } from './verdict.ts'

/**
 * A contract given in code as the pipeline sees it. Throws `EdictumConfigError` (code
 * `programmatic_contract`) for an object that is none, or whose kind cannot be told.
 */
export function compileProgrammatic(contract: ProgrammaticContract): CompiledContract {
  assertContract(contract)
  if (!('tool' in contract)) return compileSessionCheck(contract)
  return contract.contractType === 'post' ? compilePostCheck(contract) : compilePreCheck(contract)
}

function assertContract(contract: ProgrammaticContract): void {
  const { name, check } = contract
  const who = `Contract '${name ?? 'anonymous'}'`
  if (typeof check !== 'function') throw configError('programmatic_contract', `${who} has no 'check' function`)
  if (!('tool' in contract)) return
  if (typeof contract.tool !== 'string' || contract.tool === '') {
    throw configError('programmatic_contract', `${who}: 'tool' must be a tool name or glob`)
  }
  const kind: unknown = contract.contractType
  if (kind !== undefined && kind !== 'pre' && kind !== 'post') {
    throw configError('programmatic_contract', `${who}: unknown contractType '${String(kind)}'; use 'pre' or 'post'`)
  }
  if (kind === undefined && check.length >= 2) {
    throw configError(
      'programmatic_contract',
      `${who}: 'check' takes a response, so it needs contractType: 'post'`,
      "Add contractType: 'pre' if it is a precondition",
    )
  }
}

function compilePreCheck(contract: Precondition): CompiledContract {
  const id = nameOf(contract)
  return {
    ...shared(id, contract),
    type: 'pre',
    recordType: 'precondition',
    source: 'precondition',
    tools: [contract.tool],
    effect: contract.effect ?? 'deny',
    timeout: contract.timeout ?? DEFAULT_TIMEOUT,
    timeoutEffect: contract.timeoutEffect ?? 'deny',
    condition: null,
    after: null,
    asks: [],
    sight: null,
    evaluate: guarded('Precondition error', contract.when, (e) => contract.check(e.envelope)),
    passed: passedRecord(id, 'precondition'),
  }
}

function compilePostCheck(contract: Postcondition): CompiledContract {
  const id = nameOf(contract)
  return {
    ...shared(id, contract),
    type: 'post',
    recordType: 'postcondition',
    source: 'postcondition',
    tools: [contract.tool],
    effect: contract.effect ?? 'warn',
    mark: null,
    redactPatterns: [],
    condition: null,
    evaluate: guarded('Postcondition error', contract.when, (e) => contract.check(e.envelope, e.response)),
    passed: passedRecord(id, 'postcondition'),
  }
}

function compileSessionCheck(contract: SessionContract): CompiledContract {
  const id = nameOf(contract)
  return {
    ...shared(id, contract),
    type: 'session',
    recordType: 'session_contract',
    source: 'session_contract',
    effect: 'deny',
    maxAttempts: Number.POSITIVE_INFINITY,
    maxToolCalls: Number.POSITIVE_INFINITY,
    maxCallsPerTool: new Map(),
    evaluate: guarded('Session contract error', undefined, (e) => contract.check(e.context.session)),
    passed: passedRecord(id, 'session_contract'),
  }
}

function nameOf(contract: ProgrammaticContract): string {
  const { name } = contract.check
  return contract.name ?? (name === 'check' || name === '' ? 'anonymous' : name)
}

function shared(id: string, contract: ProgrammaticContract) {
  const candidate = 'observe' in contract && contract.observe === true
  return { id, mode: 'enforce' as const, candidate, programmatic: true, tags: [] }
}

/** Runs a check so that whatever it throws, now or later, fires the contract. */
function guarded(
  prefix: string,
  when: ((envelope: Envelope) => boolean) | undefined,
  check: (evaluation: Evaluation) => Verdict | Promise<Verdict>,
): (evaluation: Evaluation) => ContractOutcome {
  const failed = (error: unknown): Fired => {
    const detail = errorText(error)
    return unjudged(cutText(`${prefix}: ${detail}`, MAX_MESSAGE), null, detail)
  }
  return (evaluation) => {
    if (when !== undefined && excludes(when, evaluation.envelope)) return SKIPPED
    try {
      const verdict = check(evaluation)
      return isThenable(verdict) ? Promise.resolve(verdict).then(firedBy, failed).catch(failed) : firedBy(verdict)
    } catch (error) {
      return failed(error)
    }
  }
}

/** A filter that throws does not exclude: the contract is evaluated and can still deny. */
function excludes(when: (envelope: Envelope) => boolean, envelope: Envelope): boolean {
  try {
    return !when(envelope)
  } catch {
    return false
  }
}

function isThenable(value: unknown): value is Promise<Verdict> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function firedBy(verdict: Verdict): Fired | null {
  if (verdict.passed === true) return null
  const metadata = verdict.metadata ?? {}
  return {
    message: cutText(verdict.message ?? 'Denied by a contract', MAX_MESSAGE),
    metadata: Object.keys(metadata).length === 0 ? null : metadata,
    policyError: metadata.policy_error === true,
  }
}
