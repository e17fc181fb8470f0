import { ALLOWED } from '../policy/plan.ts'
import type { Policy } from '../policy/policy.ts'
import type { ContractRecord, Counters, PreDecision } from '../types.ts'

/**
 * Null, or the denial of a session that has used up its attempts. The current attempt is
 * counted already, so `max_attempts: N` denies the N-th call.
 */
export function checkAttemptLimit(policy: Policy, counters: Counters): PreDecision | null {
  const { maxAttempts } = policy.limits
  if (counters.attempts < maxAttempts) return null
  return limitReached(
    'attempt_limit',
    'max_attempts',
    `Attempt limit reached (${maxAttempts}): the agent may be in a retry loop. Stop and change the approach`,
    [],
    false,
  )
}

/** Null, or the denial of a session that has executed as many calls as it may. */
export function checkExecutionLimits(
  policy: Policy,
  tool: string,
  toolLimit: number | null,
  counters: Counters,
): { readonly name: string; readonly reason: string } | null {
  const { maxToolCalls } = policy.limits
  if (counters.executions >= maxToolCalls) {
    return {
      name: 'max_tool_calls',
      reason: `Execution limit reached (${maxToolCalls}): this session may run no further tool calls`,
    }
  }
  if (toolLimit !== null && counters.toolExecutions >= toolLimit) {
    return {
      name: `max_calls_per_tool:${tool}`,
      reason: `Per-tool limit: ${tool} was executed ${counters.toolExecutions} times (limit ${toolLimit})`,
    }
  }
  return null
}

export function limitReached(
  decisionSource: string,
  decisionName: string,
  reason: string,
  contractsEvaluated: readonly ContractRecord[],
  policyError: boolean,
): PreDecision {
  return { ...ALLOWED, action: 'deny', reason, decisionSource, decisionName, contractsEvaluated, policyError }
}
