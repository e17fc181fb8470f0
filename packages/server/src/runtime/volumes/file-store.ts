import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { VolumeFileRow } from '../../storage/schema.ts'
import { keyOf, nameOf, parentOf } from '../files/volume-path.ts'
import type { VolumeEntry, VolumeFile } from './volume.ts'

/** A file on its way into a volume. */
export interface Pending {
  readonly id: string
  readonly volumeId: string
  readonly blobKey: string
  readonly held: number
  readonly credit: number
}

export type Entry = VolumeFile | (VolumeEntry & { readonly isFolder: true })

/** SQL for the files of volumes, and for uploads under way. A volume's files are changed while its row is locked. */
export interface FileStore {
  find(volumeId: string, path: string, within?: Queryable): Promise<Entry | null>
  /** What is in a folder, by the bytes of the names. */
  list(volumeId: string, folder: string, page: { limit: number; offset: number }): Promise<Entry[]>
  /** Everything below a folder, folders before what is in them. */
  listBelow(volumeId: string, folder: string, within?: Queryable): Promise<Entry[]>
  /** In the place of a file that is there. */
  put(volumeId: string, file: VolumeFile, within: Queryable): Promise<void>
  insertFolder(volumeId: string, path: string, at: Micros, within: Queryable): Promise<void>
  /** Files and folders; their blobs become garbage. */
  delete(volumeId: string, entries: readonly Entry[], at: Micros, within: Queryable): Promise<void>
  /** Give entries other paths. */
  repath(
    volumeId: string,
    moves: readonly { readonly from: string; readonly to: string }[],
    within: Queryable,
  ): Promise<void>

  insertUpload(upload: Pending, at: Micros, within: Queryable): Promise<void>
  findUpload(id: string, within: Queryable): Promise<Pending | null>
  /** What an upload holds now. */
  touchUpload(
    id: string,
    change: { held?: number; credit?: number; creditPath?: string },
    at: Micros,
    within: Queryable,
  ): Promise<void>
  /** Whether another upload counts the file of this path as replaced. */
  isCredited(volumeId: string, path: string, within: Queryable): Promise<boolean>
  deleteUpload(id: string, within: Queryable): Promise<void>
  /** Uploads that nobody has touched since. */
  listForgotten(before: Micros): Promise<Pending[]>
  /** Uploads that this server began, and has not touched since. */
  listBegunBy(server: string, before: Micros): Promise<Pending[]>

  addGarbage(keys: readonly string[], at: Micros, within: Queryable): Promise<void>
  listGarbage(limit: number): Promise<string[]>
  removeGarbage(keys: readonly string[]): Promise<void>
}

const AT_ONCE = 500

export function createFileStore({ db }: Database): FileStore {
  const addGarbage: FileStore['addGarbage'] = async (keys, at, within) => {
    for (const some of batches(keys))
      await within
        .insertInto('volume_garbage')
        .values(some.map((blob_key) => ({ blob_key, created_at: at })))
        .onConflict((conflict) => conflict.doNothing())
        .execute()
  }
  return {
    async find(volumeId, path, within = db) {
      const row = await within
        .selectFrom('volume_files')
        .selectAll()
        .where('volume_id', '=', volumeId)
        .where('path_key', '=', keyOf(path))
        .executeTakeFirst()
      return row ? entryOf(row) : null
    },
    async list(volumeId, folder, { limit, offset }) {
      const rows = await db
        .selectFrom('volume_files')
        .selectAll()
        .where('volume_id', '=', volumeId)
        .where('parent_key', '=', keyOf(folder))
        .execute()
      return rows
        .map(entryOf)
        .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
        .slice(offset, offset + limit)
    },
    async listBelow(volumeId, folder, within = db) {
      let query = within.selectFrom('volume_files').selectAll().where('volume_id', '=', volumeId)
      if (folder !== '') {
        const prefix = `${folder}/`
        // Both databases count characters here, not the units of JavaScript's texts.
        query = query.where(sql<string>`substr(path, 1, ${[...prefix].length})`, '=', prefix)
      }
      const rows = await query.execute()
      return rows.map(entryOf).sort((a, b) => depthOf(a.path) - depthOf(b.path) || (a.path < b.path ? -1 : 1))
    },
    async put(volumeId, file, within) {
      const row = rowOf(volumeId, file)
      await within
        .insertInto('volume_files')
        .values(row)
        .onConflict((conflict) => conflict.columns(['volume_id', 'path_key']).doUpdateSet(row))
        .execute()
    },
    async insertFolder(volumeId, path, at, within) {
      const folder: Entry = { path, name: nameOf(path), isFolder: true, size: 0, modifiedAt: at }
      await within
        .insertInto('volume_files')
        .values(rowOf(volumeId, folder))
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },
    async delete(volumeId, entries, at, within) {
      await addGarbage(
        entries.flatMap((entry) => (entry.isFolder ? [] : [entry.blobKey])),
        at,
        within,
      )
      for (const some of batches(entries))
        await within
          .deleteFrom('volume_files')
          .where('volume_id', '=', volumeId)
          .where(
            'path_key',
            'in',
            some.map(({ path }) => keyOf(path)),
          )
          .execute()
    },
    async repath(volumeId, moves, within) {
      for (const { from, to } of moves)
        await within
          .updateTable('volume_files')
          .set({ path: to, name: nameOf(to), path_key: keyOf(to), parent_key: keyOf(parentOf(to)) })
          .where('volume_id', '=', volumeId)
          .where('path_key', '=', keyOf(from))
          .execute()
    },

    async insertUpload({ id, volumeId, blobKey, held, credit }, at, within) {
      await within
        .insertInto('volume_uploads')
        .values({
          id,
          volume_id: volumeId,
          blob_key: blobKey,
          held_bytes: held,
          credit_bytes: credit,
          credit_key: null,
          touched_at: at,
        })
        .execute()
    },
    async findUpload(id, within) {
      const row = await within.selectFrom('volume_uploads').selectAll().where('id', '=', id).executeTakeFirst()
      return row ? pendingOf(row) : null
    },
    async touchUpload(id, { held, credit, creditPath }, at, within) {
      await within
        .updateTable('volume_uploads')
        .set({
          held_bytes: held,
          credit_bytes: credit,
          credit_key: creditPath === undefined ? undefined : keyOf(creditPath),
          touched_at: at,
        })
        .where('id', '=', id)
        .execute()
    },
    async isCredited(volumeId, path, within) {
      const row = await within
        .selectFrom('volume_uploads')
        .select('id')
        .where('volume_id', '=', volumeId)
        .where('credit_key', '=', keyOf(path))
        .executeTakeFirst()
      return row !== undefined
    },
    async deleteUpload(id, within) {
      await within.deleteFrom('volume_uploads').where('id', '=', id).execute()
    },
    async listForgotten(before) {
      const rows = await db.selectFrom('volume_uploads').selectAll().where('touched_at', '<', before).execute()
      return rows.map(pendingOf)
    },
    async listBegunBy(server, before) {
      const rows = await db
        .selectFrom('volume_uploads')
        .selectAll()
        .where('id', 'like', `${server}.%`)
        .where('touched_at', '<', before)
        .execute()
      return rows.map(pendingOf)
    },

    addGarbage,
    async listGarbage(limit) {
      const rows = await db.selectFrom('volume_garbage').select('blob_key').orderBy('created_at').limit(limit).execute()
      return rows.map(({ blob_key }) => blob_key)
    },
    async removeGarbage(keys) {
      for (const some of batches(keys)) await db.deleteFrom('volume_garbage').where('blob_key', 'in', some).execute()
    },
  }
}

const depthOf = (path: string): number => path.split('/').length

function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += AT_ONCE) yield all.slice(at, at + AT_ONCE)
}

const pendingOf = (row: {
  id: string
  volume_id: string
  blob_key: string
  held_bytes: number
  credit_bytes: number
}): Pending => ({
  id: row.id,
  volumeId: row.volume_id,
  blobKey: row.blob_key,
  held: row.held_bytes,
  credit: row.credit_bytes,
})

function entryOf(row: Selectable<VolumeFileRow>): Entry {
  const { path, name, size, sha256, mime_type: mimeType, blob_key: blobKey, modified_at: modifiedAt } = row
  if (sha256 === null || mimeType === null || blobKey === null)
    return { path, name, isFolder: true, size: 0, modifiedAt }
  return { path, name, isFolder: false, size, sha256, mimeType, blobKey, modifiedAt }
}

const rowOf = (volumeId: string, entry: Entry) => ({
  volume_id: volumeId,
  path_key: keyOf(entry.path),
  parent_key: keyOf(parentOf(entry.path)),
  path: entry.path,
  name: entry.name,
  is_folder: entry.isFolder ? 1 : 0,
  size: entry.size,
  sha256: entry.isFolder ? null : entry.sha256,
  mime_type: entry.isFolder ? null : entry.mimeType,
  blob_key: entry.isFolder ? null : entry.blobKey,
  modified_at: entry.modifiedAt,
})
