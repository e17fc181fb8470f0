import type { Generated } from 'kysely'

export interface IdempotencyKeyRow {
  tenant_id: string
  /** Operation and key, for example `approval:3f…`. */
  key: string
  /** The answer given first, as JSON. */
  response: string
  expires_at: number
}

/** What live streams carry, kept for 24 hours so that a connection that comes back gets what it missed. */
export interface StreamLogRow {
  id: Generated<number>
  tenant_id: string
  type: string
  /** JSON of the payload, `type` included. */
  data: string
  /** Agents of this environment receive it; null: not by environment. */
  env: string | null
  /** For `contract_update`: only agents that run this bundle. */
  bundle_name: string | null
  /** Only this agent receives it; null: not addressed to one. */
  agent_id: string | null
  /** 1 when dashboards receive it. */
  dashboard: number
  created_at: number
}

export interface SettingRow {
  name: string
  value: string
}

export interface JournalEntryRow {
  /** Orders what happened to all subjects. */
  id: Generated<number>
  subject_kind: string
  subject_id: string
  /** From 1, without gaps within the subject. */
  sequence: number
  tenant_id: string
  /** The agent that the subject is of, where it is of one. */
  agent_id: string | null
  type: string
  /** JSON of the event as streams carry it. */
  data: string
  created_at: number
}

/** A server process that shares this database, as last heard of. */
export interface ServerProcessRow {
  id: string
  seen_at: number
}
