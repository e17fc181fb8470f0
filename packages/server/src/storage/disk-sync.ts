import { closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'

/** What was committed, on its way to the disk: whatever waits together is brought there together. */
export interface DiskSync {
  /** Something was committed just now. */
  committed(): void
  /** Resolves once all that was committed so far is on disk. @throws when the disk failed, from then on always */
  settled(): Promise<void>
  /** Like `settled`, for whoever is in no hurry: the disk is asked when somebody else needs it, or shortly. */
  eventually(): Promise<void>
  /** Bring to the disk shortly what nobody waits for. */
  soon(): void
  /** @throws when the disk failed: nothing more may be written, for nobody could say what of it is kept. */
  requireSound(): void
}

/** How long a step on the way to another one waits for that one, whose way to the disk it can share. */
const SHORTLY_MS = 5

/**
 * The system's call waits in a thread of its own; what is committed meanwhile goes with the next.
 *
 * @param shortly does something that nobody waits for a little later
 */
export function createDiskSync(sync: () => Promise<void>, shortly: (work: () => void) => void = afterAWhile): DiskSync {
  let committed = 0
  let onDisk = 0
  let running: Promise<void> | null = null
  let isDue = false
  let failure: { readonly error: unknown } | null = null
  /** Who is in no hurry, oldest first. */
  let patient: { readonly wanted: number; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] =
    []

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
    answerThePatient()
  }

  function answerThePatient(): void {
    if (patient.length === 0) return
    const all = patient
    patient = []
    for (const one of all) {
      if (onDisk >= one.wanted) one.resolve()
      else if (failure) one.reject(failure.error)
      else patient.push(one)
    }
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

  function soon(): void {
    if (isDue) return
    isDue = true
    const wanted = committed
    shortly(() => {
      isDue = false
      // Mostly somebody in a hurry has taken it along; what came after has its own while to wait.
      if (onDisk >= wanted && onDisk < committed) soon()
      // A failure is told to whoever comes next.
      else settled().catch(() => {})
    })
  }

  return {
    committed: () => void committed++,
    settled,
    eventually() {
      const wanted = committed
      if (onDisk >= wanted) return Promise.resolve()
      if (failure) return Promise.reject(failure.error)
      soon()
      return new Promise((resolve, reject) => patient.push({ wanted, resolve, reject }))
    },
    soon,
    requireSound,
  }
}

const afterAWhile = (work: () => void) => void setTimeout(work, SHORTLY_MS).unref()

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
