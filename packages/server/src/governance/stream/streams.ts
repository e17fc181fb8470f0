import { frameOf } from '../../http/event-stream.ts'
import type { SignatureText } from '../../identity/caller.ts'
import type { Part } from '../../part.ts'
import type { Shared } from '../../shared.ts'
import { microsOf } from '../../storage/instants.ts'
import type { RuleStore } from '../assignment/store.ts'
import type { BundleStore } from '../bundles/store.ts'
import type { DeploymentStore } from '../deployments/store.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { GateStore } from '../gates/store.ts'
import type { Offers } from '../rulesets/offers.ts'
import type { SigningStore } from '../signing/store.ts'
import { createAgentStreams } from './agent-stream.ts'
import type { AgentConnection, Connections } from './connections.ts'
import { createDashboardStreams } from './dashboard-stream.ts'
import { createFrames } from './frames.ts'
import { createHub } from './hub.ts'
import { createReassign } from './reassign.ts'
import { streamRoutes } from './routes.ts'
import { createSurvey } from './situation.ts'

const KEEPALIVE_MS = 15_000
/** How long a stream may stand still while the bus is away. */
const CATCH_UP_MS = 2_000
const PURGE_MS = 3_600_000
/** How long a connection may be away and still get all it missed. */
const LOG_KEPT_MS = 24 * 3_600_000

/** Live streams to agents and to consoles. */
export function createStreams(
  deps: Shared & {
    connections: Connections
    fleet: Pick<Fleet, 'registrations' | 'registrationStore' | 'sightings'>
    ruleStore: RuleStore
    deploymentStore: DeploymentStore
    bundleStore: BundleStore
    signingStore: SigningStore
    offers: Pick<Offers, 'inForce' | 'storedHash'>
    gateStore: Pick<GateStore, 'inForce'>
    signatureEncoding: SignatureText
  },
): Part {
  const { clock, fleet, log, logger, ruleStore, workers } = deps
  const { registrations, registrationStore, sightings } = fleet
  const onError = (err: unknown) => logger.error({ err }, 'live streams')
  const onReassigned = ({ tenantId, agentId, env, bundleName }: AgentConnection) =>
    sightings.reassigned({ tenantId, agentId, env, policyVersion: null, at: microsOf(clock.now()), bundleName })
  const reassign = createReassign({ ruleStore, registrationStore, onReassigned })
  const frames = createFrames(deps.signatureEncoding)
  const survey = createSurvey({ ...deps, registrationStore })
  const documentOf = async (connection: AgentConnection) => {
    const { head, update } = await survey({ ...connection, policyVersion: null })
    return { head, frame: update === null ? null : frameOf('contract_update', update, head) }
  }
  const hub = createHub({ ...deps, reassign, frames, documentOf, onReassigned, onError })
  const agentStreams = createAgentStreams({ ...deps, hub, registrations, sightings, survey, frames, onError })
  const dashboardStreams = createDashboardStreams({ hub, log, clock, onError })

  workers.every('stream_keepalive', KEEPALIVE_MS, async () => hub.keepAlive())
  workers.every('stream_catch_up', CATCH_UP_MS, () => hub.catchUp())
  workers.every('stream_log_purge', PURGE_MS, () => log.purge(microsOf(clock.now() - LOG_KEPT_MS)))

  return {
    routes: (app) => streamRoutes(app, { hub, agentStreams, dashboardStreams }),
    drain: () => hub.drain(),
    stop: () => hub.stop(),
  }
}
