/** The programs that ask the gate before a tool runs. `raw` is for scripts and for programs of one's own. */
export const ASSISTANT_NAMES = [
  'claude-code',
  'codex',
  'cursor',
  'copilot',
  'gemini',
  'opencode',
  'qwen',
  'cline',
  'raw',
] as const
export type AssistantName = (typeof ASSISTANT_NAMES)[number]

export const isAssistantName = (name: string): name is AssistantName =>
  (ASSISTANT_NAMES as readonly string[]).includes(name)

export type Arguments = Readonly<Record<string, unknown>>

/** One call as contracts see it: tool and arguments by the names of the contract language. */
export interface ToolCall {
  readonly tool: string
  readonly args: Arguments
}

/** What one question of an assistant asks. */
export interface Asked {
  /** A call of the assistant's may be several: a patch is an edit for each file. All of them must be allowed. */
  readonly calls: readonly ToolCall[]
  /** The folder that relative paths of the call start from; null where the assistant names none. */
  readonly folder: string | null
  readonly session: string | null
  readonly callId: string | null
  /** The sub-agent that makes the call. */
  readonly subAgent: string | null
}

/** What the assistant is answered. */
export interface Answer {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

/** What was decided of the whole question, for the answer. */
export interface Decided {
  readonly contractsEvaluated: number
  /** The contract that refused, or the first that only observes and would have. */
  readonly contract: string | null
  readonly reason: string | null
}

/** How one program asks and is answered. */
export interface Assistant {
  readonly name: AssistantName
  /** Seconds this program waits for a hook whose entry names no time-out. */
  readonly patienceSeconds: number
  /** @throws UnreadableCall for a question that cannot be judged, which is refused. */
  read(question: Arguments): Asked
  allow(decided: Decided): Answer
  deny(decided: Decided): Answer
}

/** The assistant asked something that cannot be judged. */
export class UnreadableCall extends Error {
  override readonly name = 'UnreadableCall'
}

/** What a refused assistant is told: which contract, and why. */
export function refusalText({ contract, reason }: Decided): string {
  if (contract !== null && reason) return `Contract '${contract}': ${reason}`
  return reason || `Denied by contract '${contract ?? 'unknown'}'`
}

/** Nothing at all: an explicit permission would skip the question that the program itself asks its user. */
export const passed: Answer = Object.freeze({ stdout: '', stderr: '', code: 0 })

/** Refused by every way at once: the program's own JSON, the reason on standard error, and the code for it. */
export function refused(verdict: object, reason: string): Answer {
  return { stdout: `${JSON.stringify(verdict)}\n`, stderr: `${reason}\n`, code: 2 }
}

/** The refusal of Claude Code, which Codex and Qwen Code take too. Every key of it is needed, and no other may be there. */
export function refusedBeforeTool(decided: Decided): Answer {
  const reason = refusalText(decided)
  return refused(
    {
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: 'deny',
        permissionDecisionReason: reason,
      },
    },
    reason,
  )
}
