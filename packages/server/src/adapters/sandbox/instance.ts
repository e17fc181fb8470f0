import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { type Instance, type InstanceExit, type InstanceSpec, SandboxError } from '../../ports/sandbox.ts'

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
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Ask the process to end. */
  terminate(child: ChildProcess): void
  /** End it and all it started; called also after it ended by itself. */
  destroy(child: ChildProcess): Promise<void>
}

/** Start a process, feed it, keep the end of what it writes, and see to its end. */
export async function launch(spec: InstanceSpec, how: Launch): Promise<Instance> {
  const child = spawn(how.command, how.args, {
    cwd: how.cwd,
    env: how.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  const stdout = new Tail(spec.limits.output)
  const stderr = new Tail(spec.limits.output)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(new SandboxError(`'${how.command}' could not be started (${error.code ?? error.message}).`)),
    )
  })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  child.stdin.end(spec.input)
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))

  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const exited = new Promise<number>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0))),
  ).then(async (code): Promise<InstanceExit> => {
    await how.destroy(child)
    await within(PIPE_GRACE_MS, closed)
    child.stdout.destroy()
    child.stderr.destroy()
    return { code, stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.isCut || stderr.isCut }
  })

  return {
    id: spec.id,
    exited,
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

/** Wait for `event`, but no longer than this. */
async function within(milliseconds: number, event: Promise<unknown>): Promise<void> {
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
