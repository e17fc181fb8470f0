import { MAX_MESSAGE } from '../bounds.ts'
import type { ContractDocument, PostDocument, PreDocument, SandboxDocument, SessionDocument } from '../document.ts'
import { compileExpression, type ExpressionScope, patternsOn } from '../expressions/compile.ts'
import type { Evaluation } from '../expressions/evaluation.ts'
import { type Mark, markOf, marksAskedBy } from '../history/history.ts'
import { cutText } from '../messages/cut.ts'
import { compileMessage } from '../messages/template.ts'
import { compileSandbox } from '../sandbox/compile.ts'
import type { Mode, OperationLimits } from '../types.ts'
import { type CompiledGate, type CompiledPost, type CompiledSession, type Fired, passedRecord } from './compiled.ts'
import { afterVerdict, conditionVerdict, verdictMetadata } from './verdict.ts'

export function compilePre(contract: PreDocument, mode: Mode, scope: ExpressionScope): CompiledGate {
  const condition = compileExpression(contract.when, scope, contract.id)
  const { then, after } = contract
  const asks = marksAskedBy(after, mode === 'observe' || contract.candidate)
  const verdict = conditionVerdict(
    condition,
    compileMessage(then.message, scope),
    verdictMetadata(then.tags, then.metadata),
  )
  return {
    ...named(contract, mode, then.tags),
    type: 'pre',
    recordType: 'precondition',
    source: 'yaml_precondition',
    tools: [contract.tool],
    effect: then.effect,
    timeout: then.timeout,
    timeoutEffect: then.timeoutEffect,
    condition: isAlways(contract.when) ? null : condition,
    after: after ?? null,
    asks,
    sight: null,
    evaluate: asks.length === 0 ? verdict : afterVerdict(asks, verdict),
    passed: passedRecord(contract.id, 'precondition'),
  }
}

export function compilePost(contract: PostDocument, mode: Mode, scope: ExpressionScope): CompiledPost {
  const condition = compileExpression(contract.when, scope, contract.id)
  const { then } = contract
  const mark = then.label === undefined ? null : markOf(then.label, mode === 'observe' || contract.candidate)
  const labels = then.label === undefined ? then.metadata : { ...then.metadata, label: then.label }
  const sources = patternsOn(contract.when, (selector) => selector === 'output.text' || selector.startsWith('result.'))
  return {
    ...named(contract, mode, then.tags),
    type: 'post',
    recordType: 'postcondition',
    source: 'yaml_postcondition',
    tools: [contract.tool],
    effect: then.effect,
    mark,
    redactPatterns: sources.map((source) => scope.patterns.get(source)),
    condition,
    evaluate: conditionVerdict(condition, compileMessage(then.message, scope), verdictMetadata(then.tags, labels)),
    passed: passedRecord(contract.id, 'postcondition', mode === 'observe' || contract.candidate),
  }
}

/**
 * Session contracts. An enforced one fires at the limits merged up to and including itself; one that
 * only observes and a candidate fire at their own.
 */
export function compileSession(contract: SessionDocument, mode: Mode, merged: OperationLimits): CompiledSession {
  const alone = mode === 'observe' || contract.candidate
  const { limits, then } = contract
  const maxAttempts = alone ? (limits.maxAttempts ?? Number.POSITIVE_INFINITY) : merged.maxAttempts
  const maxToolCalls = alone ? (limits.maxToolCalls ?? Number.POSITIVE_INFINITY) : merged.maxToolCalls
  const maxCallsPerTool = alone ? limits.maxCallsPerTool : NO_TOOL_LIMITS
  const message = cutText(then.message, MAX_MESSAGE)
  const metadata = verdictMetadata(then.tags, then.metadata)
  const evaluate = ({ counters, envelope }: Evaluation): Fired | null => {
    if (counters.executions < maxToolCalls && counters.attempts < maxAttempts) {
      const limit = maxCallsPerTool.size === 0 ? undefined : maxCallsPerTool.get(envelope.toolName)
      if (limit === undefined || counters.toolExecutions < limit) return null
    }
    return { message, metadata, policyError: false }
  }
  return {
    ...named(contract, mode, then.tags),
    type: 'session',
    recordType: 'session_contract',
    source: 'yaml_session',
    effect: 'deny',
    maxAttempts,
    maxToolCalls,
    maxCallsPerTool,
    evaluate,
    passed: passedRecord(contract.id, 'session_contract'),
  }
}

const NO_MARKS: readonly Mark[] = Object.freeze([])
const NO_TOOL_LIMITS: ReadonlyMap<string, number> = new Map()

export function compileSandboxContract(
  contract: SandboxDocument,
  mode: Mode,
  scope: ExpressionScope,
  resolvePath?: (path: string) => string,
): CompiledGate {
  return {
    ...named(contract, mode, []),
    type: 'sandbox',
    recordType: 'sandbox',
    source: 'yaml_sandbox',
    tools: contract.tools,
    effect: contract.outside,
    timeout: contract.timeout,
    timeoutEffect: contract.timeoutEffect,
    condition: null,
    after: null,
    asks: NO_MARKS,
    ...compileSandbox(contract, compileMessage(contract.message, scope), resolvePath),
    passed: passedRecord(contract.id, 'sandbox'),
  }
}

function named(contract: ContractDocument, mode: Mode, tags: readonly string[]) {
  return { id: contract.id, mode, candidate: contract.candidate, programmatic: false, tags }
}

/** A contract whose author named no condition. */
function isAlways(when: PreDocument['when']): boolean {
  return 'all' in when && when.all.length === 0
}
