import { createThreads, startThread } from '../../operations/threads/threads.ts'
import type { Part } from '../../part.ts'
import type { Shared } from '../../shared.ts'
import type { BundleStore } from '../bundles/store.ts'
import { createReplay, REPLAY_THREADS, type Replay } from './replay.ts'
import { replayRoutes } from './routes.ts'
import { createReplayStore } from './store.ts'
import type { ReplayAnswer, ReplayTask } from './worker.ts'

/** How long a thread that nobody uses is kept. */
const IDLE_THREAD_MS = 30_000
const MEMORY_MB = 160

/** Replays, with the threads they judge on. */
export function createReplayPart(deps: Shared & { bundleStore: BundleStore }): Part & { readonly replay: Replay } {
  const { clock, database } = deps
  const threads = createThreads<ReplayTask, ReplayAnswer>({
    start: () => startThread(new URL('./', import.meta.url), 'worker', MEMORY_MB),
    most: REPLAY_THREADS,
    idleMs: IDLE_THREAD_MS,
    clock,
  })
  const replay = createReplay({ ...deps, store: createReplayStore(database), threads })
  return {
    replay,
    routes: (app) => replayRoutes(app, { replay, clock }),
    stop: () => threads.close(),
  }
}
