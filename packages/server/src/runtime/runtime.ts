import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyRequest } from 'fastify'
import { createJournal } from '../changes/journal/journal.ts'
import { createJournalStore } from '../changes/journal/store.ts'
import type { Governance } from '../governance/governance.ts'
import type { App } from '../http/server.ts'
import type { Caller } from '../identity/caller.ts'
import type { Identity } from '../identity/identity.ts'
import { digestOf } from '../identity/opaque-tokens.ts'
import { scopeOfRecord, systemScope } from '../identity/scope.ts'
import { createRoom, type Part } from '../part.ts'
import type { Shared } from '../shared.ts'
import { createAdmit } from './admission/admission.ts'
import type { AttachedFile } from './admission/attachments.ts'
import { createContextSources } from './admission/context-sources.ts'
import { createAgents } from './agents/agents.ts'
import { agentRoutes } from './agents/routes.ts'
import { createAgentStore } from './agents/store.ts'
import { humanApprovalRoutes } from './approvals/routes.ts'
import { createBilling } from './billing/billing.ts'
import { billingRoutes } from './billing/routes.ts'
import { createBillingStore } from './billing/store.ts'
import { createBuiltins, type DeployBuiltins } from './builtins/builtins.ts'
import { createCalls } from './calls/calls.ts'
import { type Children, createChildren } from './children/children.ts'
import { createRunExecutions } from './children/of-runs.ts'
import { createSecurityContexts } from './contexts/contexts.ts'
import { securityContextRoutes } from './contexts/routes.ts'
import { createContextStore } from './contexts/store.ts'
import { createCortex, memoryless } from './cortex/cortex.ts'
import { cortexRoutes } from './cortex/routes.ts'
import { createCortexStore } from './cortex/store.ts'
import { dashboardRoutes } from './dashboard/routes.ts'
import { createDashboardStore } from './dashboard/store.ts'
import { createAttempts } from './dispatch/attempts.ts'
import { createConversations, type OpenConversation } from './dispatch/conversation.ts'
import { authenticateDispatch, dispatchRoutes } from './dispatch/routes.ts'
import { createAttemptRunner } from './executions/attempt.ts'
import { createExecutions, type Executions } from './executions/executions.ts'
import { executionRoutes } from './executions/routes.ts'
import { createSupervisor } from './executions/supervisor.ts'
import { createTally } from './executions/tally.ts'
import type { PathRefused } from './files/path.ts'
import { createRepositories } from './git/repositories.ts'
import { createGitRunner, findGit } from './git/runner.ts'
import { createBindingStore } from './git/store.ts'
import { createUserOf } from './git/user.ts'
import { createOutputHandlers } from './handlers/output-handlers.ts'
import { createHost } from './host.ts'
import { runtimeRoutes } from './http.ts'
import { identityTeller } from './identity-events.ts'
import { createIncidents } from './incidents/incidents.ts'
import { incidentRoutes } from './incidents/routes.ts'
import { createIncidentStore } from './incidents/store.ts'
import { runsInstallation } from './installation.ts'
import { createIntents } from './intents/intents.ts'
import { createPipelineStore } from './intents/store.ts'
import { createJudgement } from './judges/judgement.ts'
import { createJudgeDesk } from './judges/judges.ts'
import { createExecutionGuards } from './judging/execution-guard.ts'
import { maskedEvents } from './judging/masked-events.ts'
import { createKept } from './kept.ts'
import { createLimits } from './limits/limits.ts'
import { countedAs, tierNamed } from './limits/resources.ts'
import { limitRoutes } from './limits/routes.ts'
import { createLimitStore } from './limits/store.ts'
import { everyTenants, subscriptionRoutes } from './limits/subscription-routes.ts'
import { createMasks } from './masking/masks.ts'
import { createLimitedModels } from './models/limited-models.ts'
import { maskedModels } from './models/masked-models.ts'
import { createMeasuredModels } from './models/measured-models.ts'
import { createModels } from './models/models.ts'
import { readOffers } from './models/offers.ts'
import { createMounts } from './mounts/mounts.ts'
import { mountedRunner } from './mounts/runner.ts'
import { createNodes } from './nodes/nodes.ts'
import { nodeRoutes } from './nodes/routes.ts'
import { createNodeStore } from './nodes/store.ts'
import { createOwnership } from './ownership/ownership.ts'
import { type EventDraft, envelopeOf } from './record/events.ts'
import type { Execution, ExecutionSummary } from './record/execution.ts'
import { createExecutionJournal } from './record/journal.ts'
import { maskedExecutions, maskedTurns } from './record/masked-executions.ts'
import { createExecutionStore } from './record/store.ts'
import { createJournalStreams } from './record/streams.ts'
import { tenantEventRoutes } from './record/tenant-event-routes.ts'
import { createTenantEvents } from './record/tenant-events.ts'
import { createTurnStore } from './record/turn-store.ts'
import { createRunVolumes } from './run-volumes/run-volumes.ts'
import { createWorkflowRuns } from './run-work/compose.ts'
import { createRunStore } from './runs/store.ts'
import { createScripts } from './scripts/scripts.ts'
import { createScriptStore } from './scripts/store.ts'
import { createSeal } from './seal/compose.ts'
import { createSpawner } from './spawning/spawner.ts'
import { createStopTenant } from './stop-tenant.ts'
import { swarmRoutes } from './swarms/routes.ts'
import { createSwarmStore } from './swarms/store.ts'
import { createSwarms } from './swarms/swarms.ts'
import { createToolbox } from './toolbox.ts'
import { createInvocations } from './tools/invocations.ts'
import { createTriggers, type Triggers } from './triggers.ts'
import { violationRoutes } from './violations/routes.ts'
import { createViolationStore } from './violations/store.ts'
import { categoryOf, createViolations } from './violations/violations.ts'
import { createStorage } from './volumes/storage.ts'
import { tierOf } from './volumes/volume.ts'
import { workflowRoutes } from './workflows/routes.ts'
import { createWorkflowStore } from './workflows/store.ts'
import { createWorkflows } from './workflows/workflows.ts'

const BEAT_MS = 5_000

/** Locks that have run out are collected this often. */
const SWARM_SWEEP_MS = 30_000

const INCIDENT_SWEEP_MS = 3_600_000

/** The runtime room: agents that this server runs, and what they did. */
export interface Runtime extends Part {
  authenticateDispatch(request: FastifyRequest): Promise<Caller>
}

export function createRuntime(shared: Shared, identity: Identity, governance: Governance): Runtime {
  const { config, clock, random, database, limiter, workers, metrics } = shared
  const masks = createMasks()
  const logger = masks.logger(shared.logger)
  const folders = foldersOf(config.dataDir)
  const owner = ownerOf(config.dataDir)
  const host = createHost({ ...shared, owner, dataDir: config.dataDir, logger })
  const journalStore = createJournalStore(database)
  const events = createJournal<EventDraft>({
    ...shared,
    store: journalStore,
    shownAs: ({ type, fields }, place) => envelopeOf({ type, fields: masks.of(place.subject.id).value(fields) }, place),
    onPublishError: (err) => logger.error({ err }, 'bus refused a message'),
  })
  const executionStore = maskedExecutions(createExecutionStore(database), masks)
  const tenantEvents = createTenantEvents({ journal: events, store: journalStore, executionStore, clock })
  identity.tellTo(identityTeller(tenantEvents))
  const { catalogue, ...toolbox } = createToolbox(shared, {
    node: owner,
    sandbox: () => host.sandboxName(),
    isolatesNetwork: host.isolatesNetwork,
    agents: () => agents,
    executions: () => executions,
    workflows: () => workflows,
    runs: () => workflowRuns.runs,
    children: () => children,
    swarms: () => swarms,
    intents: () => intents,
    findAttached,
    countExecutions: () => supervisor.count,
    volumes: () => storage.volumes,
    files: () => storage.files,
    repositories: () => repositories,
    scripts: createScripts({ ...shared, store: createScriptStore(database), tier: tierOf(config) }),
    events: tenantEvents,
  })
  const billingStore = createBillingStore(database)
  const billing = createBilling({
    ...shared,
    store: billingStore,
    hearsNews: config.stripeWebhookSecret !== '',
    homeUrl: config.baseUrl || `http://${config.host}:${config.port}`,
    logger,
  })
  const limitStore = createLimitStore(database)
  const limits = createLimits({
    ...shared,
    store: limitStore,
    events: tenantEvents,
    setting: config.limits === 'on' ? 'on' : 'off',
    tierOf: async (scope, within) => {
      const given = tierNamed(await limitStore.givenTier(scope, within))
      // What tenants have that were given nothing else.
      const tier = given === null || given === 'enterprise' ? (tierNamed(config.tier) ?? 'enterprise') : given
      const paid = await billing.tierOf(scope, within)
      // Who runs the installation pays itself nothing.
      return paid === null || runsInstallation(await limitStore.slugOf(scope, within))
        ? tier
        : (tierNamed(paid) ?? 'free')
    },
    count: (outcome, resource_type) => metrics.rateLimits.inc({ outcome, resource_type: countedAs(resource_type) }),
  })
  const kept = createKept(shared, {
    events: governance.events,
    tenantEvents,
    owner,
    masks,
    runtimeKeys: identity.runtimeKeys,
    requireAgent: async (caller, id) => void (await agents.get(caller, id)),
  })
  const repositories = createRepositories({
    ...shared,
    store: createBindingStore(database),
    volumes: () => storage.volumes,
    files: () => storage.files,
    runner: createGitRunner({ ...shared, host, authorities: config.gitAuthorities, program: findGit }),
    credentials: kept.credentials,
    userOf: createUserOf((caller, id) => executions.get(caller, id)),
    tier: tierOf(config),
    folder: folders.repositories,
  })
  const contexts = createSecurityContexts({ ...shared, store: createContextStore(database) })
  const incidents = createIncidents({ ...shared, store: createIncidentStore(database), events: tenantEvents })
  const violations = createViolations({ ...shared, events: tenantEvents, store: createViolationStore(database) })
  const storage = createStorage({ ...shared, violations, limits, events: tenantEvents, owner })
  const refusedPath = ({ id, tenantId }: Pick<ExecutionSummary, 'id' | 'tenantId'>, refusal: PathRefused) =>
    violations.record({
      tenantId,
      executionId: id,
      category: categoryOf(refusal.problem),
      operation: refusal.problem === 'policy' ? (refusal.access ?? 'access') : 'path_traversal',
      path: refusal.path,
      details: refusal.message,
    })
  const agentStore = createAgentStore(database)
  const agents = createAgents({
    ...shared,
    store: agentStore,
    journal: events,
    tools: catalogue,
    contexts,
    limits,
    isolatesNetwork: host.isolatesNetwork,
    schedules: () => triggers.ofManifests,
  })
  const workflows = createWorkflows({
    ...shared,
    store: createWorkflowStore(database),
    journal: events,
    findAgent: async (scope, nameOrId) =>
      (await agentStore.findByName(scope, nameOrId)) ?? (await agentStore.find(scope, nameOrId.toLowerCase())),
  })
  const journal = createExecutionJournal({ journal: events, store: executionStore, clock })
  const streams = createJournalStreams({
    ...shared,
    store: journalStore,
    onReadError: (err) => logger.warn({ err }, 'event stream of an execution ended early'),
  })
  const attempts = createAttempts()
  const invocations = createInvocations({
    catalogue,
    clock,
    limiter,
    slugOf: (tenantId) => contexts.slugOf(scopeOfRecord({ tenantId })),
    newId: random.uuid,
    count: (verdict) => metrics.toolCalls.inc({ verdict }),
    maskOf: masks.of,
    report: incidents.report,
  })
  const guards = createExecutionGuards({
    sighted: governance.fleet.sighted,
    findBundle: governance.assignments.bundleFor,
    sessions: governance.sessions,
    approvals: governance.approvals,
    events: maskedEvents(governance.events, masks),
    clock,
    random,
    logger,
  })
  const models = createMeasuredModels(
    createModels({ config, clock, ports: shared.models, offers: readOffers(config.models) }),
    { metrics, clock },
  )
  const modelsOf = ({ id, tenantId, startedBy }: Pick<Execution, 'id' | 'tenantId' | 'startedBy'>) => {
    const counted = createLimitedModels(models, { limits, who: { tenantId, userId: startedBy } })
    return maskedModels(counted, () => masks.of(id))
  }
  const admit = createAdmit({
    tools: catalogue,
    contexts,
    sources: createContextSources({ fetch: shared.fetches.guarded, clock }),
  })
  const judges = createJudgeDesk({ children: () => children, modelsOf, maskOf: masks.of, journal })
  const openConversation: OpenConversation = (settings) =>
    createConversations({
      models: modelsOf(settings.execution),
      invocations,
      store: executionStore,
      catalogue,
    })(settings)
  const spawner = createSpawner({
    ...shared,
    logger,
    folder: folders.waiting,
    most: config.warmInstances,
    count: (kind) => metrics.instanceStarts.inc({ kind }),
  })
  metrics.onRead(() => metrics.instancesWaiting.set(spawner.waiting))
  const runner = createAttemptRunner({
    store: executionStore,
    turnStore: maskedTurns(createTurnStore(database), masks),
    journal,
    attempts,
    openConversation,
    catalogue,
    guards,
    references: kept.references,
    judges,
    identityOf: (execution) => seal.identityOf(execution),
    ...host,
    spawner,
    clock,
    random,
    logger,
    workspaceOf: folders.workspaceOf,
    refusedPath,
    modelTimeoutSeconds: config.modelTimeoutSeconds,
    isDebugging: config.logLevel === 'debug' || config.logLevel === 'trace',
  })
  const runStore = createRunStore(database)
  const mounts = createMounts({
    ...shared,
    ...folders,
    logger,
    store: storage.store,
    volumes: storage.volumes,
    files: storage.files,
    events: tenantEvents,
    async isOver({ id, tenantId }) {
      const scope = scopeOfRecord({ tenantId })
      const execution = await executionStore.find(scope, id)
      if (execution) return execution.endedAt !== null
      const run = await runStore.find(scope, id)
      return run === null || run.state.status !== 'running'
    },
    isOfRun: async ({ id, tenantId }, runId) =>
      (await runStore.findRunOf(scopeOfRecord({ tenantId }), id))?.id === runId,
    refused: ({ tenantId, executionId, volumeId }) =>
      violations.record({
        tenantId,
        executionId,
        volumeId,
        category: 'unauthorized_volume_access',
        operation: 'access',
        details: 'The manifest of the agent names a volume that is not its tenant’s.',
      }),
  })
  const tally = createTally(metrics)
  const nodes = createNodes({ ...shared, store: createNodeStore(database), logger, owner })
  const takesNew = () => nodes.takesNew
  const cortex =
    config.cortex === 'on'
      ? createCortex({
          ...shared,
          logger,
          store: createCortexStore(database),
          executions: executionStore,
          events: tenantEvents,
        })
      : null
  const memory = cortex ?? memoryless
  const supervisor = createSupervisor({
    store: executionStore,
    journal,
    memory,
    runner: mountedRunner(runner, {
      mounts,
      logger,
      findParent: async ({ parentId, tenantId }) =>
        parentId === null ? null : executionStore.find(scopeOfRecord({ tenantId }), parentId),
    }),
    judgement: createJudgement({
      store: executionStore,
      judges,
      ...host,
      ...folders,
      clock,
      random,
    }),
    clock,
    logger,
    tally,
    maxExecutions: config.maxExecutions,
    graceMs: config.stopGraceSeconds * 1000,
    workspaceOf: folders.workspaceOf,
    afterEnd,
    afterRun: masks.forget,
    deliver: (delivery) => deliver(delivery),
  })
  const executions: Executions = createExecutions({
    ...shared,
    ...folders,
    refusedPath,
    store: executionStore,
    journalStore,
    journal,
    agents,
    admit,
    limits,
    tally,
    place: nodes.place,
    findAttached,
    supervisor,
    afterEnd,
    approvals: governance.approvals,
    owner,
  })
  const cancel = (execution: ExecutionSummary, reason: string) => executions.end(execution, reason)
  const children: Children = createChildren({
    ...shared,
    store: executionStore,
    journal,
    agents,
    admit,
    limits,
    tally,
    supervisor,
    cancel,
    owner,
  })
  const swarms = createSwarms({
    ...shared,
    store: createSwarmStore(database),
    executionStore,
    children,
    events: tenantEvents,
    count: {
      spawned: () => metrics.aegisSwarmChildren.inc(),
      messages: (count) => metrics.aegisSwarmMessages.inc(count),
      locked: () => metrics.aegisSwarmLocks.inc(),
      dissolved: (reason) => metrics.aegisSwarmsDissolved.inc({ reason }),
    },
  })
  const begunExecutions = createRunExecutions({
    ...shared,
    store: executionStore,
    journal,
    agents,
    admit,
    limits,
    tally,
    place: nodes.place,
    supervisor,
    ended: children.ended,
    cancel,
    owner,
  })
  const runVolumes = createRunVolumes({
    ...shared,
    store: storage.store,
    volumes: storage.volumes,
    files: storage.files,
    refused: ({ tenantId, volumeId }) =>
      violations.record({
        tenantId,
        volumeId,
        category: 'unauthorized_volume_access',
        operation: 'access',
        details: 'A workflow names a volume that is not its tenant’s.',
      }),
  })
  const workflowRuns = createWorkflowRuns({
    ...shared,
    logger,
    owner,
    host,
    journalStore,
    streams,
    approvals: governance.approvals,
    executions: begunExecutions,
    volumes: runVolumes,
    findWorkflow: workflows.getVersion,
    async findExecution(scope, id) {
      const { ancestors, securityContext } = await executions.get({ tenantId: scope.tenantId } as Caller, id)
      return { root: ancestors[0] ?? id, securityContext }
    },
    limits,
    takesNew,
    count: (status) => metrics.aegisWorkflows.inc({ status }),
    ended: (run) => intents.ended(run),
    removed: (run, within) => intents.removed(run, within),
    folder: folders.workflows,
  })
  const intents = createIntents({
    store: createPipelineStore(database),
    workflows,
    runs: () => workflowRuns.runs,
    events: tenantEvents,
    requireContainers: host.requireContainers,
    random,
  })
  const builtins = createBuiltins({
    agents,
    workflows,
    setting: config.deployBuiltins as DeployBuiltins,
    logger,
  })
  const triggers: Triggers = createTriggers(shared, {
    logger,
    owner,
    executions: begunExecutions,
    agents,
    workflows,
    runs: workflowRuns,
    events: tenantEvents,
    verifyToken: identity.tokens.verify,
    requireActive: identity.tenants.requireActive,
  })
  identity.tenants.onStopped(createStopTenant({ executionStore, end: cancel, cancelRuns: workflowRuns.cancelAll }))
  const deliver = createOutputHandlers({
    ...shared,
    children,
    find: (id, tenantId) => executionStore.find(scopeOfRecord({ tenantId }), id),
    journal,
    references: kept.references,
    logger,
  })
  const ownership = createOwnership({
    ...shared,
    ...folders,
    store: executionStore,
    journal,
    runs: supervisor,
    cancel,
    takesNew,
    owner,
  })

  async function findAttached(caller: Caller, volumeId: string, path: string): Promise<AttachedFile> {
    const volume = await storage.volumes.resolve(caller, volumeId)
    const file = await storage.files.stat(volume, path)
    return { ...file, volumeId: volume.id }
  }

  /** Whatever ended an execution: nothing of it waits, asks or goes on anywhere. */
  async function afterEnd(execution: ExecutionSummary): Promise<void> {
    await mounts.release(execution)
    await executions.withdrawApprovals(execution)
    await seal.executionEnded(execution)
    await ownership.tellEnded(execution.id).catch((err: unknown) => logger.error({ err }, 'bus refused a message'))
    await swarms.ending(execution)
    await children.afterEnd(execution)
    await swarms.ended(execution)
    await memory.ended(execution)
  }
  const seal = createSeal({
    ...shared,
    tokens: identity.tokens,
    keys: identity.runtimeKeys,
    signedIn: identity.authenticateSession,
    requireActive: identity.tenants.requireActive,
    events: governance.events,
    attempts,
    executionStore,
    agents,
    contexts,
    catalogue,
    incidents,
    tenantEvents,
    judges,
    limits,
    masks,
    calls: createCalls({
      invocations,
      catalogue,
      guards,
      journal: events,
      tenantEvents,
      executionJournal: journal,
      workspaceOf: folders.workspaceOf,
      lendPlace: supervisor.lendPlace,
      random,
    }),
    lendPlace: supervisor.lendPlace,
    owner,
    filesOf: folders.sessionFilesOf,
  })
  metrics.onRead(() => metrics.executionsRunning.set(supervisor.count))
  const dashboardStore = createDashboardStore(database)
  metrics.onRead(async () => {
    metrics.aegisExecutionActive.set(await dashboardStore.countUnfinished(systemScope))
    metrics.aegisSwarmActive.set(await swarms.countActive())
    const { active, draining, unhealthy } = await nodes.cluster()
    for (const [status, count] of Object.entries({ active, draining, unhealthy }))
      metrics.aegisNodes.set({ status }, count)
  })
  workers.every('incident_sweep', INCIDENT_SWEEP_MS, async () => {
    await incidents.sweep()
    await tenantEvents.sweep()
    await billing.forgetOld()
    await cortex?.decay()
  })
  workers.every('swarm_sweep', SWARM_SWEEP_MS, swarms.sweep)
  workers.every('execution_heartbeat', BEAT_MS, async () => {
    await nodes.beat()
    await ownership.beat()
    await ownership.sweep()
    await workflowRuns.beat()
  })

  const routes = (app: App) =>
    runtimeRoutes(app, (scope) => {
      toolbox.routes(scope)
      agentRoutes(scope, agents)
      workflowRuns.routes(scope)
      workflowRoutes(scope, workflows, workflowRuns.count)
      triggers.routes(scope)
      executionRoutes(scope, { executions, agents, streams })
      swarmRoutes(scope, swarms)
      humanApprovalRoutes(scope, governance.approvals)
      storage.routes(scope)
      violationRoutes(scope, violations)
      dispatchRoutes(scope, { attempts, store: executionStore })
      kept.routes(scope)
      securityContextRoutes(scope, contexts)
      incidentRoutes(scope, incidents)
      tenantEventRoutes(scope, streams)
      seal.controlRoutes(scope)
      limitRoutes(scope, { limits, store: limitStore })
      subscriptionRoutes(scope, {
        limits,
        subscriptionOf: billingStore.find,
        features: [
          ...everyTenants,
          ...(cortex === null ? [] : ['cortex']),
          ...(shared.payments === null ? [] : ['billing']),
        ],
      })
      cortexRoutes(scope, cortex)
      nodeRoutes(scope, { nodes, slugOf: (tenantId) => limitStore.slugOf(scopeOfRecord({ tenantId })) })
      billingRoutes(scope, billing)
      dashboardRoutes(scope, { ...shared, store: dashboardStore, nodes })
    })
  return {
    ...createRoom([
      { routes },
      { routes: seal.routes },
      { routes: triggers.webhooks },
      { start: storage.start, stop: storage.stop },
      { drain: streams.end },
      { drain: triggers.drain },
      { drain: workflowRuns.stop },
      // Instances are ended while they still reach the gateway.
      { drain: supervisor.stop },
      { start: spawner.clear, drain: spawner.drain },
      host,
      nodes,
      { start: repositories.clear },
      { start: toolbox.start, stop: toolbox.stop },
      { start: ownership.start, stop: ownership.stop },
      { start: workflowRuns.start },
      { start: triggers.start },
      builtins,
    ]),
    authenticateDispatch: (request) =>
      authenticateDispatch(request, {
        attempts,
        store: executionStore,
        tokens: identity.tokens,
        requireActive: identity.tenants.requireActive,
      }),
  }
}

/** Where an execution's files are, by the real path: what is opened below it is compared with it. */
function foldersOf(dataDir: string) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const home = join(realpathSync(dataDir), 'executions')
  const folderOf = (id: string) => join(home, id)
  return {
    folderOf,
    /** Where git works. */
    repositories: join(home, '..', 'repositories'),
    /** Where the commands of workflows work. */
    workflows: join(home, '..', 'workflows'),
    /** Of sandboxes that wait for an execution. */
    waiting: join(home, '.waiting'),
    workspaceOf: (id: string) => join(folderOf(id), 'workspace'),
    /** Of sessions that belong to no execution: an id is a tenant's own, so that none reaches the files of another. */
    sessionFilesOf: (tenantId: string, id: string) =>
      join(home, '..', 'sessions', digestOf(`${tenantId}:${id}`), 'workspace'),
  }
}

/** A name for this server that stays with its data folder: executions and their files belong to it. */
function ownerOf(dataDir: string): string {
  const file = join(dataDir, 'node.id')
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const id = randomUUID()
  writeFileSync(file, `${id}\n`, { mode: 0o600 })
  return id
}
