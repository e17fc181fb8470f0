import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { inProcessBus } from './adapters/bus/in-process.ts'
import { systemClock } from './adapters/clock/system.ts'
import { smtpMail } from './adapters/mail/smtp.ts'
import { aiSdkChat } from './adapters/model/ai-sdk-chat.ts'
import { configuredModels } from './adapters/model/configured.ts'
import { pinnedFetches } from './adapters/outbound/fetch.ts'
import { addressGuard, type Resolve } from './adapters/outbound/guard.ts'
import { httpOutbound } from './adapters/outbound/http.ts'
import { systemResolve } from './adapters/outbound/system-dns.ts'
import { systemRandom } from './adapters/random/system.ts'
import { inProcessRateLimiter } from './adapters/rate-limiter/in-process.ts'
import { chooseSandbox } from './adapters/sandbox/choose.ts'
import { naclSecretBox } from './adapters/secret-box/nacl.ts'
import type { Config } from './config.ts'
import { StartupError } from './errors.ts'
import { providerFetch } from './governance/assistant/provider-fetch.ts'
import { governance } from './governance/governance.ts'
import { streamLog } from './governance/stream/log.ts'
import { corsOrigins } from './http/cors.ts'
import { type App, createHttpServer } from './http/server.ts'
import { registerStatic } from './http/static.ts'
import { identity } from './identity/identity.ts'
import { measureBacklog } from './operations/backlog.ts'
import { healthRoutes } from './operations/health.ts'
import { type Metrics, metrics, metricsRoutes } from './operations/metrics.ts'
import { startWarnings } from './operations/start-warnings.ts'
import { workers } from './operations/workers.ts'
import type { Bus } from './ports/bus.ts'
import type { Clock } from './ports/clock.ts'
import type { Mail } from './ports/mail.ts'
import type { Outbound } from './ports/outbound.ts'
import type { Random } from './ports/random.ts'
import type { RateLimiter } from './ports/rate-limiter.ts'
import { runtime } from './runtime/runtime.ts'
import type { Database } from './storage/database.ts'
import { microsOf } from './storage/instants.ts'
import { proveMasterKey } from './storage/master-key.ts'
import { migrate } from './storage/migrate.ts'
import { openSqlite } from './storage/sqlite.ts'
import { version } from './version.ts'

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
  /** Listen. Returns the address, for example `http://127.0.0.1:8000`. */
  listen(): Promise<string>
  /** Tell streams to come back, finish what is in flight, let go of everything. Safe to call twice. */
  close(): Promise<void>
}

/** The composition root: the one place that chooses implementations and hands them to the features. */
export async function createServer(config: Config, logger: Logger, overrides: Overrides = {}): Promise<Server> {
  const clock = overrides.clock ?? systemClock
  const random = overrides.random ?? systemRandom
  const database = overrides.database ?? (await openDatabase(config, logger))
  const counts = metrics()
  const network = await openNetwork(config, clock, logger, counts)
  const bus = overrides.bus ?? network.bus
  const limiter = overrides.limiter ?? network.limiter
  const secretBox = naclSecretBox(config.masterKey)
  const names = { resolve: overrides.resolve ?? systemResolve, allowed: config.outboundAllow }
  const guard = addressGuard(names)
  const outbound = overrides.outbound ?? httpOutbound({ guard, clock })
  const fetches = pinnedFetches(names)
  const mail = overrides.mail ?? smtpMail({ guard, clock })
  const applied = await migrate(database)
  if (applied.length > 0) logger.info({ applied }, 'database brought up to date')
  await proveMasterKey(database, secretBox)
  await database.events.prepare(microsOf(clock.now()))

  const isSecure = config.baseUrl.startsWith('https://')
  const hasDocs = config.envName !== 'production'
  const work = workers({ clock, logger })
  measureBacklog({ database, clock, workers: work, metrics: counts })
  const log = streamLog({
    database,
    bus,
    clock,
    onPublishError: (err) => logger.error({ err }, 'bus refused a message'),
  })
  const shared = {
    config,
    logger,
    clock,
    random,
    database,
    bus,
    limiter,
    secretBox,
    outbound,
    fetches,
    mail,
    openChat: aiSdkChat({ anthropicUrl: config.anthropicBaseUrl, fetchFor: providerFetch(config, fetches) }),
    models: configuredModels({ config, clock, fetch: fetches.operator }),
    openSandbox: (owner: string) => chooseSandbox({ setting: config.sandbox, dataDir: config.dataDir, owner, logger }),
    log,
    workers: work,
    metrics: counts,
  }

  const people = identity({ ...shared, isSecure, passwordCost: overrides.passwordCost })
  const governing = governance(shared, people)
  const running = runtime(shared, people, governing)

  const http = await createHttpServer({
    logger,
    trustedProxies: config.trustedProxies,
    hasDocs,
    corsOrigins: corsOrigins(config.corsOrigins, config.baseUrl, (message) => logger.warn(message)),
    authenticator: {
      session: people.authenticateSession,
      apiKey: people.authenticateKey,
      token: running.authenticateToken,
      dispatch: running.authenticateDispatch,
    },
  })
  metricsRoutes(http, counts)
  healthRoutes(http, {
    database,
    setup: people.setup,
    workers: work,
    version,
    isSecure,
    pingRedis: config.redisUrl === '' ? null : async () => (await bus.ping()) ?? 0,
    connectedAgents: governing.connectedAgents,
  })
  people.routes(http)
  governing.routes(http)
  running.routes(http)
  const consoleDir = overrides.consoleDir === undefined ? builtConsole() : overrides.consoleDir
  await registerStatic(http, { consoleDir, hasDocs })
  for (const warning of startWarnings(config)) logger.warn(warning)
  await people.bootstrap()

  let closing: Promise<void> | null = null
  return {
    http,
    database,
    isSetUp: () => people.setup.isComplete(),
    async listen() {
      const address = await http.listen({ host: config.host, port: config.port })
      people.local.publish(address)
      await governing.start(address)
      await running.start(address)
      return address
    },
    close() {
      closing ??= (async () => {
        governing.endStreams()
        await running.stop()
        await http.close()
        await work.stop()
        await governing.stop()
        await bus.close()
        network.close()
        await database.close()
      })()
      return closing
    },
  }
}

/** What several processes share besides the database: Redis, or nothing when there is one process. Drivers load when in use. */
async function openNetwork(
  config: Config,
  clock: Clock,
  logger: Logger,
  counts: Pick<Metrics, 'busLag'>,
): Promise<{ bus: Bus; limiter: RateLimiter; close(): void }> {
  if (config.redisUrl === '') return { bus: inProcessBus(), limiter: inProcessRateLimiter(clock), close: () => {} }
  const { redisRateLimiter } = await import('./adapters/rate-limiter/redis.ts')
  const { redisBus } = await import('./adapters/bus/redis.ts')
  const onError = (err: Error) => logger.warn({ err }, 'Redis does not answer')
  const limiter = redisRateLimiter(config.redisUrl, clock, onError)
  try {
    return {
      bus: await redisBus(config.redisUrl, onError, (seconds) => counts.busLag.observe(seconds)),
      limiter,
      close: () => limiter.close(),
    }
  } catch (cause) {
    limiter.close()
    throw new StartupError(
      'redis',
      'Redis at REDIS_URL does not answer. Start it, correct the address, or leave REDIS_URL empty for a single server.',
      cause,
    )
  }
}

async function openDatabase(config: Config, logger: Logger): Promise<Database> {
  if (config.databaseUrl !== '') {
    const { openPostgres } = await import('./storage/postgres.ts')
    return openPostgres(config.databaseUrl, (err) => logger.warn({ err }, 'idle database connection lost'))
  }
  return openSqlite(join(config.dataDir, 'lictor.db'))
}

/** The console beside this package: in the workspace while developing, inside the package once published. */
function builtConsole(): string | null {
  const candidates = ['../console', '../../console/dist'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return candidates.find((path) => existsSync(join(path, 'index.html'))) ?? null
}
