import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const MIB = 1024 * 1024
/** Held back from everything that fills the disk, and given up while a server starts: a start must write a little. */
const RESERVED_BYTES = 4 * MIB
/** With less than this the next changes are refused; a server in this state takes no new work. */
const LEAST_FREE_BYTES = 4 * MIB

/** The room on the disk of the data folder. */
export interface Room {
  /** Bytes that may be written; null where the system does not say. */
  free(): number | null
  isFull(): boolean
  /** Give up what is held back. */
  release(): void
  /** Hold back again, as much of it as there is. */
  reserve(): void
}

export function createRoomOf(dataDir: string, measure: (folder: string) => number | null = freeBytes): Room {
  const file = join(dataDir, 'reserve')
  const free = () => measure(dataDir)
  return {
    free,
    isFull() {
      const bytes = free()
      return bytes !== null && bytes < LEAST_FREE_BYTES
    },
    release: () => rmSync(file, { force: true }),
    reserve() {
      const descriptor = openSync(file, 'w', 0o600)
      const block = Buffer.alloc(64 * 1024)
      try {
        for (let written = 0; written < RESERVED_BYTES; ) written += writeSync(descriptor, block)
      } catch (error) {
        if (!isStorageFull(error)) throw error
      } finally {
        closeSync(descriptor)
      }
    },
  }
}

function freeBytes(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return null
  }
}

/** SQLITE_FULL, and SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log. */
const sqliteFull = new Set([13, 4874])

/** Whether `error` says that a disk has no room left: of a file, of SQLite, or of PostgreSQL (53100). */
export function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return (
    code === 'ENOSPC' ||
    code === 'EDQUOT' ||
    code === '53100' ||
    (typeof errcode === 'number' && sqliteFull.has(errcode))
  )
}
