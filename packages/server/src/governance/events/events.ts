import type { App } from '../../http/server.ts'
import type { TenantScope } from '../../identity/scope.ts'
import type { Shared } from '../../shared.ts'
import { microsOf } from '../../storage/instants.ts'
import { createExport } from '../ledger/export-store.ts'
import { createLedger, keepEventsFor, type Ledger, type LedgerSigning } from '../ledger/ledger.ts'
import { createAnnouncements } from './announcements.ts'
import { type EventOrigin, isProblem, readEvent } from './event.ts'
import { createIngest, type Ingest } from './ingest.ts'
import { eventRoutes } from './routes.ts'
import type { AgentSightings } from './sightings.ts'
import { createEventStore } from './store.ts'

/** The audit log: what agents report, and questions about it. */
export interface Events extends Ingest {
  readonly ledger: Ledger
  /**
   * Store one event of the server's own, in the wire form of an agent's, before anything goes on.
   *
   * @throws Error when it is malformed, which names the field
   */
  recordOwn(event: unknown, origin: EventOrigin): Promise<void>
  routes(app: App): void
}

/** How often months are looked after: they are made ahead, so that it may fail for weeks before anybody would notice. */
const PARTITION_MS = 60 * 60 * 1000

export function createEvents(
  deps: Shared & {
    sightings: AgentSightings
    signing: LedgerSigning
    storedHash: (scope: TenantScope, reported: string) => Promise<string>
  },
): Events {
  const { clock, config, database, workers } = deps
  workers.every('partition', PARTITION_MS, async () => {
    await database.events.prepare(microsOf(clock.now()))
    await database.events.finishPurge()
  })
  const store = createEventStore(database)
  const ingest = createIngest({
    ...deps,
    store,
    announcements: createAnnouncements(deps),
    writers: database.writers,
  })
  const ledger = createLedger(deps)
  if (config.eventsRetentionDays > 0) keepEventsFor(config.eventsRetentionDays, { ledger, clock, workers })
  const exported = createExport(database)
  async function recordOwn(event: unknown, origin: EventOrigin): Promise<void> {
    const read = readEvent(event, origin)
    if (isProblem(read)) throw new Error(`An audit event of the server is malformed: ${read.field} ${read.msg}`)
    await ingest.record([read])
  }
  return { ...ingest, ledger, recordOwn, routes: (app) => eventRoutes(app, { ingest, store, ledger, exported }) }
}
