import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { StartupError } from './errors.ts'
import { parse, requireProxy, requireWebAddress, type Setting, textOf } from './setting.ts'

/** Every setting the server reads: this table is the parser, the `--help` text and the operations guide. */
const settings = {
  host: { variable: 'LICTOR_HOST', kind: 'string', fallback: '127.0.0.1', meaning: 'address to listen on' },
  port: {
    variable: 'LICTOR_PORT',
    kind: 'integer',
    fallback: '8000',
    min: 0,
    max: 65535,
    meaning: 'port to listen on; 0 takes a free one',
  },
  dataDir: {
    variable: 'LICTOR_DATA_DIR',
    kind: 'string',
    fallback: './data',
    meaning: 'folder of the embedded database, the master key and agent files',
  },
  databaseUrl: {
    variable: 'DATABASE_URL',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'postgres://… ; empty uses SQLite in the data folder',
  },
  redisUrl: {
    variable: 'REDIS_URL',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'redis://… ; needed when several processes share one database',
  },
  masterKey: {
    variable: 'LICTOR_MASTER_KEY',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: '64 hex characters that seal secrets at rest; empty makes <data dir>/master.key on first start',
  },
  adminEmail: {
    variable: 'LICTOR_ADMIN_EMAIL',
    kind: 'string',
    fallback: '',
    meaning: 'first administrator, created when there is no user yet',
  },
  adminPassword: {
    variable: 'LICTOR_ADMIN_PASSWORD',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'password of the first administrator, at least 12 characters',
  },
  baseUrl: {
    variable: 'LICTOR_BASE_URL',
    kind: 'string',
    fallback: '',
    meaning: 'public address, for links and cookies; empty means http://<host>:<port>',
  },
  envName: {
    variable: 'LICTOR_ENV_NAME',
    kind: 'string',
    fallback: 'development',
    meaning: 'production hides /docs and /openapi.json and writes JSON logs also to a terminal',
  },
  logLevel: {
    variable: 'LICTOR_LOG_LEVEL',
    kind: 'string',
    fallback: 'info',
    oneOf: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    meaning: 'least severe log line written',
  },
  logFormat: {
    variable: 'LICTOR_LOG_FORMAT',
    kind: 'string',
    fallback: 'auto',
    oneOf: ['auto', 'json', 'pretty'],
    meaning: 'auto writes readable lines to a terminal and JSON elsewhere',
  },
  corsOrigins: {
    variable: 'LICTOR_CORS_ORIGINS',
    kind: 'list',
    fallback: '',
    meaning: 'comma-separated origins that may call the API from a browser',
  },
  trustedProxies: {
    variable: 'LICTOR_TRUSTED_PROXIES',
    kind: 'list',
    fallback: '',
    meaning: 'comma-separated addresses whose X-Forwarded-* headers are believed; * believes all',
  },
  sessionTtlHours: {
    variable: 'LICTOR_SESSION_TTL_HOURS',
    kind: 'integer',
    fallback: '24',
    min: 1,
    max: 168,
    meaning: 'hours an idle console login lasts',
  },
  loginAttempts: {
    variable: 'LICTOR_LOGIN_ATTEMPTS',
    kind: 'integer',
    fallback: '10',
    min: 1,
    max: 100000,
    meaning: 'logins allowed per address and window',
  },
  loginWindowSeconds: {
    variable: 'LICTOR_LOGIN_WINDOW_SECONDS',
    kind: 'integer',
    fallback: '300',
    min: 1,
    max: 86400,
    meaning: 'length of the login window in seconds',
  },
  streamSignature: {
    variable: 'LICTOR_STREAM_SIGNATURE',
    kind: 'string',
    fallback: 'hex',
    oneOf: ['hex', 'base64'],
    meaning: 'encoding of signatures on the agent stream',
  },
  outboundAllow: {
    variable: 'LICTOR_OUTBOUND_ALLOW',
    kind: 'list',
    fallback: '',
    meaning: 'comma-separated private networks that notifications and AI providers may reach, for example 10.1.0.0/16',
  },
  allowPrivateAiUrls: {
    variable: 'LICTOR_ALLOW_PRIVATE_AI_URLS',
    kind: 'boolean',
    fallback: 'true',
    meaning: 'whether the assistant may use an Ollama on this machine',
  },
  aiPricesUrl: {
    variable: 'LICTOR_AI_PRICES_URL',
    kind: 'string',
    fallback: 'https://openrouter.ai/api/v1/models',
    meaning: 'price list of models, for the cost of the assistant; none tells no costs',
  },
  sandbox: {
    variable: 'LICTOR_SANDBOX',
    kind: 'string',
    fallback: 'auto',
    oneOf: ['auto', 'bubblewrap', 'process'],
    meaning: 'where agents run; auto takes bubblewrap where it works and a plain process elsewhere',
  },
  maxExecutions: {
    variable: 'LICTOR_MAX_EXECUTIONS',
    kind: 'integer',
    fallback: '16',
    min: 1,
    max: 10000,
    meaning: 'agent executions running at once',
  },
  modelBaseUrl: {
    variable: 'LICTOR_MODEL_BASE_URL',
    kind: 'string',
    fallback: '',
    meaning: 'OpenAI-compatible endpoint for agents',
  },
  modelApiKey: {
    variable: 'LICTOR_MODEL_API_KEY',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'key for the OpenAI-compatible endpoint',
  },
  modelName: {
    variable: 'LICTOR_MODEL_NAME',
    kind: 'string',
    fallback: '',
    meaning: 'model behind the alias "default"',
  },
  anthropicApiKey: {
    variable: 'ANTHROPIC_API_KEY',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'key for Anthropic models',
  },
  anthropicBaseUrl: {
    variable: 'LICTOR_ANTHROPIC_BASE_URL',
    kind: 'string',
    fallback: '',
    meaning: 'another address for the Anthropic API',
  },
  modelTimeoutSeconds: {
    variable: 'LICTOR_MODEL_TIMEOUT_SECONDS',
    kind: 'integer',
    fallback: '120',
    min: 1,
    max: 3600,
    meaning: 'seconds one turn of a model may take, retries included',
  },
  modelScript: {
    variable: 'LICTOR_MODEL_SCRIPT',
    kind: 'string',
    fallback: '',
    meaning: 'YAML file of turns played by the scripted model, for demonstrations and tests',
  },
} as const satisfies Record<string, Setting>

type Settings = typeof settings
type ValueOf<S extends Setting> = S['kind'] extends 'integer'
  ? number
  : S['kind'] extends 'boolean'
    ? boolean
    : S['kind'] extends 'list'
      ? readonly string[]
      : string

/** The server's settings, parsed. `masterKey` is 32 bytes; `baseUrl` is empty until the port is known. */
export type Config = { readonly [K in Exclude<keyof Settings, 'masterKey'>]: ValueOf<Settings[K]> } & {
  readonly masterKey: Uint8Array
}

/**
 * Read every setting from `environment` (and `<NAME>_FILE` from files); prepare the data folder and the master key.
 * @throws StartupError naming the variable, what is wrong with it and what it takes.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(settings)) values[name] = parse(setting, textOf(setting, environment))
  if (!/^($|postgres(ql)?:\/\/)/.test(values.databaseUrl as string))
    throw new StartupError(
      'setting',
      'DATABASE_URL is not valid; it takes postgres://user:password@host:5432/name, or nothing for SQLite.',
    )
  requireWebAddress(values.baseUrl as string)
  for (const proxy of values.trustedProxies as string[]) requireProxy(proxy)
  const dataDir = resolve(values.dataDir as string)
  prepareDataDir(dataDir)
  return {
    ...(values as Omit<Config, 'masterKey'>),
    dataDir,
    masterKey: masterKeyOf(values.masterKey as string, dataDir),
  }
}

/** One line a setting: name, default, meaning. */
export function describeSettings(): string {
  return Object.values<Setting>(settings)
    .map(
      (s) =>
        `  ${s.variable.padEnd(28)} ${s.meaning}${s.fallback ? ` (default ${s.fallback})` : ''}${s.oneOf ? ` [${s.oneOf.join('|')}]` : ''}`,
    )
    .join('\n')
}

function prepareDataDir(dataDir: string): void {
  try {
    makeFolder(dataDir)
    const probe = join(dataDir, '.writable')
    writeFileSync(probe, '')
  } catch (cause) {
    throw new StartupError(
      'data_dir',
      `LICTOR_DATA_DIR names '${dataDir}', which cannot be written: ${(cause as Error).message}. Name a folder this user may write to.`,
      cause,
    )
  }
}

/** Folder by folder: `recursive` never ends where the file system refuses to make folders, as `/proc` does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

function masterKeyOf(text: string, dataDir: string): Uint8Array {
  if (text !== '') return decodeKey(text, 'LICTOR_MASTER_KEY')
  const file = join(dataDir, 'master.key')
  if (existsSync(file)) return decodeKey(readFileSync(file, 'utf8').trim(), file)
  const key = randomBytes(32)
  writeFileSync(file, `${key.toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  chmodSync(file, 0o600)
  return key
}

function decodeKey(text: string, where: string): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(text))
    throw new StartupError('master_key', `${where} must hold 64 hex characters (32 bytes).`)
  return Buffer.from(text, 'hex')
}
