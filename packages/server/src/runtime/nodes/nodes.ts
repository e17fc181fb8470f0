import { availableParallelism, hostname, totalmem } from 'node:os'
import type { Logger } from 'pino'
import { Conflict, NotFound, Unavailable } from '../../errors.ts'
import { systemScope } from '../../identity/scope.ts'
import type { Part } from '../../part.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import { microsOf } from '../../storage/instants.ts'
import { version } from '../../version.ts'
import type { Node, NodeStore } from './store.ts'

/** A node that has not been heard of for this long is unhealthy. */
const SILENT_MS = 90_000
/** How often a node says that it is alive, at least. */
const BEAT_MS = 30_000
/** A node that has been silent for so long is forgotten. */
const FORGOTTEN_MS = 86_400_000
const DRAIN_TOPIC = 'node-drain'
const RETRY_SECONDS = 30

export type NodeStatus = 'active' | 'draining' | 'unhealthy'
export type ClusterHealth = 'healthy' | 'degraded' | 'critical'

export interface SeenNode extends Node {
  readonly status: NodeStatus
}

export interface Cluster {
  readonly nodes: readonly SeenNode[]
  readonly health: ClusterHealth
  readonly active: number
  readonly draining: number
  readonly unhealthy: number
}

/** The servers of this installation: each says that it is alive, and takes nothing new while it drains. */
export interface Nodes extends Part {
  readonly id: string
  readonly uptimeSeconds: () => number
  /** Of one server alone: that one. */
  cluster(): Promise<Cluster>
  /** Whether this server takes up what another had to leave. */
  readonly takesNew: boolean
  /**
   * Where something new is worked on: here, or by whoever takes it up, while this server drains.
   * @throws Unavailable when it drains and there is no other
   */
  place(): Promise<'here' | 'elsewhere'>
  /** Say that this server is alive, and learn whether it drains. */
  beat(): Promise<void>
  /** @throws NotFound */
  setDraining(id: string, isDraining: boolean): Promise<SeenNode>
  /** Forget a server that is gone. @throws NotFound; Conflict while it is heard of */
  forget(id: string): Promise<void>
}

export function createNodes(deps: {
  store: NodeStore
  bus: Bus
  clock: Clock
  logger: Logger
  /** Names this server, and stays with its data folder. */
  owner: string
}): Nodes {
  const { store, bus, clock, logger, owner } = deps
  const startedAt = clock.now()
  let isDraining = false
  let isStopped = false
  let beatAt = 0

  const unsubscribe = bus.subscribe(DRAIN_TOPIC, (message) => {
    const { id, draining } = message as { readonly id: string; readonly draining: boolean }
    if (id === owner) isDraining = draining
  })

  const statusOf = (node: Node): NodeStatus =>
    clock.now() * 1000 - node.heartbeatAt > SILENT_MS * 1000 ? 'unhealthy' : node.isDraining ? 'draining' : 'active'

  async function list(): Promise<SeenNode[]> {
    return (await store.list(systemScope)).map((node) => ({ ...node, status: statusOf(node) }))
  }

  const register = (): Promise<void> => {
    const now = microsOf(clock.now())
    return store.put(systemScope, {
      id: owner,
      hostname: hostname(),
      version,
      cpuCores: availableParallelism(),
      memoryBytes: totalmem(),
      isDraining,
      registeredAt: now,
      startedAt: microsOf(startedAt),
      heartbeatAt: now,
    })
  }

  return {
    id: owner,
    uptimeSeconds: () => Math.floor((clock.now() - startedAt) / 1000),
    get takesNew() {
      return !isDraining
    },
    async cluster() {
      const nodes = await list()
      const count = (status: NodeStatus) => nodes.filter((node) => node.status === status).length
      const [active, draining, unhealthy] = [count('active'), count('draining'), count('unhealthy')]
      return { nodes, active, draining, unhealthy, health: healthOf(nodes.length, active) }
    },
    async place() {
      if (!isDraining) return 'here'
      if ((await list()).some(({ id, status }) => id !== owner && status === 'active')) return 'elsewhere'
      throw new Unavailable('This server drains, and there is no other that takes anything new.', {
        retryAfter: RETRY_SECONDS,
        code: 'draining',
      })
    },
    async beat() {
      const now = clock.now()
      if (isStopped || now - beatAt < BEAT_MS) return
      beatAt = now
      if (!(await store.touch(systemScope, owner, microsOf(now)))) await register()
      // A message of the bus may be lost.
      const own = (await store.list(systemScope)).find(({ id }) => id === owner)
      if (own) isDraining = own.isDraining
      await store.forgetSilent(systemScope, microsOf(now - FORGOTTEN_MS))
    },
    async setDraining(id, draining) {
      if (!(await store.setDraining(systemScope, id, draining))) throw missing(id)
      if (id === owner) isDraining = draining
      await bus
        .publish(DRAIN_TOPIC, { id, draining })
        .catch((err: unknown) => logger.error({ err }, 'bus refused a message'))
      const node = (await list()).find((one) => one.id === id)
      if (!node) throw missing(id)
      return node
    },
    async forget(id) {
      if (await store.forget(systemScope, id, microsOf(clock.now() - SILENT_MS))) return
      if (!(await list()).some((node) => node.id === id)) throw missing(id)
      throw new Conflict(`The node '${id}' is alive. Stop it first; what is gone for 90 seconds can be removed.`)
    },
    async start() {
      beatAt = clock.now()
      await register()
    },
    async stop() {
      isStopped = true
      unsubscribe()
      // Whoever stops in order is no server that is missing.
      await store
        .remove(systemScope, owner)
        .catch((err: unknown) => logger.warn({ err }, 'this server could not be taken off the list'))
    },
  }
}

/** None at all is critical; fewer than half of them at work as well. */
function healthOf(total: number, active: number): ClusterHealth {
  if (total === 0) return 'critical'
  if (active === total) return 'healthy'
  return active * 2 > total ? 'degraded' : 'critical'
}

const missing = (id: string): NotFound => new NotFound(`There is no node '${id}'.`, 'node_not_found')
