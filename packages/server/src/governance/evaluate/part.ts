import { createThreads, startThread } from '../../operations/threads/threads.ts'
import type { Part } from '../../part.ts'
import type { Clock } from '../../ports/clock.ts'
import { createEvaluate, type Evaluate, SLOTS } from './evaluate.ts'
import type { TrialCall, TrialOutcome } from './judge.ts'
import { evaluateRoutes } from './routes.ts'

/** How long a thread that nobody uses is kept. */
const IDLE_THREAD_MS = 30_000
const MEMORY_MB = 192

/** The playground, with the threads it judges on. */
export function createEvaluatePart({ clock }: { clock: Clock }): Part & { readonly evaluate: Evaluate } {
  const threads = createThreads<TrialCall, TrialOutcome>({
    start: () => startThread(new URL('./', import.meta.url), 'worker', MEMORY_MB),
    most: SLOTS,
    idleMs: IDLE_THREAD_MS,
    clock,
  })
  const evaluate = createEvaluate({ threads })
  return {
    evaluate,
    routes: (app) => evaluateRoutes(app, { evaluate }),
    stop: () => threads.close(),
  }
}
