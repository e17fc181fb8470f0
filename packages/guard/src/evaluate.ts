import {
  type DecideContext,
  type DryRunResult,
  dryRun,
  type Policy,
  type PrincipalInput,
  responseText,
  type ToolRegistry,
} from '@lictor/contracts'
import { configError } from './errors.ts'

export interface EvaluateOptions {
  readonly principal?: PrincipalInput | null
  /** What the tool would return. */
  readonly output?: unknown
  readonly environment?: string | null
}

export interface BatchCall extends EvaluateOptions {
  readonly tool: string
  readonly args?: Readonly<Record<string, unknown>>
}

export type EvaluationResult = DryRunResult
export type { DryRunContract as ContractResult } from '@lictor/contracts'

interface Evaluation {
  readonly policy: Policy
  readonly environment: string
  readonly registry: ToolRegistry
  readonly context: DecideContext
}

export function evaluateCall(
  evaluation: Evaluation,
  toolName: string,
  args: Readonly<Record<string, unknown>>,
  options: EvaluateOptions,
): EvaluationResult {
  return dryRun(
    evaluation.policy,
    {
      toolName,
      args,
      principal: options.principal ?? null,
      output: options.output,
      environment: options.environment || evaluation.environment,
      registry: evaluation.registry,
    },
    evaluation.context,
  )
}

export function evaluateBatch(evaluation: Evaluation, calls: readonly BatchCall[]): readonly EvaluationResult[] {
  return calls.map((call, index) => {
    if (typeof call.tool !== 'string') throw configError(`Call ${index} of the batch names no tool (key 'tool').`)
    const principal = typeof call.principal === 'object' ? call.principal : null
    const output = typeof call.output === 'object' ? responseText(call.output) : call.output
    return evaluateCall(evaluation, call.tool, call.args ?? {}, { ...call, principal, output })
  })
}
