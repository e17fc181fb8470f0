import type { BigIntStats } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { leadsOut } from './path.ts'

/** Which file it is, whatever its name. */
export interface Identity {
  readonly device: bigint
  readonly inode: bigint
}

/**
 * A path as it is judged, and exactly as it is opened later: free of links when it was resolved, with the identity of what stood
 * there. See `open.ts`.
 */
export interface JudgedPath {
  /** The real path, on this machine, of the folder that the components lie below. */
  readonly root: string
  readonly components: readonly string[]
  /** How many of the components existed. */
  readonly existing: number
  /** Of the last one that existed; of the root where none did. */
  readonly identity: Identity
}

export const identityOf = (stats: BigIntStats): Identity => ({ device: stats.dev, inode: stats.ino })

/**
 * Follow links, also those the agent made, and say where the path really leads. What does not exist yet counts as itself.
 * @param root a folder on this machine
 * @param isEntry the last component is meant itself, also where it is a link: what is to be removed
 * @throws PathRefused when it leads outside the root
 */
export async function resolvePath(root: string, components: readonly string[], isEntry = false): Promise<JudgedPath> {
  const top = await realpath(root)
  let resolved = top
  let index = 0
  for (; index < components.length; index++) {
    const next = join(resolved, components[index] ?? '')
    const found = await lstat(next).catch(() => null)
    if (!found) break
    const isMeant = isEntry && index === components.length - 1
    resolved = found.isSymbolicLink() && !isMeant ? await followLink(next, components) : next
    if (resolved !== top && !resolved.startsWith(`${top}/`)) throw leadsOut(components)
  }
  const inside = resolved === top ? [] : resolved.slice(top.length + 1).split('/')
  return {
    root: top,
    components: [...inside, ...components.slice(index)],
    existing: inside.length,
    identity: identityOf(await lstat(resolved, { bigint: true })),
  }
}

async function followLink(link: string, components: readonly string[]): Promise<string> {
  try {
    return await realpath(link)
  } catch {
    // A link into nowhere could be made to lead anywhere between now and its use.
    throw leadsOut(components)
  }
}
