import type { Readable, Writable } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'
import { sql } from 'kysely'
import { StartupError } from '../../errors.ts'
import type { Database, Queryable } from '../database.ts'
import { linesOf } from '../json-lines.ts'
import { MASTER_KEY_PROOF } from '../master-key.ts'
import { migrate } from '../migrate.ts'
import { advanceCounters, type TableShape, tablesInOrder } from './tables.ts'

const FORMAT = 'lictor-backup'
const FORMAT_VERSION = 1
const PAGE = 2_000
/** Parameters of one statement of a restore. */
const VALUES_AT_ONCE = 5_000
const PLACE = 'place in the backup'

interface Header {
  readonly format: typeof FORMAT
  readonly version: number
  /** The migrations the data was written under. */
  readonly migrations: readonly string[]
}

export interface BackupReport {
  readonly tables: number
  readonly rows: number
}

/**
 * Write everything in the database, as of one moment, to `target`: gzip of JSON lines, the same for both databases, so that a
 * backup of one restores into the other. Sealed secrets stay sealed: keep the master key beside it.
 */
export async function writeBackup(database: Database, target: Writable): Promise<BackupReport> {
  const gzip = createGzip()
  const written = new Promise<void>((resolve, reject) => {
    gzip.pipe(target)
    target.once('finish', resolve)
    target.once('error', reject)
    gzip.once('error', reject)
  })
  // A disk that is full fails the backup while rows are still read: it is heard then, and not as an error nobody caught.
  written.catch(() => {})
  const write = async (line: unknown): Promise<void> => {
    if (gzip.write(`${JSON.stringify(line)}\n`)) return
    await Promise.race([new Promise((resolve) => gzip.once('drain', resolve)), written])
  }
  let rows = 0
  const tables = await snapshot(database, async (within) => {
    const shapes = await tablesInOrder(database, within)
    await write({ format: FORMAT, version: FORMAT_VERSION, migrations: await migrationsOf(within) } satisfies Header)
    for (const shape of shapes) {
      await write({ table: shape.name, columns: shape.columns })
      for await (const row of rowsOf(database, within, shape)) {
        rows++
        await write(row)
      }
    }
    return shapes.length
  })
  gzip.end()
  await written
  return { tables, rows }
}

/**
 * Restore a backup into an empty database; nothing is changed when any of it cannot be restored.
 * @throws StartupError when the source is no backup, is from a newer version, or the database holds data.
 */
export async function readBackup(database: Database, source: Readable): Promise<BackupReport> {
  const lines = linesOf(source.pipe(createGunzip()))
  const header = await readHeader(lines)
  await migrate(database)
  return database.db.transaction().execute(async (within) => {
    const known = await migrationsOf(within)
    const unknown = header.migrations.filter((name) => !known.includes(name))
    if (unknown.length > 0)
      throw new StartupError(
        'backup_newer',
        `The backup was written by a newer version of Lictor (it has ${unknown.join(', ')}). Restore it with that version.`,
      )
    const shapes = await tablesInOrder(database, within)
    // Left by a first start without any data; the backup brings its own.
    await within.deleteFrom('settings').where('name', '=', MASTER_KEY_PROOF).execute()
    for (const { name } of shapes) {
      const occupied = await sql`select 1 from ${sql.table(name)} limit 1`.execute(within)
      if (occupied.rows.length > 0)
        throw new StartupError(
          'restore_not_empty',
          `The database already holds data (table ${name}). A backup is restored into an empty one.`,
        )
    }
    const report = await insertAll(database, within, lines, shapes)
    await database.events.finishRestore(within)
    await advanceCounters(database, within, shapes)
    return report
  })
}

async function insertAll(
  database: Database,
  within: Queryable,
  lines: AsyncIterator<string>,
  shapes: readonly TableShape[],
): Promise<BackupReport> {
  let table: { name: string; columns: readonly string[] } | null = null
  let batch: unknown[][] = []
  let tables = 0
  let rows = 0
  const flush = async () => {
    if (!table || batch.length === 0) return
    if (table.name === 'events') {
      const arrival = table.columns.indexOf('created_at')
      await database.events.prepareRestore(
        batch.map((row) => Number(row[arrival])),
        within,
      )
    }
    const values = batch.map((row) => sql`(${sql.join(row.map((value) => sql`${value}`))})`)
    await sql`insert into ${sql.table(table.name)} (${sql.join(table.columns.map((column) => sql.ref(column)))}) values ${sql.join(values)}`.execute(
      within,
    )
    batch = []
  }
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    const line = parse(next.value) as unknown[] | { table: string; columns: string[] }
    if (Array.isArray(line)) {
      if (!table) throw notABackup('a row stands before its table')
      batch.push(line.map(decode))
      rows++
      if (batch.length * table.columns.length > VALUES_AT_ONCE) await flush()
      continue
    }
    await flush()
    const known = shapes.find((shape) => shape.name === line.table)
    if (!known || line.columns.some((column) => !known.columns.includes(column)))
      throw notABackup(`table ${line.table} is not known`)
    table = { name: line.table, columns: line.columns }
    tables++
  }
  await flush()
  return { tables, rows }
}

/** Read in one moment's view of the data, without stopping writers. */
function snapshot<T>(database: Database, read: (within: Queryable) => Promise<T>): Promise<T> {
  const transaction = database.db.transaction()
  return (database.dialect === 'postgres' ? transaction.setIsolationLevel('repeatable read') : transaction).execute(
    read,
  )
}

/** Page by page, each where the last one ended: the thousandth costs what the first did. */
async function* rowsOf(database: Database, within: Queryable, shape: TableShape): AsyncGenerator<unknown[]> {
  const names = sql.join(shape.columns.map((column) => sql.ref(column)))
  const next = database.dialect === 'postgres' ? await pagesOfPostgres() : pagesOfSqlite()
  for (let page = await next(); page.length > 0; page = await next())
    for (const row of page) yield shape.columns.map((column) => encode(row[column]))

  async function pagesOfPostgres() {
    await sql`declare backup no scroll cursor for select ${names} from ${sql.table(shape.name)}`.execute(within)
    return async () => {
      const { rows } = await sql<Record<string, unknown>>`fetch ${sql.lit(PAGE)} from backup`.execute(within)
      if (rows.length === 0) await sql`close backup`.execute(within)
      return rows
    }
  }

  function pagesOfSqlite() {
    let last = Number.MIN_SAFE_INTEGER
    return async () => {
      const { rows } = await sql<Record<string, unknown>>`
        select ${names}, rowid as ${sql.ref(PLACE)} from ${sql.table(shape.name)} where rowid > ${last} order by rowid limit ${sql.lit(PAGE)}
      `.execute(within)
      last = Number(rows.at(-1)?.[PLACE] ?? last)
      return rows
    }
  }
}

const encode = (value: unknown): unknown =>
  value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value

function decode(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'bytes' in value
    ? Buffer.from(String(value.bytes), 'base64')
    : value
}

async function migrationsOf(within: Queryable): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(within)
  return rows.map((row) => row.name)
}

async function readHeader(lines: AsyncIterator<string>): Promise<Header> {
  const first = await lines.next().catch((cause: unknown) => {
    throw notABackup((cause as Error).message)
  })
  const header = first.done ? null : (parse(first.value) as Partial<Header>)
  if (header?.format !== FORMAT || !Array.isArray(header.migrations)) throw notABackup('its first line is not a header')
  if (header.version !== FORMAT_VERSION)
    throw new StartupError(
      'backup_newer',
      `The backup has format ${header.version}; this version of Lictor reads ${FORMAT_VERSION}.`,
    )
  return header as Header
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw notABackup('a line is not JSON')
  }
}

const notABackup = (why: string) =>
  new StartupError('not_a_backup', `This is not a backup made by \`lictor backup\`: ${why}.`)
