import { isLeftOut } from '../plan/variables.ts'
import type { HistoryEntry } from '../record/execution.ts'

/** What one attempt of an agent is told through its environment. */
export interface AttemptEnvironment {
  readonly agentId: string
  readonly executionId: string
  readonly modelAlias: string
  readonly orchestratorUrl: string
  readonly instruction: string
  readonly promptTemplate: string
  /** Seconds a request to the gateway may take. */
  readonly timeoutSeconds: number
  /** From 1. */
  readonly iteration: number
  /** Earlier attempts; empty on the first. */
  readonly history: readonly HistoryEntry[]
  readonly isDebugging: boolean
  /** Key and token that it signs tool calls with; empty for one that signs none. */
  readonly identity: Readonly<Record<string, string>>
}

/** A variable of a process holds at most 128 KiB; what is longer keeps its end. */
const LONGEST_VALUE = 100_000

/**
 * The environment of an agent's process: the manifest's `env` as far as it is allowed, then what this server says, which wins.
 * @returns the variables, and the names that were left out
 */
export function environmentOf(
  specEnv: Readonly<Record<string, string>>,
  attempt: AttemptEnvironment,
): { env: Record<string, string>; refused: string[] } {
  const env: Record<string, string> = {}
  const refused: string[] = []
  for (const [name, value] of Object.entries(specEnv)) {
    if (isLeftOut(name, value)) refused.push(name)
    else env[name] = value.slice(0, LONGEST_VALUE)
  }
  Object.assign(env, {
    AEGIS_AGENT_ID: attempt.agentId,
    AEGIS_EXECUTION_ID: attempt.executionId,
    AEGIS_MODEL_ALIAS: attempt.modelAlias,
    AEGIS_ORCHESTRATOR_URL: attempt.orchestratorUrl,
    AEGIS_AGENT_INSTRUCTION: attempt.instruction.slice(0, LONGEST_VALUE),
    AEGIS_PROMPT_TEMPLATE: attempt.promptTemplate.slice(0, LONGEST_VALUE),
    AEGIS_LLM_TIMEOUT_SECONDS: String(attempt.timeoutSeconds),
    AEGIS_ITERATION: String(attempt.iteration),
    ...(attempt.history.length > 0 ? { AEGIS_ITERATION_HISTORY: historyText(attempt.history) } : {}),
    ...(attempt.isDebugging ? { AEGIS_BOOTSTRAP_DEBUG: '1' } : {}),
    ...attempt.identity,
  })
  return { env, refused }
}

/** The history as JSON that fits a variable: every entry stays, long texts keep their end. */
function historyText(history: readonly HistoryEntry[]): string {
  for (let longest = 32_768; ; longest = Math.floor(longest / 2)) {
    const cut = (text: string) => (text.length > longest ? `…${text.slice(-longest)}` : text)
    const text = JSON.stringify(history, (_key, value: unknown) => (typeof value === 'string' ? cut(value) : value))
    if (text.length <= LONGEST_VALUE || longest === 0) return text
  }
}
