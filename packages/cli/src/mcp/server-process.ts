import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CliError } from '../errors.ts'

/** How long a server has to end by itself once its input has ended, and again when it is asked to. */
export const GRACE_MS = 2000
const STDERR_KEPT = 4096

/** What this command is given and its server is not. */
const OWN_SECRETS = ['LICTOR_API_KEY', 'LICTOR_TOKEN', 'LICTOR_PASSWORD', 'LICTOR_MASTER_KEY']

/** What ends those that still run: none outlives this process. */
const running = new Set<() => void>()
const killRunning = () => {
  for (const kill of running) kill()
}

interface Pressure {
  full(): void
  free(): void
}

export interface McpProcess {
  write(text: string): void
  /** Bytes that it has not taken yet. */
  unread(): number
  /** Its output from now on. */
  onOutput(take: (chunk: Buffer) => void): void
  /** Its input can take no more, and then again can. */
  onPressure(told: Pressure): void
  /** How it ended, with what it last wrote on standard error. Never rejects. */
  readonly ended: Promise<{ readonly code: number; readonly reason: string }>
  /** End it with all it started: its input ends, then it is asked to, then it is made to. */
  end(): Promise<void>
}

/**
 * Start an MCP server with the whole environment but this command's own secrets: servers are configured by it.
 * @throws CliError when there is no such command
 */
export async function startMcpProcess(
  command: readonly string[],
  options: {
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly workingDirectory: string
    /** What the server writes on standard error, as it comes. */
    readonly stderr: NodeJS.WritableStream & { readonly writableNeedDrain?: boolean }
  },
): Promise<McpProcess> {
  const [program = '', ...parameters] = command
  const env = Object.fromEntries(Object.entries(options.environment).filter(([name]) => !OWN_SECRETS.includes(name)))
  // A group of its own, so that what it starts ends with it.
  const child = spawn(program, parameters, { cwd: options.workingDirectory, env, stdio: 'pipe', detached: true })
  let said = Buffer.alloc(0)
  child.stdin.on('error', () => {})
  child.stdout.on('error', () => {})
  child.stderr.on('error', () => {})
  child.stderr.on('data', (chunk: Buffer) => {
    said = Buffer.concat([said, chunk.subarray(-STDERR_KEPT)]).subarray(-STDERR_KEPT)
    // Nobody may read it: what does not fit is dropped, so that the server is never held up by it.
    if (!options.stderr.writableNeedDrain) options.stderr.write(chunk)
  })
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new CliError('no_command', `The server cannot be started: ${(cause as Error).message}`, {
      hint: `Is '${program}' installed, and in PATH?`,
      cause,
    })
  }
  const signal = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name)
    } catch {
      // There is nobody left.
    }
  }
  const killAll = () => signal('SIGKILL')
  if (running.size === 0) process.once('exit', killRunning)
  running.add(killAll)
  let isOver = false
  let pressure: Pressure | null = null
  const ended = new Promise<{ code: number; reason: string }>((resolve) => {
    child.once('exit', () => {
      // What it started does not outlive it. One that left the group may hold the pipes open: they are not waited for.
      killAll()
      setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, GRACE_MS).unref()
    })
    child.once('close', (code, by) => {
      isOver = true
      running.delete(killAll)
      if (running.size === 0) process.off('exit', killRunning)
      const tail = said.toString('utf8').trim()
      const how = by === null ? `exit code ${code}` : `signal ${by}`
      resolve({ code: code ?? 1, reason: `The server ended (${how})${tail === '' ? '' : `; it last wrote: ${tail}`}.` })
    })
  })
  const isOverWithin = async (milliseconds: number) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds)
    })
    await Promise.race([ended, late])
    clearTimeout(timer)
    return isOver
  }

  return {
    ended,
    write(text) {
      if (!child.stdin.write(text)) pressure?.full()
    },
    unread: () => child.stdin.writableLength,
    onOutput(take) {
      child.stdout.on('data', take)
    },
    onPressure(told) {
      pressure = told
      child.stdin.on('drain', told.free)
    },
    async end() {
      child.stdin.end()
      if (await isOverWithin(GRACE_MS)) return
      signal('SIGTERM')
      if (await isOverWithin(GRACE_MS)) return
      killAll()
      await ended
    },
  }
}
