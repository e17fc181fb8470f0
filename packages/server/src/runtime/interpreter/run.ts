import type { AgentState, ConsensusConfig, ContainerRunState, ContainerStep } from '@lictor/aegis'

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
  | { readonly type: 'state_completed'; readonly at: number; readonly entry: number; readonly result: WorkResult }
  /** It could not be done. */
  | { readonly type: 'state_failed'; readonly at: number; readonly entry: number; readonly error: string }
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
  | { readonly type: 'child_started'; readonly at: number; readonly entry: number; readonly childId: string }
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

export interface JudgeResult {
  readonly agentId: string
  /** 0 to 1. */
  readonly score: number
  readonly confidence: number
  readonly weight: number
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
    }
  | ({ readonly kind: 'System' } & ProcessResult)
  | ({ readonly kind: 'ContainerRun'; readonly attempts: number } & ProcessResult)
  | { readonly kind: 'ParallelContainerRun'; readonly steps: Readonly<Record<string, ProcessResult>> }
  | {
      readonly kind: 'ParallelAgents'
      readonly agents: readonly { readonly agentId: string; readonly output: string; readonly weight: number }[]
      /** Empty where there are no judges. */
      readonly judgements: readonly JudgeResult[]
    }

/** What a state asks for, rendered. Names and ids of agents and workflows are those of the run's tenant, or global. */
export type Work =
  | {
      readonly kind: 'Agent'
      readonly agent: string
      readonly input: string
      readonly intent: string | null
      readonly maxIterations: number
      readonly state: AgentState
    }
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
      readonly judges: readonly {
        readonly agentId: string
        readonly inputTemplate: string | null
        readonly weight: number
      }[]
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
