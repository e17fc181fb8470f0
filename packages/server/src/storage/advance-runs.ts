import { sql } from 'kysely'
import type { Queryable } from './database.ts'
import type { Micros } from './instants.ts'
import { prepared } from './prepared.ts'

/** What an event can change of a run. */
export interface Advance {
  readonly id: string
  readonly current: string
  readonly reason: string | null
  readonly state: string
  readonly sequence: number
  readonly pending: string | null
  readonly enteredAt: number
  readonly dueAt: number | null
  readonly updatedAt: number
  readonly endedAt: number | null
  readonly status: string
  /** It is written only where these are what they were. */
  readonly owner: string
  readonly generation: number
}

/** Writes what events made of runs, where the event before is their newest; the ids of those that it wrote. */
export type AdvanceRuns = (advances: readonly Advance[], within: Queryable) => Promise<ReadonlySet<string>>

/** SQLite is a function call away, and writes the index of every column that is named, changed or not. */
export function createSqliteAdvance(): AdvanceRuns {
  const one = (hasEnded: boolean) =>
    prepared((on, { before, ...to }: Given & { readonly before: number }) =>
      on
        .updateTable('workflow_runs')
        .set({
          current_state: to.current,
          reason: to.reason,
          state: to.state,
          sequence: to.sequence,
          pending: to.pending,
          entered_at: to.enteredAt as Micros,
          due_at: to.dueAt as Micros | null,
          updated_at: to.updatedAt as Micros,
          ended_at: to.endedAt as Micros | null,
          ...(hasEnded ? { status: to.status } : {}),
        })
        .where('id', '=', to.id)
        .where('sequence', '=', before)
        .where('owner', '=', to.owner)
        .where('generation', '=', to.generation)
        .returning('id'),
    )
  const [goesOn, ends] = [one(false), one(true)]
  return async (advances, within) => {
    const written = new Set<string>()
    for (const advance of advances) {
      const write = advance.status === 'running' ? goesOn : ends
      for (const { id } of await write(within, { ...advance, before: advance.sequence - 1 })) written.add(id)
    }
    return written
  }
}

/** PostgreSQL is a message away: all in one statement. */
export const advanceOnPostgres: AdvanceRuns = async (advances, within) => {
  const all = <K extends keyof Advance>(key: K) => advances.map((one) => one[key])
  const { rows } = await sql<{ id: string }>`
    update workflow_runs as run set
      current_state = made.current_state, reason = made.reason, state = made.state, sequence = made.sequence,
      pending = made.pending, entered_at = made.entered_at, due_at = made.due_at, updated_at = made.updated_at,
      ended_at = made.ended_at, status = made.status
    from unnest(
      ${all('id')}::text[], ${all('current')}::text[], ${all('reason')}::text[], ${all('state')}::text[],
      ${all('sequence')}::int[], ${all('pending')}::text[], ${all('enteredAt')}::bigint[], ${all('dueAt')}::bigint[],
      ${all('updatedAt')}::bigint[], ${all('endedAt')}::bigint[], ${all('status')}::text[], ${all('owner')}::text[],
      ${all('generation')}::int[]
    ) as made (
      id, current_state, reason, state, sequence, pending, entered_at, due_at, updated_at, ended_at, status, owner, generation
    )
    where run.id = made.id and run.sequence = made.sequence - 1 and run.owner = made.owner
      and run.generation = made.generation
    returning run.id`.execute(within)
  return new Set(rows.map(({ id }) => id))
}

type Given = Advance & Readonly<Record<string, string | number | null>>
