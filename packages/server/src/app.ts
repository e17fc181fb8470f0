import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { createFolderBlobs } from './adapters/blobs/folder.ts'
import { createInProcessBus } from './adapters/bus/in-process.ts'
import { systemClock } from './adapters/clock/system.ts'
import { createEgress } from './adapters/egress/proxy.ts'
import { createSmtpMail } from './adapters/mail/smtp.ts'
import { openMcpProcesses } from './adapters/mcp/processes.ts'
import { createAiSdkChat } from './adapters/model/ai-sdk-chat.ts'
import { createConfiguredModels } from './adapters/model/configured.ts'
import { createPinnedFetches } from './adapters/outbound/fetch.ts'
import { createAddressGuard, type Resolve } from './adapters/outbound/guard.ts'
import { createHttpOutbound } from './adapters/outbound/http.ts'
import { systemResolve } from './adapters/outbound/system-dns.ts'
import { systemRandom } from './adapters/random/system.ts'
import { createInProcessRateLimiter } from './adapters/rate-limiter/in-process.ts'
import { chooseSandbox, openDockerSandbox } from './adapters/sandbox/choose.ts'
import { readRegistryLogins } from './adapters/sandbox/registry-logins.ts'
import { createConfiguredSearch } from './adapters/search/configured.ts'
import { createNaclSecretBox } from './adapters/secret-box/nacl.ts'
import { createOpenBaoSecrets } from './adapters/secrets/openbao.ts'
import { openBaoOptions } from './adapters/secrets/openbao-options.ts'
import { createChanges } from './changes/changes.ts'
import type { Config } from './config.ts'
import { StartupError } from './errors.ts'
import { createProviderFetch } from './governance/ai-providers/provider-fetch.ts'
import { createGovernance } from './governance/governance.ts'
import { basePathOf } from './http/base-path.ts'
import { corsOrigins } from './http/cors.ts'
import { type App, createHttpServer } from './http/server.ts'
import { registerStatic } from './http/static.ts'
import { createIdentity } from './identity/identity.ts'
import { SESSION_COOKIE } from './identity/login.ts'
import { openDatabase } from './open-database.ts'
import { measureBacklog } from './operations/backlog.ts'
import { healthRoutes } from './operations/health.ts'
import { createMetrics, type Metrics, metricsRoutes } from './operations/metrics.ts'
import { startWarnings } from './operations/start-warnings.ts'
import { createWorkers } from './operations/workers.ts'
import { createRoom } from './part.ts'
import type { Blobs } from './ports/blobs.ts'
import type { Bus } from './ports/bus.ts'
import type { Clock } from './ports/clock.ts'
import type { Fetch } from './ports/fetch.ts'
import type { Mail } from './ports/mail.ts'
import type { Outbound } from './ports/outbound.ts'
import type { Payments } from './ports/payments.ts'
import type { Random } from './ports/random.ts'
import type { RateLimiter } from './ports/rate-limiter.ts'
import type { WindowCounters } from './ports/window-counters.ts'
import { settledMasterKey } from './rotate-master-key.ts'
import { createRuntime } from './runtime/runtime.ts'
import type { Database } from './storage/database.ts'
import { microsOf } from './storage/instants.ts'
import { proveMasterKey } from './storage/master-key.ts'
import { migrate } from './storage/migrate.ts'
import { createRoomOf } from './storage/room.ts'
import { createSealedSecrets } from './storage/sealed-secrets.ts'
import { createWindowCounters } from './storage/window-counters.ts'
import { version } from './version.ts'

const LIMIT_SWEEP_MS = 3_600_000

/** What tests put in the place of the world. */
export interface Overrides {
  readonly clock?: Clock
  readonly random?: Random
  readonly database?: Database
  readonly bus?: Bus
  readonly limiter?: RateLimiter
  readonly outbound?: Outbound
  /** The name server. */
  readonly resolve?: Resolve
  readonly mail?: Mail
  readonly blobs?: Blobs
  /** Room on the disk of a folder, in bytes. */
  readonly freeBytes?: (folder: string) => number | null
  /** scrypt's N for new passwords. */
  readonly passwordCost?: number
  /** Folder of the built console; null serves none. */
  readonly consoleDir?: string | null
}

export interface Server {
  readonly http: App
  readonly database: Database
  /** Whether there is an administrator. */
  isSetUp(): Promise<boolean>
  /** Path and query of the link that makes the first administrator under any name of this server. */
  readonly setupLink: string
  /** Listen. Returns the address, for example `http://127.0.0.1:8000`. */
  listen(): Promise<string>
  /** Tell streams to come back, finish what is in flight, let go of everything. Safe to call twice. */
  close(): Promise<void>
}

/** The server, ready to listen. What a refused start had opened already is closed again, so that the process can end. */
export async function createServer(config: Config, logger: Logger, overrides: Overrides = {}): Promise<Server> {
  const opened: (() => unknown)[] = []
  try {
    return await composeServer(config, logger, overrides, opened)
  } catch (error) {
    for (const close of opened.reverse()) await close()
    throw error
  }
}

/**
 * The composition root: the one place that chooses implementations and hands them to the features.
 *
 * @param opened is told how to let go of each thing that keeps the process alive
 */
async function composeServer(
  config: Config,
  logger: Logger,
  overrides: Overrides,
  opened: (() => unknown)[],
): Promise<Server> {
  const clock = overrides.clock ?? systemClock
  const random = overrides.random ?? systemRandom
  const room = createRoomOf(config.dataDir, overrides.freeBytes)
  room.release()
  const database = overrides.database ?? (await openDatabase(config, logger))
  opened.push(() => database.close())
  const metrics = createMetrics()
  const network = await openNetwork(config, clock, logger, metrics)
  opened.push(network.close, () => network.bus.close())
  const bus = measuredBus(overrides.bus ?? network.bus, metrics)
  const limiter = overrides.limiter ?? network.limiter
  const kept = createWindowCounters({ database, clock })
  const secretBox = createNaclSecretBox(await settledMasterKey(database, config))
  const names = { resolve: overrides.resolve ?? systemResolve, allowed: config.outboundAllow }
  const addressGuard = createAddressGuard(names)
  const outbound = overrides.outbound ?? createHttpOutbound({ guard: addressGuard, clock })
  const fetches = createPinnedFetches(names)
  const openBao = openBaoOptions(config, fetches.operator)
  const mail = overrides.mail ?? createSmtpMail({ guard: addressGuard, clock })
  const blobs = overrides.blobs ?? (await openBlobs(config))
  await blobs.check()
  const applied = await migrate(database)
  if (applied.length > 0) logger.info({ applied }, 'database brought up to date')
  await proveMasterKey(database, secretBox)
  await database.events.prepare(microsOf(clock.now()))

  const isSecure = config.baseUrl.startsWith('https://')
  const hasDocs = config.envName !== 'production'
  const workers = createWorkers({ clock, logger })
  opened.push(() => workers.stop())
  workers.every('limit_sweep', LIMIT_SWEEP_MS, kept.sweep)
  measureBacklog({ database, clock, workers, metrics })
  const docker = {
    socket: config.dockerSocket,
    runtime: config.dockerRuntime,
    logins: readRegistryLogins(config.registryLogins),
  }
  const shared = {
    config,
    logger,
    clock,
    random,
    database,
    bus,
    limiter,
    counters: network.counters ?? kept,
    secretBox,
    secretStore: openBao ? createOpenBaoSecrets(openBao) : createSealedSecrets({ database, secretBox, clock }),
    outbound,
    fetches,
    mail,
    search: createConfiguredSearch({ config, fetch: fetches.operator, clock }),
    payments: await openPayments(config, fetches.operator, clock),
    blobs,
    openChat: createAiSdkChat({
      anthropicUrl: config.anthropicBaseUrl,
      fetchFor: createProviderFetch(config, fetches),
    }),
    models: createConfiguredModels({ config, clock, fetch: fetches.operator }),
    openSandbox: (owner: string) =>
      chooseSandbox({ setting: config.sandbox, dataDir: config.dataDir, owner, docker, clock, logger }),
    openDocker: (owner: string) => openDockerSandbox({ ...docker, owner, clock, logger }),
    egress: createEgress({
      guard: createAddressGuard({
        resolve: names.resolve,
        allowed: config.egressAllow,
        setting: 'LICTOR_EGRESS_ALLOW',
      }),
      clock,
      random,
      limits: { bytes: config.egressMaxMb * 1_000_000 },
      count: (outcome) => metrics.agentConnections.inc({ outcome }),
    }),
    openMcpProcesses: (owner: string) => openMcpProcesses({ owner, clock, logger }),
    ...createChanges({ database, bus, clock, logger, workers }),
    workers,
    metrics,
  }

  const identity = createIdentity({ ...shared, isSecure, passwordCost: overrides.passwordCost })
  const governance = createGovernance(shared, identity)
  const runtime = createRuntime(shared, identity, governance)
  const health = {
    database,
    room,
    setup: identity.setup,
    workers,
    version,
    isSecure,
    pingRedis: config.redisUrl === '' ? null : async () => (await bus.ping()) ?? 0,
    connectedAgents: governance.connectedAgents,
  }
  const house = createRoom([
    { routes: (app) => metricsRoutes(app, metrics) },
    { routes: (app) => healthRoutes(app, health) },
    identity,
    governance,
    runtime,
    { start: room.reserve },
  ])

  const http = await createHttpServer({
    logger,
    clock,
    trustedProxies: config.trustedProxies,
    hasDocs,
    corsOrigins: corsOrigins(config.corsOrigins, config.baseUrl, (message) => logger.warn(message)),
    sessionCookie: SESSION_COOKIE,
    baseUrl: config.baseUrl,
    openCalls: identity.openCalls,
    authenticator: {
      session: identity.authenticateSession,
      apiKey: identity.authenticateKey,
      token: identity.authenticateToken,
      actAs: identity.actAs,
      dispatch: runtime.authenticateDispatch,
    },
  })
  house.routes(http)
  const consoleDir = overrides.consoleDir === undefined ? builtConsole() : overrides.consoleDir
  await registerStatic(http, { consoleDir, hasDocs, basePath: basePathOf(config.baseUrl) })
  for (const warning of startWarnings(config)) logger.warn(warning)
  await identity.bootstrap()

  let closing: Promise<void> | null = null
  return {
    http,
    database,
    isSetUp: () => identity.setup.isComplete(),
    setupLink: identity.setupGate.linkPath,
    async listen() {
      const address = await http.listen({ host: config.host, port: config.port })
      await house.start(address)
      return address
    },
    close() {
      closing ??= (async () => {
        await house.drain()
        // Requests in flight end before what they use does; turns of workers end before what they write to.
        await http.close()
        await workers.stop()
        await house.stop()
        await bus.close()
        network.close()
        await database.close()
      })()
      return closing
    },
  }
}

/** A bus of which what is given to it is counted, by topic. */
function measuredBus(bus: Bus, metrics: Pick<Metrics, 'aegisPublished' | 'aegisDeliveryFailures'>): Bus {
  return {
    ...bus,
    async publish(topic, message) {
      metrics.aegisPublished.inc({ event_type: topic })
      try {
        await bus.publish(topic, message)
      } catch (error) {
        metrics.aegisDeliveryFailures.inc({ reason: 'refused' })
        throw error
      }
    },
  }
}

/** What several processes share besides the database: Redis, or nothing when there is one process. Drivers load when in use. */
export async function openNetwork(
  config: Pick<Config, 'redisUrl'>,
  clock: Clock,
  logger: Pick<Logger, 'warn'>,
  metrics: { readonly busLag: Pick<Metrics['busLag'], 'observe'> },
): Promise<{
  bus: Bus
  limiter: RateLimiter
  /** Null: in the database. */
  counters: WindowCounters | null
  close(): void
}> {
  if (config.redisUrl === '')
    return { bus: createInProcessBus(), limiter: createInProcessRateLimiter(clock), counters: null, close: () => {} }
  const { createRedisRateLimiter } = await import('./adapters/rate-limiter/redis.ts')
  const { createRedisBus } = await import('./adapters/bus/redis.ts')
  const onError = (err: Error) => logger.warn({ err }, 'Redis does not answer')
  const { createRedisWindowCounters } = await import('./adapters/window-counters/redis.ts')
  const limiter = createRedisRateLimiter(config.redisUrl, clock, onError)
  const counters = createRedisWindowCounters(config.redisUrl, clock, onError)
  const close = () => {
    limiter.close()
    counters.close()
  }
  try {
    return {
      bus: await createRedisBus(config.redisUrl, onError, (seconds) => metrics.busLag.observe(seconds)),
      limiter,
      counters,
      close,
    }
  } catch (cause) {
    close()
    throw new StartupError(
      'redis',
      'Redis at REDIS_URL does not answer. Start it, correct the address, or leave REDIS_URL empty for a single server.',
      cause,
    )
  }
}

/** Whom payments are made by, if by anybody. Its SDK loads when in use. */
async function openPayments(config: Config, fetch: Fetch, clock: Clock): Promise<Payments | null> {
  if (config.stripeSecretKey === '') return null
  const { createStripePayments } = await import('./adapters/payments/stripe.ts')
  return createStripePayments({
    secretKey: config.stripeSecretKey,
    webhookSecret: config.stripeWebhookSecret,
    baseUrl: config.stripeBaseUrl,
    fetch,
    clock,
  })
}

/** Where files of volumes are kept. The driver of S3 loads when in use. */
async function openBlobs(config: Config): Promise<Blobs> {
  if (config.blobs === 'folder') return createFolderBlobs(config.blobsDir || join(config.dataDir, 'blobs'))
  const { createS3Blobs } = await import('./adapters/blobs/s3.ts')
  return createS3Blobs({
    bucket: config.s3Bucket,
    region: config.s3Region,
    endpoint: config.s3Endpoint,
    accessKeyId: config.s3AccessKeyId,
    secretAccessKey: config.s3SecretAccessKey,
    prefix: config.s3Prefix,
  })
}

/** The console beside this package: in the workspace while developing, inside the package once published. */
function builtConsole(): string | null {
  const candidates = ['../console', '../../console/dist'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return candidates.find((path) => existsSync(join(path, 'index.html'))) ?? null
}
