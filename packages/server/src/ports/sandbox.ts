/**
 * Where an agent's process runs: started fresh for each attempt, with an environment built from nothing and one writable folder.
 * What an implementation cannot enforce it says in `isolation`, and the supervisor refuses manifests that rely on it.
 */
export interface Sandbox {
  readonly name: 'bubblewrap' | 'process'
  readonly isolation: Isolation
  /** How the agent sees the folder that is its workspace: no trailing slash. */
  workspaceOf(folder: string): string
  /** The address at which an instance reaches the dispatch gateway, no trailing slash. */
  gatewayOf(gateway: Gateway, network: Network): string
  /** @throws SandboxError when the instance cannot be started. */
  start(spec: InstanceSpec): Promise<Instance>
  /** End what an earlier process of this server left running; how many processes that were. */
  reap(): Promise<number>
}

export interface Isolation {
  /** Sees only what it needs of the machine's files. */
  readonly files: boolean
  /** Reaches nothing but the dispatch gateway, unless the manifest opens the network. */
  readonly network: boolean
  /** Sees no process but its own, and none of its own outlives it. */
  readonly processes: boolean
}

/** `gateway`: nothing but the dispatch gateway. `open`: whatever this machine reaches. */
export type Network = 'gateway' | 'open'

export interface Gateway {
  /** For example `http://127.0.0.1:8000`. */
  readonly address: string
  /** Path of the Unix socket it also listens on; null where there is none. */
  readonly socket: string | null
}

export interface InstanceSpec {
  /** Unique; labels everything the instance starts. */
  readonly id: string
  readonly interpreter: 'node' | 'python'
  /** Path on this machine of the script to run. */
  readonly script: string
  readonly args: readonly string[]
  /** Written to its standard input, which then ends. */
  readonly input: string
  /** All it sees beside PATH, HOME and TMPDIR. */
  readonly env: Readonly<Record<string, string>>
  /** Folder on this machine that it may write to. */
  readonly workspace: string
  readonly network: Network
  readonly gateway: Gateway
  readonly limits: InstanceLimits
}

export interface InstanceLimits {
  /** Bytes of memory a process may write to, beyond what its interpreter needs for itself. */
  readonly memory: number
  /** Bytes of the largest file it may make. */
  readonly fileSize: number
  /** Bytes kept of each output stream, from its end. */
  readonly output: number
}

export interface Instance {
  readonly id: string
  /** Resolves once, when the process has ended and its output is complete. Never rejects. */
  readonly exited: Promise<InstanceExit>
  /** Ask it to end, and end it with all it started after `graceMilliseconds`. Resolves when nothing of it runs. */
  stop(graceMilliseconds: number): Promise<void>
}

export interface InstanceExit {
  /** Exit code; 128 plus the signal's number when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Output was longer than the limit; its beginning is gone. */
  readonly truncated: boolean
}

/** An instance could not be started; the message says why and what to do. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
}
