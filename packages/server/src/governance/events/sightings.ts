import type { KeyClient } from '../../identity/caller.ts'
import type { Micros } from '../../storage/instants.ts'

/** The contracts an agent says it runs. */
export interface AgentManifest {
  readonly agent_id: string
  readonly policy_version: string
  readonly contracts: readonly {
    readonly id: string
    readonly type: string
    readonly tool: string | readonly string[]
    readonly mode: string
  }[]
}

/** That an agent was heard of, by its events. */
export interface AgentSighting {
  readonly tenantId: string
  readonly agentId: string
  readonly env: string
  /** Revision hash of the bundle it ran, where its events name one. */
  readonly policyVersion: string | null
  readonly at: Micros
  /** Which documents it reads, where its events show that. */
  readonly reads?: KeyClient
}

/** The fleet's ear in the events. */
export interface AgentSightings {
  /** Remember, to be written later and together with others: called for every batch. */
  sighted(sighting: AgentSighting): void
  /** Replace what the agent's registration holds; the registration is made when there is none. */
  manifestReported(sighting: AgentSighting, manifest: AgentManifest): Promise<void>
}
