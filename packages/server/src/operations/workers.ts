import type { Logger } from 'pino'
import type { Clock } from '../ports/clock.ts'

/** Work that recurs for as long as the server runs. A turn that fails is logged and tried again soon. */
export interface Workers {
  /** A name is one worker, however often it is begun: the first stays. */
  every(name: string, milliseconds: number, turn: () => Promise<void>): void
  /** Name to state, as health reports it. */
  status(): Record<string, 'running' | 'stopped' | 'crashed'>
  /** Run one turn of a worker now. */
  runNow(name: string): Promise<void>
  /** No further turns; resolves when the running ones have ended. */
  stop(): Promise<void>
}

const RETRY_MS = 5_000

export function createWorkers(deps: { clock: Clock; logger: Pick<Logger, 'error'> }): Workers {
  const { clock, logger } = deps
  const turns = new Map<
    string,
    { turn: () => Promise<void>; cancel: () => void; running: Promise<void> | null; failed: boolean }
  >()
  let stopped = false

  async function take(name: string): Promise<void> {
    const worker = turns.get(name)
    if (!worker) throw new Error(`There is no worker '${name}'.`)
    if (worker.running) return worker.running
    worker.running = worker.turn().then(
      () => {
        worker.failed = false
      },
      (error: unknown) => {
        worker.failed = true
        logger.error({ err: error, worker: name }, 'worker turn failed')
      },
    )
    await worker.running
    worker.running = null
  }

  return {
    every(name, milliseconds, turn) {
      if (turns.has(name)) return
      const schedule = (): (() => void) =>
        clock.after(worker.failed ? Math.min(milliseconds, RETRY_MS) : milliseconds, () => {
          void take(name).then(() => {
            if (!stopped) worker.cancel = schedule()
          })
        })
      const worker = { turn, cancel: () => {}, running: null, failed: false }
      turns.set(name, worker)
      worker.cancel = schedule()
    },
    status: () =>
      Object.fromEntries(
        [...turns].map(([name, worker]) => [name, stopped ? 'stopped' : worker.failed ? 'crashed' : 'running']),
      ),
    runNow: take,
    async stop() {
      stopped = true
      for (const worker of turns.values()) worker.cancel()
      await Promise.all([...turns.values()].map((worker) => worker.running))
    },
  }
}
