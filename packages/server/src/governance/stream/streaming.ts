import type { App } from '../../http/server.ts'
import type { Shared } from '../../shared.ts'
import { microsOf } from '../../storage/instants.ts'
import { assignmentRoutes } from '../assignment/routes.ts'
import { assignmentRules, type Rules } from '../assignment/rules.ts'
import { ruleStore } from '../assignment/store.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { SignatureEncoding } from '../deployments/contract-update.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import { agentHistory } from '../fleet/history.ts'
import { alonePresence, sharedPresence } from '../fleet/presence.ts'
import { presenceStore } from '../fleet/presence-store.ts'
import { type Registrations, registrations } from '../fleet/registrations.ts'
import { fleetRoutes } from '../fleet/routes.ts'
import { agentSightings, type Sightings } from '../fleet/sightings.ts'
import { fleetStatus } from '../fleet/status.ts'
import { type RegistrationStore, registrationStore } from '../fleet/store.ts'
import type { SigningStore } from '../signing/store.ts'
import { agentStreams } from './agent-stream.ts'
import type { AgentConnection } from './connections.ts'
import { dashboardStreams } from './dashboard-stream.ts'
import { streamHub } from './hub.ts'
import { reassigning } from './reassign.ts'
import { streamRoutes } from './routes.ts'

const KEEPALIVE_MS = 15_000
/** How long a stream may stand still while the bus is away. */
const CATCH_UP_MS = 2_000
const SIGHTINGS_MS = 1_000
const PRESENCE_MS = 1_000
const PURGE_MS = 3_600_000
/** How long a connection may be away and still get all it missed (decision D6). */
const LOG_KEPT_MS = 24 * 3_600_000

const VERSION_TOPIC = 'agent_version'
type HeardVersion = Parameters<Parameters<typeof agentSightings>[0]['onPolicyVersion']>[0]

export interface Streaming {
  readonly sightings: Sightings
  readonly registrations: Registrations
  readonly rules: Rules
  readonly registered: RegistrationStore
  routes(app: App): void
  drain(): void
  stop(): Promise<void>
  /** Streams of agents on all processes. */
  connectedAgents(): Promise<number>
}

/** Live streams and the fleet that holds them, put together. */
export function streaming(
  deps: Shared & {
    deployments: DeploymentStore
    bundles: BundleStore
    signingKeys: SigningStore
    signatureEncoding: SignatureEncoding
  },
): Streaming {
  const { bus, config, database, log, clock, logger, workers, deployments } = deps
  const onError = (err: unknown) => logger.error({ err }, 'live streams')
  const registered = registrationStore(database)
  const rules = ruleStore(database)
  const agents = registrations({ ...deps, store: registered, rules })

  const sightings = agentSightings({
    database,
    store: registered,
    registrations: agents,
    onPolicyVersion(heard) {
      learn(heard)
      void bus.publish(VERSION_TOPIC, heard).catch(onError)
    },
  })
  const learn = ({ tenantId, agentId, env, policyVersion }: HeardVersion) => {
    for (const connection of hub.agents(tenantId, agentId))
      if (connection.env === env) connection.policyVersion = policyVersion
  }
  // An agent's events may reach another process than its stream.
  const endVersions = bus.subscribe(VERSION_TOPIC, (message) => learn(message as HeardVersion))
  const onReassigned = ({ tenantId, agentId, env, bundleName }: AgentConnection) =>
    sightings.reassigned({ tenantId, agentId, env, policyVersion: null, at: microsOf(clock.now()), bundleName })
  const hub = streamHub({
    ...deps,
    reassign: reassigning({ rules, registrations: registered, onReassigned }),
    onReassigned,
    onError,
  })
  const agentSide = agentStreams({ ...deps, hub, registrations: agents, registered, rules, sightings, onError })
  const dashboardSide = dashboardStreams({ hub, log, clock, onError })

  const ruling = assignmentRules({ ...deps, store: rules, registrations: registered })

  const connections = (tenantId: string) => hub.agents(tenantId)
  // SQLite is one process's alone.
  const presence =
    config.databaseUrl === ''
      ? alonePresence(connections, () => hub.agentCount)
      : sharedPresence({ ...deps, store: presenceStore(database), connections, allConnections: () => hub.allAgents() })

  workers.every('stream_keepalive', KEEPALIVE_MS, async () => hub.keepAlive())
  workers.every('stream_catch_up', CATCH_UP_MS, () => hub.catchUp())
  workers.every('agent_sightings', SIGHTINGS_MS, () => sightings.write())
  workers.every('agent_presence', PRESENCE_MS, () => presence.share())
  workers.every('stream_log_purge', PURGE_MS, () => log.purge(microsOf(clock.now() - LOG_KEPT_MS)))

  return {
    sightings,
    registrations: agents,
    rules: ruling,
    registered,
    routes(app) {
      streamRoutes(app, { hub, agents: agentSide, dashboards: dashboardSide })
      assignmentRoutes(app, { rules: ruling })
      fleetRoutes(app, {
        registrations: agents,
        history: agentHistory({ database }),
        status: fleetStatus({ deployments, presence }),
      })
    },
    drain: () => hub.drain(),
    async stop() {
      endVersions()
      hub.stop()
      await sightings.write()
      await presence.withdraw()
    },
    connectedAgents: () => presence.count(),
  }
}
