import type { Queryable } from '../database.ts'
import type { Micros } from '../instants.ts'

/** Columns of a stored event, in the order of `EventValues`. */
export const eventColumns = [
  'id',
  'tenant_id',
  'call_id',
  'agent_id',
  'tool_name',
  'verdict',
  'mode',
  'env',
  'timestamp',
  'decision_name',
  'payload',
  'created_at',
] as const

/** A row for the bulk insert: a plain tuple, because tens of thousands are made each second. */
export type EventValues = readonly [
  /** A UUID. */
  id: string,
  tenantId: string,
  callId: string,
  agentId: string,
  toolName: string,
  verdict: string,
  mode: string,
  env: string,
  timestamp: Micros,
  decisionName: string,
  payload: string | null,
  createdAt: Micros,
]

/**
 * What the audit log needs beyond queries. On SQLite it is one table; on PostgreSQL a partition for each month of arrival, with
 * the ids, which tell duplicates over all months, in a table of their own.
 */
export interface EventTable {
  /**
   * Per row: true when it is new, false when an event with its id was stored before, or stands before it in `rows`. All or nothing,
   * in a transaction of its own: resolves once the rows are on disk.
   */
  insert(rows: readonly EventValues[]): Promise<boolean[]>
  /** Make ready for what will arrive: months on PostgreSQL, what tells duplicates on SQLite. Cheap when there is nothing to do. */
  prepare(now: Micros): Promise<void>
  /** Finish a purge that was cut off. */
  finishPurge(): Promise<void>
  /** Delete the tenant's events that arrived before `cutoff`, while others read and write; how many there were. */
  purge(tenantId: string, cutoff: Micros): Promise<number>
  /** Before events are restored that arrived at these instants. */
  prepareRestore(arrivals: readonly Micros[], within: Queryable): Promise<void>
  /** After events were restored into an empty table. */
  finishRestore(within: Queryable): Promise<void>
}
