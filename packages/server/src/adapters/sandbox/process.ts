import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../ports/clock.ts'
import { type InstanceSpec, type Sandbox, SandboxError } from '../../ports/sandbox.ts'
import type { ControlGroups } from './cgroups.ts'
import { launch, signalGroup } from './instance.ts'
import { limitCommand } from './limits.ts'

/** Marks every process of an instance, also those that left its process group. */
export const MARK = 'LICTOR_INSTANCE'

/**
 * A plain child process with an environment of its own, limits, and a process tree that is ended whole. It keeps an honest
 * program in its folder; it does not hold back one that means harm: files and network of the machine are within reach.
 * @param owner names this server among those on the machine, so that it ends only its own leftovers
 * @param programs where the interpreters are, for example `{ node: process.execPath, python: 'python3' }`
 */
export function processSandbox(deps: {
  owner: string
  programs: { readonly node: string; readonly python: string }
  path: string
  groups: ControlGroups
  clock: Clock
}): Sandbox {
  const { owner, programs, path, groups, clock } = deps
  return {
    name: 'process',
    isolation: { files: false, network: false, processes: false },
    hasImages: false,
    workspaceOf: (folder) => folder,
    gatewayOf: (gateway) => gateway.address,
    start(spec) {
      const mark = `${owner}/${spec.id}`
      const [command = '', ...args] = [
        ...limitCommand(spec.limits, false),
        programs[spec.interpreter],
        ownScriptOf(spec) ?? spec.script,
        ...spec.args,
      ]
      if (command === '') throw new SandboxError(`There is no ${spec.interpreter} on this machine.`)
      return launch(spec, {
        groups,
        clock,
        command,
        args,
        cwd: spec.workspace,
        env: { ...spec.env, PATH: path, HOME: spec.workspace, TMPDIR: spec.workspace, LANG: 'C.UTF-8', [MARK]: mark },
        terminate: (child) => signalGroup(child, 'SIGTERM'),
        async destroy(child) {
          signalGroup(child, 'SIGKILL')
          await killMarked((value) => value === mark)
        },
      })
    },
    // A process found in a group is not counted again by its mark.
    reap: async () => (await groups.reap()) + (await killMarked((value) => value.startsWith(`${owner}/`))),
  }
}

/** Nothing is mounted here: what the agent knows as its workspace is that folder. */
function ownScriptOf({ ownScript, workspace }: InstanceSpec): string | undefined {
  return ownScript?.startsWith('/workspace/') ? join(workspace, ownScript.slice('/workspace/'.length)) : ownScript
}

/** End every process whose environment bears a mark like this; how many there were. Only Linux shows environments. */
export async function killMarked(matches: (mark: string) => boolean): Promise<number> {
  if (process.platform !== 'linux') return 0
  let killed = 0
  // What forks while it is being ended is met in the next round.
  for (let round = 0; round < 5; round++) {
    const found = await markedProcesses(matches)
    if (found.length === 0) break
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL')
        killed++
      } catch {
        // Ended by itself meanwhile.
      }
    }
  }
  return killed
}

async function markedProcesses(matches: (mark: string) => boolean): Promise<number[]> {
  const prefix = `${MARK}=`
  const candidates = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const marked = await Promise.all(
    candidates.map(async (pid) => {
      const environment = await environmentOf(pid)
      const mark = environment.split('\0').find((entry) => entry.startsWith(prefix))
      return mark !== undefined && matches(mark.slice(prefix.length)) ? Number(pid) : null
    }),
  )
  return marked.filter((pid) => pid !== null)
}

async function environmentOf(pid: string): Promise<string> {
  for (let look = 0; look < 3; look++) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    if (environment !== '') return environment
    // Empty for a moment while one program takes the other's place; for ever with the kernel's own threads, which have none.
    const program = await readlink(`/proc/${pid}/exe`).catch(() => null)
    if (program === null) return ''
  }
  return ''
}
