import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'
import type { TurnEntry } from './turns.ts'

/** SQL for what was said and done in attempts. */
export interface TurnStore {
  /** In their order. */
  list(executionId: string, iteration: number): Promise<TurnEntry[]>
  append(
    place: { executionId: string; iteration: number; position: number; at: Micros },
    entry: TurnEntry,
    within: Queryable,
  ): Promise<void>
}

export function createTurnStore({ db }: Database): TurnStore {
  const insert = prepared(
    (
      on,
      row: {
        readonly executionId: string
        iteration: number
        position: number
        kind: string
        data: string
        at: Micros
      },
    ) =>
      on.insertInto('execution_turns').values({
        execution_id: row.executionId,
        iteration: row.iteration,
        position: row.position,
        kind: row.kind,
        data: row.data,
        created_at: row.at,
      }),
  )
  return {
    async list(executionId, iteration) {
      const rows = await db
        .selectFrom('execution_turns')
        .select(['kind', 'data'])
        .where('execution_id', '=', executionId)
        .where('iteration', '=', iteration)
        .orderBy('position')
        .execute()
      return rows.map(({ kind, data }, index) => {
        try {
          return { kind, ...(JSON.parse(data) as object) } as TurnEntry
        } catch (cause) {
          const text = `Entry ${index + 1} of the record of this attempt, '${kind}', cannot be read: it is no JSON.`
          throw new Error(text, { cause })
        }
      })
    },
    async append(place, { kind, ...data }, within) {
      await insert(within, { ...place, kind, data: JSON.stringify(data) })
    },
  }
}
