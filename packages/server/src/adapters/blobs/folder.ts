import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { StartupError } from '../../errors.ts'
import {
  type Blobs,
  byBytes,
  type ListedBlob,
  namesOf,
  type PutTerms,
  requireRange,
  within,
} from '../../ports/blobs.ts'

/** Where a blob grows before it has its name. No key begins with a dot. */
const DRAFTS = '.drafts'
const BATCH_BYTES = 1024 * 1024
const READ_BYTES = 256 * 1024

/** Blobs as files below a folder. A blob is written under another name, flushed to the disk, and then renamed. */
export function createFolderBlobs(root: string): Blobs {
  const drafts = join(root, DRAFTS)
  const placeOf = (key: string): string => join(root, ...namesOf(key))
  /** How drafts for a key begin: two that grow for one key at once have a name each. */
  const draftsOf = (key: string): string => `${createHash('sha256').update(namesOf(key).join('/')).digest('hex')}-`

  return {
    name: 'folder',
    async check() {
      try {
        await mkdir(drafts, { recursive: true, mode: 0o700 })
      } catch (cause) {
        throw new StartupError(
          'blobs',
          `The folder of blobs '${root}' cannot be written: ${(cause as Error).message}. LICTOR_BLOBS_DIR names another.`,
          cause,
        )
      }
    },
    async put(key, source, { limit = Number.POSITIVE_INFINITY, release } = {}) {
      const place = placeOf(key)
      await mkdir(drafts, { recursive: true, mode: 0o700 })
      const draft = join(drafts, `${draftsOf(key)}${randomUUID()}`)
      const file = await open(draft, 'wx', 0o600)
      try {
        const size = await write(file, within(source, limit), release)
        await file.sync()
        await moveTo(draft, place)
        return { size }
      } catch (error) {
        await rm(draft, { force: true })
        throw error
      } finally {
        await file.close()
      }
    },
    async get(key, range) {
      const file = await open(placeOf(key), 'r').catch(nullIfGone)
      if (!file) return null
      try {
        const { size } = await file.stat()
        if (range) requireRange(range, size)
        if (size === 0) {
          await file.close()
          return { size, content: Readable.from([]) }
        }
        return { size, content: file.createReadStream({ ...range, highWaterMark: READ_BYTES }) }
      } catch (error) {
        await file.close()
        throw error
      }
    },
    async head(key) {
      const found = await stat(placeOf(key)).catch(nullIfGone)
      return found && { size: found.size }
    },
    async delete(key) {
      const place = placeOf(key)
      await unlink(place).catch(nullIfGone)
      // The folder goes with its last blob.
      await rmdir(dirname(place)).catch(nullIfKept)
    },
    list: (prefix) => walk(root, prefix),
    async reap(before, key) {
      let count = 0
      for (const name of await namesIn(drafts)) {
        if (key !== undefined && !name.startsWith(draftsOf(key))) continue
        const draft = join(drafts, name)
        const found = await stat(draft).catch(nullIfGone)
        // What still grows was changed a moment ago.
        if (!found || found.mtimeMs >= before) continue
        await rm(draft, { force: true })
        count++
      }
      return count
    },
  }
}

/** Write in batches, the next coming together while the last is written. */
async function write(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  release: PutTerms['release'],
): Promise<number> {
  let size = 0
  let batch: Uint8Array[] = []
  let waiting = 0
  let writing: Promise<unknown> = Promise.resolve()
  const flush = async () => {
    const chunks = batch
    batch = []
    waiting = 0
    await writing
    writing = writeAll(file, chunks).then(() => release && chunks.forEach(release))
    // Heard when the next batch is ready; until then it is nobody's unhandled rejection.
    writing.catch(() => {})
  }
  try {
    for await (const chunk of source) {
      if (chunk.length === 0) continue
      size += chunk.length
      waiting += chunk.length
      batch.push(chunk)
      if (waiting >= BATCH_BYTES) await flush()
    }
    if (waiting > 0) await flush()
  } finally {
    await writing
  }
  return size
}

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let left = chunks
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left)
    let done = 0
    while (done < left.length && bytesWritten >= (left[done]?.length ?? 0)) bytesWritten -= left[done++]?.length ?? 0
    left = left.slice(done)
    const [first, ...rest] = left
    if (first && bytesWritten > 0) left = [first.subarray(bytesWritten), ...rest]
  }
}

/** The name is kept on the disk when this resolves. */
async function moveTo(draft: string, place: string): Promise<void> {
  const folder = dirname(place)
  for (let attempt = 0; ; attempt++) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    try {
      await rename(draft, place)
      break
    } catch (error) {
      // Whoever deleted the folder's last blob took the folder away meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt > 20) throw error
    }
  }
  for (const changed of [folder, dirname(folder)]) await flushFolder(changed)
}

async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(path, 'r').catch(nullIfGone)
  await handle?.sync().finally(() => handle.close())
}

async function* walk(root: string, prefix: string): AsyncGenerator<ListedBlob> {
  for (const kind of await foldersOf(root, prefix))
    for (const owner of await foldersOf(join(root, kind), prefix, `${kind}/`))
      for (const name of (await namesIn(join(root, kind, owner))).sort(byBytes)) {
        const key = `${kind}/${owner}/${name}`
        if (!key.startsWith(prefix)) continue
        const found = await stat(join(root, key)).catch(nullIfGone)
        if (found?.isFile()) yield { key, size: found.size }
      }
}

/** The folders that may hold keys of this prefix, in the order of those keys: a folder's own keys go by its name and a slash. */
async function foldersOf(folder: string, prefix: string, above = ''): Promise<string[]> {
  return (await namesIn(folder))
    .filter((name) => {
      const path = `${above}${name}/`
      return !name.startsWith('.') && (path.startsWith(prefix) || prefix.startsWith(path))
    })
    .sort((a, b) => byBytes(`${a}/`, `${b}/`))
}

const namesIn = async (folder: string): Promise<string[]> => (await readdir(folder).catch(nullIfGone)) ?? []

function nullIfGone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}

function nullIfKept(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST' || error.code === 'EBUSY') return null
  return nullIfGone(error)
}
