import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyRequest } from 'fastify'
import { Unavailable } from '../errors.ts'
import { ruleStore } from '../governance/assignment/store.ts'
import { registrationStore } from '../governance/fleet/store.ts'
import type { Governance } from '../governance/governance.ts'
import type { Caller, TokenCaller } from '../http/caller.ts'
import type { App } from '../http/server.ts'
import type { Identity } from '../identity/identity.ts'
import type { Gateway, Sandbox } from '../ports/sandbox.ts'
import type { Shared } from '../shared.ts'
import { microsOf } from '../storage/instants.ts'
import { accessRoutes } from './access/routes.ts'
import { serviceAccounts } from './access/service-accounts.ts'
import { accessStore } from './access/store.ts'
import { tokenKeys } from './access/token-keys.ts'
import { tokens } from './access/tokens.ts'
import { agents } from './agents/agents.ts'
import { agentRoutes } from './agents/routes.ts'
import { agentStore } from './agents/store.ts'
import { humanApprovalRoutes } from './approvals/routes.ts'
import { attempts } from './dispatch/attempts.ts'
import { innerLoop } from './dispatch/inner-loop.ts'
import { authenticateDispatch, dispatchRoutes } from './dispatch/routes.ts'
import { type GatewaySocket, openGatewaySocket } from './dispatch/socket.ts'
import { attemptRunner } from './executions/attempt.ts'
import { type Executions, executions } from './executions/executions.ts'
import { journal } from './executions/journal.ts'
import { executionRoutes } from './executions/routes.ts'
import { executionStore } from './executions/store.ts'
import { executionStreams } from './executions/streams.ts'
import { supervisor } from './executions/supervisor.ts'
import { assignedBundles } from './governance/assigned-bundle.ts'
import { executionGuards } from './governance/execution-guard.ts'
import { runtimeRoutes } from './http.ts'
import { measuredModels } from './models/measured-models.ts'
import { models } from './models/models.ts'
import { invocations } from './tools/invocations.ts'

const BEAT_MS = 10_000

/** The runtime room, put together. */
export interface Runtime {
  authenticateToken(request: FastifyRequest): Promise<TokenCaller>
  authenticateDispatch(request: FastifyRequest): Promise<Caller>
  routes(app: App): void
  /** Take up what a previous process left running. `address` is where this server listens. */
  start(address: string): Promise<void>
  /** Finish or hand back what is in flight. */
  stop(): Promise<void>
}

export function runtime(shared: Shared, _people: Identity, governing: Governance): Runtime {
  const { config, clock, random, database, bus, limiter, log, logger, workers, metrics } = shared
  const baseUrl = config.baseUrl.replace(/\/+$/, '') || `http://${config.host}:${config.port}`
  const folderOf = (id: string) => join(config.dataDir, 'executions', id)
  const workspaceOf = (id: string) => join(folderOf(id), 'workspace')
  const owner = ownerOf(config.dataDir)
  let sandbox: Sandbox | null = null
  let gateway: Gateway | null = null
  let socket: GatewaySocket | null = null
  let app: App | null = null

  const access = accessStore(database)
  const keys = tokenKeys({ ...shared, store: access })
  const accounts = serviceAccounts({ ...shared, store: access })
  const issued = tokens({ store: access, keys, accounts, clock, random, baseUrl })

  const deployed = agents({ store: agentStore(database), log, clock, random })

  const stored = executionStore(database)
  const record = journal({
    database,
    store: stored,
    bus,
    clock,
    onPublishError: (err) => logger.error({ err }, 'bus refused a message'),
  })
  const streams = executionStreams({
    store: stored,
    bus,
    clock,
    onReadError: (err) => logger.warn({ err }, 'execution stream ended early'),
  })
  const running = attempts()
  const registrations = registrationStore(database)
  const guards = executionGuards({
    sighted: async (agent, policy) => {
      await registrations.update(agent.tenantId, agent.name, {
        env: agent.env,
        running_bundle: policy?.bundleName ?? null,
        policy_version: policy?.revisionHash ?? null,
        last_seen_at: microsOf(clock.now()),
      })
    },
    findBundle: assignedBundles({
      registrations,
      rules: ruleStore(database),
      bundles: governing.bundles,
    }),
    sessions: governing.sessions,
    approvals: governing.approvals,
    events: governing.events,
    clock,
    random,
    logger,
  })
  const calls = invocations({
    clock,
    limiter,
    newId: random.uuid,
    count: (verdict) => metrics.toolCalls.inc({ verdict }),
  })
  const loop = innerLoop({
    models: measuredModels(models({ config, clock, ports: shared.models }), { metrics, clock }),
    invocations: calls,
    store: stored,
  })
  const runner = attemptRunner({
    store: stored,
    journal: record,
    attempts: running,
    guards,
    sandbox: () => present(sandbox),
    gateway: () => present(gateway),
    clock,
    random,
    logger,
    workspaceOf,
    modelTimeoutSeconds: config.modelTimeoutSeconds,
    isDebugging: config.logLevel === 'debug' || config.logLevel === 'trace',
  })
  const runs: Executions = executions({
    database,
    store: stored,
    journal: record,
    agents: deployed,
    supervisor: () => supervising,
    approvals: governing.approvals,
    clock,
    random,
    logger,
    metrics,
    owner,
    workspaceOf,
    folderOf,
  })
  const supervising = supervisor({
    store: stored,
    journal: record,
    runner,
    clock,
    logger,
    metrics,
    maxExecutions: config.maxExecutions,
    workspaceOf,
    afterEnd: (execution) => runs.closeApprovals(execution),
  })
  metrics.onRead(() => metrics.executionsRunning.set(supervising.count))
  workers.every('execution_heartbeat', BEAT_MS, async () => {
    await runs.beat()
    await runs.recover(false)
  })

  return {
    authenticateToken: issued.authenticate,
    authenticateDispatch: (request) =>
      authenticateDispatch(request, { attempts: running, store: stored, tokens: issued }),
    routes(http) {
      app = http
      accessRoutes(http, { tokens: issued, keys, accounts, limiter })
      runtimeRoutes(http, (scope) => {
        agentRoutes(scope, deployed)
        executionRoutes(scope, { executions: runs, agents: deployed, streams })
        humanApprovalRoutes(scope, governing.approvals)
        dispatchRoutes(scope, { attempts: running, loop, store: stored })
      })
    },
    async start(address) {
      sandbox = await shared.openSandbox(owner)
      const left = await sandbox.reap()
      if (left > 0) logger.warn({ processes: left }, 'ended what an earlier process left running')
      const http = present(app)
      socket = await openGatewaySocket(config.dataDir, (request, response) => http.routing(request, response))
      gateway = { address: loopback(address), socket: socket?.path ?? null }
      logger.info({ sandbox: sandbox.name }, 'sandbox ready')
      await runs.recover(true)
    },
    async stop() {
      streams.end()
      await supervising.stop()
      await socket?.close()
    },
  }
}

function present<T>(value: T | null): T {
  if (value === null)
    throw new Unavailable('This server is not listening yet; executions start once it does.', { code: 'starting' })
  return value
}

/** Instances on this machine reach a server that listens on every address by the loopback one. */
function loopback(address: string): string {
  return address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

/** A name for this server that stays with its data folder: executions and their files belong to it. */
function ownerOf(dataDir: string): string {
  const file = join(dataDir, 'node.id')
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const id = randomUUID()
  writeFileSync(file, `${id}\n`, { mode: 0o600 })
  return id
}
