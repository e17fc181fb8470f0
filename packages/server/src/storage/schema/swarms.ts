import type { Generated } from 'kysely'

/** An execution and the children that it began to work with. */
export interface SwarmRow {
  id: string
  tenant_id: string
  parent_execution_id: string
  status: 'active' | 'dissolving' | 'dissolved'
  /** Why it was dissolved. */
  reason: string | null
  created_at: number
  dissolved_at: number | null
}

/** What one member holds, and no other. */
export interface SwarmLockRow {
  swarm_id: string
  resource: string
  holder_execution_id: string
  holder_agent_id: string
  token: string
  acquired_at: number
  expires_at: number
}

/** What one member told another. */
export interface SwarmMessageRow {
  seq: Generated<number>
  swarm_id: string
  /** The call that sent it. */
  call_id: string
  from_execution_id: string
  from_agent_id: string
  to_execution_id: string
  to_agent_id: string
  /** Null once it was read and another call has read on, or the swarm is dissolved. */
  payload: string | null
  payload_bytes: number
  sent_at: number
  /** The call that read it. */
  read_by: string | null
}
