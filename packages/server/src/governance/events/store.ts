import { sql } from 'kysely'
import type { Database } from '../../storage/database.ts'
import type { EventValues } from '../../storage/events/event-table.ts'
import { indexed } from '../../storage/events/index-conditions.ts'
import { containsText, isIndexedText, isTextWithin, stretchOf } from '../../storage/expressions.ts'
import type { Micros } from '../../storage/instants.ts'
import type { EventRow } from '../../storage/schema.ts'

/** Which events are asked for. `env` confines an API key; a person sees all environments. */
export interface EventFilter {
  readonly tenantId: string
  readonly env?: string | undefined
  readonly agentId?: string | undefined
  readonly toolName?: string | undefined
  readonly verdict?: string | undefined
  readonly mode?: string | undefined
  /** Inclusive. */
  readonly since?: Micros | undefined
  /** Inclusive. */
  readonly until?: Micros | undefined
  /** Exclusive. */
  readonly before?: Micros | undefined
  /** Any text field or the payload contains it, whatever the case. */
  readonly search?: string | undefined
}

/** The place of an event in the order of the list. */
export interface EventPlace {
  readonly timestamp: Micros
  readonly seq: number
}

/** Events of one stretch of time that share a mode and a verdict. */
export interface EventCount {
  readonly start: Micros
  readonly mode: string
  readonly verdict: string
  readonly count: number
}

export type StoredEvent = Omit<EventRow, 'seq'> & { readonly seq: number }

export interface EventStore {
  /** Per row: true when it is new, false when its id was stored before. Resolves once the rows are on disk. */
  insert(rows: readonly EventValues[]): Promise<boolean[]>
  /** Newest first, after `after`. */
  list(filter: EventFilter, limit: number, after?: EventPlace): Promise<StoredEvent[]>
  /** By stretches of `size` microseconds. */
  count(filter: EventFilter & { since: Micros; before: Micros }, size: number): Promise<EventCount[]>
}

const commonVerdicts = new Set(['call_allowed', 'call_executed'])
const hasSeldomVerdict = ({ verdict }: EventFilter) => verdict !== undefined && !commonVerdicts.has(verdict)
const isObserved = ({ mode }: EventFilter) => mode !== undefined && mode !== 'enforce'
const isOfLesserEnv = ({ env }: EventFilter) => env !== undefined && env !== 'production'
/** Where no index serves all that is asked for, event after event is read, this many at once. */
const SEARCHED_AT_ONCE = 2_000
/** Parts of the time that is counted, where others wait while one of them is. */
const COUNTED_IN = 100
const searched = ['call_id', 'agent_id', 'tool_name', 'verdict', 'payload'] as const

/** Whether events may have to be read in vain, many of them. */
function isSearch(filter: EventFilter): boolean {
  if (filter.search !== undefined) return true
  if (hasSeldomVerdict(filter) || isObserved(filter) || isOfLesserEnv(filter)) return false
  const { agentId, toolName, verdict, mode, env } = filter
  const asked = [agentId, toolName, verdict, mode, env].filter((value) => value !== undefined).length
  return asked > 1 || (asked === 1 && agentId === undefined && toolName === undefined)
}

export function eventStore(database: Database): EventStore {
  const { db } = database

  function matching(filter: EventFilter) {
    let query = db.selectFrom('events').where('tenant_id', '=', filter.tenantId)
    if (filter.agentId !== undefined) query = query.where('agent_id', '=', filter.agentId)
    if (filter.toolName !== undefined) {
      // An agent has fewer events than a tool.
      const isTool = filter.agentId === undefined ? isIndexedText : isTextWithin
      query = query.where(isTool(database, 'tool_name', filter.toolName))
    }
    if (filter.verdict !== undefined) query = query.where(isIndexedText(database, 'verdict', filter.verdict))
    if (filter.mode !== undefined) query = query.where('mode', '=', filter.mode)
    if (filter.env !== undefined) query = query.where('env', '=', filter.env)
    if (hasSeldomVerdict(filter)) query = query.where(indexed.seldomVerdict(database))
    if (isObserved(filter)) query = query.where(indexed.observed(database))
    if (isOfLesserEnv(filter)) query = query.where(indexed.lesserEnv(database))
    if (filter.since !== undefined) query = query.where('timestamp', '>=', filter.since)
    if (filter.until !== undefined) query = query.where('timestamp', '<=', filter.until)
    if (filter.before !== undefined) query = query.where('timestamp', '<', filter.before)
    if (filter.search !== undefined) query = query.where(containsText(database, searched, filter.search))
    return query
  }

  const isBefore = ({ timestamp, seq }: EventPlace) => sql<boolean>`(timestamp, seq) < (${timestamp}, ${seq})`

  /** The last event of the stretch that is searched in one go; undefined when what is left is one stretch. */
  async function stretchEnd(filter: EventFilter, after: EventPlace | undefined): Promise<EventPlace | undefined> {
    const { tenantId, agentId, since, until } = filter
    const toolName = agentId === undefined ? filter.toolName : undefined
    let query = matching({ tenantId, agentId, toolName, since, until }).select(['timestamp', 'seq'])
    if (after) query = query.where(isBefore(after))
    return query
      .orderBy('timestamp', 'desc')
      .orderBy('seq', 'desc')
      .limit(1)
      .offset(SEARCHED_AT_ONCE - 1)
      .executeTakeFirst()
  }

  async function countWithin(filter: EventFilter, size: number): Promise<EventCount[]> {
    const start = stretchOf('timestamp', size)
    const rows = await matching(filter)
      .select((e) => [start.as('start'), 'mode', 'verdict', e.fn.countAll<number>().as('count')])
      .groupBy([start, 'mode', 'verdict'])
      .orderBy(start)
      .execute()
    return rows.map((row) => ({ ...row, start: Number(row.start), count: Number(row.count) }))
  }

  return {
    insert: (rows) => database.events.insert(rows),
    async list(filter, limit, after) {
      const found: StoredEvent[] = []
      for (let place = after; ; ) {
        const end = database.isInProcess && isSearch(filter) ? await stretchEnd(filter, place) : undefined
        let query = matching(filter).selectAll().orderBy('timestamp', 'desc').orderBy('seq', 'desc')
        if (place) query = query.where(isBefore(place))
        if (end) query = query.where((e) => e.not(isBefore(end)))
        found.push(...(await query.limit(limit - found.length).execute()))
        if (!end || found.length === limit) return found
        place = end
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    async count(filter, size) {
      if (!database.isInProcess) return countWithin(filter, size)
      const counts: EventCount[] = []
      const step = Math.max(1, Math.ceil((filter.before - filter.since) / COUNTED_IN / size)) * size
      for (let since = filter.since; since < filter.before; ) {
        const before = Math.min(filter.before, (Math.floor(since / step) + 1) * step)
        counts.push(...(await countWithin({ ...filter, since, before }, size)))
        await new Promise((resolve) => setImmediate(resolve))
        since = before
      }
      return counts
    },
  }
}
