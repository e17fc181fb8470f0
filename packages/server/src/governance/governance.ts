import type { App } from '../http/server.ts'
import type { Identity } from '../identity/identity.ts'
import type { Shared } from '../shared.ts'

/** The governance room, put together. */
export interface Governance {
  routes(app: App): void
  /** Start what runs by itself. */
  start(): void
  /** Tell every live stream to come back elsewhere. */
  endStreams(): void
  stop(): Promise<void>
  connectedAgents(): number
}

export function governance(_shared: Shared, _people: Identity): Governance {
  return { routes() {}, start() {}, endStreams() {}, async stop() {}, connectedAgents: () => 0 }
}
