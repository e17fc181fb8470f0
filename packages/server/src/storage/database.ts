import type { Kysely, Transaction } from 'kysely'
import type { AdvanceRuns } from './advance-runs.ts'
import type { EventTable } from './events/event-table.ts'
import type { Schema } from './schema.ts'

export type Dialect = 'sqlite' | 'postgres'

/** The database as stores see it. `dialect` is for `storage/` alone: a store that needs it asks for a function here instead. */
export interface Database {
  readonly dialect: Dialect
  readonly db: Kysely<Schema>
  /**
   * Like `db`, for steps on the way to one that is waited for: what is committed by it survives the end of the process at once, and
   * is on disk a moment later, in any case no later than what `db` commits after it. Nobody outside may hear of it before.
   */
  readonly ahead: Kysely<Schema>
  /** Resolves once what was committed so far is on disk, without hurrying the disk. @throws when the disk failed */
  onDisk(): Promise<void>
  /** How many bulk transactions are worth having in flight at once. */
  readonly writers: number
  /** Queries run on this process's event loop: a long one is cut up, so that others are answered meanwhile. */
  readonly isInProcess: boolean
  /** The audit log beyond queries, which the two dialects keep each in its own way. */
  readonly events: EventTable
  /** Runs of workflows go on, many in one statement where that is faster. */
  readonly advanceRuns: AdvanceRuns
  /** Wait for, and hold until the transaction ends, the lock of this name. */
  lock(name: string, within: Transaction<Schema>): Promise<void>
  /** As `lock`, of several, in an order that is the same for whoever takes them. */
  lockAll(names: readonly string[], within: Transaction<Schema>): Promise<void>
  /** Do `work` while no other server that shares this database does work of this name. */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<T>
  /** How many connections there are, and queries that wait for one; null where there is nothing to connect to. */
  connections(): { readonly open: number; readonly idle: number; readonly waiting: number } | null
  /** Round trip in milliseconds. @throws when the database does not answer. */
  ping(): Promise<number>
  close(): Promise<void>
}

/** The database for steps on the way to one that is waited for: `ahead` in the place of `db`. */
export const aheadOf = (database: Database): Database => ({ ...database, db: database.ahead })

/** A connection or a transaction. */
export type Queryable = Kysely<Schema>

/** Whether `error` says that the database is away (and may come back), rather than that a statement was wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string') {
    if (
      /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT_SOCKET)$/.test(
        code,
      )
    )
      return true
    // 08: connection exceptions, 53: out of resources, 57P0x: shutting down, 25006: read-only after failover
    if (/^(08...|53...|57P0.|25006)$/.test(code)) return true
  }
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|driver has already been destroyed/i.test(
    error.message,
  )
}

/** Whether `error` says that no connection of the pool came free: it is too small, or the database hangs. */
export function isPoolExhausted(error: unknown): boolean {
  return error instanceof Error && error.message === 'timeout exceeded when trying to connect'
}

/** Whether `error` says that this transaction lost to another and may simply be tried again. */
export function isRetriable(error: unknown): boolean {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return code === '40P01' || code === '40001'
}

/** Whether `error` is the breach of a unique index. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (error as { code?: unknown }).code === '23505' || /UNIQUE constraint failed/.test(error.message)
}
