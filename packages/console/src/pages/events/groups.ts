import { payloadText } from '../../api/payload.ts'
import type { AuditEvent } from '../../api/types.ts'
import { plural } from '../../ui/plural.ts'
import { lookOf } from '../../ui/verdict.ts'

/** What events are put together by. */
export type Grouping = 'call' | 'session'
export const GROUPINGS: readonly Grouping[] = ['call', 'session']

/** Events of one call or of one session, at least two of them. */
export interface Group {
  readonly key: string
  /** Of the call or the session. */
  readonly id: string
  /** As they stood in the list: newest first. */
  readonly events: readonly [AuditEvent, AuditEvent, ...AuditEvent[]]
}

/** An event below the row of its group. */
export interface Child {
  readonly of: Group
  readonly event: AuditEvent
}

/** A row of the list: an event that stands alone, a group, or an event of one that is open. */
export type Line = AuditEvent | Group | Child

export const isGroup = (line: Line): line is Group => 'events' in line
/** The event of a row; null for the row of a group. */
export const eventOf = (line: Line): AuditEvent | null => (isGroup(line) ? null : 'of' in line ? line.event : line)

/**
 * The call or the session of an event, null where it names none. A session is the one of a SEAL or gate session, the
 * execution, or the run of the SDK's guard, whichever the event names first.
 */
function idOf(event: AuditEvent, by: Grouping): string | null {
  if (by === 'call') return event.call_id || null
  return ['session_id', 'execution_id', 'run_id'].reduce<string | null>(
    (found, field) => found ?? payloadText(event, field),
    null,
  )
}

/**
 * Events, newest first, as groups in the order of the newest of each. Ids are told by agents, so those of two agents that
 * happen to be alike are two. What names no call or session, or is alone in it, stays as it is.
 */
export function grouped(rows: readonly AuditEvent[], by: Grouping): readonly (AuditEvent | Group)[] {
  const all = new Map<string, { readonly id: string; readonly events: AuditEvent[] }>()
  for (const event of rows) {
    const id = idOf(event, by)
    // An event's own id cannot be that of a pair.
    const key = id === null ? event.id : JSON.stringify([event.agent_id, id])
    const known = all.get(key)
    if (known) known.events.push(event)
    else all.set(key, { id: id ?? '', events: [event] })
  }
  return [...all].flatMap(([key, { id, events }]): readonly (AuditEvent | Group)[] => {
    const [first, second, ...others] = events
    if (!first) return []
    return second ? [{ key, id, events: [first, second, ...others] }] : [first]
  })
}

/** Whether a group is open: somebody opened it, or what is looked at is in it. */
export const isOpen = ({ key, events }: Group, open: string | undefined, selected: string | undefined): boolean =>
  key === open || (selected !== undefined && events.some(({ id }) => id === selected))

/** The rows of a list of groups. */
export const linesOf = (
  groups: readonly (AuditEvent | Group)[],
  open: string | undefined,
  selected: string | undefined,
): readonly Line[] =>
  groups.flatMap((one): readonly Line[] =>
    isGroup(one) && isOpen(one, open, selected) ? [one, ...one.events.map((event) => ({ of: one, event }))] : [one],
  )

/** Every event in the order in which the groups have them, open or not. */
export const orderOf = (groups: readonly (AuditEvent | Group)[]): readonly AuditEvent[] =>
  groups.flatMap((one) => (isGroup(one) ? one.events : [one]))

/** What is in a group, in words: how many events, of a session also of how many calls, and how many were denied. */
export function contentsOf({ events }: Group, by: Grouping): string {
  const denied = events.filter(({ verdict }) => lookOf(verdict).tone === 'deny').length
  const calls = new Set(events.map(({ call_id }) => call_id).filter(Boolean)).size
  const within = by === 'session' && calls > 0 ? ` of ${plural(calls, 'call')}` : ''
  return `${plural(events.length, 'event')}${within}${denied > 0 ? `, ${denied} denied` : ''}`
}

/** What the groups are made of: only of what is loaded and asked for. */
export function honesty(counts: { loaded: number; rows: number; by: Grouping; isAll: boolean; isFiltered: boolean }) {
  const { loaded, rows, by, isAll, isFiltered } = counts
  const parts = [
    `${plural(rows, 'row')} by ${by} from ${plural(loaded, 'loaded event')}`,
    ...(isAll ? [] : [`older events are not loaded, so a ${by} may have more than is counted here`]),
    ...(isFiltered ? [`only events that match are in a ${by}`] : []),
  ]
  return `${parts.join('; ')}.`
}
