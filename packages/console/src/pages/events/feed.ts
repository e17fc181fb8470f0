import type { AuditEvent } from '../../api/types.ts'

/**
 * What the events page has loaded. `rows` are shown; `held` arrived while the reader was elsewhere in the list and wait
 * behind "n new events", so that nothing moves under the eye.
 */
export interface Feed {
  readonly rows: readonly AuditEvent[]
  readonly held: readonly AuditEvent[]
  readonly reachedEnd: boolean
}

export const EMPTY_FEED: Feed = { rows: [], held: [], reachedEnd: false }
export const PAGE_SIZE = 200

/** Newest first, each id once. */
export function mergeEvents(a: readonly AuditEvent[], b: readonly AuditEvent[]): readonly AuditEvent[] {
  const byId = new Map<string, AuditEvent>()
  for (const event of a) byId.set(event.id, event)
  for (const event of b) byId.set(event.id, event)
  return [...byId.values()].sort((x, y) => Date.parse(y.timestamp) - Date.parse(x.timestamp) || (x.id < y.id ? 1 : -1))
}

/** The first page, or a new one after the filter changed. */
export const started = (page: readonly AuditEvent[]): Feed => ({
  rows: mergeEvents(page, []),
  held: [],
  reachedEnd: page.length < PAGE_SIZE,
})

/** An older page, asked for with `until` = oldest timestamp; the boundary itself comes twice. */
export function extended(feed: Feed, page: readonly AuditEvent[]): Feed {
  const rows = mergeEvents(feed.rows, page)
  return { ...feed, rows, reachedEnd: page.length < PAGE_SIZE || rows.length === feed.rows.length }
}

/** Newer events: shown at once when the reader follows, else held. */
export function arrived(feed: Feed, page: readonly AuditEvent[], following: boolean): Feed {
  if (following) return { ...feed, rows: mergeEvents(feed.rows, mergeEvents(feed.held, page)), held: [] }
  const shown = new Set(feed.rows.map(({ id }) => id))
  const held = mergeEvents(
    feed.held,
    page.filter(({ id }) => !shown.has(id)),
  )
  return held.length === feed.held.length ? feed : { ...feed, held }
}

/** The held ones join the list. */
export const released = (feed: Feed): Feed => ({ ...feed, rows: mergeEvents(feed.rows, feed.held), held: [] })

/** Agents send batches late and out of step, so looking for newer events goes back this far, in milliseconds. */
const OVERLAP = 120_000

export function newerThan(feed: Feed): string | undefined {
  const newest = feed.held[0] ?? feed.rows[0]
  return newest && new Date(Date.parse(newest.timestamp) - OVERLAP).toISOString()
}

/** `15m`, `24h`, `7d` back from `now` (milliseconds) as ISO 8601; undefined when it is no such length. */
export function sinceOf(length: string | undefined, now: number): string | undefined {
  const match = /^(\d{1,4})([mhd])$/.exec(length ?? '')
  if (!match) return undefined
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 'm' | 'h' | 'd']
  return new Date(now - Number(match[1]) * unit).toISOString()
}

/** How often each value of a field occurs in what is loaded, most frequent first. */
export function countBy(rows: readonly AuditEvent[], field: 'agent_id' | 'tool_name' | 'verdict' | 'mode') {
  const counts = new Map<string, number>()
  for (const row of rows) counts.set(row[field], (counts.get(row[field]) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([value, count]) => ({ value, count }))
}
