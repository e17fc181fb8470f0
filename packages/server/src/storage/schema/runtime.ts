import type { ColumnType, Generated } from 'kysely'

export interface AgentRow {
  id: string
  /** The tenant, or `aegis-system` for an agent every tenant sees. */
  tenant_id: string
  name: string
  version: string
  scope: string
  status: string
  /** JSON of the manifest. */
  manifest: string
  manifest_yaml: string
  created_at: number
  updated_at: number
}

export interface AgentVersionRow {
  seq: Generated<number>
  id: string
  agent_id: string
  version: string
  manifest_yaml: string
  created_at: number
}

/** A registered workflow, by the version that was registered last. */
export interface WorkflowRow {
  id: string
  /** The tenant, or `aegis-system` for a workflow every tenant sees. */
  tenant_id: string
  name: string
  version: string
  scope: string
  /** JSON of the manifest, agents by their ids. */
  manifest: string
  manifest_yaml: string
  created_at: number
  updated_at: number
}

export interface WorkflowVersionRow {
  seq: Generated<number>
  id: string
  workflow_id: string
  version: string
  manifest: string
  manifest_yaml: string
  created_at: number
}

/** One run of a workflow. */
export interface WorkflowRunRow {
  id: string
  tenant_id: string
  workflow_id: string
  workflow_name: string
  /** JSON of the manifest it was started with: a new version does not change what runs. */
  definition: string
  status: string
  /** The state that is under way; after the end the last one. */
  current_state: string
  /** Why it failed or was cancelled. */
  reason: string | null
  /** JSON of what it was started with. */
  input: string
  /** JSON of how far it is. */
  state: string
  /** Events in its log. */
  sequence: number
  /** JSON of the work that is under way. */
  pending: string | null
  /** When its state was entered, or it ended. */
  entered_at: number
  due_at: number | null
  /** 1: it has ended, and holds nothing any more. */
  is_released: number
  /** The server that does its work, and when that one last said so. */
  owner: string
  heartbeat_at: number
  /** Counts the servers that did its work. */
  generation: number
  started_by: string
  started_at: number
  updated_at: number
  ended_at: number | null
  /** The state of another run that began it. */
  parent_id: string | null
  parent_entry: number | null
  /** How many runs are above it; none where it is null. */
  parent_depth: number | null
  /** JSON of the security context that its agents stay within; null of a run that no execution is above. */
  security_context: string | null
}

export interface WorkflowRunChildRow {
  run_id: string
  id: string
  kind: 'execution' | 'run'
  /** Of the state that began it. */
  entry: number
}

export interface WorkflowRunLogRow {
  run_id: string
  /** From 1, without gaps. */
  sequence: number
  type: string
  /** JSON of the event. */
  event: string
  at: number
}

export interface ExecutionRow {
  seq: Generated<number>
  id: string
  tenant_id: string
  agent_id: string
  agent_name: string
  agent_version: string
  /** JSON of the manifest it was started with: a redeploy does not change what runs. */
  manifest: string
  env: string
  status: string
  /** JSON of what the caller sent as `input`. */
  input: string
  intent: string | null
  /** The rendered prompt. */
  prompt: string
  /** JSON of the security context it was created with. */
  security_context: string
  started_by: string
  /** The server that supervises it, and when that one last said so. */
  owner: string
  heartbeat_at: number
  total_iterations: number
  output: string | null
  error: string | null
  waiting_for: 'place' | 'person' | 'child' | null
  started_at: number
  ended_at: number | null
  updated_at: number
  /** Counts who has run it: a server that was thought dead changes nothing any more. */
  generation: ColumnType<number, number | undefined, number>
  /** How often it was taken over since its last turn. */
  adoptions: ColumnType<number, number | undefined, number>
  /** Milliseconds of its time limit that are used up. */
  spent_ms: ColumnType<number, number | undefined, number>
  /** The execution that began it. */
  parent_id: string | null
  /** What the parent knows it by. */
  child_key: string | null
  /** JSON list of ids, from the first of the family to its parent. */
  ancestors: ColumnType<string, string | undefined, string>
  /** The swarm that it was begun in. */
  swarm_id: string | null
  /** 1 when its parent's journal says that it has ended. */
  end_told: ColumnType<number, number | undefined, number>
}

/** One entry of what was said and done in an attempt. */
export interface ExecutionTurnRow {
  execution_id: string
  iteration: number
  position: number
  kind: string
  /** JSON of the entry. */
  data: string
  created_at: number
}

export interface ExecutionIterationRow {
  execution_id: string
  /** From 1, without gaps. */
  number: number
  /** SHA-256 of the token in the address its instance was given. */
  token_hash: string
  status: string
  action: string
  instance_id: string | null
  exit_code: number | null
  output: string | null
  /** JSON `{message, details?}`. */
  error: string | null
  /** JSON of what the validators said. */
  validation: string | null
  /** JSON list of tool calls. */
  trajectory: string
  /** What the instance wrote to its standard error; null until it has ended by itself. */
  stderr: string | null
  /** JSON of what later attempts are told of this one. */
  history: string | null
  /** Milliseconds of the execution's time that were used up when it began. */
  spent_before_ms: ColumnType<number, number | undefined, number>
  /** JSON list of names of refused tools. */
  policy_violations: string
  started_at: number
  ended_at: number | null
}

/** A script that is kept for later use. */
export interface ScriptRow {
  id: string
  tenant_id: string
  /** `tenant` or `user`, and which of them. */
  owner_kind: string
  owner_id: string
  name: string
  code: string
  description: string
  /** JSON list. */
  tags: string
  /** From 1. */
  version: number
  created_by: string
  created_at: number
  updated_at: number
}

/** A git repository that was cloned into a volume. */
export interface GitBindingRow {
  id: string
  tenant_id: string
  volume_id: string
  repo_url: string
  /** `branch`, `tag` or `commit`. */
  ref_kind: string
  ref_value: string
  credential_id: string | null
  /** JSON list; an empty one is the whole tree. */
  sparse_paths: string
  is_shallow: number
  /** Null until it was cloned. */
  commit_sha: string | null
  /** Somebody works on it until then; whoever is later than that has crashed. */
  busy_until: number | null
  created_by: string
  created_at: number
  refreshed_at: number | null
}

/** A volume: files under a limit. Its files are in `volume_files`, their bytes in the store of blobs. */
export interface VolumeRow {
  id: string
  tenant_id: string
  /** `tenant`, `user` or `execution`, and which of them. */
  owner_kind: string
  owner_id: string
  /** `files`, or `attachments` for the volume that uploads to `chat-attachments` go to. */
  purpose: string
  label: string
  /** `persistent` or `ephemeral`. */
  storage_class: string
  size_limit: number
  /** The sum of its files. */
  used_bytes: number
  /** What uploads under way were promised beyond the files they replace. */
  reserved_bytes: number
  created_by: string
  created_at: number
  /** An ephemeral one goes then. */
  expires_at: number | null
}

/** A file or folder of a volume; its root is no row. */
export interface VolumeFileRow {
  volume_id: string
  /** SHA-256 of the path, hex; of the path of the folder it is in. */
  path_key: string
  parent_key: string
  /** Components joined by `/`, without one at the beginning. */
  path: string
  name: string
  is_folder: number
  size: number
  /** Hex; null for a folder, as are the next two. */
  sha256: string | null
  mime_type: string | null
  blob_key: string | null
  modified_at: number
}

/** A file on its way into a volume. Whoever leaves one behind is gone: the sweeper takes it back. */
export interface VolumeUploadRow {
  id: string
  volume_id: string
  blob_key: string
  held_bytes: number
  /** Of the file that it will replace: counted once, whoever else uploads to the same path. */
  credit_bytes: number
  credit_key: string | null
  touched_at: number
}

/** A blob that nothing names any more. */
export interface VolumeGarbageRow {
  blob_key: string
  created_at: number
}

/** A volume in the workspace of an execution. */
export interface VolumeMountRow {
  volume_id: string
  execution_id: string
  /** As the manifest names it. */
  name: string
  mount_path: string
  /** `read-only` or `read-write`. */
  access: string
  created_at: number
  /** Null while the execution has it. */
  released_at: number | null
}

/** What somebody tried with files and may not. */
export interface StorageViolationRow {
  seq: Generated<number>
  id: string
  tenant_id: string
  category: string
  execution_id: string | null
  volume_id: string | null
  path: string | null
  operation: string
  details: string
  created_at: number
}
