import { sql } from 'kysely'
import { StartupError } from '../errors.ts'
import type { SecretBox } from '../ports/secret-box.ts'
import type { Database, Queryable } from './database.ts'
import { MASTER_KEY_PROOF, opensProof, sealedProof } from './master-key.ts'

/** Every column whose name ends so holds what the secret box sealed, and no other column does. */
export const SEALED = /_sealed$/

/** Servers that said so within this time are running. */
const ALIVE_MICROS = 60_000_000

export interface Rewrapped {
  readonly columns: number
  readonly values: number
}

/** Which of two keys a database is sealed with; null where no server has started on it. */
export async function sealedUnder(
  { db }: Database,
  keys: { readonly old: SecretBox; readonly new: SecretBox },
): Promise<'old' | 'new' | 'neither' | null> {
  const tables = await db.introspection.getTables()
  if (!tables.some(({ name }) => name === 'settings')) return null
  const row = await db.selectFrom('settings').select('value').where('name', '=', MASTER_KEY_PROOF).executeTakeFirst()
  if (!row) return null
  return opensProof(keys.old, row.value) ? 'old' : opensProof(keys.new, row.value) ? 'new' : 'neither'
}

/**
 * Seal everything anew, in one transaction: whatever ends it half-way leaves every value under the old key.
 * @param now microseconds
 * @throws StartupError when a server is running, or a value does not open with the old key
 */
export async function rewrap(
  database: Database,
  keys: { readonly old: SecretBox; readonly new: SecretBox },
  now: number,
): Promise<Rewrapped> {
  return database.db.transaction().execute(async (within) => {
    await database.lock('master-key', within)
    await requireNobodyRuns(within, now)
    let values = 0
    const columns = await sealedColumns(database, within)
    for (const column of columns) values += await rewrapColumn(database, within, column, keys)
    await within
      .updateTable('settings')
      .set({ value: sealedProof(keys.new) })
      .where('name', '=', MASTER_KEY_PROOF)
      .execute()
    return { columns: columns.length, values }
  })
}

interface SealedColumn {
  readonly table: string
  readonly column: string
}

export async function sealedColumns(database: Database, within: Queryable): Promise<SealedColumn[]> {
  const tables = await within.introspection.getTables()
  return tables
    .filter(({ isView, schema }) => !isView && (database.dialect === 'sqlite' || (schema ?? 'public') === 'public'))
    .flatMap(({ name, columns }) =>
      columns.filter((column) => SEALED.test(column.name)).map((column) => ({ table: name, column: column.name })),
    )
}

async function requireNobodyRuns(within: Queryable, now: number): Promise<void> {
  const alive = await within
    .selectFrom('server_processes')
    .select('id')
    .where('seen_at', '>', now - ALIVE_MICROS)
    .execute()
  if (alive.length > 0)
    throw new StartupError(
      'server_running',
      `${alive.length === 1 ? 'A server is' : `${alive.length} servers are`} running on this database, with the old key in memory. Stop ${alive.length === 1 ? 'it' : 'them'} and call again; one that was killed is forgotten after a minute.`,
    )
}

/** Rows are found by where they lie, which no statement in between changes. */
async function rewrapColumn(
  { dialect }: Database,
  within: Queryable,
  { table, column }: SealedColumn,
  keys: { readonly old: SecretBox; readonly new: SecretBox },
): Promise<number> {
  const place = dialect === 'postgres' ? sql`ctid::text` : sql`rowid`
  const { rows } = await sql<{ place: string | number; sealed: Uint8Array }>`
    select ${place} as place, ${sql.ref(column)} as sealed from ${sql.table(table)} where ${sql.ref(column)} is not null
  `.execute(within)
  for (const row of rows) {
    const at = dialect === 'postgres' ? sql`ctid = ${row.place}::tid` : sql`rowid = ${row.place}`
    const sealed = keys.new.seal(opened(keys.old, row.sealed, table, column))
    await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sealed} where ${at}`.execute(within)
  }
  return rows.length
}

function opened(box: SecretBox, sealed: Uint8Array, table: string, column: string): Uint8Array {
  try {
    return box.open(sealed)
  } catch (cause) {
    throw new StartupError(
      'unreadable_value',
      `A value of ${table}.${column} does not open with the present master key: nothing was changed. Restore it, or delete its row.`,
      cause,
    )
  }
}
