import type { AgentManifestDocument } from '@lictor/aegis'
import type { Environment } from '../../identity/keys.ts'
import type { Micros } from '../../storage/instants.ts'
import type { SecurityContext } from '../contexts/security-contexts.ts'
import type { Gradient } from '../validation/gradient.ts'

export const unfinished = ['pending', 'running'] as const
export type ExecutionStatus = (typeof unfinished)[number] | 'completed' | 'failed' | 'cancelled'
/**
 * What an unfinished execution waits for: a place among those that run at once, a person who is asked about a tool call, or an
 * execution that it began.
 */
export type WaitingFor = 'place' | 'person' | 'child'

/** A run of an agent as lists show it: without what it was given and what it made. */
export interface ExecutionSummary {
  readonly id: string
  readonly tenantId: string
  readonly agentId: string
  readonly agentName: string
  readonly agentVersion: string
  readonly env: Environment
  readonly status: ExecutionStatus
  /** Null when it waits for nothing, and when it has ended. */
  readonly waitingFor: WaitingFor | null
  /** Attempts begun so far, from 0. */
  readonly totalIterations: number
  /** Why it failed or was cancelled, in a sentence; null otherwise, and when no reason was given. */
  readonly error: string | null
  readonly startedAt: Micros
  readonly endedAt: Micros | null
  readonly updatedAt: Micros
  /** The execution that began it; null for one that a caller began. */
  readonly parentId: string | null
}

/** A run of an agent. */
export interface Execution extends ExecutionSummary {
  /** The one it was started with: a redeploy does not change what runs. */
  readonly manifest: AgentManifestDocument
  /** The JSON value that the caller sent, attachments taken in; null when there was an intent alone. */
  readonly input: unknown
  readonly intent: string | null
  /** As it was rendered before the first attempt. */
  readonly prompt: string
  /** The one it was created with: a later change of that context does not reach it. */
  readonly securityContext: SecurityContext
  /** Who started it, as the audit log names actors. */
  readonly startedBy: string
  /** The server that supervises it. */
  readonly owner: string
  /** When that server last said so. */
  readonly heartbeatAt: Micros
  /** What the accepted attempt printed; null until then. */
  readonly output: string | null
  /** Counts who has run it, from 0: a server that was thought dead holds an older number, and changes nothing any more. */
  readonly generation: number
  /** How often it was taken over, and worked on, since its last turn. */
  readonly adoptions: number
  /** Milliseconds of its time limit that are used up; what it waited for others is left out. */
  readonly spentMs: number
  /** Ids from the first of its family to its parent; empty for one that a caller began. */
  readonly ancestors: readonly string[]
  /** What its parent knows it by; null without a parent. */
  readonly childKey: string | null
  /** The swarm that it was begun in; null: none. One that begins a swarm itself is not in it by this. */
  readonly swarmId: string | null
}

/** What every execution is when it is accepted, before its first attempt. */
export const unstarted = (now: Micros) =>
  ({
    status: 'pending',
    waitingFor: null,
    totalIterations: 0,
    output: null,
    error: null,
    startedAt: now,
    endedAt: null,
    updatedAt: now,
    heartbeatAt: now,
    generation: 0,
    adoptions: 0,
    spentMs: 0,
  }) as const

/** What nobody works on: whoever finds it first takes it up. */
export const unowned = { owner: '', heartbeatAt: 0 } as const

/** What may change of an execution; absent means unchanged. */
export type ExecutionChange = Partial<
  Pick<
    Execution,
    | 'status'
    | 'waitingFor'
    | 'totalIterations'
    | 'output'
    | 'error'
    | 'endedAt'
    | 'updatedAt'
    | 'adoptions'
    | 'spentMs'
    | 'owner'
    | 'heartbeatAt'
  >
>

/** An unfinished execution that nobody is known to run. */
export type Orphan = Pick<
  Execution,
  'id' | 'tenantId' | 'agentId' | 'owner' | 'heartbeatAt' | 'generation' | 'updatedAt'
>

/** `success` was accepted by every validator; after `refining` another attempt follows. */
export type IterationStatus = 'running' | 'success' | 'refining' | 'failed'

/** One attempt of an execution. */
export interface Iteration {
  readonly executionId: string
  /** From 1, without gaps. */
  readonly number: number
  /** SHA-256 of the token in the address its instance was given, in hexadecimal. */
  readonly tokenHash: string
  readonly status: IterationStatus
  /** The prompt that its instance was started with. */
  readonly action: string
  readonly instanceId: string | null
  /** From 0 to 255; null until the instance has ended. */
  readonly exitCode: number | null
  /** What the instance printed; null until it has ended by itself. */
  readonly output: string | null
  /** Why it came to no output. */
  readonly error: { readonly message: string } | null
  /** What the validators said, in their order; empty where the manifest has none, null until they were asked. */
  readonly validation: readonly Gradient[] | null
  readonly trajectory: readonly TrajectoryStep[]
  /** Names of refused tools, in the order of the refusals; a tool refused twice stands here twice. */
  readonly policyViolations: readonly string[]
  /** What the instance wrote to its standard error; null until it has ended by itself. */
  readonly stderr: string | null
  /** What later attempts are told of this one; null until that is known. */
  readonly history: HistoryEntry | null
  /** `spentMs` of the execution when it began. */
  readonly spentBeforeMs: number
  readonly startedAt: Micros
  readonly endedAt: Micros | null
}

/** What a later attempt is told of an earlier one. */
export interface HistoryEntry {
  readonly iteration: number
  readonly error?: string
  readonly output?: string
  readonly exit_code?: number
  readonly validation_failed?: true
  readonly validation_reason?: string
  readonly feedback?: string
}

/** What may change of an iteration; absent means unchanged. */
export type IterationChange = Partial<
  Pick<
    Iteration,
    | 'tokenHash'
    | 'instanceId'
    | 'status'
    | 'exitCode'
    | 'output'
    | 'stderr'
    | 'error'
    | 'validation'
    | 'history'
    | 'trajectory'
    | 'policyViolations'
    | 'endedAt'
  >
>

/** A tool call of an iteration. */
export interface TrajectoryStep {
  readonly tool: string
  /** JSON, without secrets; above 4,096 characters an object with a preview. */
  readonly argumentsJson: string
  /** `fatal`: the tool cannot work here until a setting is changed, and the loop ended with it. */
  readonly status: 'pending' | 'dispatched' | 'succeeded' | 'failed' | 'fatal'
  /** JSON of what the model was told, shortened likewise. Of a call that succeeded. */
  readonly resultJson?: string
  /** Of a call that failed. */
  readonly error?: string
}

/** Stands between the name of an agent and the name that it gave to an agent of its own making. */
const MADE_BY = '/'

/** The name of an execution whose agent is of its parent's making, and was deployed by nobody. */
export const madeName = (parent: Pick<Execution, 'agentName'>, own: string): string =>
  `${parent.agentName}${MADE_BY}${own}`

/**
 * Whose contracts, counters and limits an execution has: its own; of an agent that another made, those of the one that was deployed.
 * Nobody can assign contracts to what nobody deployed, and no agent escapes its own by writing another.
 */
export function governedAs({ id, agentName, ancestors }: Pick<Execution, 'id' | 'agentName' | 'ancestors'>): {
  readonly agentName: string
  readonly executionId: string
} {
  const [deployed = agentName, ...made] = agentName.split(MADE_BY)
  return { agentName: deployed, executionId: [...ancestors, id].at(-1 - made.length) ?? id }
}

/** Whether it was begun to judge another. */
export const isJudge = ({ parentId, manifest }: Pick<Execution, 'parentId' | 'manifest'>): boolean =>
  parentId !== null && manifest.metadata.labels?.role === 'judge'
