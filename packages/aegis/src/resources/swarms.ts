import type { RequestOptions } from '../http/options.ts'
import { path, query } from '../http/path.ts'
import type { Transport } from '../http/transport.ts'

/** An execution of a swarm: the one that it is of, or one that was begun in it. */
export interface SwarmMember {
  readonly execution_id: string
  readonly agent_id: string
  readonly agent_name: string
  /** `parent` or `child`. */
  readonly role: string
  /** Of the execution. */
  readonly status: string
  /** RFC 3339. */
  readonly started_at: string
  readonly ended_at: string | null
}

/** An execution, and the children that it began to work with. */
export interface Swarm {
  readonly swarm_id: string
  readonly parent_execution_id?: string | null
  readonly tenant_id?: string
  /** Ids of the agents of its members. */
  readonly member_ids: readonly string[]
  readonly member_count?: number
  readonly members?: readonly SwarmMember[]
  /** `active`, `dissolving` or `dissolved`. */
  readonly status: string
  /** Why it was dissolved: `ParentCancelled` or `AllChildrenComplete`. */
  readonly reason?: string | null
  /** RFC 3339. */
  readonly created_at?: string
  readonly dissolved_at?: string | null
  readonly lock_count?: number
  readonly recent_message_count?: number
}

export interface SwarmLock {
  readonly resource_id: string
  /** Id of the agent that holds it. */
  readonly held_by: string
  readonly holder_execution_id?: string
  /** RFC 3339. */
  readonly acquired_at: string
  readonly expires_at: string
}

/** That something was said; what, its members alone know. */
export interface SwarmMessage {
  readonly from: string
  readonly to: string
  readonly payload_bytes: number
  /** RFC 3339. */
  readonly sent_at: string
}

export interface SwarmDetails extends Swarm {
  readonly locks: readonly SwarmLock[]
  /** Newest first. */
  readonly recent_messages: readonly SwarmMessage[]
}

/** Agents that work together. Each call rejects with an `AegisError`; see there. */
export function swarmMethods(transport: Transport) {
  return {
    /** Those that are not dissolved, newest first; `status` chooses `active`, `dissolving`, `dissolved` or `all`. */
    async listSwarms(
      filter?: { readonly status?: string; readonly limit?: number; readonly offset?: number },
      options?: RequestOptions,
    ): Promise<{ readonly swarms: readonly Swarm[]; readonly count?: number }> {
      return transport.json({ method: 'GET', path: `/v1/swarms${query(filter)}` }, options)
    },

    /** One, with its locks and the newest messages. */
    async getSwarm(swarmId: string, options?: RequestOptions): Promise<SwarmDetails> {
      return transport.json({ method: 'GET', path: path`/v1/swarms/${swarmId}` }, options)
    },
  }
}

export type SwarmMethods = ReturnType<typeof swarmMethods>
