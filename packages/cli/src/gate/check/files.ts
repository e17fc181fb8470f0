import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/**
 * The bytes of a file; null where there is none. One that is there and cannot be read is an error, and refuses. Only files are
 * read: a pipe in the place of one would hold the gate, and its deadline with it, until somebody writes.
 */
export function bytesOf(path: string): Uint8Array | null {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
  try {
    if (!fstatSync(file).isFile()) throw new Error(`${path} is no file`)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}
