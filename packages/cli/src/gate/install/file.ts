import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { CliError } from '../../errors.ts'

/** The text of a file; null where there is none. */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new CliError('not_read', `${path} cannot be read: ${message}.`, { cause: error })
  }
}

/**
 * Replaces a file in one step, through links to where it is, with the mode it has. A reader sees the old text or the new, and
 * whoever ends this process leaves one of them.
 */
export function replaceFile(path: string, text: string, mode: number): void {
  try {
    const place = targetOf(path)
    const draft = `${place}.${process.pid}.draft`
    const kept = statSync(place, { throwIfNoEntry: false })
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 })
    try {
      const file = openSync(draft, 'wx', kept === undefined ? mode : kept.mode & 0o777)
      try {
        // The mask of the process does not count for a file that is replaced.
        chmodSync(draft, kept === undefined ? mode : kept.mode & 0o777)
        writeSync(file, text)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(draft, place)
    } catch (error) {
      rmSync(draft, { force: true })
      throw error
    }
  } catch (error) {
    throw new CliError('not_written', `${path} cannot be written: ${(error as Error).message}.`, { cause: error })
  }
}

function targetOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
