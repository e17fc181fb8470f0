import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  unlink,
} from 'node:fs/promises'
import { join } from 'node:path'
import { PathRefused, shownPath } from './path.ts'
import { identityOf, type JudgedPath } from './resolve.ts'

/**
 * The one way to open what a path was judged to be. Between judging and opening a person may look at the call for a day, and the
 * agent's own processes go on: whatever they put in the place of a file or of a folder above it is refused, not followed.
 *
 * On Linux each component is opened below the folder that was opened before (`/proc/self/fd`), never through a link. Elsewhere the
 * path is opened by name, and what was opened is compared with what was judged.
 */
const isLinux = process.platform === 'linux'
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants
const NEW_FOLDER = 0o755
const NEW_FILE = 0o644

/** Something else than a file stands at the path. */
export class NotAFile extends Error {
  override readonly name = 'NotAFile'
}

/** Read a file. @throws PathRefused, NotAFile, or the file system's own error. */
export async function openFile(path: JudgedPath): Promise<FileHandle> {
  const name = path.components.at(-1)
  if (name === undefined) throw new NotAFile()
  const handle = await inFolder(path, path.components.length - 1, false, (folder) =>
    openUnlinked(path, join(folder, name), O_RDONLY | O_NONBLOCK),
  )
  try {
    await requireJudged(path, handle, path.components.length)
    if (!(await handle.stat()).isFile()) throw new NotAFile()
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * Replace a file whole, or make it and the folders above it. The new content comes under the name at once: whoever reads sees the
 * old or the new, and another name of the old file (a hard link) keeps the old content.
 * @throws PathRefused, NotAFile, or the file system's own error; nothing is changed then
 */
export async function replaceFile(path: JudgedPath, content: Uint8Array): Promise<void> {
  const name = path.components.at(-1)
  if (name === undefined) throw new NotAFile()
  await inFolder(path, path.components.length - 1, true, async (folder, handle) => {
    const place = join(folder, name)
    const old = await lstat(place, { bigint: true }).catch(orNull)
    const existed = path.existing === path.components.length
    // The number of a file that was removed may be a link's now.
    if (existed !== (old !== null) || (old && !isIdentity(path, identityOf(old))) || old?.isSymbolicLink())
      throw changed(path)
    if (old && !old.isFile()) throw new NotAFile()
    const draft = join(folder, `.${randomUUID()}.part`)
    const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, NEW_FILE)
    try {
      await file.writeFile(content)
      if (old) await keepNature(file, old)
      await requirePlace(path, handle, path.components.length - 1)
      await rename(draft, place)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    } finally {
      await file.close()
    }
  })
}

/** The entries of a folder. @throws PathRefused, or the file system's own error. */
export function listFolder(path: JudgedPath) {
  return inFolder(path, path.components.length, false, async (folder, handle) => {
    await requireJudged(path, handle, path.components.length)
    return readdir(folder, { withFileTypes: true })
  })
}

/**
 * Make a folder and those above it; one that is there already is as good.
 * @throws PathRefused, NotAFolder, or the file system's own error
 */
export function makeFolder(path: JudgedPath): Promise<void> {
  return inFolder(path, path.components.length, true, (_folder, handle) =>
    requirePlace(path, handle, path.components.length),
  )
}

/** A folder that is to be removed without what is in it. */
export class FolderGiven extends Error {
  override readonly name = 'FolderGiven'
}

/**
 * Remove what was judged, a link itself rather than what it leads to. Of a folder all that is in it goes, each thing found by the
 * opened folder it is in: a link that comes into the place of one meanwhile is removed, not followed.
 * @throws PathRefused, FolderGiven, or the file system's own error
 */
export function removeEntry(path: JudgedPath, options: { readonly recursive: boolean }): Promise<void> {
  const name = path.components.at(-1)
  if (name === undefined) throw new FolderGiven()
  return inFolder(path, path.components.length - 1, false, async (folder, handle) => {
    const place = join(folder, name)
    const found = await lstat(place, { bigint: true })
    if (path.existing !== path.components.length || !isIdentity(path, identityOf(found))) throw changed(path)
    await requirePlace(path, handle, path.components.length - 1)
    if (!found.isDirectory()) return unlink(place)
    if (!options.recursive) throw new FolderGiven()
    await removeFolder(place)
  })
}

async function removeFolder(place: string): Promise<void> {
  const handle = await open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    const folder = isLinux ? boundTo(handle) : place
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const below = join(folder, entry.name)
      if (entry.isDirectory()) await removeFolder(below)
      else await unlink(below)
    }
  } finally {
    await handle.close()
  }
  await rmdir(place)
}

/** Something below a folder that was walked. */
export interface Walked {
  /** From the root on. */
  readonly components: readonly string[]
  readonly kind: 'file' | 'folder'
  /** Opens the file for reading, unless it is none any more; null then. */
  open(): Promise<FileHandle | null>
}

/**
 * Everything below a judged folder, in the order of names, folders before what is in them; links are left out. A folder is read
 * through its own descriptor, so that what is put in its place meanwhile is not walked.
 */
export async function* walkFolder(path: JudgedPath): AsyncGenerator<Walked> {
  const handle = await inFolder(path, path.components.length, false, async (folder, opened) => {
    await requireJudged(path, opened, path.components.length)
    return open(folder, O_RDONLY | O_DIRECTORY)
  })
  yield* walk(handle, join(path.root, ...path.components), path.components)
}

async function* walk(handle: FileHandle, place: string, above: readonly string[]): AsyncGenerator<Walked> {
  try {
    const folder = isLinux ? boundTo(handle) : place
    const entries = await readdir(folder, { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const components = [...above, entry.name]
      const below = join(folder, entry.name)
      if (entry.isFile())
        yield { components, kind: 'file', open: () => openIfStill(below, O_RDONLY | O_NONBLOCK, (is) => is.isFile()) }
      if (!entry.isDirectory()) continue
      yield { components, kind: 'folder', open: async () => null }
      const inner = await openIfStill(below, O_RDONLY | O_DIRECTORY, (is) => is.isDirectory())
      if (inner) yield* walk(inner, join(place, entry.name), components)
    }
  } finally {
    await handle.close()
  }
}

async function openIfStill(
  place: string,
  flags: number,
  isStill: (stats: Stats) => boolean,
): Promise<FileHandle | null> {
  const handle = await open(place, flags | O_NOFOLLOW).catch(() => null)
  if (!handle || isStill(await handle.stat())) return handle
  await handle.close()
  return null
}

/** That the folder is still the one that was judged. @throws PathRefused, or the file system's own error. */
export function requireFolder(path: JudgedPath): Promise<void> {
  return inFolder(path, path.components.length, false, (_folder, handle) =>
    requireJudged(path, handle, path.components.length),
  )
}

/** Call `use` with a path that is bound to the opened folder itself, not to its name, and with the folder. */
async function inFolder<T>(
  path: JudgedPath,
  depth: number,
  create: boolean,
  use: (folder: string, handle: FileHandle) => Promise<T>,
): Promise<T> {
  let handle = await open(path.root, O_RDONLY | O_DIRECTORY)
  let folder = isLinux ? boundTo(handle) : path.root
  try {
    if (path.existing === 0) await requireIdentity(path, handle)
    for (const [index, component] of path.components.slice(0, depth).entries()) {
      const next = join(folder, component)
      // What did not exist when it was judged must not have come to be since.
      if (create && index >= path.existing) await mkdir(next, NEW_FOLDER).catch(refuseExisting(path))
      const opened = await openUnlinked(path, next, O_RDONLY | O_DIRECTORY)
      await handle.close()
      handle = opened
      folder = isLinux ? boundTo(handle) : next
      if (index + 1 === path.existing) await requireIdentity(path, handle)
    }
    return await use(folder, handle)
  } finally {
    await handle.close()
  }
}

const boundTo = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`

/** What was opened is what was judged, and stands at the judged place. */
async function requireJudged(path: JudgedPath, handle: FileHandle, depth: number): Promise<void> {
  if (path.existing !== depth) throw changed(path)
  await requireIdentity(path, handle)
  await requirePlace(path, handle, depth)
}

async function requireIdentity(path: JudgedPath, handle: FileHandle): Promise<void> {
  if (!isIdentity(path, identityOf(await handle.stat({ bigint: true })))) throw changed(path)
}

const isIdentity = ({ identity }: JudgedPath, { device, inode }: JudgedPath['identity']): boolean =>
  identity.device === device && identity.inode === inode

/** A folder that was opened may have been moved before the next component was: the place is looked at once more, after opening. */
async function requirePlace(path: JudgedPath, handle: FileHandle, depth: number): Promise<void> {
  const place = join(path.root, ...path.components.slice(0, depth))
  if (isLinux) {
    if ((await readlink(boundTo(handle))) !== place) throw changed(path)
    return
  }
  const [there, opened] = await Promise.all([lstat(place, { bigint: true }), handle.stat({ bigint: true })])
  const isSame = there.ino === opened.ino && there.dev === opened.dev
  if (!isSame || (await realpath(place)) !== place) throw changed(path)
}

/** The mode and, where this process may, the owner of the file that is replaced. */
async function keepNature(file: FileHandle, old: { mode: bigint; uid: bigint; gid: bigint }): Promise<void> {
  const made = await file.stat({ bigint: true })
  if (made.uid !== old.uid || made.gid !== old.gid)
    await file.chown(Number(old.uid), Number(old.gid)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPERM') throw error
    })
  await file.chmod(Number(old.mode & 0o777n))
}

const changed = ({ components }: JudgedPath): PathRefused =>
  new PathRefused(
    'changed',
    shownPath(components),
    `What stands at '${shownPath(components)}' is not what was there when the call was judged.`,
  )

function refuseExisting(path: JudgedPath) {
  return (error: NodeJS.ErrnoException): never => {
    throw error.code === 'EEXIST' ? changed(path) : error
  }
}

function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}

/** Open `place` unless it is a link: what was judged is free of links, so one that stands there now was put there since. */
async function openUnlinked(path: JudgedPath, place: string, flags: number): Promise<FileHandle> {
  try {
    return await open(place, flags | O_NOFOLLOW)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Where a folder is asked for, Linux calls a link no folder.
    const isLink = code === 'ELOOP' || (code === 'ENOTDIR' && (await lstat(place).catch(() => null))?.isSymbolicLink())
    throw isLink ? changed(path) : error
  }
}
