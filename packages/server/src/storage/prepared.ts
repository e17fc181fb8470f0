import type { Compilable, CompiledQuery } from 'kysely'
import type { Queryable } from './database.ts'

type Value = string | number | null
/** What a statement is told each time it runs: which names are given, and how long a list is, makes another statement. */
type Values = Readonly<Record<string, Value | readonly Value[] | undefined>>

/** Statements that are kept; lists of every length there is would be without end. */
const MOST_KEPT = 32

/** Stands in a statement where a value belongs. */
class Place {
  readonly name: string
  readonly index: number | null
  constructor(name: string, index: number | null) {
    this.name = name
    this.index = index
  }
  in(values: Values): Value {
    const value = values[this.name] as Value | readonly Value[]
    return this.index === null ? (value as Value) : ((value as readonly Value[])[this.index] ?? null)
  }
  /** Whoever builds the statement hands a value on, and does nothing else with it. */
  [Symbol.toPrimitive](): never {
    throw new TypeError(`'${this.name}' is not known when the statement is built.`)
  }
}

/**
 * A statement that is built once, for one database, where all that differs from one run to the next are its values: for Kysely,
 * building and writing out a statement is as much work as running it is for SQLite. For what every call of a tool asks.
 *
 * @param build is given, by the names of the values, what stands for them in the statement
 * @returns runs it and answers its rows
 */
export function prepared<V extends Values, Row>(
  build: (db: Queryable, values: V) => Compilable<Row>,
): (within: Queryable, values: V) => Promise<Row[]> {
  const kept = new Map<string, CompiledQuery<Row>>()

  function statementFor(within: Queryable, values: V): CompiledQuery<Row> {
    const shape = shapeOf(values)
    const known = kept.get(shape)
    if (known) return known
    const built = build(within, placesOf(values)).compile()
    if (kept.size < MOST_KEPT) kept.set(shape, built)
    return built
  }

  return async (within, values) => {
    const statement = statementFor(within, values)
    const parameters = statement.parameters.map((value) => (value instanceof Place ? value.in(values) : value))
    return (await within.executeQuery<Row>({ ...statement, parameters })).rows
  }
}

function shapeOf(values: Values): string {
  let shape = ''
  for (const name in values) {
    const value = values[name]
    if (value !== undefined) shape += Array.isArray(value) ? `${name} ${value.length},` : `${name},`
  }
  return shape
}

const placesOf = <V extends Values>(values: V): V =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [[name, Array.isArray(value) ? value.map((_, index) => new Place(name, index)) : new Place(name, null)]],
    ),
  ) as unknown as V
