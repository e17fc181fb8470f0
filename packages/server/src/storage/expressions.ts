import type { DatabaseSync } from 'node:sqlite'
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from './database.ts'

/** Expressions that the two dialects spell differently, or that one of them lacks. */

/** A decimal number small enough that adding two of them cannot overflow a double. */
const DECIMAL = '^\\s*[+-]?[0-9]{1,200}(\\.[0-9]{1,200})?([eE][+-]?[0-9]{1,2})?\\s*$'
const decimal = new RegExp(DECIMAL)

/** The functions that SQLite lacks. They are called within statements and never touch the database. */
export function defineFunctions(raw: DatabaseSync): void {
  raw.function('contains_text', { deterministic: true, varargs: true }, (needle, ...texts) =>
    texts.some((text) => typeof text === 'string' && text.toLowerCase().includes(String(needle))) ? 1 : 0,
  )
  raw.function('add_to_text', { deterministic: true }, (text, amount) =>
    typeof text === 'string' && decimal.test(text) ? String(Number(text) + Number(amount)) : null,
  )
}

/** Whether one of the columns contains `needle`, whatever the case of either. */
export function containsText(database: Database, columns: readonly string[], needle: string): RawBuilder<SqlBool> {
  const refs = sql.join(columns.map((column) => sql.ref(column)))
  const lower = needle.toLowerCase()
  return database.dialect === 'sqlite'
    ? sql<SqlBool>`contains_text(${lower}, ${refs}) = 1`
    : sql<SqlBool>`strpos(lower(concat_ws(chr(10), ${refs})), ${lower}) > 0`
}

/** How much of a text that clients may send as long as they like stands in an index of PostgreSQL, which bounds what an index holds. */
const INDEXED_CHARACTERS = 100

/** Whether the column, which is indexed for this question, is the text. */
export function isIndexedText(database: Database, column: string, text: string): RawBuilder<SqlBool> {
  const ref = sql.ref(column)
  if (database.dialect === 'sqlite') return sql<SqlBool>`${ref} = ${text}`
  // Said once where once is enough: the planner takes two conditions for twice as seldom.
  const beginning = sql<SqlBool>`substr(${ref}, 1, ${sql.lit(INDEXED_CHARACTERS)}) = substr(cast(${text} as text), 1, ${sql.lit(INDEXED_CHARACTERS)})`
  return text.length < INDEXED_CHARACTERS ? beginning : sql<SqlBool>`(${beginning} and ${ref} = ${text})`
}

/**
 * The same, where another condition is to choose the index and this one is judged within it: SQLite keeps no statistics, and would
 * as soon choose the larger of two.
 */
export function isTextWithin(database: Database, column: string, text: string): RawBuilder<SqlBool> {
  return database.dialect === 'sqlite'
    ? sql<SqlBool>`+${sql.ref(column)} = ${text}`
    : isIndexedText(database, column, text)
}

/**
 * What follows from a query's other conditions, and is the condition of an index: SQLite sees that the index serves only where it
 * is said in those words; PostgreSQL sees it by itself, and where it is said again takes it for one more that few rows meet.
 */
export function whichImplies(database: Database, condition: string): RawBuilder<SqlBool> {
  return database.dialect === 'sqlite' ? sql.raw<SqlBool>(condition) : sql<SqlBool>`true`
}

/** A text column taken as a number plus `amount`, as text again; null where the column holds no decimal number. */
export function addToText(database: Database, column: string, amount: number): RawBuilder<string | null> {
  const ref = sql.ref(column)
  return database.dialect === 'sqlite'
    ? sql`add_to_text(${ref}, ${amount})`
    : sql`case when ${ref} ~ ${sql.lit(DECIMAL)} then (${ref}::double precision + ${amount}::double precision)::text end`
}

/** The start of the `size`-long stretch, counted from the epoch, that holds the value of an integer column. */
export function stretchOf(column: string, size: number): RawBuilder<number> {
  const length = sql.lit(size)
  return sql<number>`(${sql.ref(column)} / ${length}) * ${length}`
}

/** A field of a column that holds a JSON object, as text; null where there is none. */
export function fieldText(database: Database, column: string, field: string): RawBuilder<string | null> {
  const ref = sql.ref(column)
  return database.dialect === 'sqlite'
    ? sql<string | null>`${ref} ->> ${field}`
    : // An escaped NUL has no text form in PostgreSQL.
      sql<string | null>`case when strpos(${ref}, ${'\\u0000'}) = 0 then ${ref}::json ->> ${field} end`
}
