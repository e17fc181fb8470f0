import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../ports/clock.ts'

/** A file takes room also where it holds nothing. */
const LEAST_BYTES_OF_ENTRY = 512
const LOOK_MS = 500
/** Looking at a large workspace may not take more than a fifth of the time. */
const REST_FACTOR = 4
const CLOSED = new Set(['EACCES', 'EPERM', 'ENAMETOOLONG', 'ELOOP'])

/**
 * Bytes of disk that a folder takes, or the first sum beyond `limit`. A part that cannot be looked at (a folder closed to this
 * server, or deeper than a path may be long) counts as beyond every limit: otherwise it would be the place to hide files in.
 */
export async function diskUsageOf(folder: string, limit: number): Promise<number> {
  let total = 0
  // One file under several names takes its room once.
  const linked = new Set<string>()
  const waiting = [folder]
  for (let next = waiting.pop(); next !== undefined && total <= limit; next = waiting.pop()) {
    try {
      for await (const entry of await opendir(next)) {
        const path = join(next, entry.name)
        const state = await lstat(path).catch(unlessGone)
        if (state === null) continue
        if (state.isDirectory()) waiting.push(path)
        if (state.nlink > 1 && !state.isDirectory()) {
          const identity = `${state.dev}:${state.ino}`
          if (linked.has(identity)) continue
          linked.add(identity)
        }
        total += Math.max(state.blocks * 512, LEAST_BYTES_OF_ENTRY)
        if (total > limit) break
      }
    } catch (error) {
      if (CLOSED.has((error as NodeJS.ErrnoException).code ?? '')) return Number.POSITIVE_INFINITY
      unlessGone(error as NodeJS.ErrnoException)
    }
  }
  return total
}

/** @throws what tells anything but that the file has gone, or is no folder any more. */
function unlessGone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}

/** Look at a folder again and again until it holds more than `limit` bytes; then call `onExceeded`, once. */
export function watchQuota(of: { folder: () => string; limit: number; clock: Clock; onExceeded: () => void }): {
  readonly stop: () => void
} {
  const { folder, limit, clock, onExceeded } = of
  let cancel = () => {}
  let isStopped = false
  async function look(): Promise<void> {
    const began = clock.now()
    // What fails for a reason of this machine, such as too many open files, is tried again.
    const used = await diskUsageOf(folder(), limit).catch(() => 0)
    if (isStopped) return
    if (used > limit) onExceeded()
    else rest(Math.max(LOOK_MS, (clock.now() - began) * REST_FACTOR))
  }
  const rest = (milliseconds: number) => {
    cancel = clock.after(milliseconds, () => void look())
  }
  rest(LOOK_MS)
  return {
    stop() {
      isStopped = true
      cancel()
    },
  }
}
