import type { AuditEvent } from '../../api/types.ts'
import type { Arrivals, EventPage } from './queries.ts'

/**
 * What the events page has loaded. `rows` are shown, newest first, without a gap from the top to `floor`; `held` arrived
 * while the reader was elsewhere in the list and wait behind "n new events", so that nothing moves under the eye. What came
 * is told by the order of arrival, so an event that is stored late is not missed; what lies below is fetched by pages.
 */
export interface Feed {
  readonly rows: readonly AuditEvent[]
  readonly held: readonly AuditEvent[]
  /** How many more wait than are held; they are read again when they are wanted. */
  readonly heldBeyond: number
  readonly older: Older
  /** The oldest instant down to which nothing is missing; null when everything is here. */
  readonly floor: string | null
  /** The last arrival that was looked at. */
  readonly seq: number
  /**
   * What arrived while a page below was on its way, and belongs below the rows: the page may have been read before. Null while
   * no page is on its way: what is stored by then comes with the next page.
   */
  readonly late: readonly AuditEvent[] | null
}

/** What lies below the rows. */
export type Older =
  | { readonly kind: 'page'; readonly cursor?: string; readonly until?: string }
  | { readonly kind: 'end' }
  /** There is more, and it is not loaded: the list says so. */
  | { readonly kind: 'full' }

export const EMPTY_FEED: Feed = {
  rows: [],
  held: [],
  heldBeyond: 0,
  older: { kind: 'end' },
  floor: null,
  seq: 0,
  late: null,
}
export const PAGE_SIZE = 200
/** Rows kept for a reader who follows at the top; those below are read again when they are scrolled to. */
export const FOLLOWED = 2_000
/** Rows that reading downward may load. */
export const LARGEST = 20_000

/** Two thousand rows are put in order with each look at what arrived: none of them is read anew. */
const times = new WeakMap<AuditEvent, number>()

function time(event: AuditEvent): number {
  const known = times.get(event)
  if (known !== undefined) return known
  const read = Date.parse(event.timestamp)
  times.set(event, read)
  return read
}

const newestFirst = (x: AuditEvent, y: AuditEvent) => time(y) - time(x) || (x.id < y.id ? 1 : -1)

/** `events`, in any order, among `rows`, which are merged already: newest first, each id once. */
export function mergeEvents(rows: readonly AuditEvent[], events: readonly AuditEvent[]): readonly AuditEvent[] {
  const byId = new Map(events.map((event) => [event.id, event]))
  const joining = [...byId.values()].sort(newestFirst)
  const staying = rows.filter(({ id }) => !byId.has(id))
  const merged: AuditEvent[] = []
  let next = 0
  for (const event of joining) {
    for (let row = staying[next]; row && newestFirst(row, event) < 0; row = staying[next]) {
      merged.push(row)
      next++
    }
    merged.push(event)
  }
  return merged.concat(next === 0 ? staying : staying.slice(next))
}

const lastSeq = (events: readonly AuditEvent[], from: number) =>
  events.reduce((highest, { seq }) => Math.max(highest, seq), from)

/** The first page, or a new one after the filter changed. */
export const started = ({ events, next }: EventPage): Feed => ({
  ...EMPTY_FEED,
  rows: mergeEvents([], events),
  older: next === null ? { kind: 'end' } : { kind: 'page', cursor: next },
  floor: next === null ? null : (events.at(-1)?.timestamp ?? null),
  seq: lastSeq(events, 0),
})

/** Arrivals up to `seq` were looked at. */
export const withSeq = (feed: Feed, seq: number): Feed => (seq > feed.seq ? { ...feed, seq } : feed)

/** An older page was asked for. */
export const asked = (feed: Feed): Feed => ({ ...feed, late: [] })

/** The page that was asked for did not come. */
export const failed = (feed: Feed): Feed => ({ ...feed, late: null })

/** An older page joins below, with what arrived of its stretch since it was asked for. */
export function extended(feed: Feed, { events, next }: EventPage): Feed {
  const floor = next === null ? null : (events.at(-1)?.timestamp ?? feed.floor)
  const late = (feed.late ?? []).filter((event) => isAbove(event, floor))
  const rows = mergeEvents(feed.rows, [...events, ...late])
  const joined = { ...feed, rows, floor, late: null }
  const until = feed.older.kind === 'page' ? feed.older.until : undefined
  if (next === null) return { ...joined, older: { kind: 'end' } }
  if (rows.length >= LARGEST) return { ...joined, older: { kind: 'full' } }
  return { ...joined, older: { kind: 'page', cursor: next, ...(until ? { until } : {}) } }
}

const isAbove = (event: AuditEvent, floor: string | null) => floor === null || time(event) >= Date.parse(floor)

/** New arrivals: shown at once when the reader follows, else held. */
export function arrived(before: Feed, { events, next }: Omit<Arrivals, 'more'>, following: boolean): Feed {
  if (events.length === 0) return withSeq(before, next)
  const { floor } = before
  const feed = withLate(withSeq(before, next), events)
  // What belongs below the rows comes with the pages below, or it would stand there with a gap above it.
  const above = events.filter((event) => isAbove(event, floor))
  if (following) return trimmed({ ...feed, rows: mergeEvents(feed.rows, mergeEvents(feed.held, above)), held: [] })
  const shown = new Set(feed.rows.map(({ id }) => id))
  const held = mergeEvents(
    feed.held,
    above.filter(({ id }) => !shown.has(id)),
  )
  return {
    ...feed,
    held: held.slice(0, FOLLOWED),
    heldBeyond: feed.heldBeyond + Math.max(0, held.length - FOLLOWED),
  }
}

/** Keeps what belongs below the rows while a page is on its way; when it becomes much, the page is asked for anew instead. */
function withLate(feed: Feed, events: readonly AuditEvent[]): Feed {
  if (feed.late === null) return feed
  const late = [...feed.late, ...events.filter((event) => !isAbove(event, feed.floor))]
  return late.length <= FOLLOWED ? { ...feed, late } : { ...feed, late: null, older: { ...feed.older } }
}

/** Who follows at the top does not see the bottom: it is cut off, and read again when it is scrolled to. */
function trimmed(feed: Feed): Feed {
  if (feed.rows.length <= FOLLOWED) return feed
  const rows = feed.rows.slice(0, FOLLOWED - PAGE_SIZE)
  const last = rows.at(-1)
  if (!last) return feed
  return { ...feed, rows, floor: last.timestamp, older: { kind: 'page', until: last.timestamp }, late: null }
}

/** The held ones join the list; null when more came than were held, so that the list must be read anew. */
export const released = (feed: Feed): Feed | null =>
  feed.heldBeyond > 0 ? null : { ...feed, rows: mergeEvents(feed.rows, feed.held), held: [] }

/** `15m`, `24h`, `7d` back from `now` (milliseconds) as ISO 8601, or an instant as it is; undefined when it is neither. */
export function sinceOf(length: string | undefined, now: number): string | undefined {
  const match = /^(\d{1,4})([mhd])$/.exec(length ?? '')
  // The begin of a stretch that was chosen is an instant.
  if (!match) return Number.isNaN(Date.parse(length ?? '')) ? undefined : length
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 'm' | 'h' | 'd']
  return new Date(now - Number(match[1]) * unit).toISOString()
}
