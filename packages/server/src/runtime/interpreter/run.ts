import type { AgentState, ConsensusConfig, ContainerRunState, ContainerStep } from '@lictor/aegis'
import type { OutputHandler } from '../plan/output-handler.ts'
import type { Output } from './outputs.ts'

/** Values that JSON can carry, all through: a run is stored and sent as it stands. */
export type Values = Readonly<Record<string, unknown>>

export type RunStatus = 'running' | 'completed' | 'failed' | 'cancelled'

/** An answer that came before the Human state it is for. */
export interface Signal {
  readonly response: string
  readonly feedback: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** How far a state is that is under way: it may ask for more than one thing before it is left. */
export interface Within {
  /** Counts what the state asked for since it was entered, from 1: an answer to an earlier step changes nothing. */
  readonly step: number
  /** Executions of an Agent state, from 1. */
  readonly iteration: number
  /** What its judges said of the earlier ones, as the next is told. */
  readonly notes: string
  /** The run that a Subworkflow state began. */
  readonly childId: string | null
  /** What its output handler was given. */
  readonly output: Output | null
}

/** How far a run of a workflow is: all that is needed to go on. */
export interface RunState {
  readonly status: RunStatus
  /** Why it failed or was cancelled. */
  readonly reason: string | null
  /** The state that is under way; after the end the last one. */
  readonly current: string
  /**
   * Counts the states that were entered, from 1. What a state asks for and what is answered carry it: an answer to an earlier entry,
   * or a second one to this, changes nothing.
   */
  readonly entry: number
  readonly within: Within
  readonly transitions: number
  /** How often each state was entered. */
  readonly visits: Readonly<Record<string, number>>
  readonly blackboard: Values
  /** Of the blackboard as JSON, in UTF-16 units. */
  readonly blackboardSize: number
  /** `{{state.feedback}}` and `{{human.feedback}}`. */
  readonly feedback: { readonly state: string; readonly human: string }
  readonly signals: readonly Signal[]
  /** Of a run that completed. */
  readonly finalOutput: unknown
}

/** What happened to a run. `at` is milliseconds since 1970. */
export type RunEvent =
  | {
      readonly type: 'started'
      readonly at: number
      readonly runId: string
      readonly tenantId: string
      readonly input: unknown
      readonly intent: string | null
      /** Entries of the blackboard by the caller. */
      readonly overrides: Values
      /** Ids of the volumes made for the run. */
      readonly volumes: { readonly workspace: string | null; readonly shared: Readonly<Record<string, string>> }
    }
  /** The work of a state is done. */
  | {
      readonly type: 'state_completed'
      readonly at: number
      readonly entry: number
      /** The step that it answers; the first when left out. */
      readonly step?: number
      readonly result: WorkResult
    }
  /** It could not be done. */
  | {
      readonly type: 'state_failed'
      readonly at: number
      readonly entry: number
      readonly step?: number
      readonly error: string
    }
  | { readonly type: 'state_timed_out'; readonly at: number; readonly entry: number }
  /** A person decided about the request of a Human state. */
  | {
      readonly type: 'human_decided'
      readonly at: number
      readonly entry: number
      readonly isApproved: boolean
      readonly feedback: string
      readonly by: string | null
    }
  | {
      readonly type: 'child_started'
      readonly at: number
      readonly entry: number
      readonly childId: string
      readonly childWorkflowId?: string
    }
  | {
      readonly type: 'child_ended'
      readonly at: number
      readonly entry: number
      readonly childId: string
      readonly status: Exclude<RunStatus, 'running'>
      readonly result: unknown
      readonly error: string | null
    }
  /** An answer for the Human state that is under way, or the next one. */
  | {
      readonly type: 'signalled'
      readonly at: number
      readonly response: string
      readonly feedback: string
      /** A name beyond `human_input` and `human_response` stands on the blackboard, under `signals`. */
      readonly name: string | null
      readonly payload: unknown
    }
  | { readonly type: 'cancelled'; readonly at: number; readonly reason: string | null }

/** One process that ended: a command, a container, a step. */
export interface ProcessResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly durationMs: number
}

/** Why a container came to nothing, in the words of the wire. */
export type ContainerFailure =
  | { readonly kind: 'NonZeroExitCode'; readonly code: number }
  | { readonly kind: 'TimeoutExpired'; readonly timeout_secs: number }
  | { readonly kind: 'ImagePullFailed'; readonly image: string; readonly error: string }
  | { readonly kind: 'VolumeMountFailed'; readonly volume: string; readonly error: string }
  | { readonly kind: 'ResourceExhausted'; readonly detail: string }

/** One container that ended, or could not be begun: then it has no exit code. */
export interface ContainerResult extends Omit<ProcessResult, 'exitCode'> {
  readonly exitCode: number | null
  readonly failure?: ContainerFailure | null
}

export interface JudgeResult {
  readonly agentId: string
  /** 0 to 1. */
  readonly score: number
  readonly confidence: number
  readonly weight: number
  readonly reasoning?: string
}

/** What judges said of a piece of work. */
export interface Judged {
  readonly judgements: readonly JudgeResult[]
  /** Why the others gave no answer. */
  readonly failures: readonly string[]
}

/** One of several agents that worked at once. */
export interface AgentResult {
  readonly agentId: string
  readonly output: string
  readonly weight: number
  readonly executionId?: string
  /** Why it came to no output; null or absent of one that did. */
  readonly error?: string | null
}

/** What the work of a state came to. */
export type WorkResult =
  | {
      readonly kind: 'Agent'
      readonly isSuccess: boolean
      /** Text; what is JSON is read. */
      readonly output: string
      readonly error: string | null
      readonly executionId: string
      readonly iterations: number
      readonly score: number | null
      readonly confidence: number | null
      /** Of a state with judges whose execution has completed. */
      readonly judged?: Judged
    }
  /** What was to be asked before an agent works said no: the agent was not asked. */
  | { readonly kind: 'Rejected'; readonly error: string; readonly score: number | null }
  /** What an output handler answered; null with the reason why it did not. */
  | { readonly kind: 'Handled'; readonly output: string | null; readonly error: string | null }
  | ({ readonly kind: 'System' } & ProcessResult)
  | ({ readonly kind: 'ContainerRun'; readonly name?: string; readonly attempts: number } & ContainerResult)
  | {
      readonly kind: 'ParallelContainerRun'
      readonly steps: Readonly<Record<string, ContainerResult>>
      readonly completion?: 'all_succeed' | 'any_succeed' | 'best_effort'
    }
  | {
      readonly kind: 'ParallelAgents'
      readonly agents: readonly AgentResult[]
      /** Empty where there are no judges. */
      readonly judgements: readonly JudgeResult[]
      readonly failures?: readonly string[]
    }

/** What a state asks for, rendered. Names and ids of agents and workflows are those of the run's tenant, or global. */
export type Work =
  | {
      readonly kind: 'Agent'
      readonly agent: string
      readonly input: string
      readonly intent: string | null
      readonly maxIterations: number
      /** From 1. */
      readonly iteration: number
      readonly judges: readonly JudgeWork[]
      readonly state: AgentState
    }
  /** Give the output of a state to its handler. */
  | { readonly kind: 'Handler'; readonly handler: OutputHandler; readonly input: string }
  | {
      readonly kind: 'System'
      readonly command: string
      readonly env: Readonly<Record<string, string>>
      readonly workdir: string
    }
  | { readonly kind: 'Human'; readonly prompt: string }
  | {
      readonly kind: 'ParallelAgents'
      readonly agents: readonly {
        readonly agent: string
        readonly input: string
        readonly weight: number
        readonly timeoutSeconds: number
        readonly pollIntervalMs: number
      }[]
      readonly judges: readonly JudgeWork[]
      readonly minJudges: number
      readonly consensus: ConsensusConfig
    }
  | { readonly kind: 'ContainerRun'; readonly step: ContainerWork; readonly state: ContainerRunState }
  | {
      readonly kind: 'ParallelContainerRun'
      readonly steps: readonly ContainerWork[]
      readonly completion: 'all_succeed' | 'any_succeed' | 'best_effort'
    }
  | {
      readonly kind: 'Subworkflow'
      readonly workflow: string
      readonly mode: 'blocking' | 'fire_and_forget'
      readonly input: unknown
    }

export interface JudgeWork {
  readonly agentId: string
  /** Sees the blackboard and, as `output`, what is judged; null: what is judged is the input. */
  readonly inputTemplate: string | null
  readonly weight: number
}

export interface ContainerWork {
  readonly name: string
  readonly image: string
  /** Without the elements that rendered empty; one line for `sh -c` where the step says `shell`. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string | null
  readonly volumes: readonly { readonly volumeId: string; readonly mountPath: string; readonly isReadOnly: boolean }[]
  readonly timeoutSeconds: number
  readonly step: ContainerStep
}

/** What is to be done because of an event, in this order. Whoever does it may be asked again after a crash: `entry` tells. */
export type Command =
  /** Do the work of a state; `state_timed_out` is due when it takes longer than this. */
  | {
      readonly type: 'work'
      readonly entry: number
      readonly step: number
      readonly state: string
      readonly timeoutSeconds: number
      readonly work: Work
    }
  /** Stop whatever works, waits or asks for this entry. */
  | { readonly type: 'stop_work'; readonly entry: number }
  /** Tell what happened, in the catalogue's words. */
  | { readonly type: 'tell'; readonly event: string; readonly fields: Values }
  /** The run is over: release what it holds. */
  | { readonly type: 'end'; readonly status: Exclude<RunStatus, 'running'> }
  /** A signal that could not be kept. */
  | { readonly type: 'refuse_signal'; readonly reason: string }

export interface Step {
  readonly state: RunState
  readonly commands: readonly Command[]
}
