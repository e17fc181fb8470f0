import type { Logger } from 'pino'
import type { Part } from '../../part.ts'
import type { Blobs } from '../../ports/blobs.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import type { FileStore, Pending } from './file-store.ts'
import { beyondCredit } from './files.ts'
import type { VolumeStore } from './store.ts'
import type { Volume } from './volume.ts'

export const SWEEP_MS = 300_000
/** An upload that gave no sign for so long is nobody's any more. */
const FORGOTTEN_MS = 3_600_000
const BLOBS_AT_ONCE = 500

/** Removes what is over: ephemeral volumes after their time, uploads whose server died, blobs that nothing names. */
export interface Sweeper extends Part {
  /** Remove blobs that nothing names, soon. */
  collect(): void
  sweep(): Promise<void>
}

export function createSweeper(deps: {
  database: Database
  volumeStore: VolumeStore
  store: FileStore
  blobs: Blobs
  clock: Clock
  logger: Pick<Logger, 'warn' | 'info'>
  /** Names this server, and stays with its data folder. */
  owner: string
  workers: { every(name: string, milliseconds: number, turn: () => Promise<void>): void }
  /** An ephemeral volume goes, in this transaction. */
  onExpired: (volume: Volume, within: Queryable) => Promise<void>
}): Sweeper {
  const { database, volumeStore, store, blobs, clock, logger, workers, owner, onExpired } = deps
  const begunAt = microsOf(clock.now())
  let collecting: Promise<void> | null = null
  let isAsked = false
  let giving: Promise<void> | null = null

  async function collectAll(): Promise<void> {
    for (;;) {
      const keys = await store.listGarbage(BLOBS_AT_ONCE)
      if (keys.length === 0) return
      const gone: string[] = []
      try {
        for (const key of keys) {
          await blobs.delete(key)
          gone.push(key)
        }
      } finally {
        await store.removeGarbage(gone)
      }
    }
  }

  function collect(): void {
    isAsked = true
    collecting ??= (async () => {
      while (isAsked) {
        isAsked = false
        // What fails stays listed, and is tried again with the next sweep.
        await collectAll().catch((err: unknown) =>
          logger.warn({ err }, 'files that were deleted still take their room'),
        )
      }
      collecting = null
    })()
  }

  async function giveUp(upload: Pending): Promise<void> {
    await database.db.transaction().execute(async (within) => {
      await volumeStore.lock(upload.volumeId, within)
      const pending = await store.findUpload(upload.id, within)
      if (!pending) return
      await store.deleteUpload(upload.id, within)
      await volumeStore.count(upload.volumeId, { used: 0, reserved: -beyondCredit(pending.held, pending) }, within)
      await store.addGarbage([upload.blobKey], microsOf(clock.now()), within)
    })
  }

  async function giveUpForgotten(): Promise<void> {
    for (const upload of await store.listForgotten(microsOf(clock.now() - FORGOTTEN_MS))) await giveUp(upload)
  }

  /** What an earlier process of this server was receiving when it was ended: nobody sends the rest of it. */
  async function giveUpOwn(): Promise<void> {
    const left = await store.listBegunBy(owner, begunAt)
    for (const upload of left) {
      await giveUp(upload)
      await blobs.reap(Number.POSITIVE_INFINITY, upload.blobKey)
    }
    if (left.length > 0) collect()
  }

  async function removeExpired(): Promise<void> {
    for (const volume of await volumeStore.listExpired(microsOf(clock.now()))) {
      await database.db.transaction().execute(async (within) => {
        const locked = await volumeStore.lock(volume.id, within)
        if (!locked || locked.isAttached) return
        await volumeStore.delete(volume.id, microsOf(clock.now()), within)
        await onExpired(volume, within)
      })
    }
  }

  async function sweep(): Promise<void> {
    await removeExpired()
    await giveUpForgotten()
    await blobs.reap(clock.now() - FORGOTTEN_MS)
    collect()
    await collecting
  }

  workers.every('volumes', SWEEP_MS, sweep)
  return {
    collect,
    sweep,
    start() {
      giving = giveUpOwn().catch((err: unknown) =>
        logger.warn({ err }, 'uploads that were cut off by the end of this server are given up in an hour'),
      )
    },
    async stop() {
      await giving
      await collecting
    },
  }
}
