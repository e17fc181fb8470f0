import { accessSync, constants, mkdtempSync, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
/** Room that a run may need: two databases of a test at a time, their files, and what a test that failed leaves. */
const ROOM_BYTES = 4 * 1024 ** 3

/**
 * A new folder for data that a test throws away. In memory where the machine has room there and programs may run from it
 * (Linux): thousands of tests, each on a database of its own, otherwise wait for a disk that none of them asks to be durable.
 * What outlives a process that is killed outlives it there as well.
 */
export const scratchFolder = (prefix: string): string => mkdtempSync(join(root(), prefix))

function root(): string {
  try {
    accessSync(MEMORY, constants.W_OK)
    const { bavail, bsize } = statfsSync(MEMORY)
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .findLast((line) => line.split(' ')[1] === MEMORY)
    const mayRun = mount !== undefined && !mount.split(' ')[3]?.split(',').includes('noexec')
    return mayRun && bavail * bsize >= ROOM_BYTES ? MEMORY : tmpdir()
  } catch {
    return tmpdir()
  }
}
