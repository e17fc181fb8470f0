import type { App } from '../http/server.ts'
import type { Identity } from '../identity/identity.ts'
import type { Shared } from '../shared.ts'
import { type Approvals, approvals } from './approvals/approvals.ts'
import { approvalRoutes } from './approvals/routes.ts'
import type { Rules } from './assignment/rules.ts'
import { assistance } from './assistant/compose.ts'
import { type Bundles, bundles } from './bundles/bundles.ts'
import { bundleRoutes } from './bundles/routes.ts'
import { bundleStore } from './bundles/store.ts'
import { compositions } from './compositions/compositions.ts'
import { followers } from './compositions/following.ts'
import { compositionDeployer } from './compositions/redeploy.ts'
import { compositionRoutes } from './compositions/routes.ts'
import { compositionStore } from './compositions/store.ts'
import { contracts } from './contracts/contracts.ts'
import { contractRoutes } from './contracts/routes.ts'
import { contractStore } from './contracts/store.ts'
import { coverage } from './coverage/coverage.ts'
import { coverageRoutes } from './coverage/routes.ts'
import { coverageStore } from './coverage/store.ts'
import { deployments } from './deployments/deployments.ts'
import { rollouts } from './deployments/rollouts.ts'
import { deploymentRoutes } from './deployments/routes.ts'
import { deploymentStore } from './deployments/store.ts'
import { evaluation, SLOTS } from './evaluate/evaluate.ts'
import type { TrialCall, TrialOutcome } from './evaluate/judge.ts'
import { evaluateRoutes } from './evaluate/routes.ts'
import { type Events, events } from './events/events.ts'
import type { Registrations } from './fleet/registrations.ts'
import { idempotency } from './idempotency/idempotency.ts'
import { idempotencyStore } from './idempotency/store.ts'
import { notifications } from './notifications/notifications.ts'
import { REPLAY_THREADS, replaying } from './replay/replay.ts'
import { replayRoutes } from './replay/routes.ts'
import { replayStore } from './replay/store.ts'
import type { ReplayAnswer, ReplayTask } from './replay/worker.ts'
import { sessionRoutes } from './sessions/routes.ts'
import { type Sessions, sessions } from './sessions/sessions.ts'
import { eventPurge } from './settings/purge.ts'
import { settingsRoutes } from './settings/routes.ts'
import { keyRotation } from './signing/rotation.ts'
import { signingRoutes } from './signing/routes.ts'
import { signing } from './signing/signing.ts'
import { signingStore } from './signing/store.ts'
import { statsRoutes } from './stats/routes.ts'
import { streaming } from './stream/streaming.ts'
import { startThread, threads } from './threads/threads.ts'

const IDEMPOTENCY_SWEEP_MS = 3_600_000
/** How long a thread that nobody uses is kept. */
const IDLE_THREAD_MS = 30_000
const TRIAL_MEMORY_MB = 192
const REPLAY_MEMORY_MB = 160

/** The governance room, put together. */
export interface Governance {
  readonly bundles: Pick<Bundles, 'currentFor'>
  readonly agents: Pick<Registrations, 'introduce'>
  readonly assignments: Pick<Rules, 'resolveFor'>
  readonly approvals: Approvals
  readonly events: Pick<Events, 'record'>
  readonly sessions: Sessions
  routes(app: App): void
  /** Start what runs by itself. `address`: where this server listens. */
  start(address: string): Promise<void>
  /** Tell every live stream to come back elsewhere. */
  endStreams(): void
  stop(): Promise<void>
  connectedAgents(): Promise<number>
}

export function governance(shared: Shared, people: Identity): Governance {
  const { config, database } = shared
  const storedKeys = signingStore(database)
  const signatureEncoding = config.streamSignature === 'base64' ? 'base64' : 'hex'
  const signingKeys = signing({ ...shared, store: storedKeys })
  people.onTenantFounded(async (tenantId, within) => {
    await signingKeys.equip(tenantId, within)
  })

  const storedBundles = bundleStore(database)
  const storedDeployments = deploymentStore(database)
  const versions = bundles({ ...shared, store: storedBundles, deployments: storedDeployments, signing: signingKeys })
  const deploying = deployments({
    ...shared,
    store: storedDeployments,
    bundles: storedBundles,
    signing: signingKeys,
    signatureEncoding,
  })

  const storedContracts = contractStore(database)
  const storedCompositions = compositionStore(database)
  const deployer = compositionDeployer({
    ...shared,
    bundles: storedBundles,
    stored: storedDeployments,
    deployments: deploying,
  })
  const combining = compositions({
    ...shared,
    store: storedCompositions,
    contracts: storedContracts,
    bundles: storedBundles,
    deployer,
  })
  const library = contracts({
    ...shared,
    store: storedContracts,
    compositions: storedCompositions,
    followers: followers({ ...shared, store: storedCompositions, contracts: storedContracts, deployer }),
  })

  const trialThreads = threads<TrialCall, TrialOutcome>({
    start: () => startThread(new URL('./evaluate/', import.meta.url), 'worker', TRIAL_MEMORY_MB),
    most: SLOTS,
    idleMs: IDLE_THREAD_MS,
    clock: shared.clock,
  })

  const replayThreads = threads<ReplayTask, ReplayAnswer>({
    start: () => startThread(new URL('./replay/', import.meta.url), 'worker', REPLAY_MEMORY_MB),
    most: REPLAY_THREADS,
    idleMs: IDLE_THREAD_MS,
    clock: shared.clock,
  })
  const replay = replaying({ ...shared, store: replayStore(database), bundles: storedBundles, threads: replayThreads })

  const live = streaming({
    ...shared,
    deployments: storedDeployments,
    bundles: storedBundles,
    signingKeys: storedKeys,
    signatureEncoding,
  })
  const { sightings } = live
  const reached = rollouts({
    ...shared,
    store: storedDeployments,
    bundles: storedBundles,
    registrations: live.registered,
    sightings,
  })
  const covering = coverage({
    ...shared,
    store: coverageStore(database),
    deployments: storedDeployments,
    bundles: storedBundles,
    registrations: live.registered,
  })
  const rotateKey = keyRotation({
    ...shared,
    signing: signingKeys,
    bundles: storedBundles,
    deployments: storedDeployments,
  })
  const tryOut = evaluation({ threads: trialThreads })
  const helping = assistance({ ...shared, contracts: storedContracts, evaluate: tryOut })
  const repeated = idempotency({ store: idempotencyStore(database), clock: shared.clock })
  shared.workers.every('idempotency_sweep', IDEMPOTENCY_SWEEP_MS, () => repeated.purge())
  const auditing = events({ ...shared, sightings })
  const asking = approvals({ ...shared, idempotency: repeated })
  const notifying = notifications({ ...shared, approvals: asking })
  const sharedValues = sessions({ ...shared, idempotency: repeated })

  return {
    bundles: versions,
    agents: live.registrations,
    assignments: live.rules,
    approvals: asking,
    events: auditing,
    sessions: sharedValues,
    routes(app) {
      contractRoutes(app, { contracts: library })
      compositionRoutes(app, { compositions: combining })
      bundleRoutes(app, { bundles: versions })
      evaluateRoutes(app, { evaluate: tryOut })
      helping.routes(app)
      deploymentRoutes(app, { deployments: deploying, rollouts: reached, replay, clock: shared.clock })
      replayRoutes(app, { replay, clock: shared.clock })
      signingRoutes(app, { rotateKey })
      settingsRoutes(app, { purgeEvents: eventPurge(shared) })
      coverageRoutes(app, { coverage: covering, clock: shared.clock })
      live.routes(app)
      auditing.routes(app)
      approvalRoutes(app, { approvals: asking, limiter: shared.limiter })
      notifying.routes(app)
      sessionRoutes(app, sharedValues)
      statsRoutes(app, shared)
    },
    async start(address) {
      await signingKeys.equipAll()
      asking.start()
      await helping.start()
      await notifying.start(address)
    },
    endStreams() {
      asking.endWaits()
      helping.drain()
      notifying.drain()
      live.drain()
    },
    async stop() {
      asking.stop()
      await notifying.stop()
      await Promise.all([trialThreads.close(), replayThreads.close()])
      await auditing.idle()
      await live.stop()
    },
    connectedAgents: live.connectedAgents,
  }
}
