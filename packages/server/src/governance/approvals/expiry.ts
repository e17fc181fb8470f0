import type { Logger } from 'pino'
import type { Workers } from '../../operations/workers.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Micros, microsOf } from '../../storage/instants.ts'

const PERIOD_MS = 10_000

/** Fires time-outs when they fall due: a timer for the next one, and a worker that looks every ten seconds whatever happens. */
export interface Expiry {
  start(): void
  /** There is an approval that falls due at this instant. */
  expect(at: Micros): void
  stop(): void
}

export function createExpiry(deps: {
  clock: Clock
  workers: Workers
  logger: Pick<Logger, 'error'>
  nextExpiry: () => Promise<Micros | undefined>
  expireDue: () => Promise<unknown>
}): Expiry {
  const { clock, workers, logger, nextExpiry, expireDue } = deps
  let armed: { at: Micros; cancel: () => void } | null = null
  let isStopped = false

  function expect(at: Micros): void {
    const wait = Math.max(0, Math.ceil((at - microsOf(clock.now())) / 1000))
    // The worker's next turn comes before anything later than that, and arms it then.
    if (isStopped || wait > 2 * PERIOD_MS || (armed && armed.at <= at)) return
    armed?.cancel()
    const cancel = clock.after(wait, () => {
      armed = null
      turn().catch((err: unknown) => logger.error({ err }, 'approvals could not be timed out; tried again shortly'))
    })
    armed = { at, cancel }
  }

  async function turn(): Promise<void> {
    await expireDue()
    const next = await nextExpiry()
    if (next !== undefined) expect(next)
  }

  workers.every('approval_timeout', PERIOD_MS, turn)
  return {
    start() {
      void workers.runNow('approval_timeout')
    },
    expect,
    stop() {
      isStopped = true
      armed?.cancel()
      armed = null
    },
  }
}
