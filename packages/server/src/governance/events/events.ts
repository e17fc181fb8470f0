import type { App } from '../../http/server.ts'
import type { Shared } from '../../shared.ts'
import { type Ingest, ingest } from './ingest.ts'
import { eventRoutes } from './routes.ts'
import type { AgentSightings } from './sightings.ts'
import { eventStore } from './store.ts'

/** The audit log: what agents report, and questions about it. */
export interface Events extends Ingest {
  routes(app: App): void
}

export function events(deps: Shared & { sightings: AgentSightings }): Events {
  const store = eventStore(deps.database)
  const receiving = ingest({ ...deps, store, writers: deps.database.writers })
  return { ...receiving, routes: (app) => eventRoutes(app, { ingest: receiving, store }) }
}
