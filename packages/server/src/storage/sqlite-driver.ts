import {
  type DatabaseConnection,
  type DialectAdapter,
  type Driver,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
} from 'kysely'
import type { DiskSync } from './disk-sync.ts'

/** One connection, had by one after the other. */
export interface Turns {
  take(): Promise<void>
  give(): void
}

export function createTurns(): Turns {
  const waiting: (() => void)[] = []
  let isTaken = false
  return {
    async take() {
      if (isTaken) await new Promise<void>((resolve) => waiting.push(resolve))
      isTaken = true
    },
    give() {
      const next = waiting.shift()
      if (next) next()
      else isTaken = false
    },
  }
}

/** The one connection to a file, and who has it. */
export interface SharedConnection {
  readonly turns: Turns
  readonly disk: DiskSync
  /** Whether whoever has the connection wrote something, since this was last asked. */
  hasWritten(): boolean
}

/**
 * SQLite with the wait for the disk after the connection was given on: the next transaction runs meanwhile, and the disk is waited
 * for by all that committed. Nobody hears of anything, of its own or of another's, before it is on disk.
 *
 * @param waits false: whoever asks goes on at once, and waits with a later transaction, which is on disk only after this one
 */
export class SharedSqlite extends SqliteDialect {
  readonly #driver: () => Driver

  constructor(database: SqliteDatabase, shared: SharedConnection, waits: boolean) {
    super({ database })
    this.#driver = () => new SharedDriver(database, shared, waits)
  }

  override createDriver(): Driver {
    return this.#driver()
  }

  override createAdapter(): DialectAdapter {
    return new SharedAdapter()
  }
}

class SharedAdapter extends SqliteAdapter {
  /** The driver itself lets one at a time to the connection. */
  override get supportsMultipleConnections(): boolean {
    return true
  }

  /** SQLite changes tables within transactions as well: a migration that fails, or is cut off, leaves nothing behind. */
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class SharedDriver extends SqliteDriver {
  readonly #shared: SharedConnection
  readonly #waits: boolean

  constructor(database: SqliteDatabase, shared: SharedConnection, waits: boolean) {
    super({ database })
    this.#shared = shared
    this.#waits = waits
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const { turns, disk } = this.#shared
    await turns.take()
    try {
      disk.requireSound()
      return await super.acquireConnection()
    } catch (error) {
      turns.give()
      throw error
    }
  }

  override async releaseConnection(): Promise<void> {
    const { turns, disk, hasWritten } = this.#shared
    if (hasWritten()) disk.committed()
    turns.give()
    if (this.#waits) await disk.settled()
    else disk.soon()
  }
}
