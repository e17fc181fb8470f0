import { DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_TOOL_CALLS } from '../bounds.ts'
import type { SessionDocument } from '../document.ts'
import type { OperationLimits } from '../types.ts'

/** Limits given in code; what is absent keeps its default. */
export interface LimitsInput {
  readonly maxAttempts?: number
  readonly maxToolCalls?: number
  readonly maxCallsPerTool?: ReadonlyMap<string, number> | Readonly<Record<string, number>>
}

/** What holds where nobody says otherwise: no limit for a single tool. */
export const DEFAULT_LIMITS: OperationLimits = Object.freeze({
  maxAttempts: DEFAULT_MAX_ATTEMPTS,
  maxToolCalls: DEFAULT_MAX_TOOL_CALLS,
  maxCallsPerTool: new Map<string, number>(),
})

export function createLimits(input: LimitsInput = {}): OperationLimits {
  const perTool = input.maxCallsPerTool ?? {}
  return Object.freeze({
    maxAttempts: input.maxAttempts ?? DEFAULT_LIMITS.maxAttempts,
    maxToolCalls: input.maxToolCalls ?? DEFAULT_LIMITS.maxToolCalls,
    maxCallsPerTool: new Map(perTool instanceof Map ? perTool : Object.entries(perTool)),
  })
}

/** Each limit lowered to what the contract declares; a contract never raises one. */
export function lowerLimits(limits: OperationLimits, declared: SessionDocument['limits']): OperationLimits {
  const maxCallsPerTool = new Map(limits.maxCallsPerTool)
  for (const [tool, limit] of declared.maxCallsPerTool) {
    maxCallsPerTool.set(tool, Math.min(limit, maxCallsPerTool.get(tool) ?? limit))
  }
  return Object.freeze({
    maxAttempts: Math.min(limits.maxAttempts, declared.maxAttempts ?? limits.maxAttempts),
    maxToolCalls: Math.min(limits.maxToolCalls, declared.maxToolCalls ?? limits.maxToolCalls),
    maxCallsPerTool,
  })
}
