import type { Clock } from './clock.ts'
import { errorText, type Logger } from './logger.ts'
import type { Lease } from './reservations.ts'
import type { Session } from './session.ts'

export interface Heartbeat {
  stop(): void
}

/**
 * Renews a lease while its tool runs, three times within the time it holds. A renewal that fails is tried again at the
 * next beat: a lease that runs out is still counted when the tool ends.
 */
export function keepAlive(deps: {
  readonly clock: Clock
  readonly logger: Logger
  readonly session: Session
  readonly lease: Lease
}): Heartbeat {
  const { clock, logger, session, lease } = deps
  let seconds = lease.expiresInSeconds
  let stopped = false
  let timer = beat()

  function beat() {
    return clock.setTimer(() => void renew(), (seconds * 1000) / 3, { background: true })
  }

  async function renew(): Promise<void> {
    try {
      seconds = await session.renew(lease)
    } catch (error) {
      logger.debug(`a reservation was not renewed: ${errorText(error)}`)
    }
    if (!stopped) timer = beat()
  }

  return {
    stop() {
      stopped = true
      timer.cancel()
    },
  }
}
