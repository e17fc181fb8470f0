import type { Matcher } from '../match/glob.ts'
import type { Envelope } from '../types.ts'

/** Searches a text; throws at the input cap of its engine. */
export interface CommandPattern {
  readonly source: string
  test(text: string): boolean
}

/** What a gate asks for. */
export type Condition =
  | { readonly kind: 'stage_complete'; readonly stage: string }
  | { readonly kind: 'file_read'; readonly path: string }
  | { readonly kind: 'approval'; readonly stage: string | null }
  | { readonly kind: 'command_matches' | 'command_not_matches'; readonly pattern: CommandPattern }
  | { readonly kind: 'exec'; readonly command: string; readonly exitCode: number }
  | { readonly kind: 'mcp_result_matches'; readonly tool: string; readonly field: string; readonly value: string }

export interface Gate {
  readonly condition: Condition
  /** The condition as it is written. */
  readonly source: string
  readonly message: string
}

export interface Check {
  readonly kind: 'command_matches' | 'command_not_matches'
  readonly pattern: CommandPattern
  readonly message: string
}

export interface Stage {
  readonly id: string
  readonly description: string
  readonly entry: readonly Gate[]
  readonly exit: readonly Gate[]
  readonly tools: readonly { readonly pattern: string; readonly matches: Matcher }[]
  readonly checks: readonly Check[]
  readonly approval: { readonly message: string } | null
  readonly terminal: boolean
}

/** A validated workflow. Made by `loadWorkflow`. */
export interface Workflow {
  readonly name: string
  readonly description: string | null
  readonly version: string | null
  readonly stages: readonly Stage[]
}

export interface PendingApproval {
  readonly required: boolean
  readonly stageId: string | null
  readonly message: string | null
}

/** What happened at the gates of one session so far. Immutable; every operation returns a new one. */
export interface WorkflowState {
  readonly sessionId: string
  /** Empty once the workflow is complete. */
  readonly activeStage: string
  readonly completedStages: readonly string[]
  readonly approvals: Readonly<Record<string, string>>
  readonly evidence: {
    readonly reads: readonly string[]
    readonly stageCalls: Readonly<Record<string, readonly string[]>>
    readonly mcpResults: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
  }
  readonly blockedReason: string | null
  readonly pendingApproval: PendingApproval
  readonly lastBlockedAction: {
    readonly tool: string
    readonly summary: string
    readonly message: string
    readonly timestamp: string
  } | null
  readonly lastRecordedEvidence: { readonly tool: string; readonly summary: string; readonly timestamp: string } | null
}

export type WorkflowEvent =
  | { readonly action: 'workflow_stage_advanced'; readonly stageId: string; readonly toStageId: string }
  | { readonly action: 'workflow_completed'; readonly stageId: string }
  | { readonly action: 'workflow_state_updated'; readonly stageId: string }

/** One judged gate, as a record of the call. */
export interface WorkflowRecord {
  readonly name: string
  readonly type: 'workflow_gate'
  readonly passed: boolean
  readonly message: string | null
  readonly metadata: Readonly<Record<string, unknown>>
}

/**
 * A call as gates see it: `bashCommand` is the command that it runs, `filePath` the file that it is about, whatever its tool is
 * called.
 */
export interface GateCall extends Envelope {
  /** Whether the call reads the text of `filePath`; left out: where its tool is `Read`. */
  readonly readsFile?: boolean
}

export interface WorkflowDecision {
  readonly action: 'allow' | 'deny' | 'pending_approval'
  readonly reason: string | null
  /** The stage that decided; empty when the workflow was complete already. */
  readonly stageId: string
  readonly records: readonly WorkflowRecord[]
  readonly events: readonly WorkflowEvent[]
  /** To be stored whatever the decision: stages may have been completed on the way to a denial. */
  readonly state: WorkflowState
}

/** What only the outside can tell: how a command ends. Without it, workflows with `exec` gates are refused. */
export type RunCommand = (command: string) => { readonly exitCode: number; readonly output: string }
