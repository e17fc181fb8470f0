import { createThreads, startThread } from '../../operations/threads/threads.ts'
import type { Clock } from '../../ports/clock.ts'

const MOST_THREADS = 2
const MEMORY_MB = 256
const IDLE_MS = 60_000
const WAIT_MS = 10_000
/** Whoever makes a page decides how long it takes to read it; this is how long it may. */
const RUN_MS = 3000

/** Pages as Markdown, made beside the event loop. */
export interface Readable {
  /** Null for a page that takes too long or cannot be turned. */
  markdown(html: string, address: string): Promise<string | null>
  stop(): Promise<void>
}

export function createReadable(deps: { clock: Clock }): Readable {
  const threads = createThreads<{ html: string; address: string }, string | null>({
    start: () => startThread(new URL('.', import.meta.url), 'worker', MEMORY_MB),
    most: MOST_THREADS,
    idleMs: IDLE_MS,
    clock: deps.clock,
  })
  return {
    // Busy, too slow or out of memory: the page is told as it is.
    markdown: (html, address) => threads.run({ html, address }, { waitMs: WAIT_MS, runMs: RUN_MS }).catch(() => null),
    stop: () => threads.close(),
  }
}
