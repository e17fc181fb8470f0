import { existsSync } from 'node:fs'
import type { Logger } from 'pino'
import type { InstanceLimits } from '../../ports/sandbox.ts'
import type { ControlGroups } from './cgroups.ts'

/**
 * Writable memory an interpreter takes for itself before it runs anything: Node sets aside close to 700 MiB of address space
 * that it never touches but that counts as writable.
 */
const INTERPRETER_MEMORY = 1024 ** 3
const OPEN_FILES = 4096
const PROCESSES = 512

const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((path) => existsSync(path)) ?? null
// The shell of Debian closes no descriptor beyond 9; bash does, and so does the shell of Alpine.
const shell = ['/bin/bash', '/usr/bin/bash', '/bin/sh'].find((path) => existsSync(path)) ?? null

/** Whether limits on memory and files of each process hold on this machine. */
export const areLimitsEnforced = prlimit !== null

/** The first descriptor that a program is handed beside its three streams. */
export const FIRST_HANDED = 3

export const processesOf = (limits: InstanceLimits): number => limits.processes ?? PROCESSES
export const workspaceLimitOf = (limits: InstanceLimits): number => limits.workspace ?? limits.fileSize

/**
 * Joins the control groups, closes every descriptor this server itself was started with, and becomes the program. It takes:
 * how many descriptors are handed on, the files by which groups are joined, `--`, the program. What fails ends it before the
 * program runs.
 */
const ENTER = `
last=$(($1 + 2)); shift
while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift
for open in /proc/$$/fd/* /dev/fd/*; do
  number=\${open##*/}
  case $number in *[!0-9]*) continue ;; esac
  if [ "$number" -gt "$last" ]; then eval "exec $number>&-" || exit 125; fi
done
exec /usr/bin/env -u _ -u SHLVL -u OLDPWD "$@"`

/**
 * The command line by which a program starts as a member of control groups and with no descriptor but its three streams and
 * those handed on. Node starts programs with whatever descriptors it was itself started with.
 */
export function enterCommand(entrances: readonly string[], handed: number): string[] {
  if (process.platform === 'win32' || shell === null) return []
  // Without `-p` bash would run the file that a variable of the agent names, outside the sandbox.
  const isBash = shell.endsWith('bash')
  return [shell, ...(isBash ? ['-p'] : []), '-c', ENTER, 'enter', String(handed), ...entrances, '--']
}

/**
 * The command line that puts these limits on what follows it; empty where the machine has no `prlimit`. They hold for each
 * process, not for all of them together.
 * @param countProcesses only where the instance is a user of its own; otherwise the machine's user would be counted whole
 */
export function limitCommand(limits: InstanceLimits, countProcesses: boolean): string[] {
  if (prlimit === null) return []
  return [
    prlimit,
    `--data=${limits.memory + INTERPRETER_MEMORY}`,
    `--fsize=${limits.fileSize}`,
    `--nofile=${OPEN_FILES}`,
    '--core=0',
    ...(countProcesses ? [`--nproc=${processesOf(limits)}`] : []),
  ]
}

/**
 * Say once which limits of agents, or of other programs, do not hold on this machine, and what to grant.
 * @param countsProcesses whether processes are limited also without control groups
 */
export function warnOfLimits(deps: {
  whose: string
  groups: Pick<ControlGroups, 'problems'>
  countsProcesses: boolean
  logger: Pick<Logger, 'warn'>
}): void {
  const { whose, groups, countsProcesses, logger } = deps
  const { memory, processes, cpu } = groups.problems
  const unenforced = [
    ...(memory === undefined ? [] : ['memory of all processes together', 'shared memory']),
    ...(processes === undefined || countsProcesses ? [] : ['number of processes']),
    ...(cpu === undefined ? [] : ['processor time']),
    ...(areLimitsEnforced ? [] : ['memory of a process', 'size of a file', 'open files of a process']),
  ]
  if (unenforced.length === 0) return
  logger.warn(
    { unenforced, reasons: { ...groups.problems, ...(areLimitsEnforced ? {} : { prlimit: 'util-linux is missing' }) } },
    `limits of ${whose} do not hold here. Grant control groups, and install util-linux: docs/operations.md, "Limits of agents"`,
  )
}
