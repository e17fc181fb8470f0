import { storableText } from '../../storage/storable.ts'
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

/** Bytes of a value: Linux starts no process with a variable above 128 KiB. */
const LONGEST_VALUE = 100_000
const LONGEST_NAME = 1000
/** Bytes of all variables of a manifest: nor one with more than about two megabytes of them. */
const LARGEST_ENVIRONMENT = 1_000_000

/** The beginning of a text that is too long for a variable, without what no variable holds. */
function variableOf(text: string): string {
  const value = storableText(text)
  if (Buffer.byteLength(value) <= LONGEST_VALUE) return value
  // As a stream, whose last character may still be to come: half of one is left out.
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(value).subarray(0, LONGEST_VALUE), {
    stream: true,
  })
}

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
  let room = LARGEST_ENVIRONMENT
  for (const [name, given] of Object.entries(specEnv)) {
    const value = variableOf(given)
    const size = Buffer.byteLength(name) + Buffer.byteLength(value)
    if (isLeftOut(name, given) || size > room || name.length > LONGEST_NAME) refused.push(name)
    else {
      env[name] = value
      room -= size
    }
  }
  Object.assign(env, {
    AEGIS_AGENT_ID: attempt.agentId,
    AEGIS_EXECUTION_ID: attempt.executionId,
    AEGIS_MODEL_ALIAS: variableOf(attempt.modelAlias),
    AEGIS_ORCHESTRATOR_URL: attempt.orchestratorUrl,
    AEGIS_AGENT_INSTRUCTION: variableOf(attempt.instruction),
    AEGIS_PROMPT_TEMPLATE: variableOf(attempt.promptTemplate),
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
    if (Buffer.byteLength(text) <= LONGEST_VALUE || longest === 0) return storableText(text)
  }
}
