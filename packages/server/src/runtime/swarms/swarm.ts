import type { Micros } from '../../storage/instants.ts'
import type { ExecutionStatus } from '../record/execution.ts'

/** While it is `dissolving`, what was begun in it is being ended. */
export const swarmStatuses = ['active', 'dissolving', 'dissolved'] as const
export type SwarmStatus = (typeof swarmStatuses)[number]

/** Why a swarm is no more: what began it was ended, or all of it is done. */
export type DissolvedBecause = 'ParentCancelled' | 'AllChildrenComplete'

/** An execution, and the children that it began to work with. Its id follows from its parent's. */
export interface Swarm {
  readonly id: string
  readonly tenantId: string
  readonly parentId: string
  readonly status: SwarmStatus
  /** Null until it is dissolved. */
  readonly reason: DissolvedBecause | null
  readonly createdAt: Micros
  readonly dissolvedAt: Micros | null
}

/** An execution of a swarm: the one that it is of, or one that was begun in it. */
export interface Member {
  readonly swarmId: string
  readonly executionId: string
  readonly agentId: string
  readonly agentName: string
  readonly status: ExecutionStatus
  readonly startedAt: Micros
  readonly endedAt: Micros | null
}

/** A name that one member holds, and no other of the swarm. */
export interface Lock {
  readonly swarmId: string
  readonly resource: string
  readonly holderId: string
  readonly holderAgentId: string
  /** What its holder gives it back by. */
  readonly token: string
  readonly acquiredAt: Micros
  readonly expiresAt: Micros
}

/** What one member told another, without what it said. */
export interface MessageRecord {
  readonly from: string
  readonly to: string
  readonly payloadBytes: number
  readonly sentAt: Micros
}

/** A message as its reader gets it. */
export interface Message {
  readonly swarmId: string
  readonly fromExecutionId: string
  readonly fromAgentId: string
  readonly payload: string
  readonly payloadBytes: number
  readonly sentAt: Micros
}

/** A swarm as lists show it. */
export interface SwarmView {
  readonly swarm: Swarm
  /** The parent first, then its children as they were begun. */
  readonly members: readonly Member[]
  /** Held at this moment. */
  readonly lockCount: number
  /** Messages that were sent in it. */
  readonly messageCount: number
}

export interface SwarmDetail extends SwarmView {
  readonly locks: readonly Lock[]
  /** The newest, newest first. */
  readonly messages: readonly MessageRecord[]
}
