import { createWriteStream, type Stats } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { openFile, walkFolder } from '../files/open.ts'
import { PathRefused } from '../files/path.ts'
import { type JudgedPath, resolvePath } from '../files/resolve.ts'
import { volumePath } from '../files/volume-path.ts'
import type { VolumeFiles } from '../volumes/files.ts'
import type { Volume } from '../volumes/volume.ts'

/** A file as it was when it was last the same here and in the volume. */
interface Known {
  readonly blobKey: string
  readonly size: number
  readonly changedMs: number
  readonly inode: number
}

interface Snapshot {
  readonly files: Readonly<Record<string, Known>>
  readonly folders: readonly string[]
}

/** A copy of a volume in a workspace. */
export interface Copy {
  /** The workspace on this machine, and where in it the copy lies. */
  readonly workspace: string
  readonly components: readonly string[]
  /** Paths in it at which other volumes lie: what is there is theirs. */
  readonly without?: readonly string[]
  /** File that says how the copy looked when it was last the same as the volume; outside the workspace. */
  readonly state: string
}

/**
 * Copy a volume into a workspace in which nothing runs; where that was done already, nothing happens.
 * @param isWanted what of it is copied; the rest stays in the volume as it is
 */
export async function bringIn(
  files: VolumeFiles,
  volume: Volume,
  copy: Copy,
  isWanted: (path: string) => boolean = () => true,
): Promise<void> {
  if (await readSnapshot(copy)) return
  const root = join(copy.workspace, ...copy.components)
  await mkdir(root, { recursive: true, mode: 0o755 })
  const known: Record<string, Known> = {}
  const folders: string[] = []
  for (const entry of await files.all(volume)) {
    if (!isWanted(entry.path) || isOfAnother(copy, entry.path)) continue
    const place = join(root, entry.path)
    if (entry.isFolder) {
      await mkdir(place, { recursive: true, mode: 0o755 })
      folders.push(entry.path)
      continue
    }
    await pipeline(await files.read(entry), createWriteStream(place, { mode: 0o644 }))
    known[entry.path] = { blobKey: entry.blobKey, ...looksOf(await stat(place)) }
  }
  await writeSnapshot(copy, { files: known, folders })
}

/**
 * Carry what changed in a copy back into the volume: what is gone first, so that its room is free. A file that somebody else
 * changed meanwhile is replaced where it changed here too, and left alone where not. Links are no files of a volume.
 * @returns names that a volume cannot hold, which were left out
 * @throws as `VolumeFiles.write`; what was carried until then stays
 */
export async function takeOut(files: VolumeFiles, volume: Volume, copy: Copy): Promise<readonly string[]> {
  const before = await readSnapshot(copy)
  const root = before && (await rootOf(copy))
  // Where the folder itself is gone or something else, nothing is carried: a mount point stays.
  if (!before || !root) return []
  const now = await look(root, copy)
  const known: Record<string, Known> = { ...before.files }
  try {
    for (const [path, { blobKey }] of Object.entries(before.files)) {
      if (now.files.has(path)) continue
      await files.removeFile(volume, path, blobKey)
      delete known[path]
    }
    for (const folder of [...before.folders].reverse())
      if (!now.folders.has(folder)) await files.removeFolderIfEmpty(volume, folder)
    for (const folder of now.folders) if (!before.folders.includes(folder)) await files.mkdir(volume, folder)
    for (const [path, looks] of now.files) {
      const old = before.files[path]
      if (old && old.size === looks.size && old.changedMs === looks.changedMs && old.inode === looks.inode) continue
      const blobKey = await carry(files, volume, root, path)
      if (blobKey !== null) known[path] = { blobKey, ...looks }
    }
  } finally {
    await writeSnapshot(copy, { files: known, folders: [...now.folders] })
  }
  return now.refused
}

const isOfAnother = ({ without = [] }: Copy, path: string): boolean =>
  without.some((place) => path === place || path.startsWith(`${place}/`))

async function rootOf({ workspace, components }: Copy): Promise<JudgedPath | null> {
  const root = await resolvePath(workspace, components).catch(() => null)
  const isItself =
    root !== null && root.existing === components.length && root.components.join('/') === components.join('/')
  return isItself ? root : null
}

async function look(root: JudgedPath, copy: Copy) {
  const files = new Map<string, Omit<Known, 'blobKey'>>()
  const folders = new Set<string>()
  const refused: string[] = []
  for await (const { components, kind, open } of walkFolder(root)) {
    const path = components.slice(root.components.length).join('/')
    if (isOfAnother(copy, path)) continue
    if (!isHoldable(path)) {
      refused.push(path)
      continue
    }
    if (kind === 'folder') folders.add(path)
    const handle = await open()
    if (!handle) continue
    try {
      files.set(path, looksOf(await handle.stat()))
    } finally {
      await handle.close()
    }
  }
  return { files, folders, refused }
}

/** The key of the blob; null where the file went or became something else meanwhile. */
async function carry(files: VolumeFiles, volume: Volume, root: JudgedPath, path: string): Promise<string | null> {
  const wanted = [...root.components, ...path.split('/')]
  const judged = await resolvePath(root.root, wanted)
  if (judged.components.join('/') !== wanted.join('/')) return null
  const handle = await openFile(judged).catch(() => null)
  if (!handle) return null
  try {
    const { size } = await handle.stat()
    const source = size === 0 ? nothing() : handle.createReadStream({ start: 0, end: size - 1, autoClose: false })
    const kept = await files.write(volume, { source, path, finalPath: () => path, atLeast: size, atMost: size })
    return kept.blobKey
  } finally {
    await handle.close()
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

const looksOf = ({ size, mtimeMs, ino }: Stats): Omit<Known, 'blobKey'> => ({ size, changedMs: mtimeMs, inode: ino })

function isHoldable(path: string): boolean {
  try {
    return volumePath(path) === path
  } catch (error) {
    if (error instanceof PathRefused) return false
    throw error
  }
}

async function readSnapshot({ state }: Copy): Promise<Snapshot | null> {
  const text = await readFile(state, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return text === null ? null : (JSON.parse(text) as Snapshot)
}

async function writeSnapshot({ state }: Copy, snapshot: Snapshot): Promise<void> {
  await mkdir(dirname(state), { recursive: true, mode: 0o700 })
  await writeFile(`${state}.part`, JSON.stringify(snapshot), { mode: 0o600 })
  await rename(`${state}.part`, state)
}
