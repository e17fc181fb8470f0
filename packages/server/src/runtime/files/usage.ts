import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes of all files below `root`. Links count as themselves. */
export async function usageOf(root: string): Promise<number> {
  let total = 0
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    total += (await lstat(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0
  }
  return total
}
