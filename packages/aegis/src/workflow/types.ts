/** The workflow manifest, field by field, with the names it has in YAML. Source: AEGIS API reference, workflow manifest. */

import type { AGENT_API_VERSION } from '../manifest/types.ts'

/** What a state does. */
export const stateKinds = [
  'Agent',
  'System',
  'Human',
  'ParallelAgents',
  'ContainerRun',
  'ParallelContainerRun',
  'Subworkflow',
] as const
export type StateKind = (typeof stateKinds)[number]

/** What holds where a manifest is silent. Durations are seconds. */
export const workflowDefaults = {
  version: '1.0.0',
  maxTotalTransitions: 50,
  maxStateVisits: 5,
  /** Of every state but Human ones. */
  timeoutSeconds: 300,
  humanTimeoutSeconds: 3600,
  agentMaxIterations: 10,
  weight: 1,
  parallelAgentTimeoutSeconds: 60,
  parallelAgentPollMs: 500,
  consensusThreshold: 0.7,
  /** Of the judges of Agent states, and of `all_approved` and `any_rejected`. */
  judgeThreshold: 0.8,
  minJudgesRequired: 1,
  agreementFactor: 0.7,
  selfConfidenceFactor: 0.3,
  containerTimeoutSeconds: 300,
  containerMaxAttempts: 1,
  workdir: '/workspace',
  completion: 'all_succeed',
  storageClass: 'ephemeral',
  workspaceTtlHours: 1,
  workspaceSizeLimitMb: 256,
  workspaceBlackboardKey: 'workspace_volume_id',
} as const

export interface WorkflowMetadata {
  /** 1 to 63 characters of `a-z 0-9 -`, no hyphen at either end. */
  name: string
  /** Default `1.0.0`. */
  version: string
  description?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  /** JSON Schema of the input, which is checked on starting. */
  input_schema?: Record<string, unknown>
  output_schema?: Record<string, unknown>
  /** JSON with templates; rendered on the final blackboard it is the result of a run. */
  output_template?: unknown
}

/** Volume of a run: `ephemeral` ones end with it, `persistent` ones are named by `volume_id`. */
export interface WorkspaceStorage {
  storage_class?: 'ephemeral' | 'persistent'
  /** Default 1. */
  ttl_hours?: number
  /** Default 256. */
  size_limit_mb?: number
  volume_id?: string
  /** Under which the volume's id stands on the blackboard; default `workspace_volume_id`. */
  blackboard_key?: string
}

export interface SharedVolume {
  name: string
  storage_class?: 'ephemeral' | 'persistent'
  size_limit_bytes?: number
  size_limit_mb?: number
  ttl_hours?: number
  volume_id?: string
}

/** Conditions and the fields each takes, required ones first. */
export const conditions = {
  always: { required: [], optional: [] },
  on_success: { required: [], optional: [] },
  on_failure: { required: [], optional: [] },
  exit_code_zero: { required: [], optional: [] },
  exit_code_non_zero: { required: [], optional: [] },
  exit_code: { required: ['value'], optional: [] },
  score_above: { required: [], optional: ['threshold'] },
  score_below: { required: [], optional: ['threshold'] },
  score_between: { required: [], optional: ['min', 'max'] },
  confidence_above: { required: [], optional: ['threshold'] },
  score_and_confidence_above: { required: [], optional: ['threshold'] },
  consensus: { required: ['threshold', 'agreement'], optional: [] },
  all_approved: { required: [], optional: ['threshold'] },
  any_rejected: { required: [], optional: ['threshold'] },
  input_equals: { required: ['value'], optional: [] },
  input_equals_yes: { required: [], optional: [] },
  input_equals_no: { required: [], optional: [] },
  custom: { required: ['expression'], optional: [] },
  approved: { required: [], optional: [] },
  rejected: { required: [], optional: [] },
} as const satisfies Record<string, { required: readonly ConditionField[]; optional: readonly ConditionField[] }>

export type ConditionField = 'value' | 'threshold' | 'agreement' | 'min' | 'max' | 'expression'
export type Condition = keyof typeof conditions

/** A way out of a state. They are tried in their order; the first whose condition holds is taken. */
export interface Transition {
  /** Default `always`. */
  condition?: Condition
  target: string
  /** Template; what it makes is `{{state.feedback}}` in the next state. */
  feedback?: string
  value?: string | number
  threshold?: number
  agreement?: number
  min?: number
  max?: number
  expression?: string
}

interface StateFields {
  /** None: the workflow ends here. */
  transitions: Transition[]
  /** Duration such as `300s` or `1h 30m`. */
  timeout?: string
  /** 1 to 20, default 5. */
  max_state_visits?: number
}

export interface Judge {
  agent_id: string
  input_template?: string
  /** Default 1. */
  weight?: number
}

export interface AgentState extends StateFields {
  kind: 'Agent'
  /** Name, id or template. */
  agent: string
  input?: string
  intent?: string
  isolation?: 'inherit' | 'firecracker' | 'docker' | 'process'
  judges?: Judge[]
  /** Default 10. */
  max_iterations?: number
  pre_execution_validator?: Record<string, unknown>
  output_handler?: Record<string, unknown>
  volumes?: { volume: string; mount_path: string; access_mode?: 'read-only' | 'read-write' }[]
}

export interface SystemState extends StateFields {
  kind: 'System'
  command: string
  env?: Record<string, string>
  workdir?: string
}

export interface HumanState extends StateFields {
  kind: 'Human'
  prompt: string
  default_response?: string
  /** Another spelling of `timeout`; default 3600. */
  timeout_seconds?: number
  reject_on_timeout?: boolean
}

export interface ConsensusConfig {
  strategy: 'weighted_average' | 'majority' | 'unanimous' | 'best_of_n'
  /** Default 0.7. */
  threshold?: number
  min_agreement_confidence?: number
  n?: number
  /** Default 1. */
  min_judges_required?: number
  confidence_weighting?: { agreement_factor?: number; self_confidence_factor?: number }
}

export interface ParallelAgentsState extends StateFields {
  kind: 'ParallelAgents'
  agents: { agent: string; input?: string; weight?: number; timeout_seconds?: number; poll_interval_ms?: number }[]
  consensus: ConsensusConfig
  judges_for_parallel?: Judge[]
  output_handler?: Record<string, unknown>
}

export interface ContainerVolume {
  name: string
  mount_path: string
  read_only?: boolean
}

export interface ContainerStep {
  name?: string
  image?: string
  command?: string[]
  env?: Record<string, string>
  workdir?: string
  volumes?: ContainerVolume[]
  resources?: { cpu?: number; memory?: string; timeout?: string }
  registry_credentials?: string
  shell?: boolean
  network_mode?: string
}

export interface ContainerRunState extends StateFields, ContainerStep {
  kind: 'ContainerRun'
  image_pull_policy?: 'Always' | 'IfNotPresent' | 'Never'
  retry?: { max_attempts?: number; backoff?: string }
  read_only_root_filesystem?: boolean
  run_as_user?: string
  output_handler?: Record<string, unknown>
}

export interface ParallelContainerRunState extends StateFields {
  kind: 'ParallelContainerRun'
  steps: ContainerStep[]
  /** Default `all_succeed`. */
  completion?: 'all_succeed' | 'any_succeed' | 'best_effort'
}

export interface SubworkflowState extends StateFields {
  kind: 'Subworkflow'
  /** Name or id. */
  workflow_id: string
  mode: 'blocking' | 'fire_and_forget'
  /** Where the child's result stands on the blackboard. */
  result_key?: string
  input?: unknown
}

export type WorkflowState =
  | AgentState
  | SystemState
  | HumanState
  | ParallelAgentsState
  | ContainerRunState
  | ParallelContainerRunState
  | SubworkflowState

export interface WorkflowSpec {
  initial_state: string
  /** Constants: `{{workflow.context.KEY}}`, and the first entries of the blackboard. */
  context?: Record<string, unknown>
  states: Record<string, WorkflowState>
  storage?: { workspace?: WorkspaceStorage; shared_volumes?: SharedVolume[] }
  /** 1 to 100, default 50. */
  max_total_transitions?: number
}

export interface WorkflowManifestDocument {
  apiVersion: typeof AGENT_API_VERSION
  kind: 'Workflow'
  metadata: WorkflowMetadata
  spec: WorkflowSpec
}
