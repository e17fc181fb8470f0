import { readlinkSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path'

/** As many links as the kernel follows before it speaks of a loop. */
const MAX_LINKS = 40

/**
 * Absolute path with every link followed and what does not exist kept, as sandbox contracts compare paths: `..` goes up
 * from where a link led, and a link to something that is not there yet counts as that. A path that cannot be looked at (permission, a loop of links) is only normalised.
 */
export function realPath(path: string): string {
  // Not `resolve`: it would take `link/..` away before the link is followed.
  const absolute = isAbsolute(path) ? path : process.cwd() + sep + path
  try {
    return realpathSync.native(absolute)
  } catch {
    return walk(absolute)
  }
}

function walk(absolute: string): string {
  const { root } = parse(absolute)
  let current = root
  const rest = parts(absolute.slice(root.length)).reverse()
  for (let links = 0; rest.length > 0; ) {
    const name = rest.pop() as string
    if (name === '..') {
      current = dirname(current)
      continue
    }
    const next = join(current, name)
    const target = linkTarget(next)
    if (target === null) {
      current = next
      continue
    }
    if (++links > MAX_LINKS) return resolve(absolute)
    if (isAbsolute(target)) current = parse(target).root
    rest.push(...parts(isAbsolute(target) ? target.slice(current.length) : target).reverse())
  }
  return current
}

/** Where a link leads; null for what is no link, is not there, or cannot be looked at. */
function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

function parts(path: string): string[] {
  return path.split(sep).filter((part) => part !== '' && part !== '.')
}
