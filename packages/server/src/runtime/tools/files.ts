import { isUtf8 } from 'node:buffer'
import type { Dirent } from 'node:fs'
import { FolderGiven, listFolder, makeFolder, NotAFile, openFile, removeEntry, replaceFile } from '../files/open.ts'
import { shownPath } from '../files/path.ts'
import { headOf } from '../files/read.ts'
import type { JudgedPath } from '../files/resolve.ts'
import { usageOf } from '../files/usage.ts'
import { ToolFailed } from './tool.ts'

const LARGEST_READ_BYTES = 10 * 1024 * 1024
const LARGEST_LISTING = 10_000

/** At most the first 10 MiB; bytes that are no UTF-8 are replaced. */
export async function readWorkspaceFile(path: JudgedPath) {
  const { bytes, size } = await bytesOf(path)
  return {
    status: 'success',
    path: shownPath(path.components),
    content: bytes.toString('utf8'),
    size_bytes: bytes.length,
    ...(size > bytes.length ? { truncated: true, total_bytes: size } : {}),
  }
}

async function bytesOf(path: JudgedPath): Promise<{ readonly bytes: Buffer; readonly size: number }> {
  const handle = await openFile(path).catch(explain(path))
  try {
    const { size } = await handle.stat()
    return { bytes: await headOf(handle, Math.min(size, LARGEST_READ_BYTES)), size }
  } finally {
    await handle.close()
  }
}

/**
 * Replaces the file; missing folders are made; nothing is written when it would not fit.
 * @param diskLimit bytes the workspace may hold
 */
export async function writeWorkspaceFile(path: JudgedPath, content: string, diskLimit: number) {
  return keep(path, Buffer.from(content), diskLimit)
}

export interface Edit {
  readonly target_content: string
  readonly replacement_content: string
}

/**
 * Replace texts of a file one after the other: each must occur exactly once when its turn comes. All of them or none.
 * @param diskLimit bytes the workspace may hold
 */
export async function editWorkspaceFile(path: JudgedPath, edits: readonly Edit[], diskLimit: number) {
  const { bytes, size } = await bytesOf(path)
  const name = shownPath(path.components)
  if (size > bytes.length)
    throw new ToolFailed(`'${name}' has ${size} bytes; at most ${LARGEST_READ_BYTES} are edited.`)
  if (!isUtf8(bytes)) throw new ToolFailed(`'${name}' is no UTF-8 text; it is not edited.`)
  const content = edits.reduce(
    (text, edit, index) => edited(text, edit, edits.length > 1 ? index : null, name),
    bytes.toString('utf8'),
  )
  return { ...(await keep(path, Buffer.from(content), diskLimit)), edits_applied: edits.length }
}

function edited(text: string, edit: Edit, index: number | null, name: string): string {
  const { target_content: target, replacement_content: replacement } = edit
  const which = index === null ? 'target_content' : `edits[${index}].target_content`
  if (target === '') throw new ToolFailed(`${which} is empty.`)
  const at = text.indexOf(target)
  if (at === -1) throw new ToolFailed(`${which} does not occur in '${name}'. Nothing was changed.`)
  if (text.includes(target, at + 1))
    throw new ToolFailed(
      `${which} occurs more than once in '${name}'; give more of the text around it. Nothing was changed.`,
    )
  return text.slice(0, at) + replacement + text.slice(at + target.length)
}

async function keep(path: JudgedPath, bytes: Buffer, diskLimit: number) {
  const used = await usageOf(path.root)
  const available = diskLimit - used + (await sizeOf(path))
  if (bytes.length > available)
    throw new ToolFailed(
      `The workspace is full: ${bytes.length} bytes were requested, ${Math.max(available, 0)} are available.`,
    )
  await replaceFile(path, bytes).catch(explain(path))
  return {
    status: 'success',
    path: shownPath(path.components),
    bytes_written: bytes.length,
    size_bytes: bytes.length,
  }
}

export async function listWorkspaceFolder(path: JudgedPath) {
  const entries = await listFolder(path).catch(explain(path))
  const sorted = entries.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, LARGEST_LISTING)
  return {
    status: 'success',
    path: shownPath(path.components),
    entries: sorted.map((entry) => ({ name: entry.name, file_type: typeOf(entry) })),
    ...(entries.length > sorted.length ? { truncated: true } : {}),
  }
}

/** Missing folders above it are made; a folder that is there already is as good. */
export async function makeWorkspaceFolder(path: JudgedPath) {
  await makeFolder(path).catch(explain(path))
  return { status: 'success', path: shownPath(path.components) }
}

/** A link goes itself; a folder only with `recursive`. */
export async function removeWorkspaceEntry(path: JudgedPath, recursive: boolean) {
  const name = shownPath(path.components)
  if (path.components.length === 0) throw new ToolFailed('The workspace itself cannot be deleted.')
  await removeEntry(path, { recursive }).catch((error: unknown) => {
    if (error instanceof FolderGiven)
      throw new ToolFailed(`'${name}' is a folder; it is deleted with all that is in it only with recursive: true.`)
    return explain(path)(error)
  })
  return { status: 'success', path: name }
}

async function sizeOf(path: JudgedPath): Promise<number> {
  const handle = await openFile(path).catch(() => null)
  if (!handle) return 0
  try {
    return (await handle.stat()).size
  } finally {
    await handle.close()
  }
}

function typeOf(entry: Dirent): string {
  if (entry.isFile()) return 'File'
  if (entry.isDirectory()) return 'Directory'
  return entry.isSymbolicLink() ? 'Symlink' : 'Other'
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a folder, or one above it is not',
  EISDIR: 'is a folder',
  EACCES: 'may not be accessed',
  ENXIO: 'is not a file',
  ENAMETOOLONG: 'has too long a name',
  ENOSPC: 'does not fit on the disk',
}

/** The file system's error in words, without the path on this machine. */
export function explain({ components }: JudgedPath) {
  return (error: unknown): never => {
    if (error instanceof NotAFile) throw new ToolFailed(`'${shownPath(components)}' is not a file.`)
    const code = (error as NodeJS.ErrnoException).code
    if (typeof code !== 'string') throw error
    throw new ToolFailed(`'${shownPath(components)}' ${reasons[code] ?? `cannot be used (${code})`}.`)
  }
}
