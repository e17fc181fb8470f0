import { closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'

/** What was committed, on its way to the disk: whatever waits together is brought there together. */
export interface DiskSync {
  /** Something was committed just now. */
  committed(): void
  /** Resolves once all that was committed so far is on disk. @throws when the disk failed, from then on always */
  settled(): Promise<void>
  /** Bring to the disk shortly what nobody waits for. */
  soon(): void
  /** @throws when the disk failed: nothing more may be written, for nobody could say what of it is kept. */
  requireSound(): void
}

/** The system's call waits in a thread of its own; what is committed meanwhile goes with the next. */
export function createDiskSync(sync: () => Promise<void>): DiskSync {
  let committed = 0
  let onDisk = 0
  let running: Promise<void> | null = null
  let isDue = false
  let failure: { readonly error: unknown } | null = null

  async function run(): Promise<void> {
    const covered = committed
    try {
      await sync()
      onDisk = covered
    } catch (error) {
      // The system forgets what it could not write: another call would succeed, and what is lost would pass for kept.
      failure = { error }
    }
    running = null
  }

  function requireSound(): void {
    if (failure) throw failure.error
  }

  async function settled(): Promise<void> {
    const wanted = committed
    while (onDisk < wanted) {
      requireSound()
      running ??= run()
      await running
    }
  }

  return {
    committed: () => void committed++,
    settled,
    soon() {
      if (isDue) return
      isDue = true
      // Several steps of one turn of the event loop go together, often with the one that is waited for.
      setImmediate(() => {
        isDue = false
        // A failure is told to whoever comes next.
        settled().catch(() => {})
      })
    },
    requireSound,
  }
}

const toDisk = promisify(fdatasync)

/** Brings a file to the disk. */
export interface FileSync {
  sync(): Promise<void>
  close(): void
}

/** @param path of a file that exists by the first call */
export function fileSync(path: () => string): FileSync {
  let file: number | null = null
  let isClosed = false
  return {
    async sync() {
      // SQLite itself has brought everything to the disk by then.
      if (isClosed) return
      // Windows lets only writers do it.
      file ??= openSync(path(), 'r+')
      await toDisk(file)
    },
    close() {
      isClosed = true
      if (file !== null) closeSync(file)
    },
  }
}
