import { scopeOfRecord } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'
import type { Subject } from '../subject.ts'
import type { JournalEntry, JournalStore } from './store.ts'

export const JOURNAL_TOPIC = 'journal'

/** Whose journal it is, with what finds its entries. */
export interface JournalSubject extends Subject {
  readonly tenantId: string
  /** The agent that the subject is of, where it is of one. */
  readonly agentId: string | null
}

/** Where an entry stands. */
export interface EntryPlace {
  readonly subject: JournalSubject
  readonly sequence: number
  /** Microseconds. */
  readonly at: number
}

/** What the bus tells: look what is new. */
export interface JournalNews {
  readonly subject: Subject
  readonly tenantId: string
  readonly agentId: string | null
  /** What is new itself, in its order, where it is short: who follows the subject and is just before it need not look. */
  readonly entries?: readonly ToldEntry[]
}

/** An entry as its streams carry it. */
export type ToldEntry = Pick<JournalEntry, 'sequence' | 'type' | 'data'>

/** Characters up to which entries travel with their news. */
const SHORT = 32_768

/**
 * The record of what happens to subjects. A change and the entries that tell of it are one transaction; after it, every stream is
 * told to look.
 */
export interface Journal<Event> {
  /**
   * Make a change and append what tells of it. When `change` answers false, because the subject has ended or is not what it was,
   * nothing is appended; what it wrote itself stays. With `isAhead` a later change is what is waited for: see `Database.ahead`.
   */
  record(
    subject: JournalSubject,
    events: readonly Event[],
    change: (within: Queryable) => Promise<boolean>,
    options?: { readonly isAhead: boolean },
  ): Promise<boolean>
  /** Append entries in a transaction that others are part of. Streams find them with their next look. */
  append(subject: JournalSubject, events: readonly Event[], within: Queryable): Promise<void>
  /** Make a change that finds out itself whom it concerns, and append what it tells; what it made. */
  write<T>(change: (within: Queryable) => Promise<Written<T, Event>>): Promise<T>
  /** As `write`, for changes that concern several subjects, each of them once: of each what was made, and its newest place. */
  writeAll<T>(
    change: (within: Queryable) => Promise<readonly Written<T, Event>[]>,
  ): Promise<{ readonly made: T; readonly last: number }[]>
}

/** What a change made, and what there is to tell of it; no subject when there is nothing. */
export interface Written<T, Event> {
  readonly made: T
  readonly subject: JournalSubject | null
  readonly events: readonly Event[]
  /** The place of its newest entry, where whoever writes holds the subject and knows it; it is looked for otherwise. */
  readonly last?: number
}

/** @param deps.shownAs an event of this room as its streams carry it */
export function createJournal<Event extends { readonly type: string }>(deps: {
  database: Database
  store: JournalStore
  bus: Bus
  clock: Clock
  shownAs: (event: Event, place: EntryPlace) => Readonly<Record<string, unknown>>
  onPublishError: (error: unknown) => void
}): Journal<Event> {
  const { database, store, bus, clock, shownAs, onPublishError } = deps

  async function append(
    subject: JournalSubject,
    events: readonly Event[],
    within: Queryable,
  ): Promise<readonly ToldEntry[]> {
    const at = microsOf(clock.now())
    const first = await store.nextSequence(subject, subject.agentId, within)
    const entries = entriesOf(subject, events, first, at)
    await store.append([placed(subject, entries, at)], within)
    return entries
  }

  const entriesOf = (subject: JournalSubject, events: readonly Event[], first: number, at: Micros): ToldEntry[] =>
    events.map((event, index) => ({
      sequence: first + index,
      type: event.type,
      data: JSON.stringify(shownAs(event, { subject, sequence: first + index, at })),
    }))

  async function publish(
    { kind, id, tenantId, agentId }: JournalSubject,
    appended: readonly ToldEntry[],
  ): Promise<void> {
    const isShort = appended.reduce((sum, { data }) => sum + data.length, 0) <= SHORT
    const news: JournalNews = { subject: { kind, id }, tenantId, agentId, ...(isShort ? { entries: appended } : {}) }
    await bus.publish(JOURNAL_TOPIC, news).catch(onPublishError)
  }

  return {
    async append(subject, events, within) {
      await append(subject, events, within)
    },
    async write(change) {
      const { written, entries } = await database.db.transaction().execute(async (within) => {
        const written = await change(within)
        const { subject, events } = written
        return { written, entries: subject && events.length > 0 ? await append(subject, events, within) : [] }
      })
      if (written.subject && entries.length > 0) await publish(written.subject, entries)
      return written.made
    },
    async writeAll(change) {
      const { written, told } = await database.db.transaction().execute(async (within) => {
        const written = await change(within)
        const at = microsOf(clock.now())
        const told: { readonly subject: JournalSubject; readonly entries: readonly ToldEntry[] }[] = []
        for (const { subject, events, last } of written) {
          if (subject === null || events.length === 0) continue
          const first = last === undefined ? await store.nextSequence(subject, subject.agentId, within) : last + 1
          told.push({ subject, entries: entriesOf(subject, events, first, at) })
        }
        await store.append(
          told.map(({ subject, entries }) => placed(subject, entries, at)),
          within,
        )
        return { written, told }
      })
      const lasts = new Map(told.map(({ subject, entries }) => [subject, entries.at(-1)?.sequence ?? 0]))
      await Promise.all(told.map(({ subject, entries }) => publish(subject, entries)))
      return written.map(({ made, subject, last = 0 }) => ({
        made,
        last: subject === null ? last : (lasts.get(subject) ?? last),
      }))
    },
    async record(subject, events, change, { isAhead } = { isAhead: false }) {
      const db = isAhead ? database.ahead : database.db
      const entries = await db.transaction().execute(async (within) => {
        if (!(await change(within))) return null
        return events.length > 0 ? append(subject, events, within) : []
      })
      if (entries === null || entries.length === 0) return entries !== null
      // Whoever hears of an entry hears of one that a power cut leaves.
      if (isAhead) void database.onDisk().then(() => publish(subject, entries), onPublishError)
      else await publish(subject, entries)
      return true
    },
  }
}

const placed = ({ kind, id, tenantId, agentId }: JournalSubject, entries: readonly ToldEntry[], at: Micros) => ({
  subject: { kind, id },
  scope: scopeOfRecord({ tenantId }),
  agentId,
  at,
  entries,
})
