import type { Database, Queryable } from '../../storage/database.ts'
import type { EventValues } from '../../storage/events/event-table.ts'
import type { Micros } from '../../storage/instants.ts'
import { formerEventId } from './identity.ts'

/** How far the clock of a client may have been ahead when it sent an event. */
const CLOCK_AHEAD: Micros = 3_600_000_000
/** Events asked for in one query. */
const ASKED_AT_ONCE = 200

/**
 * Events that were stored before ids told agents, environments and instants apart keep the ids they had. One of them that is
 * delivered again, because its answer was lost in the upgrade, is known by what it says. Nothing is asked of events that happened
 * after the last of those had arrived.
 */
export function createFormerDuplicates(database: Database) {
  /** What was stored before; null when nothing was. */
  let former: { lastNumber: number; lastArrival: Micros } | null | undefined

  async function boundary(db: Queryable) {
    const chain = await db
      .selectFrom('event_chains')
      .select((e) => e.fn.max('unchained').as('last'))
      .executeTakeFirst()
    const lastNumber = Number(chain?.last ?? 0)
    const last = await db
      .selectFrom('events')
      .select('created_at')
      .where('seq', '<=', lastNumber)
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    return last ? { lastNumber, lastArrival: last.created_at } : null
  }

  return {
    /** The places of the rows that were stored before. */
    async among(rows: readonly EventValues[], db: Queryable = database.db): Promise<ReadonlySet<number>> {
      const found = new Set<number>()
      if (former === undefined) former = await boundary(db)
      if (former === null) return found
      const { lastNumber, lastArrival } = former
      const old = rows.flatMap((row, index) => (row[8] <= lastArrival + CLOCK_AHEAD ? [{ row, index }] : []))
      const byAgent = Map.groupBy(old, ({ row }) => `${row[1]}\0${row[7]}\0${row[3]}`)
      for (const ofAgent of byAgent.values())
        for (let from = 0; from < ofAgent.length; from += ASKED_AT_ONCE) {
          const some = ofAgent.slice(from, from + ASKED_AT_ONCE).map(({ row, index }) => ({
            index,
            timestamp: row[8],
            id: formerEventId(row[1], row[2], row[5], row[9]),
            row,
          }))
          const [, tenantId = '', , agentId = '', , , , env = ''] = some[0]?.row ?? []
          const stored = await db
            .selectFrom('events')
            .select(['id', 'timestamp'])
            .where('tenant_id', '=', tenantId)
            .where('agent_id', '=', agentId)
            .where('timestamp', 'in', [...new Set(some.map(({ timestamp }) => timestamp))])
            .where('env', '=', env)
            .where('seq', '<=', lastNumber)
            .execute()
          const known = new Set(stored.map(({ id, timestamp }) => `${id} ${timestamp}`))
          for (const { id, timestamp, index } of some) if (known.has(`${id} ${timestamp}`)) found.add(index)
        }
      return found
    },
  }
}
