import type { Check, JudgedCheck, ScriptCheck } from './checks.ts'
import { type AttemptResult, measure, type ReadText } from './deterministic.ts'
import type { Gradient } from './gradient.ts'
import { type Judges, judgeBy, objectionTo } from './judges.ts'

/** A tool call of the attempt, as judges are told of it. */
export interface JudgedCall {
  readonly tool: string
  readonly argumentsJson: string
  readonly status: string
  readonly resultJson?: string
  readonly error?: string
}

/** An attempt that came to an output, with what judges are told of it. */
export interface JudgedAttempt extends AttemptResult {
  /** From 1. */
  readonly iteration: number
  /** The prompt it worked on. */
  readonly task: string
  readonly trajectory: readonly JudgedCall[]
  readonly policyViolations: readonly string[]
}

/** What validators need of the world. */
export interface Means {
  readonly judges: Judges
  readonly read: ReadText
  /** Run a script of the workspace on the output. @throws Error when it cannot be run. */
  runScript(check: ScriptCheck, output: string, signal: AbortSignal): Promise<{ exitCode: number; said: string }>
  readonly signal: AbortSignal
}

export type ValidationResult =
  | { readonly accepted: true; readonly gradients: readonly Gradient[] }
  | {
      readonly accepted: false
      readonly gradients: readonly Gradient[]
      readonly reason: string
      readonly feedback: string
    }

/**
 * Judge an attempt in the manifest's order; the first validator that is not satisfied ends it. One that cannot judge is not
 * satisfied.
 * @throws the signal's reason when it fires
 */
export async function validate(
  checks: readonly Check[],
  attempt: JudgedAttempt,
  means: Means,
): Promise<ValidationResult> {
  const gradients: Gradient[] = []
  for (const [index, check] of checks.entries()) {
    means.signal.throwIfAborted()
    let gradient: Gradient
    try {
      gradient = await judge(check, index, attempt, means)
    } catch (error) {
      means.signal.throwIfAborted()
      const problem = `validation error: ${(error as Error).message}`
      return { accepted: false, gradients, reason: problem, feedback: problem }
    }
    gradients.push(gradient)
    const reason = objectionTo(gradient, check)
    if (reason !== null) return { accepted: false, gradients, reason, feedback: feedbackOf(gradient) }
  }
  return { accepted: true, gradients }
}

async function judge(check: Check, index: number, attempt: JudgedAttempt, means: Means): Promise<Gradient> {
  switch (check.type) {
    case 'semantic':
    case 'multi_judge':
      return judgeBy(
        check,
        { key: `judge:${attempt.iteration}:${index}`, input: inputOf(check, attempt) },
        means.judges,
        means.signal,
      )
    case 'script': {
      const { exitCode, said } = await means.runScript(check, attempt.output, means.signal)
      const reasoning = said.trim() || `${check.path} ended with ${exitCode}`
      return { validator: 'script', score: exitCode === 0 ? 1 : 0, confidence: 1, reasoning }
    }
    default:
      return measure(check, attempt, means.read)
  }
}

/** The worker's files stand where it has them, and can be read only. */
export const workerMounts = [{ mount_path: '/workspace', access_mode: 'read-only' }] as const

/** What a judge of an output is given. */
function inputOf(check: JudgedCheck, attempt: JudgedAttempt): Record<string, unknown> {
  const { task, output } = attempt
  const shared = { task, output, worker_mounts: workerMounts, criteria: check.criteria }
  if (check.type === 'multi_judge') return { ...shared, validation_context: 'multi_judge' }
  return {
    ...shared,
    generation_evidence: { iteration_number: attempt.iteration, exit_code: attempt.exitCode, stderr: attempt.stderr },
    tool_audit_history: toolHistoryOf(attempt.trajectory),
    policy_violations: attempt.policyViolations,
    validation_context: 'semantic_judge',
  }
}

/** The calls so far, as judges are told of them. */
export const toolHistoryOf = (trajectory: readonly JudgedCall[]): object[] =>
  trajectory.map(({ tool, argumentsJson, status, resultJson, error }) => ({
    tool_name: tool,
    arguments_json: argumentsJson,
    status,
    ...(resultJson === undefined ? {} : { result_json: resultJson }),
    ...(error === undefined ? {} : { error }),
  }))

/** What the next attempt is told: the gradient in the words of the wire. */
function feedbackOf({ validator, score, confidence, reasoning, signals, metadata }: Gradient): string {
  return JSON.stringify(
    { validator, score, confidence, reasoning, signals: signals ?? [], metadata: metadata ?? {} },
    null,
    2,
  )
}
