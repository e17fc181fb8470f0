import type { AgentManifestDocument } from '@lictor/aegis'
import type { Micros } from '../../storage/instants.ts'
import type { Visibility } from '../visibility.ts'

/** What a client may set. An agent that this server gave up on is `failed`. */
export const settableStatuses = ['active', 'paused', 'archived'] as const

/** A deployed agent, by its newest version. */
export interface Agent {
  readonly id: string
  /** The tenant, or `aegis-system` for an agent every tenant sees. */
  readonly tenantId: string
  readonly name: string
  readonly version: string
  readonly scope: Visibility
  /** One of `settableStatuses`, or `failed`. */
  readonly status: string
  readonly manifest: AgentManifestDocument
  /** As it was sent, comments and all. */
  readonly manifestYaml: string
  readonly createdAt: Micros
  readonly updatedAt: Micros
}

export interface AgentVersion {
  readonly id: string
  readonly agentId: string
  readonly version: string
  readonly manifestYaml: string
  readonly deployedAt: Micros
}

/** Which agents a list shows; absent fields choose all. */
export interface AgentFilter {
  readonly scope: Visibility | null
  /** Label `type` or, where there is none, `role`. */
  readonly type: string | null
  /** Also agents that every tenant sees. */
  readonly includesGlobal: boolean
  readonly limit: number | null
}

/** What sort of agent it is: label `type` or, where there is none, `role`. */
export const typeOf = ({ manifest }: Pick<Agent, 'manifest'>): string | null =>
  manifest.metadata.labels?.type ?? manifest.metadata.labels?.role ?? null
