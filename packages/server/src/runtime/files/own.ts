import { chmod, lstat, opendir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const CLOSED: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM'])
const FOR_THE_OWNER = { folder: 0o700, file: 0o600 }

/** Remove a folder and what is in it, also what a program closed to everybody, itself included. */
export async function removeTree(folder: string): Promise<void> {
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await remove()
  } catch (error) {
    if (!CLOSED.has((error as NodeJS.ErrnoException).code)) throw error
    await openUp(folder)
    await remove()
  }
}

/**
 * Let the owner read and write whatever a program left, however it closed it (`umask`, `chmod`): this server and the next program
 * in the same folder are its owner. Links are left alone, and what is another user's. No program may be at work in the folder.
 */
export async function openUp(folder: string): Promise<void> {
  const own = process.getuid?.()
  const waiting = [folder]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const state = await lstat(path).catch(() => null)
    const kind = state?.isDirectory() ? 'folder' : state?.isFile() ? 'file' : null
    if (state === null || kind === null) continue
    const needed = FOR_THE_OWNER[kind]
    const isClosed = (state.mode & needed) !== needed
    // For nobody but the owner: whatever lies there by now, this opens nothing to others.
    if (isClosed && (own === 0 || own === state.uid)) await chmod(path, needed | (state.mode & 0o100)).catch(() => {})
    if (kind === 'file') continue
    // Gone meanwhile, or another user's: nothing to be done about it here.
    const entries = await opendir(path).catch(() => null)
    if (entries) for await (const entry of entries) waiting.push(join(path, entry.name))
  }
}
