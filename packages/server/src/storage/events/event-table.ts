import type { Queryable } from '../database.ts'
import type { Micros } from '../instants.ts'

/** Columns of a stored event beside its number and its arrival, in the order of `EventValues`. */
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
  'preview',
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
  /** The payload as lists show it, where they do not show it whole. */
  preview: string | null,
]

/** What of a tenant's events is to go: all that arrived before the instant. */
export interface PurgedStretch {
  readonly tenantId: string
  readonly cutoff: Micros
}

/**
 * What the audit log needs beyond queries. On SQLite it is one table; on PostgreSQL a partition for each month of arrival, with
 * the ids, which tell duplicates over all months, in a table of their own.
 */
export interface EventTable {
  /**
   * Per row: true when it is new, false when an event with its id was stored before, or stands before it in `rows`. All or nothing,
   * together with the next link of each tenant's chain: in a transaction of its own, so that it resolves once the rows are on disk,
   * or as a part of `within`. All rows of an insert arrived at the same instant.
   */
  insert(rows: readonly EventValues[], arrivedAt: Micros, within?: Queryable): Promise<boolean[]>
  /** The number (`seq`) of the event with this id. */
  find(id: string): Promise<number | undefined>
  /** Make ready for what will arrive: months on PostgreSQL, what tells duplicates on SQLite. Cheap when there is nothing to do. */
  prepare(now: Micros): Promise<void>
  /** Finish a purge that was cut off. */
  finishPurge(): Promise<void>
  /** Delete events, while others read and write; how many there were. Their links are the chain's to cut first. */
  purge(stretches: readonly PurgedStretch[]): Promise<number>
  /** Give the disk what purges have left empty, in steps between which others are served. */
  reclaim(): Promise<void>
  /** Before events are restored that arrived at these instants. */
  prepareRestore(arrivals: readonly Micros[], within: Queryable): Promise<void>
  /** After events were restored into an empty table. */
  finishRestore(within: Queryable): Promise<void>
}
