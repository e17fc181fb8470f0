import { type Selectable, sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { EventValues } from '../../storage/events/event-table.ts'
import { indexed } from '../../storage/events/index-conditions.ts'
import { containsText, fieldText, isIndexedText, isTextWithin, stretchOf } from '../../storage/expressions.ts'
import type { Micros } from '../../storage/instants.ts'
import type { EventRow } from '../../storage/schema.ts'
import { previewOf, WHOLE_BYTES } from '../preview.ts'
import { createArrivals } from './arrivals-store.ts'
import { createFormerDuplicates } from './former-duplicates-store.ts'

/** Which events are asked for. `env` confines an API key; a person sees all environments. */
export interface EventFilter {
  readonly scope: TenantScope
  readonly env?: string | undefined
  readonly agentId?: string | undefined
  readonly toolName?: string | undefined
  readonly verdict?: string | undefined
  readonly mode?: string | undefined
  /** The contract that decided, or another name of what did. */
  readonly decisionName?: string | undefined
  /** What the agent said it ran: `payload.policy_version`. */
  readonly policyVersion?: string | undefined
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
  readonly number: number
}

/** Events of one stretch of time that share a mode and a verdict. */
export interface EventCount {
  readonly start: Micros
  readonly mode: string
  readonly verdict: string
  readonly count: number
}

/** Events that share all that one can filter by. */
export interface EventCombination {
  readonly agentId: string
  readonly toolName: string
  readonly verdict: string
  readonly mode: string
  readonly env: string
  /** Empty where nothing was named. */
  readonly decisionName: string
  /** Empty where none was reported. */
  readonly policyVersion: string
  readonly count: number
}

/** An event as lists show it. */
export interface ListedEvent {
  readonly id: string
  /** Where it stands in the order of storing. */
  readonly number: number
  /** Its place in the order of arrival at its tenant. */
  readonly seq: number
  readonly callId: string
  readonly agentId: string
  readonly toolName: string
  readonly verdict: string
  readonly mode: string
  readonly timestamp: Micros
  readonly createdAt: Micros
  /** JSON; where `isShortened`, large values stand in it as their beginnings. */
  readonly payload: string | null
  readonly isShortened: boolean
  /** Of the whole payload. */
  readonly payloadBytes: number
}

export interface EventPage {
  readonly events: ListedEvent[]
  /** There may be more: `events` is full, or as large as an answer may be. */
  readonly isFull: boolean
}

export interface EventStore {
  /**
   * Per row: true when it is new, false when it was stored before. Resolves once the rows are on disk, or are a part of `within`.
   */
  insert(rows: readonly EventValues[], arrivedAt: Micros, within?: Queryable): Promise<boolean[]>
  /** Newest first, after `after`. */
  list(filter: EventFilter, limit: number, after?: EventPlace): Promise<EventPage>
  /** In the order of arrival, after `seq`; `next` is where the next page goes on. */
  arrived(filter: EventFilter, limit: number, seq: number): Promise<EventPage & { readonly next: number }>
  /** Whole; undefined also for another environment's than `env`. */
  find(scope: TenantScope, id: string, env: string | undefined): Promise<ListedEvent | undefined>
  /** By stretches of `size` microseconds. */
  count(filter: EventFilter & { since: Micros; before: Micros }, size: number): Promise<EventCount[]>
  /** Of the newest events, at most about `most` of them; whether there were more. */
  combinations(
    filter: EventFilter,
    most: number,
  ): Promise<{ readonly combinations: EventCombination[]; readonly isTruncated: boolean }>
}

/** Of the payloads of one answer. */
const PAGE_BYTES = 4 * 1024 * 1024
/** Events read at first, until it is known how large they are. */
const FIRST_READ = 64
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
  if (filter.search !== undefined || filter.decisionName !== undefined || filter.policyVersion !== undefined)
    return true
  if (hasSeldomVerdict(filter) || isObserved(filter) || isOfLesserEnv(filter)) return false
  const { agentId, toolName, verdict, mode, env } = filter
  const asked = [agentId, toolName, verdict, mode, env].filter((value) => value !== undefined).length
  return asked > 1 || (asked === 1 && agentId === undefined && toolName === undefined)
}

export function createEventStore(database: Database): EventStore {
  const { db } = database

  function matching(filter: EventFilter) {
    let query = db.selectFrom('events').where('tenant_id', '=', filter.scope.tenantId)
    if (filter.agentId !== undefined) query = query.where('agent_id', '=', filter.agentId)
    if (filter.toolName !== undefined) {
      // An agent has fewer events than a tool.
      const isTool = filter.agentId === undefined ? isIndexedText : isTextWithin
      query = query.where(isTool(database, 'tool_name', filter.toolName))
    }
    if (filter.verdict !== undefined) query = query.where(isIndexedText(database, 'verdict', filter.verdict))
    if (filter.mode !== undefined) query = query.where('mode', '=', filter.mode)
    if (filter.env !== undefined) query = query.where('env', '=', filter.env)
    if (filter.decisionName !== undefined) query = query.where('decision_name', '=', filter.decisionName)
    if (filter.policyVersion !== undefined)
      query = query.where(fieldText(database, 'payload', 'policy_version'), '=', filter.policyVersion)
    if (hasSeldomVerdict(filter)) query = query.where(indexed.seldomVerdict(database))
    if (isObserved(filter)) query = query.where(indexed.observed(database))
    if (isOfLesserEnv(filter)) query = query.where(indexed.lesserEnv(database))
    if (filter.since !== undefined) query = query.where('timestamp', '>=', filter.since)
    if (filter.until !== undefined) query = query.where('timestamp', '<=', filter.until)
    if (filter.before !== undefined) query = query.where('timestamp', '<', filter.before)
    if (filter.search !== undefined) query = query.where(containsText(database, searched, filter.search))
    return query
  }

  const isBefore = ({ timestamp, number }: EventPlace) => sql<boolean>`(timestamp, seq) < (${timestamp}, ${number})`

  /** The last event of the stretch that is searched in one go; undefined when what is left is one stretch. */
  async function stretchEnd(filter: EventFilter, after: EventPlace | undefined): Promise<EventPlace | undefined> {
    const { scope, agentId, since, until } = filter
    const toolName = agentId === undefined ? filter.toolName : undefined
    return placeAfter({ scope, agentId, toolName, since, until }, after)
  }

  /** The last of the next events that are read in one go; undefined when there are fewer. */
  async function placeAfter(filter: EventFilter, after: EventPlace | undefined): Promise<EventPlace | undefined> {
    let query = matching(filter).select(['timestamp', 'seq as number'])
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

  /** How often each combination occurs among the next events of the list, at most `size` of them. */
  async function combinationsOf(filter: EventFilter, after: EventPlace | undefined, size: number) {
    let newest = matching(filter).select([
      ...combined,
      fieldText(database, 'payload', 'policy_version').as('policy_version'),
    ])
    if (after) newest = newest.where(isBefore(after))
    const rows = await db
      .selectFrom(newest.orderBy('timestamp', 'desc').orderBy('seq', 'desc').limit(size).as('newest'))
      .select((e) => [...combined, 'policy_version', e.fn.countAll<number>().as('count')])
      .groupBy([...combined, 'policy_version'])
      .execute()
    return rows.map(
      (row): EventCombination => ({
        agentId: row.agent_id,
        toolName: row.tool_name,
        verdict: row.verdict,
        mode: row.mode,
        env: row.env ?? '',
        decisionName: row.decision_name,
        policyVersion: row.policy_version ?? '',
        count: Number(row.count),
      }),
    )
  }

  /** The columns of a listed event, its payload where that is small. */
  const listed = (filter: EventFilter) =>
    matching(filter).select((e) => [
      ...columns,
      sql<string | null>`case when octet_length(payload) <= ${WHOLE_BYTES} then payload end`.as('small'),
      'preview',
      sql<number>`coalesce(octet_length(payload), 0)`.as('bytes'),
      e
        .selectFrom('event_links as l')
        .whereRef('l.tenant_id', '=', 'events.tenant_id')
        .whereRef('l.start', '<=', 'events.seq')
        .orderBy('l.start', 'desc')
        .limit(1)
        .select(sql<number>`l.first + events.seq - l.start`.as('arrival'))
        .as('arrival'),
    ])

  async function listedEvent(row: ListedRow): Promise<ListedEvent> {
    const isShortened = row.bytes > WHOLE_BYTES
    return eventOf(row, isShortened ? (row.preview ?? (await formerPreview(row.seq))) : row.small, isShortened)
  }

  /** Of an event that was stored before previews were. */
  async function formerPreview(seq: number): Promise<string | null> {
    const row = await db.selectFrom('events').select('payload').where('seq', '=', seq).executeTakeFirst()
    return row?.payload ? previewOf(JSON.parse(row.payload) as object, row.payload) : null
  }

  /**
   * Up to `limit` events, as few at once as their sizes demand, and no more than one answer may hold. `read` gets how many and the
   * last of those before.
   */
  async function page(
    limit: number,
    read: (count: number, last: ListedEvent | undefined) => Promise<ListedRow[]>,
  ): Promise<EventPage> {
    const events: ListedEvent[] = []
    let bytes = 0
    for (let count = Math.min(limit, FIRST_READ); ; ) {
      const rows = await read(count, events.at(-1))
      for (const row of rows) {
        const event = await listedEvent(row)
        bytes += event.payload?.length ?? 0
        if (bytes > PAGE_BYTES && events.length > 0) return { events, isFull: true }
        events.push(event)
      }
      if (events.length === limit) return { events, isFull: true }
      if (rows.length < count) return { events, isFull: false }
      const average = Math.max(1, bytes / events.length)
      count = Math.max(1, Math.min(limit - events.length, Math.floor((PAGE_BYTES - bytes) / average)))
    }
  }

  async function listRows(filter: EventFilter, limit: number, after: EventPlace | undefined): Promise<ListedRow[]> {
    const found: ListedRow[] = []
    for (let place = after; ; ) {
      const end = database.isInProcess && isSearch(filter) ? await stretchEnd(filter, place) : undefined
      let query = listed(filter).orderBy('timestamp', 'desc').orderBy('seq', 'desc')
      if (place) query = query.where(isBefore(place))
      if (end) query = query.where((e) => e.not(isBefore(end)))
      found.push(...(await query.limit(limit - found.length).execute()))
      if (!end || found.length === limit) return found
      place = end
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  const arrivals = createArrivals(database)
  const formerDuplicates = createFormerDuplicates(database)

  return {
    async insert(rows, arrivedAt, within) {
      const former = await formerDuplicates.among(rows, within)
      if (former.size === 0) return database.events.insert(rows, arrivedAt, within)
      const others = rows.filter((_, index) => !former.has(index))
      const isNew = await database.events.insert(others, arrivedAt, within)
      let place = 0
      return rows.map((_, index) => !former.has(index) && isNew[place++] === true)
    },
    list: (filter, limit, after) => page(limit, (count, last) => listRows(filter, count, last ?? after)),
    async arrived(filter, limit, seq) {
      let reached = seq
      const found = await page(limit, async (count, last) => {
        const rows: ListedRow[] = []
        reached = last?.seq ?? reached
        while (rows.length < count) {
          const stretch = await arrivals.after(filter.scope, reached)
          if (!stretch) break
          const matched = await listed(filter)
            .where('seq', '>=', stretch.from)
            .where('seq', '<=', stretch.to)
            .orderBy('seq')
            .limit(count - rows.length)
            .execute()
          rows.push(...matched)
          const lastRow = rows.at(-1)
          reached = rows.length === count && lastRow ? (lastRow.arrival ?? lastRow.seq) : stretch.last
          await new Promise((resolve) => setImmediate(resolve))
        }
        return rows
      })
      return { ...found, next: found.isFull ? (found.events.at(-1)?.seq ?? reached) : reached }
    },
    async find(scope, id, env) {
      const number = await database.events.find(id)
      if (number === undefined) return undefined
      const row = await listed({ scope, env }).where('seq', '=', number).where('id', '=', id).executeTakeFirst()
      if (!row) return undefined
      const whole = await db.selectFrom('events').select('payload').where('seq', '=', number).executeTakeFirst()
      return eventOf(row, whole?.payload ?? null, false)
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
    async combinations(filter, most) {
      const combinations: EventCombination[] = []
      let place: EventPlace | undefined
      for (let read = 0; read < most; read += SEARCHED_AT_ONCE) {
        combinations.push(...(await combinationsOf(filter, place, SEARCHED_AT_ONCE)))
        place = await placeAfter(filter, place)
        if (!place) return { combinations, isTruncated: false }
        await new Promise((resolve) => setImmediate(resolve))
      }
      return { combinations, isTruncated: true }
    },
  }
}

const combined = ['agent_id', 'tool_name', 'verdict', 'mode', 'env', 'decision_name'] as const

const columns = ['seq', 'id', 'call_id', 'agent_id', 'tool_name', 'verdict', 'mode', 'timestamp', 'created_at'] as const

interface ListedRow extends Pick<Selectable<EventRow>, (typeof columns)[number] | 'preview'> {
  readonly small: string | null
  readonly bytes: number
  readonly arrival: number | null
}

function eventOf(row: ListedRow, payload: string | null, isShortened: boolean): ListedEvent {
  return {
    id: row.id,
    number: row.seq,
    // What was stored before chains were kept stands at its number.
    seq: row.arrival ?? row.seq,
    callId: row.call_id,
    agentId: row.agent_id,
    toolName: row.tool_name,
    verdict: row.verdict,
    mode: row.mode,
    timestamp: row.timestamp,
    createdAt: row.created_at,
    payload,
    isShortened,
    payloadBytes: Number(row.bytes),
  }
}
