import type { Dirent } from 'node:fs'
import { type FilePolicy, requireByPolicy } from './file-policy.ts'
import { componentsOf, listWithin, openWithin, resolveLinks, shownPath, usageOf } from './workspace.ts'

const LARGEST_READ_BYTES = 10 * 1024 * 1024
const LARGEST_LISTING = 10_000

/** The agent's files, as its tools reach them. */
export interface FilesContext {
  /** Folder on this machine that the agent sees as its workspace. */
  readonly root: string
  readonly policy: FilePolicy | undefined
  /** Bytes the workspace may hold. */
  readonly diskLimit: number
}

/** A tool that could not do what it was asked; the message goes to the model. */
export class ToolFailed extends Error {
  override readonly name = 'ToolFailed'
}

/** At most the first 10 MiB; bytes that are no UTF-8 are replaced. */
export async function readWorkspaceFile(context: FilesContext, path: string) {
  const components = await resolveLinks(context.root, componentsOf(path))
  requireByPolicy(context.policy, 'read', components)
  const handle = await openWithin(context.root, components, { write: false }).catch(explain(components))
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw new ToolFailed(`'${shownPath(components)}' is not a file.`)
    const buffer = Buffer.alloc(Math.min(stat.size, LARGEST_READ_BYTES))
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    const content = buffer.subarray(0, length).toString('utf8')
    return {
      status: 'success',
      path: shownPath(components),
      content,
      size_bytes: length,
      ...(stat.size > length ? { truncated: true, total_bytes: stat.size } : {}),
    }
  } finally {
    await handle.close()
  }
}

/** Replaces the file; missing folders are made; nothing is written when it would not fit. */
export async function writeWorkspaceFile(context: FilesContext, path: string, content: string) {
  const components = await resolveLinks(context.root, componentsOf(path))
  requireByPolicy(context.policy, 'write', components)
  const bytes = Buffer.from(content)
  const used = await usageOf(context.root)
  const replaced = await sizeOf(context.root, components)
  const available = context.diskLimit - used + replaced
  if (bytes.length > available)
    throw new ToolFailed(
      `The workspace is full: ${bytes.length} bytes were requested, ${Math.max(available, 0)} are available.`,
    )
  const handle = await openWithin(context.root, components, { write: true }).catch(explain(components))
  try {
    if (!(await handle.stat()).isFile()) throw new ToolFailed(`'${shownPath(components)}' is not a file.`)
    await handle.truncate(0)
    await handle.writeFile(bytes)
  } finally {
    await handle.close()
  }
  return { status: 'success', path: shownPath(components), bytes_written: bytes.length, size_bytes: bytes.length }
}

export async function listWorkspaceFolder(context: FilesContext, path: string) {
  const components = await resolveLinks(context.root, componentsOf(path))
  requireByPolicy(context.policy, 'read', components)
  const entries = await listWithin(context.root, components).catch(explain(components))
  const sorted = entries.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, LARGEST_LISTING)
  return {
    status: 'success',
    path: shownPath(components),
    entries: sorted.map((entry) => ({ name: entry.name, file_type: typeOf(entry) })),
    ...(entries.length > sorted.length ? { truncated: true } : {}),
  }
}

async function sizeOf(root: string, components: readonly string[]): Promise<number> {
  const handle = await openWithin(root, components, { write: false }).catch(() => null)
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
function explain(components: readonly string[]) {
  return (error: unknown): never => {
    const code = (error as NodeJS.ErrnoException).code
    if (typeof code !== 'string') throw error
    throw new ToolFailed(`'${shownPath(components)}' ${reasons[code] ?? `cannot be used (${code})`}.`)
  }
}
