import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { constants } from 'node:os'
import type { ServerProcess } from '@lictor/mcp'
import type { Logger } from 'pino'
import type { Clock } from '../../ports/clock.ts'
import type { McpProcesses } from '../../ports/mcp-processes.ts'
import { type ControlGroups, noControlGroups, openControlGroups } from '../sandbox/cgroups.ts'
import { signalGroup, startProcess } from '../sandbox/instance.ts'
import { limitCommand, warnOfLimits } from '../sandbox/limits.ts'
import { killMarked, MARK } from '../sandbox/process.ts'

/** How long a server has to end by itself when nothing comes any more, and again when it is asked to. */
const GRACE_MS = 2000
const LARGEST_FILE = 16 * 1024 ** 3
/** What a server is given of this process's environment: its own variables are named in the settings. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'LANG', 'TZ']

/**
 * MCP servers as processes of this machine: each in a group and, where they are granted, a control group of its own, with an
 * environment made from nothing. What one started is found by a mark and ended with it.
 * @param owner names this server among those on the machine, so that it ends only its own leftovers
 */
export function createMcpProcesses(deps: { owner: string; groups: ControlGroups; clock: Clock }): McpProcesses {
  const { owner, groups, clock } = deps
  const prefix = `${owner}/mcp/`
  const inherited = Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])),
  )

  let starts = 0

  return {
    async start({ id, command, args, env, cwd, memory, cpu }) {
      // What one process left is still being ended while the next one starts.
      const name = `${id}-${++starts}`
      const group = groups.create(`mcp-${name}`, { memory, processes: 512, cpu })
      const mark = prefix + name
      const [program = command, ...rest] = [
        ...limitCommand({ memory, fileSize: LARGEST_FILE, output: 0 }, false),
        command,
        ...args,
      ]
      const child = await startProcess(
        {
          command: program,
          args: rest,
          env: { ...inherited, ...env, [MARK]: mark },
          cwd,
        },
        group.entrances,
      ).catch(async (error: unknown) => {
        await group.end()
        throw error
      })
      const exited = howItEnded(child)
      let ending: Promise<void> | null = null
      const sweep = async () => {
        signalGroup(child, 'SIGKILL')
        await killMarked((value) => value === mark)
        await group.end()
      }
      // What it started does not outlive it, however it ended.
      void exited.then(sweep).catch(() => {})
      return {
        ...streamsOf(child),
        pid: child.pid ?? null,
        exited,
        end() {
          ending ??= (async () => {
            child.stdin.end()
            if (!(await within(clock, GRACE_MS, exited))) {
              signalGroup(child, 'SIGTERM')
              await within(clock, GRACE_MS, exited)
            }
            await sweep()
            await exited
            child.stdout.destroy()
            child.stderr.destroy()
          })()
          return ending
        },
      }
    },
    reap: () => killMarked((value) => value.startsWith(prefix)),
  }
}

/** On this machine, within what it grants. */
export const openMcpProcesses = (deps: { owner: string; clock: Clock; logger: Pick<Logger, 'warn'> }): McpProcesses => {
  let opened: McpProcesses | null = null
  // Control groups are tried out when the first server starts: most nodes have none to start.
  const processes = () => {
    if (opened) return opened
    const groups = process.platform === 'linux' ? openControlGroups(deps) : noControlGroups
    warnOfLimits({ whose: 'MCP servers', groups, countsProcesses: false, logger: deps.logger })
    opened = createMcpProcesses({ ...deps, groups })
    return opened
  }
  return { start: (spec) => processes().start(spec), reap: () => processes().reap() }
}

const streamsOf = ({
  stdin,
  stdout,
  stderr,
}: ChildProcessWithoutNullStreams): Omit<ServerProcess, 'exited' | 'end'> => ({
  stdin,
  stdout,
  stderr,
})

const howItEnded = (child: ChildProcessWithoutNullStreams): Promise<string> =>
  new Promise((resolve) =>
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}, ${128 + constants.signals[signal]}`),
    ),
  )

/** Whether it came to pass in this time. */
function within(clock: Clock, milliseconds: number, event: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(milliseconds, () => resolve(false))
    void event.then(() => {
      cancel()
      resolve(true)
    })
  })
}
