import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { StartupError } from './errors.ts'

/** One MCP server of this node, as the file of `LICTOR_MCP_SERVERS` names it. */
export interface McpServerSettings {
  readonly name: string
  /** A process of this machine; or an address, for one that runs elsewhere. */
  readonly endpoint:
    | {
        readonly kind: 'process'
        readonly executable: string
        readonly args: readonly string[]
        readonly env: Texts
        readonly cwd: string
      }
    | { readonly kind: 'http'; readonly url: string; readonly headers: Texts }
  /** Names of tools, or `prefix.*` for all under that prefix. */
  readonly capabilities: readonly { readonly name: string; readonly skipsJudge: boolean }[]
  /** Variables of the process, or headers of the requests, by what holds their value: `env:NAME` or `secret:path`. */
  readonly credentials: Readonly<Record<string, Credential>>
  /** Slug of the tenant whose secrets `secret:path` names; null: the first tenant. */
  readonly tenant: string | null
  /** Milliseconds. */
  readonly health: { readonly intervalMs: number; readonly timeoutMs: number; readonly method: string }
  readonly limits: { readonly cpuMillicores: number; readonly memoryBytes: number }
  readonly callMs: number
  readonly connectMs: number
}

/** What a server is given in secret: known at the start, or read of the secret store whenever the server is started. */
export type Credential =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'secret'; readonly path: string; readonly field: string | null }

type Texts = Readonly<Record<string, string>>

const texts = { type: 'object', additionalProperties: { type: 'string' } }
const amount = { type: 'number', exclusiveMinimum: 0 }
const schema = {
  type: 'array',
  items: {
    type: 'object',
    required: ['name'],
    additionalProperties: false,
    properties: {
      name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$' },
      executable: { type: 'string', minLength: 1 },
      args: { type: 'array', items: { type: 'string' } },
      cwd: { type: 'string', minLength: 1 },
      env: texts,
      url: { type: 'string', pattern: '^https?://' },
      headers: texts,
      capabilities: {
        type: 'array',
        minItems: 1,
        items: {
          anyOf: [
            { type: 'string', minLength: 1 },
            {
              type: 'object',
              required: ['name'],
              additionalProperties: false,
              properties: { name: { type: 'string', minLength: 1 }, skip_judge: { type: 'boolean' } },
            },
          ],
        },
      },
      credentials: { type: 'object', additionalProperties: { type: 'string', pattern: '^(env:.+|secret:.+)$' } },
      tenant: { type: 'string', minLength: 1 },
      health_check: {
        type: 'object',
        additionalProperties: false,
        properties: { interval_seconds: amount, timeout_seconds: amount, method: { type: 'string', minLength: 1 } },
      },
      resource_limits: {
        type: 'object',
        additionalProperties: false,
        properties: { cpu_millicores: amount, memory_mb: amount },
      },
      call_timeout_seconds: amount,
      connect_timeout_seconds: amount,
      enabled: { type: 'boolean' },
    },
  },
}
const validate = new Ajv({ allErrors: true, strict: false }).compile(schema)

interface Written {
  readonly name: string
  readonly executable?: string
  readonly args?: readonly string[]
  readonly cwd?: string
  readonly env?: Texts
  readonly url?: string
  readonly headers?: Texts
  readonly capabilities?: readonly (string | { readonly name: string; readonly skip_judge?: boolean })[]
  readonly credentials?: Texts
  readonly tenant?: string
  readonly health_check?: {
    readonly interval_seconds?: number
    readonly timeout_seconds?: number
    readonly method?: string
  }
  readonly resource_limits?: { readonly cpu_millicores?: number; readonly memory_mb?: number }
  readonly call_timeout_seconds?: number
  readonly connect_timeout_seconds?: number
  readonly enabled?: boolean
}

/**
 * The servers that a file names: YAML or JSON, a list, `mcp_servers` or, in the document of a node, `spec.mcp_servers`.
 * @param file empty: there are none; its folder is where its servers are started
 * @throws StartupError that names the setting, the entry and what it takes
 */
export function readMcpServers(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): McpServerSettings[] {
  if (file === '') return []
  const wrong = (message: string, cause?: unknown) =>
    new StartupError('setting', `LICTOR_MCP_SERVERS names '${file}': ${message}`, cause)
  let document: unknown
  try {
    document = parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw wrong(`it cannot be read (${(cause as Error).message}).`, cause)
  }
  const listed = listOf(document)
  if (listed === null) throw wrong('it takes a list of servers, under mcp_servers or spec.mcp_servers.')
  if (!validate(listed)) {
    const problems = (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const unknown: unknown = params.additionalProperty
      return `mcp_servers${instancePath.replace(/\/(\d+)/g, '[$1]').replaceAll('/', '.')} ${message}${unknown === undefined ? '' : ` ('${String(unknown)}')`}`
    })
    throw wrong(`${problems.join('; ')}.`)
  }
  const servers = listed as readonly Written[]
  const names = new Set<string>()
  for (const { name, executable, url } of servers) {
    if (names.has(name)) throw wrong(`two servers are called '${name}'.`)
    names.add(name)
    if ((executable === undefined) === (url === undefined))
      throw wrong(`the server '${name}' takes either an executable or a url.`)
  }

  /** `env:` is followed at once: a server without what it needs is a mistake that is told at the start. */
  function credentialsOf({ name, credentials = {} }: Written): Record<string, Credential> {
    return Object.fromEntries(
      Object.entries(credentials).map(([key, reference]): [string, Credential] => {
        const at = reference.slice(reference.indexOf(':') + 1)
        if (reference.startsWith('secret:')) {
          const [path = '', field = null] = at.split('#')
          return [key, { kind: 'secret', path, field }]
        }
        const value = environment[at]
        if (value === undefined || value === '')
          throw wrong(`credentials.${key} of the server '${name}' names the variable ${at}, which is not set.`)
        return [key, { kind: 'value', value }]
      }),
    )
  }

  return servers
    .filter(({ enabled = true }) => enabled)
    .map((one) => settingsOf(one, dirname(resolve(file)), credentialsOf(one)))
}

function listOf(document: unknown): unknown[] | null {
  if (Array.isArray(document)) return document
  const { mcp_servers, spec } = (document ?? {}) as { mcp_servers?: unknown; spec?: { mcp_servers?: unknown } }
  const list = mcp_servers ?? spec?.mcp_servers
  return Array.isArray(list) ? list : null
}

function settingsOf(written: Written, folder: string, credentials: Record<string, Credential>): McpServerSettings {
  const { name, executable, url, health_check = {}, resource_limits = {} } = written
  return {
    name,
    endpoint:
      executable !== undefined
        ? {
            kind: 'process',
            executable,
            args: written.args ?? [],
            env: written.env ?? {},
            cwd: resolve(folder, written.cwd ?? '.'),
          }
        : { kind: 'http', url: url ?? '', headers: written.headers ?? {} },
    capabilities: (written.capabilities ?? [`${name}.*`]).map((one) =>
      typeof one === 'string'
        ? { name: one, skipsJudge: false }
        : { name: one.name, skipsJudge: one.skip_judge === true },
    ),
    credentials,
    tenant: written.tenant ?? null,
    health: {
      intervalMs: (health_check.interval_seconds ?? 60) * 1000,
      timeoutMs: (health_check.timeout_seconds ?? 5) * 1000,
      method: health_check.method ?? 'tools/list',
    },
    limits: {
      cpuMillicores: resource_limits.cpu_millicores ?? 1000,
      memoryBytes: (resource_limits.memory_mb ?? 512) * 1024 ** 2,
    },
    callMs: (written.call_timeout_seconds ?? 300) * 1000,
    connectMs: (written.connect_timeout_seconds ?? 30) * 1000,
  }
}
