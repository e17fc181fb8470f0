import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import type { Clock } from '../../ports/clock.ts'
import { type Instance, type InstanceExit, type InstanceSpec, SandboxError } from '../../ports/sandbox.ts'
import type { ControlGroups } from './cgroups.ts'
import { enterCommand, processesOf, workspaceLimitOf } from './limits.ts'
import { diskUsageOf, watchQuota } from './quota.ts'

/** How long output of a process that ended is waited for when something it started still holds its pipes. */
const PIPE_GRACE_MS = 250

/** Keeps the end of a stream in bounded memory, however much is written. */
export class Tail {
  readonly #limit: number
  #chunks: Buffer[] = []
  #kept = 0
  #total = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  push(chunk: Buffer): void {
    this.#total += chunk.length
    // A chunk may be a slice of a larger buffer that it would keep alive.
    this.#chunks.push(chunk.length > this.#limit ? Buffer.from(chunk.subarray(-this.#limit)) : chunk)
    this.#kept += this.#chunks.at(-1)?.length ?? 0
    while (this.#kept - (this.#chunks[0]?.length ?? 0) >= this.#limit) this.#kept -= this.#chunks.shift()?.length ?? 0
  }

  get isCut(): boolean {
    return this.#total > this.#limit
  }

  text(): string {
    const all = Buffer.concat(this.#chunks)
    let start = Math.max(0, all.length - this.#limit)
    while (this.isCut && start < all.length && ((all[start] ?? 0) & 0xc0) === 0x80) start++
    return all.subarray(start).toString('utf8')
  }
}

export interface Launch {
  readonly groups: ControlGroups
  readonly clock: Clock
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Files handed on open for reading, as descriptors from 3 on. */
  readonly files?: readonly string[]
  /** Ask the process to end. */
  terminate(child: ChildProcess): void
  /** End it and all it started; called also after it ended by itself. */
  destroy(child: ChildProcess): Promise<void>
}

/** A process that makes a file too large gets this signal; an instance whose files together are too large ends like it. */
export const DISK_CODE = 128 + 25

/** Start a process within its limits, feed it, keep the end of what it writes, and see to its end. */
export async function launch(spec: InstanceSpec, how: Launch): Promise<Instance> {
  const { limits } = spec
  const quota = workspaceLimitOf(limits)
  const { memory, cpu } = limits
  const group = how.groups.create(spec.id, { memory, processes: processesOf(limits), ...(cpu ? { cpu } : {}) })
  const stdout = new Tail(limits.output)
  const stderr = new Tail(limits.output)
  const child = await startProcess(how, group.entrances).catch(async (error) => {
    await group.end()
    throw error
  })
  let workspace = spec.workspace
  let isOverQuota = false
  const watch = watchQuota({
    folder: () => workspace,
    limit: quota,
    clock: how.clock,
    onExceeded() {
      isOverQuota = true
      // Should the search for its strays fail, the end of the process itself starts it again.
      how.destroy(child).catch(() => child.kill('SIGKILL'))
    },
  })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  whenKnown(spec.input, (input) => child.stdin.end(input))
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))

  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const exited = new Promise<number>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))),
  ).then(async (code): Promise<InstanceExit> => {
    await how.destroy(child)
    watch.stop()
    const ranOutOfMemory = group.ranOutOfMemory()
    await group.end()
    await within(PIPE_GRACE_MS, closed)
    // It may have been quicker than the watch.
    if (!isOverQuota) isOverQuota = (await diskUsageOf(workspace, quota).catch(() => 0)) > quota
    const reached = [
      ...(ranOutOfMemory
        ? [`A process was ended: together they used more than ${limits.memory} bytes of memory.`]
        : []),
      ...(isOverQuota ? [`The workspace takes more than ${quota} bytes of disk.`] : []),
    ]
    if (reached.length > 0) stderr.push(Buffer.from(`\n${reached.join('\n')}\n`))
    child.stdout.destroy()
    child.stderr.destroy()
    return {
      code: isOverQuota ? DISK_CODE : code,
      stdout: stdout.text(),
      stderr: stderr.text(),
      truncated: stdout.isCut || stderr.isCut,
    }
  })

  return {
    id: spec.id,
    exited,
    movedTo(renamed) {
      workspace = renamed
    },
    async stop(graceMilliseconds) {
      if (child.exitCode === null && child.signalCode === null && graceMilliseconds > 0) {
        how.terminate(child)
        await within(graceMilliseconds, exited)
      }
      await how.destroy(child)
      await exited
    },
  }
}

/** An input that never becomes known is none: whoever was to give it has ended the instance. */
export function whenKnown(input: string | Promise<string>, write: (input: string) => void): void {
  if (typeof input === 'string') write(input)
  else input.then(write, () => write(''))
}

/** Start a process in a group of its own, a member of control groups. @throws SandboxError */
export async function startProcess(
  how: Pick<Launch, 'command' | 'args' | 'env' | 'cwd' | 'files'>,
  entrances: readonly string[],
): Promise<ChildProcessWithoutNullStreams> {
  const { files = [], cwd, env } = how
  const [command = '', ...args] = [...enterCommand(entrances, files.length), how.command, ...how.args]
  const handed: number[] = []
  try {
    for (const file of files) handed.push(openSync(file, 'r'))
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['pipe', 'pipe', 'pipe', ...handed],
      detached: process.platform !== 'win32',
      windowsHide: true,
    }) as ChildProcessWithoutNullStreams
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(new SandboxError(`'${command}' could not be started (${error.code ?? error.message}).`)),
      )
    })
    return child
  } finally {
    for (const descriptor of handed) closeSync(descriptor)
  }
}

/** Wait for `event`, but no longer than this. */
export async function within(milliseconds: number, event: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([event, new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)))])
  clearTimeout(timer)
}

/** Send a signal to a process group; a group that is gone is no error. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') child.kill(signal)
  }
}
