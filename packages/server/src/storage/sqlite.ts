import { chmodSync, realpathSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Kysely, type SqliteDatabase, type SqliteStatement } from 'kysely'
import { StartupError } from '../errors.ts'
import { createSqliteAdvance } from './advance-runs.ts'
import type { Database } from './database.ts'
import { createDiskSync, type FileSync, fileSync } from './disk-sync.ts'
import { createSqliteEvents, INCREMENTAL } from './events/sqlite-events.ts'
import { defineFunctions } from './expressions.ts'
import type { Schema } from './schema.ts'
import { createTurns, SharedSqlite } from './sqlite-driver.ts'
import { storableParameters } from './storable.ts'

const CACHED_STATEMENTS = 300
/** What changes nothing that anybody waits for. */
const READING = /^\s*(?:select|begin|commit|rollback|savepoint|release|pragma|explain)\b/i

/**
 * Open (or make) the SQLite file at `path`, write-ahead logged, with this process as its one writer; or beside that writer, as a
 * reader.
 *
 * @param options.log brings the write-ahead log to the disk
 */
export function openSqlite(
  path: string,
  { asReader = false, log = asReader || path === ':memory:' ? NO_FILE : logOf(path) }: OpenOptions = {},
): Database {
  const raw = asReader ? openForReading(path) : openExclusively(path)
  defineFunctions(raw)
  const statements = new Map<string, StatementSync>()
  let hasWritten = false
  const prepare = (sql: string): StatementSync => {
    if (!READING.test(sql)) hasWritten = true
    const known = statements.get(sql)
    if (known) return known
    if (statements.size >= CACHED_STATEMENTS) statements.delete(statements.keys().next().value ?? '')
    const statement = raw.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  const adapted = new WeakMap<StatementSync, SqliteStatement>()
  const forKysely: SqliteDatabase = {
    close() {
      log.close()
      raw.close()
    },
    prepare(sql) {
      const statement = prepare(sql)
      const known = adapted.get(statement)
      if (known) return known
      const made = sql === 'rollback' ? rollback(statement) : adaptStatement(statement)
      adapted.set(statement, made)
      return made
    },
  }
  const shared = {
    turns: createTurns(),
    disk: createDiskSync(log.sync),
    hasWritten() {
      const answer = hasWritten
      hasWritten = false
      return answer
    },
  }
  const db = new Kysely<Schema>({ dialect: new SharedSqlite(forKysely, shared, true) })
  return {
    dialect: 'sqlite',
    db,
    ahead: new Kysely<Schema>({ dialect: new SharedSqlite(forKysely, shared, false) }),
    onDisk: () => shared.disk.eventually(),
    events: createSqliteEvents(db, prepare),
    advanceRuns: createSqliteAdvance(),
    writers: 1,
    isInProcess: true,
    // The file is one process's own.
    exclusively: (_name, work) => work(),
    async lock() {
      // One connection: a transaction already excludes every other.
    },
    async lockAll() {},
    connections: () => null,
    async ping() {
      const started = performance.now()
      shared.disk.requireSound()
      prepare('select 1').get()
      return performance.now() - started
    },
    close: () => db.destroy(),
  }
}

interface OpenOptions {
  readonly asReader?: boolean
  readonly log?: FileSync
}

const NO_FILE: FileSync = { sync: async () => {}, close() {} }

/** The write-ahead log stands beside the file itself, wherever a link to it is. */
const logOf = (path: string): FileSync => fileSync(() => `${realpathSync(path)}-wal`)

function openForReading(path: string): DatabaseSync {
  try {
    const raw = new DatabaseSync(path, { readOnly: true })
    raw.exec('pragma busy_timeout = 5000')
    return raw
  } catch (cause) {
    throw new StartupError(
      'database_open',
      `The database file '${path}' cannot be read: ${(cause as Error).message}.`,
      cause,
    )
  }
}

function openExclusively(path: string): DatabaseSync {
  let raw: DatabaseSync
  try {
    raw = new DatabaseSync(path)
  } catch (cause) {
    throw new StartupError(
      'database_open',
      `The database file '${path}' cannot be opened: ${(cause as Error).message}.`,
      cause,
    )
  }
  if (path !== ':memory:') {
    holdLock(path)
    // The log beside it takes its mode from the file.
    chmodSync(path, 0o600)
  }
  try {
    // Only a file that holds nothing yet takes it.
    raw.exec(`pragma auto_vacuum = ${INCREMENTAL}`)
    // `normal`: a commit writes the log and a checkpoint syncs it; that a commit is on disk is what `disk-sync.ts` sees to.
    raw.exec(
      'pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on; pragma busy_timeout = 5000; pragma cache_size = -16000; pragma temp_store = memory; pragma wal_autocheckpoint = 4000',
    )
  } catch (cause) {
    raw.close()
    throw new StartupError(
      'database_open',
      `The database file '${path}' is not usable: ${(cause as Error).message}.`,
      cause,
    )
  }
  return raw
}

const heldLocks = new Map<string, DatabaseSync>()

/** A second server on the same data folder is refused. The lock is the operating system's: it ends with the process, however that ends. */
function holdLock(path: string): void {
  const lockPath = `${path}.lock`
  const previous = heldLocks.get(lockPath)
  if (previous) {
    previous.close()
    heldLocks.delete(lockPath)
  }
  const lock = new DatabaseSync(lockPath)
  try {
    lock.exec(
      'pragma journal_mode = delete; pragma locking_mode = exclusive; begin exclusive; create table if not exists held (x); commit',
    )
  } catch (cause) {
    lock.close()
    throw new StartupError(
      'data_dir_in_use',
      `'${path}' is in use by another Lictor server. Stop it, or name another LICTOR_DATA_DIR.`,
      cause,
    )
  }
  heldLocks.set(lockPath, lock)
}

/**
 * Undoes a transaction, also one that SQLite has undone by itself (a full disk, an input or output error). That it is gone is
 * what was wanted; an error here would stand before the one that says why.
 */
function rollback(statement: StatementSync): SqliteStatement {
  const adapted = adaptStatement(statement)
  return {
    ...adapted,
    run(parameters) {
      try {
        return adapted.run(parameters)
      } catch (error) {
        if (!/no transaction is active/.test((error as Error).message)) throw error
        return { changes: 0, lastInsertRowid: 0 }
      }
    },
  }
}

/** Give node:sqlite's statement the shape Kysely's driver expects. */
function adaptStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...(storableParameters(parameters) as never[])),
    run: (parameters) => statement.run(...(storableParameters(parameters) as never[])),
    iterate: (parameters) =>
      statement.iterate(...(storableParameters(parameters) as never[])) as IterableIterator<unknown>,
  }
}
