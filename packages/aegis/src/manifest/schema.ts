import {
  anyObject,
  anything,
  boolean,
  fieldsOf,
  formatPath,
  integer,
  isRecord,
  like,
  list,
  mapOf,
  number,
  record,
  type Shape,
  string,
  tagged,
  text,
  word,
} from '../shape/shape.ts'
import type {
  AdvancedConfig,
  AgentManifestDocument,
  AgentSpec,
  ContextItem,
  Delivery,
  ExecutionStrategy,
  FilesystemPolicy,
  ManifestMetadata,
  NetworkPolicy,
  OutputHandlerConfig,
  ResourceLimits,
  RuntimeConfig,
  ScheduleConfig,
  SecurityConfig,
  TaskConfig,
  ToolSpec,
  VolumeSpec,
} from './types.ts'
import { parseDuration, parseSize } from './units.ts'
import { validation, validatorList } from './validation-schema.ts'

const texts = list(text)
const seconds = number({ min: 0 })
const count = integer({ min: 0 })

/** A text that `parse` understands; otherwise reported with an example of what it would. */
const measured =
  (parse: (value: string) => number | undefined, kind: string, examples: string): Shape<string> =>
  (value, path, reading) => {
    const written = text(value, path, reading)
    if (written === undefined || parse(written) !== undefined) return written
    reading.report(path, `${formatPath(path)}: '${written}' is not a ${kind}; write for example ${examples}`)
    return undefined
  }

const duration = measured(parseDuration, 'duration', '300s, 5m or 1h')
const size = measured(parseSize, 'size', '512Mi, 1Gi or plain bytes')

/** P writes the policy as `!!python/object/apply:… [IfNotPresent]`; the single list element is the value. */
const imagePullPolicy: Shape<NonNullable<RuntimeConfig['image_pull_policy']>> = (value, path, reading) =>
  word(['Always', 'IfNotPresent', 'Never'])(
    Array.isArray(value) && value.length === 1 ? value[0] : value,
    path,
    reading,
  )

const metadata = record<ManifestMetadata>({
  name: text,
  version: text,
  description: text,
  tags: texts,
  labels: mapOf(text),
  annotations: mapOf(text),
})

const runtime = record<RuntimeConfig>({
  language: string,
  version: text,
  image: string,
  image_pull_policy: imagePullPolicy,
  isolation: word(['inherit', 'firecracker', 'docker', 'process']),
  model: string,
  temperature: number({ min: 0 }),
})

const task = record<TaskConfig>({
  instruction: text,
  prompt_template: text,
  input_data: anything,
  agentskills: texts,
})

const delivery = record<Delivery>({ destinations: list(anyObject) })

const executionFields = record<ExecutionStrategy>({
  mode: word(['one-shot', 'iterative'], { single: 'one-shot' }),
  max_iterations: integer({ min: 1, max: 255 }),
  iteration_timeout: duration,
  llm_timeout_seconds: integer({ min: 1 }),
  validation,
  tool_validation: validatorList,
  delivery,
  memory: boolean,
})

/** `max_retries` is the server's older name of `max_iterations`. */
const execution: Shape<ExecutionStrategy> = like(executionFields, (value, path, reading) => {
  if (!isRecord(value) || value.max_retries === undefined) return executionFields(value, path, reading)
  const { max_retries: retries, ...rest } = value
  if (rest.max_iterations === undefined || rest.max_iterations === null) {
    const limit = integer({ min: 1, max: 255 })(retries, [...path, 'max_retries'], reading)
    return executionFields({ ...rest, ...(limit === undefined ? {} : { max_iterations: limit }) }, path, reading)
  }
  if (rest.max_iterations !== retries) {
    reading.report(
      [...path, 'max_retries'],
      `${formatPath(path)} has both max_iterations and its alias max_retries, with different values; keep one`,
    )
  }
  return executionFields(rest, path, reading)
})

const security = record<SecurityConfig>({
  network: record<NetworkPolicy>({ mode: word(['allow', 'deny', 'none']), allowlist: texts, denylist: texts }),
  filesystem: record<FilesystemPolicy>({ read: texts, write: texts, read_only: boolean }),
  resources: record<ResourceLimits>({ cpu: integer({ min: 1 }), memory: size, disk: size, timeout: duration }),
})

const toolObject = record<Exclude<ToolSpec, string>>(
  { name: string, server: string, executor: string, config: anyObject },
  { required: ['name'] },
)

const toolList = list<ToolSpec>(
  like<ToolSpec>(toolObject, (entry, at, within) =>
    isRecord(entry) ? toolObject(entry, at, within) : string(entry, at, within),
  ),
)

/** Empty names are dropped. */
const tools: Shape<ToolSpec[]> = like(toolList, (value, path, reading) =>
  toolList(value, path, reading)?.filter((tool) => tool !== ''),
)

const volumeFields = record<VolumeSpec>(
  {
    name: text,
    storage_class: word(['ephemeral', 'persistent']),
    type: string,
    provider: string,
    config: anyObject,
    mount_path: string,
    access_mode: word(['read-only', 'read-write']),
    size_limit: size,
    ttl_hours: number({ min: 0 }),
    source: record<NonNullable<VolumeSpec['source']>>({ volume_id: string }),
  },
  { required: ['name', 'mount_path'] },
)

/** `mount_point` and `size_limit_mb` are other names of `mount_path` and `size_limit`, as published examples write them. */
const volume: Shape<VolumeSpec> = like(volumeFields, (value, path, reading) => {
  if (!isRecord(value)) return volumeFields(value, path, reading)
  const { mount_point: point, size_limit_mb: megabytes, ...rest } = value
  for (const [alias, name] of [
    ['mount_point', 'mount_path'],
    ['size_limit_mb', 'size_limit'],
  ] as const)
    if (value[alias] !== undefined && value[name] !== undefined)
      reading.report([...path, alias], `${formatPath(path)} has both ${name} and its alias ${alias}; keep one`)
  if (megabytes !== undefined && megabytes !== null) {
    const count = integer({ min: 1 })(megabytes, [...path, 'size_limit_mb'], reading)
    if (count !== undefined) rest.size_limit ??= `${count}Mi`
  }
  if (point !== undefined) rest.mount_path ??= point
  return volumeFields(rest, path, reading)
})

const volumeList = list(volume)

const volumes: Shape<VolumeSpec[]> = like(volumeList, (value, path, reading) => {
  const read = volumeList(value, path, reading)
  const seen = new Set<string>()
  read?.forEach(({ name }, index) => {
    if (seen.has(name)) reading.report([...path, index, 'name'], `${formatPath(path)} names volume '${name}' twice`)
    seen.add(name)
  })
  return read
})

const contextItem = tagged<ContextItem>({
  text: record<Extract<ContextItem, { type: 'text' }>>(
    { type: word(['text']), content: text, description: text },
    { required: ['content'] },
  ),
  file: record<Extract<ContextItem, { type: 'file' }>>(
    { type: word(['file']), path: string, description: text },
    { required: ['path'] },
  ),
  directory: record<Extract<ContextItem, { type: 'directory' }>>(
    { type: word(['directory']), path: string, description: text },
    { required: ['path'] },
  ),
  url: record<Extract<ContextItem, { type: 'url' }>>(
    { type: word(['url']), url: string, description: text },
    { required: ['url'] },
  ),
})

const schedule = tagged<ScheduleConfig>({
  cron: record<Extract<ScheduleConfig, { type: 'cron' }>>(
    { type: word(['cron']), cron: string, timezone: string, enabled: boolean },
    { required: ['cron'] },
  ),
  interval: record<Extract<ScheduleConfig, { type: 'interval' }>>(
    { type: word(['interval']), seconds: number({ min: 1 }), enabled: boolean },
    { required: ['seconds'] },
  ),
  manual: record<Extract<ScheduleConfig, { type: 'manual' }>>({ type: word(['manual']) }),
})

const outputHandler = tagged<OutputHandlerConfig>({
  agent: record<Extract<OutputHandlerConfig, { type: 'agent' }>>(
    { type: word(['agent']), agent_id: string, input_template: text, timeout_seconds: seconds, required: boolean },
    { required: ['agent_id'] },
  ),
  container: record<Extract<OutputHandlerConfig, { type: 'container' }>>(
    {
      type: word(['container']),
      image: string,
      command: texts,
      env: mapOf(text),
      resources: anyObject,
      required: boolean,
    },
    { required: ['image'] },
  ),
  mcp_tool: record<Extract<OutputHandlerConfig, { type: 'mcp_tool' }>>(
    { type: word(['mcp_tool']), tool_name: string, arguments: anything, timeout_seconds: seconds, required: boolean },
    { required: ['tool_name'] },
  ),
  webhook: record<Extract<OutputHandlerConfig, { type: 'webhook' }>>(
    {
      type: word(['webhook']),
      url: string,
      method: string,
      headers: mapOf(text),
      body_template: text,
      timeout_seconds: seconds,
      retry: anything,
      required: boolean,
    },
    { required: ['url'] },
  ),
})

const advanced = record<AdvancedConfig>({
  warm_pool_size: count,
  swarm_enabled: boolean,
  startup_script: text,
  bootstrap_path: string,
  health_check: record<NonNullable<AdvancedConfig['health_check']>>({
    path: string,
    interval_seconds: seconds,
    timeout_seconds: seconds,
  }),
})

const spec = record<AgentSpec>(
  {
    runtime,
    task,
    execution,
    security,
    security_context: string,
    tools,
    env: mapOf(text),
    volumes,
    context: list(contextItem),
    schedule,
    output_handler: outputHandler,
    delivery,
    advanced,
    input_schema: anyObject,
  },
  { required: ['runtime'] },
)

/** The structure of a manifest; what a field means beside its type is judged in `rules.ts`. */
export const manifestShape = record<AgentManifestDocument>(
  {
    apiVersion: anything as Shape<AgentManifestDocument['apiVersion']>,
    kind: anything as Shape<'Agent'>,
    metadata,
    spec,
  },
  { required: ['metadata', 'spec'] },
)

/**
 * Every field that a manifest may have, in the order of the format: `spec.runtime.image`, `spec.volumes[].name`; a field of one
 * form of an object after its `type`, as in `spec.context[][url].url`.
 */
export const manifestFields = (): string[] => fieldsOf(manifestShape)
