import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/**
 * Absolute path with the links of its existing part followed and the rest kept, as sandbox contracts compare paths
 * (contract-language §10.3). A path that cannot be looked at (permission, a loop of links) is only normalised.
 */
export function realPath(path: string): string {
  const absolute = resolve(path)
  let existing = absolute
  const missing: string[] = []
  for (;;) {
    try {
      return join(realpathSync.native(existing), ...missing)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      const parent = dirname(existing)
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || parent === existing) return absolute
      missing.unshift(basename(existing))
      existing = parent
    }
  }
}
