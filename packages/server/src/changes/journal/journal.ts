import { scopeOfRecord } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { Subject } from '../subject.ts'
import type { JournalStore } from './store.ts'

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
}

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
}

/** What a change made, and what there is to tell of it; no subject when there is nothing. */
export interface Written<T, Event> {
  readonly made: T
  readonly subject: JournalSubject | null
  readonly events: readonly Event[]
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

  async function append(subject: JournalSubject, events: readonly Event[], within: Queryable): Promise<void> {
    const at = microsOf(clock.now())
    const first = await store.nextSequence(subject, subject.agentId, within)
    const entries = events.map((event, index) => ({
      type: event.type,
      data: JSON.stringify(shownAs(event, { subject, sequence: first + index, at })),
    }))
    await store.append(subject, entries, { scope: scopeOfRecord(subject), agentId: subject.agentId, first, at }, within)
  }

  async function publish({ kind, id, tenantId, agentId }: JournalSubject): Promise<void> {
    const news: JournalNews = { subject: { kind, id }, tenantId, agentId }
    await bus.publish(JOURNAL_TOPIC, news).catch(onPublishError)
  }

  return {
    append,
    async write(change) {
      const { made, subject, events } = await database.db.transaction().execute(async (within) => {
        const written = await change(within)
        if (written.subject && written.events.length > 0) await append(written.subject, written.events, within)
        return written
      })
      if (subject && events.length > 0) await publish(subject)
      return made
    },
    async record(subject, events, change, { isAhead } = { isAhead: false }) {
      const db = isAhead ? database.ahead : database.db
      const isChanged = await db.transaction().execute(async (within) => {
        if (!(await change(within))) return false
        if (events.length > 0) await append(subject, events, within)
        return true
      })
      if (!isChanged || events.length === 0) return isChanged
      await publish(subject)
      return true
    },
  }
}
