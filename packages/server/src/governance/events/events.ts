import type { App } from '../../http/server.ts'
import type { Shared } from '../../shared.ts'
import { microsOf } from '../../storage/instants.ts'
import { announcements } from './announcements.ts'
import { type Ingest, ingest } from './ingest.ts'
import { eventRoutes } from './routes.ts'
import type { AgentSightings } from './sightings.ts'
import { eventStore } from './store.ts'

/** The audit log: what agents report, and questions about it. */
export interface Events extends Ingest {
  routes(app: App): void
}

/** How often months are looked after: they are made ahead, so that it may fail for weeks before anybody would notice. */
const PARTITION_MS = 60 * 60 * 1000

export function events(deps: Shared & { sightings: AgentSightings }): Events {
  const { clock, workers } = deps
  const { events: table } = deps.database
  workers.every('partition', PARTITION_MS, async () => {
    await table.prepare(microsOf(clock.now()))
    await table.finishPurge()
  })
  const store = eventStore(deps.database)
  const receiving = ingest({ ...deps, store, announcements: announcements(deps), writers: deps.database.writers })
  return { ...receiving, routes: (app) => eventRoutes(app, { ingest: receiving, store }) }
}
