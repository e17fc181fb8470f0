import { createHash } from 'node:crypto'
import type { JudgedCheck } from './checks.ts'
import { type Judges, judgeBy, objectionTo } from './judges.ts'
import { type JudgedCall, toolHistoryOf, workerMounts } from './validators.ts'

export type ToolVerdict = { readonly accepted: true } | { readonly accepted: false; readonly reason: string }

/** What judges of a tool call are told beside the call. */
export interface CallSituation {
  readonly executionId: string
  /** Names the call within its execution: asked again by this name and with these arguments, it is judged as it was. */
  readonly call: string
  readonly task: string
  readonly tools: readonly string[]
  /** The calls before this one. */
  readonly history: readonly JudgedCall[]
}

/**
 * Judge a tool call before it is made: every judge has to accept it. A judge that fails, is too slow, or answers what is no
 * judgement, refuses it.
 * @throws the signal's reason when it fires
 */
export async function judgeCall(
  checks: readonly JudgedCheck[],
  call: { readonly name: string; readonly args: Readonly<Record<string, unknown>> },
  situation: CallSituation,
  judges: Judges,
  signal: AbortSignal,
): Promise<ToolVerdict> {
  const { executionId, call: name, task, tools, history } = situation
  const proposed = { name: call.name, arguments: call.args }
  const which = createHash('sha256').update(JSON.stringify(proposed)).digest('hex').slice(0, 16)
  for (const [index, check] of checks.entries()) {
    const input = {
      execution_id: executionId,
      task,
      proposed_tool_call: proposed,
      available_tools: tools,
      worker_mounts: workerMounts,
      tool_audit_history: toolHistoryOf(history),
      criteria: check.criteria,
      validation_context: 'semantic_judge_pre_execution_inner_loop',
    }
    const key = `tool:${name}:${which}:${index}`
    try {
      const gradient = await judgeBy(check, { key, input }, judges, signal)
      const reason = objectionTo(gradient, check)
      if (reason !== null) return { accepted: false, reason }
    } catch (error) {
      signal.throwIfAborted()
      return { accepted: false, reason: `it could not be judged: ${(error as Error).message}` }
    }
  }
  return { accepted: true }
}
