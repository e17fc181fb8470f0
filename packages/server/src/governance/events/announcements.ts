import type { Logger } from 'pino'
import type { StreamLog, StreamRecord } from '../../changes/stream-log.ts'

/** What tells dashboards how many events arrived. */
export const arrival = (tenantId: string, accepted: number): StreamRecord => ({
  tenantId,
  type: 'event_created',
  data: { accepted },
  dashboard: true,
})

/** Tells dashboards how many events arrived, behind the commit that kept them. */
export interface Announcements {
  /** These tenants got as many new events, which are on disk. */
  arrived(accepted: ReadonlyMap<string, number>): void
  /** Resolves once everybody was told. */
  idle(): Promise<void>
}

/**
 * Nobody who reports events waits for dashboards to be told, and a tenant whose events arrive faster than they can be told of hears
 * of several batches at once. A server that is killed in between leaves a dashboard without a hint, never without an event.
 */
export function createAnnouncements(deps: { log: StreamLog; logger: Logger }): Announcements {
  const { log, logger } = deps
  let waiting = new Map<string, number>()
  let telling: Promise<void> | null = null

  async function tell(): Promise<void> {
    while (waiting.size > 0) {
      const counts = waiting
      waiting = new Map()
      try {
        await log.transact(async (_within, emit) => {
          for (const [tenantId, accepted] of counts) emit(arrival(tenantId, accepted))
        })
      } catch (err) {
        logger.warn({ err, tenants: counts.size }, 'dashboards were not told of events that arrived')
      }
    }
    telling = null
  }

  return {
    arrived(accepted) {
      for (const [tenantId, count] of accepted) waiting.set(tenantId, (waiting.get(tenantId) ?? 0) + count)
      if (waiting.size > 0) telling ??= tell()
    },
    async idle() {
      await telling
    },
  }
}
