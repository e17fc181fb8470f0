import { resolve } from 'node:path'
import { hasMasterKey, masterKeyOf, prepareDataDir, requireWritable } from './data-dir.ts'
import { StartupError } from './errors.ts'
import { type McpServerSettings, readMcpServers } from './mcp-settings.ts'
import { parse, requireProxy, requireWebAddress, type Setting, textOf } from './setting.ts'
import { isInjected, unknownNames } from './setting-names.ts'
import { type Settings, settings, type ValueOf } from './settings.ts'
import { realmsOf } from './token-issuers.ts'
import { readWebhookSecrets } from './webhook-secrets.ts'

/** The server's settings, parsed. `masterKey` is 32 bytes; `baseUrl` is empty until the port is known. */
export type Config = { readonly [K in Exclude<keyof Settings, 'masterKey'>]: ValueOf<Settings[K]> } & {
  readonly masterKey: Uint8Array
  /** What the file of `LICTOR_MCP_SERVERS` names. */
  readonly mcpServers: readonly McpServerSettings[]
  /** Secrets of webhooks, by `<TENANT>_<SOURCE>` or `<SOURCE>`. */
  readonly webhookSecrets: ReadonlyMap<string, string>
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
  const isThere = hasMasterKey(masterKey, values.dataDir)
  return { ...values, masterKey: isThere ? masterKeyOf(masterKey, values.dataDir) : null }
}

type SettingValues = { readonly [K in keyof Settings]: ValueOf<Settings[K]> } & Pick<
  Config,
  'unknownNames' | 'mcpServers' | 'webhookSecrets'
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
  realmsOf(values.tokenIssuers as string[])
  const dataDir = resolve(values.dataDir as string)
  const mcpServers = readMcpServers(values.mcpServersFile as string, environment)
  return {
    ...(values as SettingValues),
    dataDir,
    mcpServers,
    webhookSecrets: readWebhookSecrets(environment),
    unknownNames: unknown,
  }
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
