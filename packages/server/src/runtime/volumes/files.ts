import type { Readable } from 'node:stream'
import type { Logger } from 'pino'
import { Conflict, DomainError, InvalidInput, NotFound } from '../../errors.ts'
import { type Blobs, BlobTooLarge, type ByteRange } from '../../ports/blobs.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import { microsOf } from '../../storage/instants.ts'
import { PathRefused } from '../files/path.ts'
import { sniff } from '../files/sniff.ts'
import { foldersAbove, nameOf, shown, volumePath } from '../files/volume-path.ts'
import { draft, type EventDraft } from '../record/events.ts'
import type { TenantEvents } from '../record/tenant-events.ts'
import { categoryOf, type Violations } from '../violations/violations.ts'
import type { Entry, FileStore, Pending } from './file-store.ts'
import { counted, createMeter, type Meter } from './meter.ts'
import type { VolumeStore } from './store.ts'
import { type Tier, UNLIMITED, type Volume, type VolumeEntry, type VolumeFile } from './volume.ts'
import { missing } from './volumes.ts'

/** A file as it comes. */
export interface Incoming {
  readonly source: AsyncIterable<Uint8Array>
  /** Where it goes, where that is known before its bytes; null where it is said after them. */
  readonly path: string | null
  /** Where it goes, asked when all bytes have come. */
  finalPath(): string
  /** Bytes that it has at least, and at most, where its sender said how much comes; otherwise 0. */
  readonly atLeast: number
  readonly atMost: number
  /** Told of a piece of `source` that is kept: nobody looks at it any more. */
  release?(piece: Uint8Array): void
  /** Throws unless everything has come: a connection that breaks ends some streams as if they were whole. */
  requireWhole?(): void
}

/**
 * Files of volumes. The volume was found for its owner before. Every method refuses a path by the rules of `files/path.ts`, and
 * records the refusal. There are no links in a volume: a path is its own name for what it holds.
 */
export interface VolumeFiles {
  /** The same for what an execution does: what is told of it names the execution. */
  of(executionId: string | null): VolumeFiles
  /** By the bytes of their names. @throws NotFound, InvalidInput for a file. */
  list(
    volume: Volume,
    path: string,
    page: { limit: number; offset: number },
  ): Promise<{ path: string; entries: Entry[] }>
  /** @throws NotFound, InvalidInput for a folder. */
  stat(volume: Volume, path: string): Promise<VolumeFile>
  /** Its bytes for whoever asked for them; when they are out, or nobody takes more, it is told. @throws NotFound, InvalidInput. */
  open(volume: Volume, file: VolumeFile, range?: ByteRange): Promise<Readable>
  /** Its bytes for this server's own use. @throws NotFound */
  read(file: VolumeFile, range?: ByteRange): Promise<Readable>
  /**
   * Keep a file, in the place of one that is there. Until all of it has come the old one is what everybody reads; what is cut off
   * leaves nothing. Room is reserved as bytes come and is exact: together, files and what comes never exceed the volume's limit.
   * @throws InvalidInput, Conflict for a folder in the way, DomainError 413 beyond the tier's largest file, NotFound when the volume
   * is deleted meanwhile, and what the source throws
   */
  write(volume: Volume, incoming: Incoming): Promise<VolumeFile>
  /** With the folders above it; one that is there is as good. @throws InvalidInput, Conflict for a file in the way. */
  mkdir(volume: Volume, path: string): Promise<VolumeEntry>
  /** @throws NotFound, Conflict for a destination that is there, InvalidInput. */
  move(volume: Volume, from: string, to: string): Promise<{ readonly from: string; readonly to: string }>
  /** A folder with all that is in it; the root never. @throws NotFound, InvalidInput. */
  remove(volume: Volume, path: string): Promise<string>
  /** Everything in it, folders before what is in them. */
  all(volume: Volume): Promise<Entry[]>
  /** Remove a file if it still is the one of this blob. */
  removeFile(volume: Volume, path: string, blobKey: string): Promise<void>
  removeFolderIfEmpty(volume: Volume, path: string): Promise<void>
}

const QUOTA = 'storage quota exceeded for tier'
type Operation = 'read' | 'write' | 'delete'

/** What may be a little smaller than is announced may fit all the same. */
const unlessSmaller =
  (atLeast: number, meter: Pick<Meter, 'reserve'>) =>
  async (error: unknown): Promise<void> => {
    if (!(error instanceof DoesNotFit)) throw error
    if (atLeast > 0) await meter.reserve(atLeast)
  }

class DoesNotFit extends Error {
  readonly requested: number
  readonly available: number
  constructor(requested: number, available: number) {
    super(`${requested} bytes were asked for, ${available} are free.`)
    this.requested = requested
    this.available = available
  }
}

export function createVolumeFiles(deps: {
  database: Database
  volumeStore: VolumeStore
  store: FileStore
  blobs: Blobs
  violations: Violations
  events: Pick<TenantEvents, 'add' | 'record'>
  clock: Clock
  random: Random
  logger: Pick<Logger, 'error'>
  tier: Tier
  /** Names this server, and stays with its data folder. */
  owner: string
  /** Blobs may be removed that nothing names any more. */
  collect: () => void
}): VolumeFiles {
  return filesFor(deps, null)
}

function filesFor(deps: Parameters<typeof createVolumeFiles>[0], executionId: string | null): VolumeFiles {
  const { database, volumeStore, store, blobs, violations, events, clock, random, logger, tier, owner, collect } = deps
  const now = () => microsOf(clock.now())
  const executionOf = (volume: Volume) => executionId ?? (volume.owner.kind === 'execution' ? volume.owner.id : null)
  /** What an event of a file or folder says of where it is. */
  const at = (volume: Volume, { path, isFolder = false }: { path: string; isFolder?: boolean }) => ({
    execution_id: executionOf(volume),
    volume_id: volume.id,
    path: shown(path),
    ...(isFolder ? { is_dir: true } : {}),
  })

  async function pathIn(volume: Volume, text: string, operation: Operation): Promise<string> {
    try {
      return volumePath(text)
    } catch (error) {
      if (!(error instanceof PathRefused)) throw error
      await violations.record({
        tenantId: volume.tenantId,
        category: categoryOf(error.problem),
        operation: 'path_traversal',
        volumeId: volume.id,
        executionId: executionOf(volume),
        path: text,
        details: `${error.message} (${operation})`,
      })
      throw new InvalidInput(error.message, 'invalid_path')
    }
  }

  /** Change the files of a volume, one change at a time. @throws NotFound when it is deleted meanwhile. */
  const changing = <T>(
    volume: Volume,
    change: (within: Queryable, tell: (event: EventDraft) => void) => Promise<T>,
  ): Promise<T> =>
    database.db.transaction().execute(async (within) => {
      if (!(await volumeStore.lock(volume.id, within))) throw missing(volume.id)
      const told: EventDraft[] = []
      const made = await change(within, (event) => told.push(event))
      await events.add(volume.tenantId, told, within)
      return made
    })

  async function require(volume: Volume, path: string, within?: Queryable): Promise<Entry> {
    const found = await store.find(volume.id, path, within)
    if (!found) throw new NotFound(`There is no '${shown(path)}' in the volume '${volume.label}'.`, 'file not found')
    return found
  }

  async function makeFolders(
    volume: Volume,
    folders: readonly string[],
    within: Queryable,
    tell: (event: EventDraft) => void,
  ): Promise<void> {
    for (const folder of folders) {
      const there = await store.find(volume.id, folder, within)
      if (there && !there.isFolder) throw new Conflict(`'${shown(folder)}' is a file.`, 'not_a_folder')
      if (there) continue
      await store.insertFolder(volume.id, folder, now(), within)
      tell(draft('file_created', at(volume, { path: folder, isFolder: true })))
    }
  }

  async function refuseQuota(volume: Volume, path: string | null, error: DoesNotFit): Promise<never> {
    await violations.record({
      tenantId: volume.tenantId,
      category: 'quota_exceeded',
      operation: 'quota',
      volumeId: volume.id,
      executionId: executionOf(volume),
      path,
      details: error.message,
      room: { requested: error.requested, available: error.available, limit: volume.sizeLimit },
    })
    throw new InvalidInput(
      `The volume '${volume.label}' may hold ${volume.sizeLimit} bytes: ${error.message} Delete files, or make a larger volume.`,
      QUOTA,
      { requested_bytes: error.requested, available_bytes: error.available },
    )
  }

  const tooLarge = (): DomainError =>
    new DomainError(
      413,
      `upload exceeds tier cap of ${tier.largestFile} bytes`,
      `The file is larger than the ${tier.largestFile} bytes that LICTOR_VOLUME_TIER allows.`,
    )

  /** Promise room for more bytes of an upload; exactly so many. */
  async function hold(volume: Volume, id: string, total: number): Promise<void> {
    await changing(volume, async (within) => {
      const pending = await requirePending(id, within)
      const more = beyondCredit(total, pending) - beyondCredit(pending.held, pending)
      if (!(await volumeStore.count(volume.id, { used: 0, reserved: more }, within)))
        throw new DoesNotFit(total, pending.held + pending.credit + (await volumeStore.free(volume.id, within)))
      await store.touchUpload(id, { held: total }, now(), within)
    })
  }

  async function requirePending(id: string, within: Queryable): Promise<Pending> {
    const pending = await store.findUpload(id, within)
    if (!pending)
      throw new Conflict('The upload stood still for too long and was given up. Send it again.', 'upload_expired')
    return pending
  }

  async function begin(volume: Volume, id: string, blobKey: string, path: string | null): Promise<void> {
    await changing(volume, async (within) => {
      await store.insertUpload({ id, volumeId: volume.id, blobKey, held: 0, credit: 0 }, now(), within)
      if (path === null) return
      const old = await store.find(volume.id, path, within)
      if (old?.isFolder) throw new Conflict(`'${shown(path)}' is a folder.`, 'is_a_folder')
      if (old && !(await store.isCredited(volume.id, path, within)))
        await store.touchUpload(id, { credit: old.size, creditPath: path }, now(), within)
    })
  }

  async function giveUp(volume: Volume, id: string, blobKey: string): Promise<void> {
    await blobs.delete(blobKey).catch(() => {})
    await database.db.transaction().execute(async (within) => {
      await volumeStore.lock(volume.id, within)
      const pending = await store.findUpload(id, within)
      if (!pending) return
      await store.deleteUpload(id, within)
      await volumeStore.count(volume.id, { used: 0, reserved: -beyondCredit(pending.held, pending) }, within)
      // It may have come to be after all; whoever collects finds it, or nothing.
      await store.addGarbage([blobKey], now(), within)
    })
    collect()
  }

  async function keep(volume: Volume, id: string, file: VolumeFile, began: number): Promise<void> {
    await changing(volume, async (within, tell) => {
      const pending = await requirePending(id, within)
      const old = await store.find(volume.id, file.path, within)
      if (old?.isFolder) throw new Conflict(`'${shown(file.path)}' is a folder.`, 'is_a_folder')
      await makeFolders(volume, foldersAbove(file.path), within, tell)
      const held = beyondCredit(pending.held, pending)
      const more = { used: file.size - (old?.size ?? 0), reserved: -held }
      if (!(await volumeStore.count(volume.id, more, within)))
        throw new DoesNotFit(file.size, held + (old?.size ?? 0) + (await volumeStore.free(volume.id, within)))
      await store.put(volume.id, file, within)
      await store.deleteUpload(id, within)
      if (old) await store.addGarbage([old.blobKey], now(), within)
      else tell(draft('file_created', at(volume, file)))
      const written = { offset: 0, bytes_written: file.size, duration_ms: clock.now() - began }
      tell(draft('file_written', { ...at(volume, file), ...written }))
    })
    collect()
  }

  return {
    of: (execution) => filesFor(deps, execution),
    async list(volume, text, page) {
      const path = await pathIn(volume, text, 'read')
      if (path !== '' && !(await require(volume, path)).isFolder)
        throw new InvalidInput(`'${shown(path)}' is a file.`, 'not_a_folder')
      const entries = await store.list(volume.id, path, page)
      const listed = draft('directory_listed', { ...at(volume, { path }), entry_count: entries.length })
      await events.record(volume.tenantId, [listed])
      return { path, entries }
    },
    async stat(volume, text) {
      const path = await pathIn(volume, text, 'read')
      const found = path === '' ? null : await require(volume, path)
      if (!found || found.isFolder) throw new InvalidInput(`'${shown(path)}' is a folder.`, 'is_a_folder')
      return found
    },
    read,
    async open(volume, file, range) {
      const began = clock.now()
      // Nobody waits for its record: the bytes are out.
      return counted(await read(file, range), (bytes) => {
        const went = { offset: range?.start ?? 0, bytes_read: bytes, duration_ms: clock.now() - began }
        events
          .record(volume.tenantId, [draft('file_read', { ...at(volume, file), ...went })])
          .catch((err: unknown) => logger.error({ err, volume_id: volume.id }, 'a file that was read is not recorded'))
      })
    },
    all: (volume) => store.listBelow(volume.id, ''),
    async removeFile(volume, path, blobKey) {
      await changing(volume, async (within, tell) => {
        const found = await store.find(volume.id, path, within)
        if (!found || found.isFolder || found.blobKey !== blobKey) return
        await store.delete(volume.id, [found], now(), within)
        tell(draft('file_deleted', at(volume, found)))
        await volumeStore.count(volume.id, { used: -found.size, reserved: 0 }, within)
      })
      collect()
    },
    async removeFolderIfEmpty(volume, path) {
      await changing(volume, async (within, tell) => {
        const found = await store.find(volume.id, path, within)
        if (!found?.isFolder || (await store.listBelow(volume.id, path, within)).length > 0) return
        await store.delete(volume.id, [found], now(), within)
        tell(draft('file_deleted', at(volume, found)))
      })
    },

    async write(volume, incoming) {
      const { source, atLeast, atMost } = incoming
      const began = clock.now()
      const known = incoming.path === null ? null : await pathOfFile(volume, incoming.path)
      if (atLeast > tier.largestFile) throw tooLarge()
      const name = random.uuid()
      // By its server, which comes back and knows what it left half-way.
      const id = `${owner}.${name}`
      const blobKey = `volumes/${volume.id}/${name}`
      await begin(volume, id, blobKey, known)
      try {
        const meter = createMeter({ clock, hold: (total) => hold(volume, id, total) })
        // All that it can need, so that of uploads side by side none comes in whose last bytes have no room; less where that is too much.
        if (atMost > 0) await meter.reserve(atMost).catch(unlessSmaller(atLeast, meter))
        const { size } = await blobs.put(blobKey, meter.measure(source), {
          ...(tier.largestFile === UNLIMITED ? {} : { limit: tier.largestFile }),
          ...(incoming.release && { release: incoming.release }),
        })
        incoming.requireWhole?.()
        const path = known ?? (await pathOfFile(volume, incoming.finalPath()))
        const { sha256, head } = meter.finish()
        const file: VolumeFile = {
          path,
          name: nameOf(path),
          isFolder: false,
          size,
          sha256,
          mimeType: sniff(head, path),
          blobKey,
          modifiedAt: now(),
        }
        await keep(volume, id, file, began)
        return file
      } catch (error) {
        await giveUp(volume, id, blobKey)
        if (error instanceof BlobTooLarge) throw tooLarge()
        if (error instanceof DoesNotFit) return refuseQuota(volume, known, error)
        throw error
      }
    },

    async mkdir(volume, text) {
      const path = await pathIn(volume, text, 'write')
      if (path === '') return { path, name: '', isFolder: true, size: 0, modifiedAt: volume.createdAt }
      return changing(volume, async (within, tell) => {
        await makeFolders(volume, [...foldersAbove(path), path], within, tell)
        return require(volume, path, within)
      })
    },

    async move(volume, fromText, toText) {
      const [from, to] = [await pathIn(volume, fromText, 'write'), await pathIn(volume, toText, 'write')]
      if (from === '' || to === '') throw new InvalidInput('The root of a volume cannot be moved.', 'invalid_path')
      if (to.startsWith(`${from}/`))
        throw new InvalidInput(`'${shown(from)}' cannot be moved into itself.`, 'invalid_path')
      await changing(volume, async (within, tell) => {
        const moved = await require(volume, from, within)
        if (from === to) return
        if (await store.find(volume.id, to, within))
          throw new Conflict(
            `'${shown(to)}' is there already. Delete it first, or choose another name.`,
            'already_exists',
          )
        const below = moved.isFolder ? await store.listBelow(volume.id, from, within) : []
        const moves = [moved, ...below].map(({ path }) => ({ from: path, to: to + path.slice(from.length) }))
        for (const one of moves) requirePath(one.to)
        await makeFolders(volume, foldersAbove(to), within, tell)
        await store.repath(volume.id, moves, within)
        // What is in a folder moves with it.
        const [gone, come] = [at(volume, moved), at(volume, { path: to, isFolder: moved.isFolder })]
        tell(draft('file_deleted', { ...gone, moved_to: come.path }))
        tell(draft('file_created', { ...come, moved_from: gone.path }))
      })
      return { from, to }
    },

    async remove(volume, text) {
      const path = await pathIn(volume, text, 'delete')
      if (path === '') throw new InvalidInput('The root of a volume cannot be deleted.', 'invalid_path')
      await changing(volume, async (within, tell) => {
        const removed = await require(volume, path, within)
        const entries = removed.isFolder ? [removed, ...(await store.listBelow(volume.id, path, within))] : [removed]
        const freed = entries.reduce((sum, { size }) => sum + size, 0)
        await store.delete(volume.id, entries, now(), within)
        for (const entry of entries) tell(draft('file_deleted', at(volume, entry)))
        await volumeStore.count(volume.id, { used: -freed, reserved: 0 }, within)
      })
      collect()
      return path
    },
  }

  async function read(file: VolumeFile, range?: ByteRange): Promise<Readable> {
    const blob = await blobs.get(file.blobKey, range)
    if (!blob) throw new NotFound(`'${shown(file.path)}' has just been replaced or deleted.`, 'file not found')
    return blob.content
  }

  async function pathOfFile(volume: Volume, text: string): Promise<string> {
    const path = await pathIn(volume, text, 'write')
    if (path === '') throw new InvalidInput('The path of the file is missing.', 'invalid_path')
    return path
  }
}

/** What is moved below another folder may come to have too long a path. @throws InvalidInput */
function requirePath(path: string): void {
  try {
    volumePath(path)
  } catch (error) {
    if (error instanceof PathRefused) throw new InvalidInput(error.message, 'invalid_path')
    throw error
  }
}

/** What is promised to an upload beyond the file that it replaces. */
export const beyondCredit = (bytes: number, { credit }: Pick<Pending, 'credit'>): number => Math.max(0, bytes - credit)
