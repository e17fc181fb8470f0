/** The agent manifest, field by field, with the names it has in YAML. Source: AEGIS API reference, agent manifest. */

export const AGENT_API_VERSION = '100monkeys.ai/v1'

/** When the image of a custom runtime is pulled. Default `IfNotPresent`. */
export const ImagePullPolicy = { ALWAYS: 'Always', IF_NOT_PRESENT: 'IfNotPresent', NEVER: 'Never' } as const
export type ImagePullPolicy = (typeof ImagePullPolicy)[keyof typeof ImagePullPolicy]

export interface ManifestMetadata {
  /** 1 to 63 characters of `a-z 0-9 -`, no hyphen at either end. */
  name: string
  /** Version of the agent; two deploys of one name conflict when it is equal. */
  version: string
  description?: string
  tags?: string[]
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

/** Either `language` with `version`, or `image`; never both. */
export interface RuntimeConfig {
  language?: string
  /** Version of the language, e.g. `"3.12"`. */
  version?: string
  /** Fully qualified image of a custom runtime, `registry/repository:tag`. */
  image?: string
  image_pull_policy?: ImagePullPolicy
  isolation?: 'inherit' | 'firecracker' | 'docker' | 'process'
  /** Model alias; default `default`. */
  model?: string
  temperature?: number
}

export interface TaskConfig {
  /** The agent's system instruction; required to deploy. */
  instruction?: string
  prompt_template?: string
  input_data?: unknown
  agentskills?: string[]
}

export type Validator =
  | { type: 'exit_code'; expected?: number; min_score?: number }
  | { type: 'json_schema'; schema?: unknown; schema_path?: string; target_path?: string; min_score?: number }
  | { type: 'regex'; pattern: string; target?: 'stdout' | 'stderr' | 'json' | 'yaml'; min_score?: number }
  | {
      type: 'semantic'
      judge_agent: string
      criteria?: string
      min_score?: number
      min_confidence?: number
      timeout_seconds?: number
    }
  | {
      type: 'multi_judge'
      judges: string[]
      /** Default `weighted_average`. */
      consensus?: 'weighted_average' | 'majority' | 'unanimous' | 'best_of_n'
      min_judges_required?: number
      criteria?: string
      min_score?: number
      min_confidence?: number
      timeout_seconds?: number
    }

/** The older, object form of `execution.validation`. */
export interface ValidationObject {
  system?: { must_succeed?: boolean; allow_stderr?: boolean; timeout_seconds?: number }
  output?: { format?: 'json' | 'yaml' | 'text' | 'csv' | 'pdf'; schema?: unknown; regex?: string }
  script?: { path: string; description?: string; timeout_seconds?: number }
  semantic?: {
    enabled?: boolean
    model?: string
    prompt?: string
    threshold?: number
    timeout_seconds?: number
    fallback_on_unavailable?: 'skip' | 'fail'
  }
}

export interface ExecutionStrategy {
  /** Default `one-shot`: exactly one attempt. */
  mode?: 'one-shot' | 'iterative'
  /** Attempts of an iterative agent, 1 to 255; default 5 when `execution` is present, 3 when it is absent. */
  max_iterations?: number
  /** Duration, e.g. `600s`. */
  iteration_timeout?: string
  /** Seconds a model turn may take; default 300. */
  llm_timeout_seconds?: number
  validation?: Validator[] | ValidationObject
  /** Judges of tool calls: `semantic` and `multi_judge`. */
  tool_validation?: Validator[]
  delivery?: Delivery
  memory?: boolean
}

export interface NetworkPolicy {
  /** Default `allow`: only what `allowlist` names. */
  mode?: 'allow' | 'deny' | 'none'
  allowlist?: string[]
  denylist?: string[]
}

export interface FilesystemPolicy {
  read?: string[]
  write?: string[]
  read_only?: boolean
}

export interface ResourceLimits {
  /** Thousandths of a processor; default 1000. */
  cpu?: number
  /** Bytes or a size such as `512Mi`; default `512Mi`. */
  memory?: string
  /** Bytes or a size such as `1Gi`; default `1Gi`. */
  disk?: string
  /** Duration of a whole execution; default 1800 s. */
  timeout?: string
}

export interface SecurityConfig {
  network?: NetworkPolicy
  filesystem?: FilesystemPolicy
  resources?: ResourceLimits
}

export interface AdvancedConfig {
  warm_pool_size?: number
  swarm_enabled?: boolean
  startup_script?: string
  /** Path of the agent's own bootstrap inside a custom image. */
  bootstrap_path?: string
  health_check?: { path?: string; interval_seconds?: number; timeout_seconds?: number }
}

export interface VolumeSpec {
  name: string
  storage_class?: 'ephemeral' | 'persistent'
  type?: string
  provider?: string
  config?: Record<string, unknown>
  mount_path: string
  access_mode?: 'read-only' | 'read-write'
  size_limit?: string
  ttl_hours?: number
  source?: { volume_id?: string }
}

export type ContextItem =
  | { type: 'text'; content: string; description?: string }
  | { type: 'file'; path: string; description?: string }
  | { type: 'directory'; path: string; description?: string }
  | { type: 'url'; url: string; description?: string }

export type ScheduleConfig =
  | { type: 'cron'; cron: string; timezone?: string; enabled?: boolean }
  | { type: 'interval'; seconds: number; enabled?: boolean }
  | { type: 'manual' }

export interface Delivery {
  destinations?: Record<string, unknown>[]
}

export type OutputHandlerConfig =
  | { type: 'agent'; agent_id: string; input_template?: string; timeout_seconds?: number; required?: boolean }
  | {
      type: 'container'
      image: string
      command?: string[]
      env?: Record<string, string>
      resources?: Record<string, unknown>
      required?: boolean
    }
  | { type: 'mcp_tool'; tool_name: string; arguments?: unknown; timeout_seconds?: number; required?: boolean }
  | {
      type: 'webhook'
      url: string
      method?: string
      headers?: Record<string, string>
      body_template?: string
      timeout_seconds?: number
      retry?: unknown
      required?: boolean
    }

/** A tool by name, or with the server and settings it is used with. */
export type ToolSpec = string | { name: string; server?: string; executor?: string; config?: Record<string, unknown> }

export interface AgentSpec {
  runtime: RuntimeConfig
  task?: TaskConfig
  execution?: ExecutionStrategy
  security?: SecurityConfig
  security_context?: string
  tools?: ToolSpec[]
  env?: Record<string, string>
  volumes?: VolumeSpec[]
  context?: ContextItem[]
  schedule?: ScheduleConfig
  output_handler?: OutputHandlerConfig
  delivery?: Delivery
  advanced?: AdvancedConfig
  input_schema?: Record<string, unknown>
}

/** A whole manifest as it stands in YAML or JSON. */
export interface AgentManifestDocument {
  apiVersion: typeof AGENT_API_VERSION
  kind: 'Agent'
  metadata: ManifestMetadata
  spec: AgentSpec
}
