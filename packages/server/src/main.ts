import pino, { type Logger } from 'pino'
import { createServer, type Server } from './app.ts'
import { type Config, readConfig } from './config.ts'
import { explainListen, requireListenable } from './listen-check.ts'

/** Where secrets could stand in a log line. */
const redacted = [
  'req.headers.authorization',
  'req.headers.cookie',
  '*.password',
  '*.api_key',
  '*.apiKey',
  '*.key',
  '*.secret',
  '*.token',
]

/** Whether log lines are for people; otherwise they are JSON. */
export function isReadable(
  { logFormat, envName }: Pick<Config, 'logFormat' | 'envName'>,
  isTerminal: boolean,
): boolean {
  return logFormat === 'pretty' || (logFormat === 'auto' && isTerminal && envName !== 'production')
}

/** Structured lines with secrets struck out: readable on a terminal, JSON elsewhere. */
export function createLogger(config: Pick<Config, 'logLevel' | 'logFormat' | 'envName'>): Logger {
  return pino({
    level: config.logLevel,
    redact: { paths: redacted, censor: '[REDACTED]' },
    ...(isReadable(config, process.stdout.isTTY === true)
      ? { transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname', translateTime: 'HH:MM:ss' } } }
      : {}),
  })
}

export interface RunningServer {
  readonly server: Server
  readonly config: Config
  readonly logger: Logger
  /** For example `http://127.0.0.1:8000`. */
  readonly address: string
  readonly isSetUp: boolean
}

/**
 * Read the settings, start the server, and drain it on SIGTERM or SIGINT.
 * @throws StartupError when a setting, the data folder, the port or the database cannot be used.
 */
export async function startServer(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<RunningServer> {
  const config = readConfig(environment)
  const logger = createLogger(config)
  // Before anything is opened or changed: who mistyped the address must not find a database brought up to date.
  await requireListenable(config)
  const server = await createServer(config, logger)
  let address: string
  try {
    address = await server.listen()
  } catch (error) {
    await server.close()
    throw explainListen(error, config)
  }
  const drain = (signal: NodeJS.Signals) => {
    logger.info({ signal }, 'draining')
    server.close().then(
      () => process.exit(0),
      (err: unknown) => {
        logger.error({ err }, 'could not drain')
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', drain)
  process.once('SIGINT', drain)
  logger.info({ address, data: config.databaseUrl === '' ? config.dataDir : 'PostgreSQL' }, 'listening')
  return { server, config, logger, address, isSetUp: await server.isSetUp() }
}
