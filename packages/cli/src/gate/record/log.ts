import { closeSync, constants, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)

/**
 * Appends one line in one write, so that checks at the same time do not mix. A link in place of the file is not followed. A file
 * that has grown too large gives its place to a new one, and one of its kind is kept.
 */
export function appendLine(path: string, line: string, maxBytes: number): void {
  const file = openAppending(path)
  let size: number
  try {
    writeSync(file, `${line}\n`)
    size = fstatSync(file).size
  } finally {
    closeSync(file)
  }
  if (size >= maxBytes) renameSync(path, `${path}.1`)
}

function openAppending(path: string): number {
  try {
    return openSync(path, APPEND, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    return openSync(path, APPEND, 0o600)
  }
}
