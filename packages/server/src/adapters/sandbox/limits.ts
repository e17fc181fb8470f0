import { existsSync } from 'node:fs'
import type { InstanceLimits } from '../../ports/sandbox.ts'

/**
 * Writable memory an interpreter takes for itself before it runs anything: Node sets aside close to 700 MiB of address space
 * that it never touches but that counts as writable.
 */
const INTERPRETER_MEMORY = 1024 ** 3
const OPEN_FILES = 4096
const PROCESSES = 512

const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((path) => existsSync(path)) ?? null

/** Whether limits on memory, files and processes hold on this machine. */
export const areLimitsEnforced = prlimit !== null

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
    ...(countProcesses ? [`--nproc=${PROCESSES}`] : []),
  ]
}
