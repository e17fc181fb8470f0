import { chmod, mkdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { parseSize, parseWorkflowDuration } from '@lictor/aegis'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Instance, SandboxError } from '../../ports/sandbox.ts'
import type { Places } from '../executions/places.ts'
import type { Host } from '../host.ts'
import type { ContainerFailure, ContainerResult, ContainerWork, Work } from '../interpreter/run.ts'
import type { Outcome } from '../runs/engine.ts'

const OUTPUT_BYTES = 1024 ** 2
const GRACE_MS = 1_000
const LONGEST_PAUSE_SECONDS = 30
const usual = { memory: 512 * 1024 ** 2, cpu: 1000, fileSize: 1024 ** 3 }
/** As the sandbox says that a container used more than it may. */
const outOfMemory = /A process was ended: together they used more than \d+ bytes of memory\./
const DISK_CODE = 153

/** What containers of states run on. */
export interface ContainerDeps {
  readonly host: Pick<Host, 'sandboxFor' | 'gateway'>
  readonly places: Places
  readonly clock: Clock
  readonly random: Random
  /** The folder that is the run's: every container of it sees it as its workspace. */
  readonly workspace: string
}

/** The container of a ContainerRun state; begun again where it could not be begun, never for its exit code. */
export async function workContainer(
  deps: ContainerDeps,
  { step, state }: Extract<Work, { kind: 'ContainerRun' }>,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const most = Math.max(1, state.retry?.max_attempts ?? 1)
  const options = { pullPolicy: state.image_pull_policy ?? 'IfNotPresent', user: state.run_as_user ?? null } as const
  for (let attempts = 1; ; attempts++) {
    const result = await runContainer(deps, step, options, signal)
    if (signal.aborted) return null
    if (result.exitCode !== null || attempts >= most)
      return { type: 'state_completed', result: { kind: 'ContainerRun', name: step.name, attempts, ...result } }
    await pause(deps.clock, pauseOf(attempts, state.retry?.backoff), signal)
    if (signal.aborted) return null
  }
}

/** All containers of a ParallelContainerRun state at once. */
export async function workContainers(
  deps: ContainerDeps,
  { steps, completion }: Extract<Work, { kind: 'ParallelContainerRun' }>,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const options = { pullPolicy: 'IfNotPresent', user: null } as const
  const results = await Promise.all(
    steps.map(async (step) => [step.name, await runContainer(deps, step, options, signal)] as const),
  )
  if (signal.aborted) return null
  return {
    type: 'state_completed',
    result: { kind: 'ParallelContainerRun', steps: Object.fromEntries(results), completion },
  }
}

async function runContainer(
  { host, places, clock, random, workspace }: ContainerDeps,
  { image, command, env, workdir, timeoutSeconds, step }: ContainerWork,
  { pullPolicy, user }: { readonly pullPolicy: 'Always' | 'IfNotPresent' | 'Never'; readonly user: string | null },
  signal: AbortSignal,
): Promise<ContainerResult> {
  const place = await places.take(signal)
  const startedAt = clock.now()
  let instance: Instance | null = null
  let isOver = false
  const ended = (result: Partial<ContainerResult>): ContainerResult => ({
    exitCode: null,
    stdout: '',
    stderr: '',
    durationMs: clock.now() - startedAt,
    ...result,
  })
  try {
    await mkdir(workspace, { recursive: true, mode: 0o700 })
    // Another user of a container looks at the files of the run; what lies above them stays closed to everybody else.
    await chmod(workspace, user === null ? 0o700 : 0o755)
    const sandbox = await host.sandboxFor('docker')
    const { memory } = step.resources ?? {}
    instance = await sandbox.start({
      id: random.uuid(),
      interpreter: 'node',
      script: '',
      args: [],
      input: '',
      env,
      workspace,
      gateway: host.gateway(),
      proxy: null,
      limits: {
        ...usual,
        memory: (memory === undefined ? undefined : parseSize(memory)) ?? usual.memory,
        cpu: step.resources?.cpu ?? usual.cpu,
        output: OUTPUT_BYTES,
      },
      image: { name: image, pullPolicy },
      program: { command, workdir: posix.resolve('/workspace', workdir ?? '.'), user },
      signal,
    })
    const running = instance
    const end = () => void running.stop(GRACE_MS)
    const cancelTimer = clock.after(timeoutSeconds * 1000, () => {
      isOver = true
      end()
    })
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    const { code, stdout, stderr } = await running.exited.finally(() => {
      cancelTimer()
      signal.removeEventListener('abort', end)
    })
    return ended({
      exitCode: code,
      stdout,
      stderr,
      failure: isOver ? expired(timeoutSeconds) : exhausted(code, stderr),
    })
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error
    return ended({
      stderr: error.message,
      failure:
        error.about === 'image'
          ? { kind: 'ImagePullFailed', image, error: error.message }
          : { kind: 'ResourceExhausted', detail: error.message },
    })
  } finally {
    await instance?.stop(0)
    place.giveBack()
  }
}

const expired = (timeout_secs: number): ContainerFailure => ({ kind: 'TimeoutExpired', timeout_secs })

function exhausted(code: number, stderr: string): ContainerFailure | null {
  const said = outOfMemory.exec(stderr.slice(-500))?.[0]
  if (said !== undefined) return { kind: 'ResourceExhausted', detail: said }
  return code === DISK_CODE ? { kind: 'ResourceExhausted', detail: 'The workspace takes more disk than it may.' } : null
}

/** Seconds before a container is begun again: doubling from what the manifest says, else one more each time. */
export function pauseOf(attempts: number, backoff: string | undefined): number {
  const written = backoff === undefined ? undefined : parseWorkflowDuration(backoff)
  return written === undefined ? Math.min(attempts, LONGEST_PAUSE_SECONDS) : written * 2 ** (attempts - 1)
}

function pause(clock: Clock, seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(seconds * 1000, resolve)
    const giveUp = () => {
      cancel()
      resolve()
    }
    signal.addEventListener('abort', giveUp, { once: true })
    if (signal.aborted) giveUp()
  })
}
