import { sql } from 'kysely'
import type { Database, Queryable } from '../database.ts'
import { isPartOfEvents } from '../events/partitions.ts'

export interface TableShape {
  readonly name: string
  readonly columns: readonly string[]
  /** The column that counts up by itself, if any. */
  readonly counter: string | null
}

/** Every table of ours, each after the tables it refers to; Kysely's own bookkeeping is left out. */
export async function tablesInOrder(database: Database, within: Queryable): Promise<TableShape[]> {
  const found = (await within.introspection.getTables()).filter(
    (table) => !table.name.startsWith('kysely_') && !table.isView && (table.schema ?? 'public') === 'public',
  )
  // A partition's rows are read and written through its parent, and the ids of the events are theirs.
  const tables = found.filter((table) => !isPartOfEvents(table.name))
  const references = await referencesOf(
    database,
    within,
    tables.map((table) => table.name),
  )
  const placed = new Set<string>()
  const order: TableShape[] = []
  const place = (name: string): void => {
    if (placed.has(name)) return
    placed.add(name)
    for (const { from, to } of references) if (from === name && to !== name) place(to)
    const table = tables.find((candidate) => candidate.name === name)
    if (!table) return
    order.push({
      name,
      columns: table.columns.map((column) => column.name),
      counter: table.columns.find((column) => column.isAutoIncrementing)?.name ?? null,
    })
  }
  for (const table of tables) place(table.name)
  return order
}

async function referencesOf(
  database: Database,
  within: Queryable,
  tables: readonly string[],
): Promise<{ from: string; to: string }[]> {
  if (database.dialect === 'postgres') {
    const { rows } = await sql<{ from: string; to: string }>`
      select conrelid::regclass::text as "from", confrelid::regclass::text as "to" from pg_constraint where contype = 'f'
    `.execute(within)
    return rows
  }
  const all: { from: string; to: string }[] = []
  for (const from of tables) {
    const { rows } = await sql<{ table: string }>`select "table" from pragma_foreign_key_list(${from})`.execute(within)
    for (const row of rows) all.push({ from, to: row.table })
  }
  return all
}

/** After rows came in with their own numbers, the counters go on behind them. */
export async function advanceCounters(
  database: Database,
  within: Queryable,
  tables: readonly TableShape[],
): Promise<void> {
  if (database.dialect === 'sqlite') return
  for (const { name, counter } of tables) {
    if (counter === null) continue
    await sql`
      select setval(pg_get_serial_sequence(${name}, ${counter}), (select coalesce(max(${sql.ref(counter)}), 0) + 1 from ${sql.table(name)}), false)
    `.execute(within)
  }
}
