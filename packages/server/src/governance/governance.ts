import type { Identity } from '../identity/identity.ts'
import { createRoom, type Part } from '../part.ts'
import type { Shared } from '../shared.ts'
import { aheadOf } from '../storage/database.ts'
import { type Approvals, createApprovals } from './approvals/approvals.ts'
import { approvalRoutes } from './approvals/routes.ts'
import { createBundleFor, type FindAssignedBundle } from './assignment/assigned-bundle.ts'
import { assignmentRoutes } from './assignment/routes.ts'
import { createRules } from './assignment/rules.ts'
import { createRuleStore } from './assignment/store.ts'
import { createAssistantPart } from './assistant/compose.ts'
import { createBundles } from './bundles/bundles.ts'
import { bundleRoutes } from './bundles/routes.ts'
import { rulesetRoutes } from './bundles/ruleset-routes.ts'
import { createBundleStore } from './bundles/store.ts'
import { createCompositions } from './compositions/compositions.ts'
import { createFollowers } from './compositions/following.ts'
import { createDeployer } from './compositions/redeploy.ts'
import { compositionRoutes } from './compositions/routes.ts'
import { createCompositionStore } from './compositions/store.ts'
import { createContracts } from './contracts/contracts.ts'
import { contractRoutes } from './contracts/routes.ts'
import { createContractStore } from './contracts/store.ts'
import { createCoverage } from './coverage/coverage.ts'
import { coverageRoutes } from './coverage/routes.ts'
import { createCoverageStore } from './coverage/store.ts'
import { createDeployments } from './deployments/deployments.ts'
import { createRollouts } from './deployments/rollouts.ts'
import { createRotateKey } from './deployments/rotation.ts'
import { deploymentRoutes } from './deployments/routes.ts'
import { createDeploymentStore } from './deployments/store.ts'
import { createEvaluatePart } from './evaluate/part.ts'
import { createEvents, type Events } from './events/events.ts'
import { createFleet } from './fleet/fleet.ts'
import type { Registrations } from './fleet/registrations.ts'
import { createRegistrationStore } from './fleet/store.ts'
import { createGates } from './gates/gates.ts'
import { gateRoutes } from './gates/routes.ts'
import { createGateStore } from './gates/store.ts'
import { createHistory } from './history/history.ts'
import { historyRoutes } from './history/routes.ts'
import { createNotifications } from './notifications/notifications.ts'
import { createReplayPart } from './replay/part.ts'
import { createOffers } from './rulesets/offers.ts'
import { rulesetDoorRoutes } from './rulesets/routes.ts'
import { createScanStore } from './rulesets/scan-store.ts'
import { createOfferStore } from './rulesets/store.ts'
import { wideSessionKeyProblem } from './sessions/key.ts'
import { sessionRoutes } from './sessions/routes.ts'
import { createSessions, createSessionValues, type SessionValues } from './sessions/sessions.ts'
import { createPurgeEvents } from './settings/purge.ts'
import { settingsRoutes } from './settings/routes.ts'
import { createSigning } from './signing/signing.ts'
import { createSigningStore } from './signing/store.ts'
import { statsRoutes } from './stats/routes.ts'
import { createConnections } from './stream/connections.ts'
import { createStreams } from './stream/streams.ts'

export type { Approval, ApprovalStatus, NewApproval } from './approvals/approval.ts'
export type { Approvals } from './approvals/approvals.ts'
export type { AssignedBundle, AssignedGates, FindAssignedBundle } from './assignment/assigned-bundle.ts'

/** The governance room: what contracts there are, who runs which, what was decided and by whom. */
export interface Governance extends Part {
  /** What the server's own agents run, and when they were seen to run it. */
  readonly fleet: Pick<Registrations, 'sighted'>
  /** For calls of the server's own agents: what is asked and counted within one is on disk with the audit event that follows. */
  readonly assignments: { readonly bundleFor: FindAssignedBundle }
  readonly approvals: Approvals
  readonly events: Pick<Events, 'recordOwn'>
  readonly sessions: SessionValues
  /** Streams of agents on all processes. */
  connectedAgents(): Promise<number>
}

export function createGovernance(shared: Shared, identity: Identity): Governance {
  const { clock, config, database, limiter } = shared
  const signatureEncoding = config.streamSignature === 'base64' ? 'base64' : 'hex'

  const signingStore = createSigningStore(database)
  const signing = createSigning({ ...shared, store: signingStore })
  identity.onTenantFounded(signing.equip)

  const bundleStore = createBundleStore(database)
  const offers = createOffers({ store: createOfferStore(database), database, signing })
  const deploymentStore = createDeploymentStore(database)
  const bundles = createBundles({ ...shared, store: bundleStore, deployments: deploymentStore, signing, offers })
  const deployments = createDeployments({
    ...shared,
    store: deploymentStore,
    bundleStore,
    signing,
    offers,
    signatureEncoding,
  })
  const gateStore = createGateStore(database)
  const gates = createGates({ ...shared, store: gateStore, bundles: bundleStore, signing })
  const { replay, ...replayPart } = createReplayPart({ ...shared, bundleStore })

  const contractStore = createContractStore(database)
  const compositionStore = createCompositionStore(database)
  const deployer = createDeployer({ ...shared, bundleStore, deploymentStore, deployments })
  const followers = createFollowers({ ...shared, store: compositionStore, contractStore, deployer })
  const contracts = createContracts({ ...shared, store: contractStore, uses: compositionStore, followers })
  const compositions = createCompositions({ ...shared, store: compositionStore, contractStore, bundleStore, deployer })
  const { evaluate, ...evaluatePart } = createEvaluatePart(shared)
  const assistant = createAssistantPart({ ...shared, contracts: contractStore, evaluate })

  const connections = createConnections()
  const ruleStore = createRuleStore(database)
  const fleet = createFleet({ ...shared, live: connections, ruleStore, deployments: deploymentStore })
  const { registrations, registrationStore, sightings } = fleet
  const rules = createRules({ ...shared, store: ruleStore, registrations })
  const streams = createStreams({
    ...shared,
    connections,
    fleet,
    ruleStore,
    deploymentStore,
    bundleStore,
    signingStore,
    offers,
    gateStore,
    signatureEncoding,
  })
  const rollouts = createRollouts({ ...shared, store: deploymentStore, bundleStore, registrationStore, sightings })
  const coverage = createCoverage({
    ...shared,
    store: createCoverageStore(database),
    deploymentStore,
    bundleStore,
    registrationStore,
  })

  const events = createEvents({ ...shared, sightings, signing, storedHash: offers.storedHash })
  const rotateKey = createRotateKey({
    ...shared,
    store: deploymentStore,
    bundleStore,
    signing,
    offers,
    ledger: events.ledger,
  })
  const approvals = createApprovals({ ...shared, signing, present: fleet.present })
  const sessions = createSessions(shared)
  const ofOwnAgents = createForOwnAgents(shared)
  const notifications = createNotifications({ ...shared, approvals, requireActive: identity.tenants.requireActive })

  return {
    fleet: registrations,
    assignments: ofOwnAgents.assignments,
    approvals,
    events,
    sessions: ofOwnAgents.sessions,
    connectedAgents: fleet.connectedAgents,
    // Whoever feeds another stands behind it: stopping goes backwards, and what was fed in is written last.
    ...createRoom([
      { start: () => signing.equipAll() },
      { routes: (app) => contractRoutes(app, { contracts }) },
      { routes: (app) => compositionRoutes(app, { compositions }) },
      {
        routes: (app) => {
          bundleRoutes(app, { bundles, gates })
          rulesetRoutes(app, { bundles })
        },
      },
      { routes: (app) => gateRoutes(app, { gates }) },
      { routes: (app) => rulesetDoorRoutes(app, { scanStore: createScanStore(database), clock }) },
      evaluatePart,
      assistant,
      { routes: (app) => deploymentRoutes(app, { deployments, rollouts, replay, clock }) },
      replayPart,
      {
        routes: (app) =>
          settingsRoutes(app, { rotateKey, purgeEvents: createPurgeEvents({ ledger: events.ledger, clock }) }),
      },
      { routes: (app) => coverageRoutes(app, { coverage, clock }) },
      fleet,
      streams,
      { routes: (app) => assignmentRoutes(app, { rules }) },
      { routes: (app) => historyRoutes(app, { history: createHistory(shared) }) },
      { routes: events.routes, stop: events.idle },
      {
        routes: (app) => approvalRoutes(app, { approvals, limiter }),
        start: approvals.start,
        drain: approvals.endWaits,
        stop: approvals.stop,
      },
      notifications,
      {
        routes: (app) =>
          sessionRoutes(app, {
            sessions,
            wideKeys: createSessionValues({ ...shared, keyRule: wideSessionKeyProblem }),
          }),
      },
      { routes: (app) => statsRoutes(app, shared) },
    ]),
  }
}

function createForOwnAgents(shared: Shared): Pick<Governance, 'assignments' | 'sessions'> {
  const database = aheadOf(shared.database)
  const bundles = createBundleStore(database)
  const registrations = createRegistrationStore(database)
  const deployments = createDeploymentStore(database)
  const gates = createGateStore(database)
  return {
    assignments: {
      bundleFor: createBundleFor({
        rules: createRules({
          ...shared,
          store: createRuleStore(database),
          registrations: { assigned: (scope, agentId) => registrations.find(scope, agentId) },
        }),
        bundles: { currentRevision: deployments.currentRevision, find: bundles.find },
        gates,
      }),
    },
    sessions: createSessionValues({ ...shared, database }),
  }
}
