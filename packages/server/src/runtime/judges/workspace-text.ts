import { openFile, walkFolder } from '../files/open.ts'
import { componentsOf, PathRefused, shownPath } from '../files/path.ts'
import { headOf } from '../files/read.ts'
import { resolvePath } from '../files/resolve.ts'

const MOST_FILES = 1000

/** A file of a workspace that cannot be read; the message names it and says why. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
}

/** Bytes of a file of a workspace, at most one more than `limit`. @throws UnreadableFile */
export async function readWorkspace(root: string, path: string, limit: number): Promise<Uint8Array> {
  try {
    const handle = await openFile(await resolvePath(root, componentsOf(path)))
    try {
      const { size } = await handle.stat()
      return await headOf(handle, Math.min(size, limit + 1))
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw unreadable(path, error, 'file')
  }
}

/** Paths of the files in a folder of a workspace and below it, in order, at most 1,000. @throws UnreadableFile */
export async function listWorkspace(root: string, path: string): Promise<string[]> {
  const found: string[] = []
  try {
    for await (const { components, kind } of walkFolder(await resolvePath(root, componentsOf(path)))) {
      if (kind !== 'file') continue
      if (found.length >= MOST_FILES) throw new UnreadableFile(`'${path}' holds more than ${MOST_FILES} files.`)
      found.push(shownPath(components))
    }
  } catch (error) {
    throw unreadable(path, error, 'folder')
  }
  return found.sort()
}

function unreadable(path: string, error: unknown, kind: 'file' | 'folder'): Error {
  if (error instanceof UnreadableFile) return error
  if (error instanceof PathRefused) return new UnreadableFile(error.message)
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return new UnreadableFile(`There is no ${kind} '${path}'.`)
  return new UnreadableFile(`'${path}' cannot be read as a ${kind}.`)
}
