import { randomBytes } from 'node:crypto'
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { StartupError } from './errors.ts'
import { type McpServerSettings, readMcpServers } from './mcp-settings.ts'
import { parse, requireProxy, requireWebAddress, type Setting, textOf } from './setting.ts'
import { isInjected, unknownNames } from './setting-names.ts'

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
  openbaoAddress: {
    variable: 'LICTOR_OPENBAO_ADDRESS',
    kind: 'string',
    fallback: '',
    meaning:
      'OpenBao or Vault that keeps secrets, for example https://bao.example.com:8200; empty keeps them sealed in the database',
  },
  openbaoToken: {
    variable: 'LICTOR_OPENBAO_TOKEN',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'token for OpenBao; or give an AppRole',
  },
  openbaoRoleId: {
    variable: 'LICTOR_OPENBAO_ROLE_ID',
    kind: 'string',
    fallback: '',
    meaning: 'AppRole that this server logs in to OpenBao with',
  },
  openbaoSecretId: {
    variable: 'LICTOR_OPENBAO_SECRET_ID',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'secret id of the AppRole',
  },
  openbaoNamespace: {
    variable: 'LICTOR_OPENBAO_NAMESPACE',
    kind: 'string',
    fallback: '',
    meaning: 'namespace in OpenBao',
  },
  openbaoMount: {
    variable: 'LICTOR_OPENBAO_MOUNT',
    kind: 'string',
    fallback: 'secret',
    meaning: 'where the KV engine (version 2) is mounted in OpenBao',
  },
  openbaoPrefix: {
    variable: 'LICTOR_OPENBAO_PREFIX',
    kind: 'string',
    fallback: 'lictor',
    meaning: 'first part of every path in OpenBao; the id of the tenant follows',
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
  eventsRetentionDays: {
    variable: 'LICTOR_EVENTS_RETENTION_DAYS',
    kind: 'integer',
    fallback: '0',
    min: 0,
    max: 36500,
    meaning: 'days that audit events are kept after they came in; 0 keeps them for ever',
  },
  streamSignature: {
    variable: 'LICTOR_STREAM_SIGNATURE',
    kind: 'string',
    fallback: 'hex',
    oneOf: ['hex', 'base64'],
    meaning: 'encoding of signatures on the agent stream',
  },
  mcpServersFile: {
    variable: 'LICTOR_MCP_SERVERS',
    kind: 'string',
    fallback: '',
    meaning: 'YAML or JSON file that names the MCP servers whose tools agents may be given',
  },
  searchProvider: {
    variable: 'LICTOR_SEARCH_PROVIDER',
    kind: 'string',
    fallback: '',
    oneOf: ['', 'brave', 'tavily', 'searxng'],
    meaning: 'service that the tool web.search asks; empty: none',
  },
  searchKey: {
    variable: 'LICTOR_SEARCH_KEY',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'key of the search service',
  },
  searchUrl: {
    variable: 'LICTOR_SEARCH_URL',
    kind: 'string',
    fallback: '',
    meaning: 'address of the search service; needed for SearXNG, for the others their own when empty',
  },
  outboundAllow: {
    variable: 'LICTOR_OUTBOUND_ALLOW',
    kind: 'list',
    fallback: '',
    meaning:
      'comma-separated private networks that notifications, AI providers and web.fetch may reach, for example 10.1.0.0/16',
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
  blobs: {
    variable: 'LICTOR_BLOBS',
    kind: 'string',
    fallback: 'folder',
    oneOf: ['folder', 's3'],
    meaning: 'where the files of volumes are kept; several servers need s3, or a folder that they share',
  },
  blobsDir: {
    variable: 'LICTOR_BLOBS_DIR',
    kind: 'string',
    fallback: '',
    meaning: 'folder of the files of volumes; empty means blobs in the data folder',
  },
  s3Bucket: {
    variable: 'LICTOR_S3_BUCKET',
    kind: 'string',
    fallback: '',
    meaning: 'bucket for the files of volumes, which must be there',
  },
  s3Region: {
    variable: 'LICTOR_S3_REGION',
    kind: 'string',
    fallback: 'us-east-1',
    meaning: 'region of the bucket',
  },
  s3Endpoint: {
    variable: 'LICTOR_S3_ENDPOINT',
    kind: 'string',
    fallback: '',
    meaning: 'another server that speaks S3, for example http://minio:9000; empty means Amazon',
  },
  s3Prefix: {
    variable: 'LICTOR_S3_PREFIX',
    kind: 'string',
    fallback: '',
    meaning: 'what the names of all objects begin with, ending in a slash, where the bucket holds other things as well',
  },
  s3AccessKeyId: {
    variable: 'LICTOR_S3_ACCESS_KEY_ID',
    kind: 'string',
    fallback: '',
    meaning: 'key for the bucket; empty takes what the AWS SDK finds (environment, profile, role of the machine)',
  },
  s3SecretAccessKey: {
    variable: 'LICTOR_S3_SECRET_ACCESS_KEY',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'secret of that key',
  },
  volumeTier: {
    variable: 'LICTOR_VOLUME_TIER',
    kind: 'string',
    fallback: 'enterprise',
    oneOf: ['free', 'pro', 'business', 'enterprise'],
    meaning: 'how many volumes, bytes and bytes of one file everybody may have; enterprise sets no limit',
  },
  limits: {
    variable: 'LICTOR_LIMITS',
    kind: 'string',
    fallback: 'off',
    oneOf: ['off', 'on'],
    meaning: 'on counts the tool calls of SEAL sessions against their tier; off sets no limits of tiers',
  },
  sandbox: {
    variable: 'LICTOR_SANDBOX',
    kind: 'string',
    fallback: 'auto',
    oneOf: ['auto', 'bubblewrap', 'docker', 'process'],
    meaning: 'where agents run; auto takes bubblewrap where it works and a plain process elsewhere',
  },
  dockerSocket: {
    variable: 'LICTOR_DOCKER_SOCKET',
    kind: 'string',
    fallback: '/var/run/docker.sock',
    meaning: 'socket of the Docker Engine, for agents that run in containers',
  },
  dockerRuntime: {
    variable: 'LICTOR_DOCKER_RUNTIME',
    kind: 'string',
    fallback: '',
    meaning: 'runtime of the Docker Engine for agents, for example runsc; empty takes its default',
  },
  registryLogins: {
    variable: 'LICTOR_REGISTRY_LOGINS',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning:
      'JSON of {"registry/repository": {"username", "password"}} for pulling images; the longest name that an image begins with is used',
  },
  egressAllow: {
    variable: 'LICTOR_EGRESS_ALLOW',
    kind: 'list',
    fallback: '',
    meaning:
      'comma-separated private networks that agents may reach where their manifest names the host, for example 10.1.0.0/16',
  },
  gitAuthorities: {
    variable: 'LICTOR_GIT_CA',
    kind: 'string',
    fallback: '',
    meaning:
      'certificates (PEM) that git repositories may be signed by beside those that the machine trusts; usually by LICTOR_GIT_CA_FILE',
  },
  egressMaxMb: {
    variable: 'LICTOR_EGRESS_MAX_MB',
    kind: 'integer',
    fallback: '10240',
    min: 1,
    max: 1_000_000_000,
    meaning: 'megabytes that one attempt of an agent may send and receive',
  },
  maxExecutions: {
    variable: 'LICTOR_MAX_EXECUTIONS',
    kind: 'integer',
    fallback: '16',
    min: 1,
    max: 10000,
    meaning: 'agent executions running at once',
  },
  stopGraceSeconds: {
    variable: 'LICTOR_STOP_GRACE_SECONDS',
    kind: 'integer',
    fallback: '10',
    min: 0,
    max: 600,
    meaning:
      'seconds that steps of executions have to end when the server stops; then another server goes on with them',
  },
  warmInstances: {
    variable: 'LICTOR_WARM_INSTANCES',
    kind: 'integer',
    fallback: '8',
    min: 0,
    max: 1000,
    meaning: 'sandboxes that wait for an execution, of all agents with a warm_pool_size together; 0 lets none wait',
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
  geminiApiKey: {
    variable: 'GEMINI_API_KEY',
    kind: 'string',
    fallback: '',
    secret: true,
    meaning: 'key for Gemini models',
  },
  geminiBaseUrl: {
    variable: 'LICTOR_GEMINI_BASE_URL',
    kind: 'string',
    fallback: '',
    meaning: 'another address for the Gemini API, with its version, such as https://host/v1beta',
  },
  ollamaUrl: {
    variable: 'LICTOR_OLLAMA_URL',
    kind: 'string',
    fallback: '',
    meaning: 'address of an Ollama for agents, for example http://localhost:11434',
  },
  models: {
    variable: 'LICTOR_MODELS',
    kind: 'string',
    fallback: '',
    meaning: 'YAML list of models by alias, with selection and fallback; LICTOR_MODELS_FILE reads it from a file',
  },
  modelTimeoutSeconds: {
    variable: 'LICTOR_MODEL_TIMEOUT_SECONDS',
    kind: 'integer',
    fallback: '120',
    min: 1,
    max: 3600,
    meaning: 'seconds until something of a turn of a model comes, retries included, and between its pieces',
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
  /** What the file of `LICTOR_MCP_SERVERS` names. */
  readonly mcpServers: readonly McpServerSettings[]
  /** `LICTOR_…` variables that nothing reads. */
  readonly unknownNames?: readonly string[]
}

/**
 * Read every setting from `environment` (and `<NAME>_FILE` from files); prepare the data folder and the master key.
 * @throws StartupError naming the variable, what is wrong with it and what it takes.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const { dataDir, ...values } = readSettings(environment)
  prepareDataDir(dataDir)
  return { ...values, dataDir, masterKey: masterKeyOf(values.masterKey, dataDir) }
}

/** The settings as a server that has not started yet sees them: its master key may not be made. */
export type PlannedConfig = Omit<Config, 'masterKey'> & { readonly masterKey: Uint8Array | null }

/** As `readConfig`, and nothing is made. @throws StartupError */
export function planConfig(environment: Readonly<Record<string, string | undefined>>): PlannedConfig {
  const { masterKey, ...values } = readSettings(environment)
  requireWritable(values.dataDir)
  const isThere = masterKey !== '' || existsSync(join(values.dataDir, 'master.key'))
  return { ...values, masterKey: isThere ? masterKeyOf(masterKey, values.dataDir) : null }
}

type SettingValues = { readonly [K in keyof Settings]: ValueOf<Settings[K]> } & Pick<
  Config,
  'unknownNames' | 'mcpServers'
>

/** Every setting by its own rules. @throws StartupError */
function readSettings(given: Readonly<Record<string, string | undefined>>): SettingValues {
  const environment = Object.fromEntries(
    Object.entries(given).filter(([name, value]) => value === undefined || !isInjected(name, value)),
  )
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(settings)) values[name] = parse(setting, textOf(setting, environment))
  const unknown = unknownNames(
    environment,
    Object.values<Setting>(settings).map(({ variable }) => variable),
  )
  if (!/^($|postgres(ql)?:\/\/)/.test(values.databaseUrl as string))
    throw new StartupError(
      'setting',
      'DATABASE_URL is not valid; it takes postgres://user:password@host:5432/name, or nothing for SQLite.',
    )
  requireWebAddress(values.baseUrl as string)
  requireBucket(values as SettingValues)
  for (const proxy of values.trustedProxies as string[]) requireProxy(proxy)
  const dataDir = resolve(values.dataDir as string)
  const mcpServers = readMcpServers(values.mcpServersFile as string, environment)
  return { ...(values as SettingValues), dataDir, mcpServers, unknownNames: unknown }
}

/** Every setting by its variable; of a secret only whether it is set. */
export const shownSettings = (config: Config): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries<Setting>(settings).map(([name, { variable, secret }]) => {
      const value: unknown = config[name as keyof Settings]
      return [variable, secret ? (value === '' ? '' : '***') : value]
    }),
  )

/** @throws StartupError for files on S3 without what it takes to find them */
function requireBucket({ blobs, s3Bucket, s3Prefix, s3AccessKeyId, s3SecretAccessKey }: SettingValues): void {
  if (blobs !== 's3') return
  if (s3Bucket === '') throw new StartupError('setting', 'LICTOR_BLOBS is s3; LICTOR_S3_BUCKET must name the bucket.')
  if (s3Prefix !== '' && !s3Prefix.endsWith('/'))
    throw new StartupError('setting', `LICTOR_S3_PREFIX is '${s3Prefix}'; it takes a text that ends in '/'.`)
  if ((s3AccessKeyId === '') !== (s3SecretAccessKey === ''))
    throw new StartupError(
      'setting',
      'LICTOR_S3_ACCESS_KEY_ID and LICTOR_S3_SECRET_ACCESS_KEY belong together: set both or neither.',
    )
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
    throw unwritable(dataDir, cause)
  }
}

/** The folder can be written, or made where it is to be. @throws StartupError */
function requireWritable(dataDir: string): void {
  let folder = dataDir
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  try {
    if (!statSync(folder).isDirectory()) throw new Error(`'${folder}' is a file`)
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw unwritable(dataDir, cause)
  }
}

const unwritable = (dataDir: string, cause: unknown): StartupError =>
  new StartupError(
    'data_dir',
    `LICTOR_DATA_DIR names '${dataDir}', which cannot be written: ${(cause as Error).message}. Name a folder this user may write to.`,
    cause,
  )

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
