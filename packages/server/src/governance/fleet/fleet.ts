import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Part } from '../../part.ts'
import type { Shared } from '../../shared.ts'
import type { RuleStore } from '../assignment/store.ts'
import { createAdopted } from './adoption.ts'
import type { DeployedBundle } from './drift.ts'
import type { LiveAgents } from './live.ts'
import { createAlonePresence, createSharedPresence, type PresentAgent } from './presence.ts'
import { createPresenceStore } from './presence-store.ts'
import { createRegistrations, type Registrations } from './registrations.ts'
import { fleetRoutes } from './routes.ts'
import { createSightings, type Sightings } from './sightings.ts'
import { createStatus } from './status.ts'
import { createRegistrationStore, type RegistrationStore } from './store.ts'

const SIGHTINGS_MS = 1_000
const PRESENCE_MS = 1_000
const VERSION_TOPIC = 'agent_version'

type HeardVersion = Parameters<Parameters<typeof createSightings>[0]['onPolicyVersion']>[0]

/** The agents of each tenant: who is registered, who is connected, what each was seen to run. */
export interface Fleet extends Part {
  readonly registrations: Registrations
  readonly registrationStore: RegistrationStore
  readonly sightings: Sightings
  /** Open streams of agents on all processes. */
  connectedAgents(): Promise<number>
  /** The tenant's agents with an open stream, on whichever process. */
  present(scope: TenantScope): Promise<readonly PresentAgent[]>
}

export function createFleet(
  deps: Shared & {
    live: LiveAgents
    ruleStore: RuleStore
    deployments: { current(scope: TenantScope): Promise<readonly DeployedBundle[]> }
  },
): Fleet {
  const { bus, clock, config, database, live, logger, workers, deployments, ruleStore } = deps
  const registrationStore = createRegistrationStore(database)
  const registrations = createRegistrations({ ...deps, store: registrationStore, rules: ruleStore })

  const sightings = createSightings({
    database,
    store: registrationStore,
    registrations,
    onPolicyVersion(heard) {
      learn(heard)
      void bus.publish(VERSION_TOPIC, heard).catch((err: unknown) => logger.error({ err }, 'bus refused a message'))
    },
  })
  const learn = ({ agentId, env, policyVersion, ...heard }: HeardVersion) => {
    for (const agent of live.agents(scopeOfRecord(heard), agentId))
      if (agent.env === env) agent.policyVersion = policyVersion
  }
  // An agent's events may reach another process than its stream.
  const endVersions = bus.subscribe(VERSION_TOPIC, (message) => learn(message as HeardVersion))

  // SQLite is one process's alone.
  const presence =
    config.databaseUrl === ''
      ? createAlonePresence(live)
      : createSharedPresence({ ...deps, store: createPresenceStore(database) })

  workers.every('agent_sightings', SIGHTINGS_MS, () => sightings.write())
  workers.every('agent_presence', PRESENCE_MS, () => presence.share())

  return {
    registrations,
    registrationStore,
    sightings,
    connectedAgents: () => presence.count(),
    present: (scope) => presence.of(scope),
    routes(app) {
      fleetRoutes(app, {
        registrations,
        status: createStatus({ deployments, presence }),
        adopted: createAdopted({ sightings, clock }),
      })
    },
    async stop() {
      endVersions()
      await sightings.write()
      await presence.withdraw()
    },
  }
}
