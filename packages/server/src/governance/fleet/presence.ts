import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import type { AgentPresenceRow } from '../../storage/schema.ts'
import type { AgentConnection } from '../stream/connections.ts'
import type { PresenceStore } from './presence-store.ts'

/** A process not heard of for this long is taken to be gone, and its streams with it. */
const SILENCE_MS = 30_000
const BEAT_MS = 5_000

/** An agent with an open stream, on whichever process. */
export interface PresentAgent {
  readonly agentId: string
  readonly env: string
  readonly bundleName: string | null
  readonly policyVersion: string | null
  /** Milliseconds since the Unix epoch. */
  readonly connectedAt: number
}

export interface Presence {
  /** One entry per open stream of the tenant's agents: this process's as they are, the others' as of a second ago. */
  of(tenantId: string): Promise<readonly PresentAgent[]>
  /** Open streams of agents on all processes, of all tenants; of this one alone while the database is away. */
  count(): Promise<number>
  /** Tell the other processes what has changed here. */
  share(): Promise<void>
  /** Take back what was told. */
  withdraw(): Promise<void>
}

/** Presence where one process is all there is. */
export const alonePresence = (
  connections: (tenantId: string) => readonly AgentConnection[],
  countHere: () => number,
): Presence => ({
  of: async (tenantId) => connections(tenantId),
  count: async () => countHere(),
  async share() {},
  async withdraw() {},
})

/** Presence among processes that share a database. */
export function sharedPresence(deps: {
  store: PresenceStore
  clock: Clock
  random: Random
  connections: (tenantId: string) => readonly AgentConnection[]
  allConnections: () => readonly AgentConnection[]
}): Presence {
  const { store, clock, random, connections, allConnections } = deps
  const processId = random.uuid()
  let beatAt = Number.NEGATIVE_INFINITY
  const told = new Map<AgentConnection, AgentPresenceRow>()
  const heardSince = () => microsOf(clock.now() - SILENCE_MS)

  const rowOf = (connection: AgentConnection, id: string): AgentPresenceRow => ({
    id,
    process_id: processId,
    tenant_id: connection.tenantId,
    agent_id: connection.agentId,
    env: connection.env,
    bundle_name: connection.bundleName,
    policy_version: connection.policyVersion,
    connected_at: microsOf(connection.connectedAt),
  })

  return {
    async of(tenantId) {
      const others = await store.elsewhere(tenantId, processId, heardSince())
      return [
        ...connections(tenantId),
        ...others.map((row) => ({
          agentId: row.agent_id,
          env: row.env,
          bundleName: row.bundle_name,
          policyVersion: row.policy_version,
          connectedAt: row.connected_at / 1000,
        })),
      ]
    },
    async count() {
      const elsewhere = await store.countElsewhere(processId, heardSince()).catch(() => 0)
      return allConnections().length + elsewhere
    },
    async share() {
      if (clock.now() - beatAt >= BEAT_MS) {
        const now = clock.now()
        if (!(await store.beat(processId, microsOf(now)))) told.clear()
        await store.forget(heardSince())
        beatAt = now
      }
      const here = new Set(allConnections())
      const gone = [...told].filter(([connection]) => !here.has(connection))
      const changed: [AgentConnection, AgentPresenceRow][] = []
      for (const connection of here) {
        const known = told.get(connection)
        if (known?.bundle_name === connection.bundleName && known.policy_version === connection.policyVersion) continue
        changed.push([connection, rowOf(connection, known?.id ?? random.uuid())])
      }
      if (gone.length > 0 || changed.length > 0)
        await store.write({ gone: gone.map(([, row]) => row.id), rows: changed.map(([, row]) => row) })
      for (const [connection] of gone) told.delete(connection)
      for (const [connection, row] of changed) told.set(connection, row)
    },
    async withdraw() {
      told.clear()
      await store.remove(processId)
    },
  }
}
