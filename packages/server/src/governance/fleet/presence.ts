import type { TenantScope } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { microsOf } from '../../storage/instants.ts'
import type { LiveAgent, LiveAgents } from './live.ts'
import type { PresenceStore, PresentStream } from './presence-store.ts'

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
  of(scope: TenantScope): Promise<readonly PresentAgent[]>
  /** Open streams of agents on all processes, of all tenants; of this one alone while the database is away. */
  count(): Promise<number>
  /** Tell the other processes what has changed here. */
  share(): Promise<void>
  /** Take back what was told. */
  withdraw(): Promise<void>
}

/** Presence where one process is all there is. */
export const createAlonePresence = (live: LiveAgents): Presence => ({
  of: async (scope) => live.agents(scope),
  count: async () => live.agentCount,
  async share() {},
  async withdraw() {},
})

/** Presence among processes that share a database. */
export function createSharedPresence(deps: {
  store: PresenceStore
  clock: Clock
  random: Random
  live: LiveAgents
}): Presence {
  const { store, clock, random, live } = deps
  const processId = random.uuid()
  let beatAt = Number.NEGATIVE_INFINITY
  const told = new Map<LiveAgent, PresentStream>()
  const heardSince = () => microsOf(clock.now() - SILENCE_MS)

  const streamOf = (agent: LiveAgent, id: string): PresentStream => ({
    id,
    processId,
    tenantId: agent.tenantId,
    agentId: agent.agentId,
    env: agent.env,
    bundleName: agent.bundleName,
    policyVersion: agent.policyVersion,
    connectedAt: microsOf(agent.connectedAt),
  })

  return {
    async of(scope) {
      const others = await store.elsewhere(scope, processId, heardSince())
      return [
        ...live.agents(scope),
        ...others.map(({ agentId, env, bundleName, policyVersion, connectedAt }) => ({
          agentId,
          env,
          bundleName,
          policyVersion,
          connectedAt: connectedAt / 1000,
        })),
      ]
    },
    async count() {
      const elsewhere = await store.countElsewhere(processId, heardSince()).catch(() => 0)
      return live.agentCount + elsewhere
    },
    async share() {
      if (clock.now() - beatAt >= BEAT_MS) {
        const now = clock.now()
        if (!(await store.beat(processId, microsOf(now)))) told.clear()
        await store.forget(heardSince())
        beatAt = now
      }
      const here = new Set(live.allAgents())
      const gone = [...told].filter(([connection]) => !here.has(connection))
      const changed: [LiveAgent, PresentStream][] = []
      for (const connection of here) {
        const known = told.get(connection)
        if (known?.bundleName === connection.bundleName && known.policyVersion === connection.policyVersion) continue
        changed.push([connection, streamOf(connection, known?.id ?? random.uuid())])
      }
      if (gone.length > 0 || changed.length > 0)
        await store.write({ gone: gone.map(([, stream]) => stream.id), here: changed.map(([, stream]) => stream) })
      for (const [connection] of gone) told.delete(connection)
      for (const [connection, stream] of changed) told.set(connection, stream)
    },
    async withdraw() {
      told.clear()
      await store.remove(processId)
    },
  }
}
