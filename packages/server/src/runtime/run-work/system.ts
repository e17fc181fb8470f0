import { mkdir } from 'node:fs/promises'
import { posix } from 'node:path'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { type Instance, SandboxError } from '../../ports/sandbox.ts'
import { commandScriptPath } from '../bootstrap/index.ts'
import type { Host } from '../host.ts'
import type { Work } from '../interpreter/run.ts'
import type { Outcome } from '../runs/engine.ts'

const LONGEST_SECONDS = 600
const OUTPUT_BYTES = 1024 ** 2
const GRACE_MS = 1_000
const limits = { memory: 512 * 1024 ** 2, cpu: 1000, fileSize: 1024 ** 3, output: OUTPUT_BYTES }
const image = { name: 'docker.io/library/node:20-alpine', pullPolicy: 'IfNotPresent' } as const

/**
 * Run the command of a System state by `sh -c`: in a sandbox of its own, on the folder of the run, without a network and without
 * anything of this server. @throws Error, which the state fails with
 */
export async function workSystem(
  deps: {
    readonly host: Pick<Host, 'sandboxFor' | 'gateway'>
    readonly clock: Clock
    readonly random: Random
    /** The folder that is the run's, which its commands share. */
    readonly workspace: string
  },
  { command, env, workdir }: Extract<Work, { kind: 'System' }>,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const { host, clock, random, workspace } = deps
  const below = belowWorkspace(workdir)
  await mkdir(workspace, { recursive: true, mode: 0o700 })
  const sandbox = await host.sandboxFor('inherit')
  const startedAt = clock.now()
  let instance: Instance | null = null
  let isOver = false
  try {
    instance = await sandbox.start({
      id: random.uuid(),
      interpreter: 'node',
      script: commandScriptPath,
      args: [],
      input: JSON.stringify({ command, workdir: posix.join(sandbox.workspaceOf(workspace), below) }),
      env,
      workspace,
      gateway: host.gateway(),
      proxy: null,
      limits,
      image,
      signal,
    })
    const running = instance
    const end = () => void running.stop(GRACE_MS)
    const cancelTimer = clock.after(LONGEST_SECONDS * 1000, () => {
      isOver = true
      end()
    })
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    const { code, stdout, stderr } = await running.exited.finally(() => {
      cancelTimer()
      signal.removeEventListener('abort', end)
    })
    if (signal.aborted) return null
    if (isOver) throw new Error(`The command took longer than ${LONGEST_SECONDS} seconds.`)
    return {
      type: 'state_completed',
      result: { kind: 'System', exitCode: code, stdout, stderr, durationMs: clock.now() - startedAt },
    }
  } catch (error) {
    if (error instanceof SandboxError) throw new Error(`The command could not be run: ${error.message}`)
    throw error
  } finally {
    await instance?.stop(0)
  }
}

/** Where a command works, from the workspace on. @throws Error for what lies outside */
function belowWorkspace(workdir: string): string {
  const absolute = posix.resolve('/workspace', workdir)
  if (absolute === '/workspace') return '.'
  if (absolute.startsWith('/workspace/')) return absolute.slice('/workspace/'.length)
  throw new Error(`workdir '${workdir}' lies outside /workspace.`)
}
