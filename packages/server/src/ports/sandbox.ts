/**
 * Where an agent's process runs: started fresh for each attempt, with an environment built from nothing and one writable folder.
 * What an implementation cannot enforce it says in `isolation`, and the supervisor refuses manifests that rely on it.
 */
export interface Sandbox {
  readonly name: 'bubblewrap' | 'docker' | 'process'
  readonly isolation: Isolation
  /** Runs each instance in the image that it names. Elsewhere every instance has the programs of this machine. */
  readonly hasImages: boolean
  /** How the agent sees the folder that is its workspace: no trailing slash. */
  workspaceOf(folder: string): string
  /**
   * The address at which an instance reaches the dispatch gateway, no trailing slash.
   * @param hasProgram it runs a program of its own, which knows no more than HTTP
   */
  gatewayOf(gateway: Gateway, hasProgram?: boolean): string
  /** @throws SandboxError when the instance cannot be started. */
  start(spec: InstanceSpec): Promise<Instance>
  /** End what an earlier process of this server left running, and remove its control groups; how many processes ended. */
  reap(): Promise<number>
}

export interface Isolation {
  /** Sees only what it needs of the machine's files. */
  readonly files: boolean
  /** Reaches nothing but the dispatch gateway and what lies behind its proxy. */
  readonly network: boolean
  /** Sees no process but its own, and none of its own outlives it. */
  readonly processes: boolean
}

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
  /** Path of the agent's own script, as the sandbox sees it, which runs instead; below `/workspace` for one of the workspace. */
  readonly ownScript?: string
  readonly args: readonly string[]
  /** Written to its standard input, which then ends; a promise, when it is known only later. */
  readonly input: string | Promise<string>
  /** All it sees beside PATH, HOME and TMPDIR. */
  readonly env: Readonly<Record<string, string>>
  /** Folder on this machine that it may write to. */
  readonly workspace: string
  /** Paths below it that it may only read, as `data/in`; a sandbox that cannot enforce that says so in `isolation.files`. */
  readonly readOnly?: readonly string[]
  readonly gateway: Gateway
  /**
   * Path of the Unix socket of an HTTP proxy, its only way to hosts; null: it reaches none. What has no network of its own offers
   * the proxy on its loopback, by the variables that programs know. A sandbox that does not isolate the network uses none.
   */
  readonly proxy: string | null
  readonly limits: InstanceLimits
  /** Where it runs, in a sandbox that has images. */
  readonly image?: InstanceImage
  /** A program of the image itself that runs in place of an interpreter; only in a sandbox that has images. */
  readonly program?: InstanceProgram
  /** What runs in an image that has no such interpreter. */
  readonly otherwise?: Pick<InstanceSpec, 'interpreter' | 'script'>
  /** Whose instance it is, for who looks at what runs on the machine. */
  readonly executionId?: string
  /** Gives up starting: a pull of an image may take minutes. */
  readonly signal?: AbortSignal
  readonly onPull?: (pull: ImagePull) => void
}

/** A program of an image: nothing of this server's is shown to it but the workspace. */
export interface InstanceProgram {
  /** The program, by path or name, and its arguments. */
  readonly command: readonly string[]
  /** Where it begins, as the container sees it. */
  readonly workdir: string
  /** `uid:gid` or a name of the image's; null: the user of this server. */
  readonly user: string | null
}

/** A container image. */
export interface InstanceImage {
  /** `registry/repository:tag`, or with a digest. */
  readonly name: string
  readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never'
}

/** What was done to have an image on this machine. */
export type ImagePull =
  | { readonly kind: 'started'; readonly image: string; readonly pullPolicy: InstanceImage['pullPolicy'] }
  | {
      readonly kind: 'completed'
      readonly image: string
      readonly source: 'Cached' | 'Downloaded'
      readonly durationMs: number
    }
  | { readonly kind: 'failed'; readonly image: string; readonly reason: string }

export interface InstanceLimits {
  /**
   * Bytes of memory that all its processes may use together, shared memory and temporary files included. Where the machine
   * has no control groups for the server: what each process may write to, beyond what its interpreter needs for itself.
   */
  readonly memory: number
  /** Processes and threads it may have at once; 512 when left out. */
  readonly processes?: number
  /** Thousandths of a processor, of all its processes together; unlimited when left out, and where the machine has no control groups
   * for the server. */
  readonly cpu?: number
  /** Bytes of the largest file it may make. */
  readonly fileSize: number
  /** Bytes of disk that the workspace may take; `fileSize` when left out. An instance that makes it larger is ended. */
  readonly workspace?: number
  /** Bytes kept of each output stream, from its end. */
  readonly output: number
}

export interface Instance {
  readonly id: string
  /** Resolves once, when the process has ended and its output is complete. Never rejects. */
  readonly exited: Promise<InstanceExit>
  /** The folder that is its workspace was renamed to this: it goes on with it. */
  movedTo(workspace: string): void
  /** Ask it to end, and end it with all it started after `graceMilliseconds`. Resolves when nothing of it runs. */
  stop(graceMilliseconds: number): Promise<void>
}

export interface InstanceExit {
  /** Exit code; 128 plus the signal's number when a signal ended it, or when a limit did (153: too much disk). */
  readonly code: number
  readonly stdout: string
  /** Ends with a sentence about the limit that was reached, if one was. */
  readonly stderr: string
  /** Output was longer than the limit; its beginning is gone. */
  readonly truncated: boolean
}

/** An instance could not be started; the message says why and what to do. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
  /** What could not be had: the image, or anything else. */
  readonly about: 'image' | 'instance'
  constructor(message: string, options: { readonly cause?: unknown; readonly about?: 'image' | 'instance' } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.about = options.about ?? 'instance'
  }
}
