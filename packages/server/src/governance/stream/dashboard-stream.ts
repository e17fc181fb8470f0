import type { UserCaller } from '../../http/caller.ts'
import { type EventStream, frameOf } from '../../http/event-stream.ts'
import type { Clock } from '../../ports/clock.ts'
import type { DashboardConnection } from './connections.ts'
import type { StreamHub } from './hub.ts'
import type { StreamLog } from './log.ts'

const REPLAY_PAGE = 200
const TRY_AGAIN_MS = 5_000

/** Serve the consoles of a tenant's people (console-api §9.4). */
export function dashboardStreams(deps: {
  hub: StreamHub
  log: StreamLog
  clock: Clock
  onError: (error: unknown) => void
}) {
  const { hub, log, clock, onError } = deps

  async function bringUpToDate(connection: DashboardConnection, lastEventId: number | null): Promise<void> {
    const { tenantId, stream } = connection
    await hub.join(connection)
    const head = await log.latestId(tenantId)
    // Tells where the stream stands, so that a console cut off before its first event asks for what it missed.
    if (lastEventId === null) stream.write(Buffer.from(`id: ${head}\n\n`))
    for (let after = lastEventId ?? head; after < head && !stream.isEnded; ) {
      const records = await log.since(tenantId, after, REPLAY_PAGE, { dashboard: true })
      for (const record of records) {
        after = record.id
        if (record.id <= head) stream.write(frameOf(record.type, record.json, record.id))
      }
      if (records.length < REPLAY_PAGE) break
    }
    await hub.goLive(connection, head)
  }

  return {
    /** Serve an open stream until it ends. */
    async open(caller: UserCaller, lastEventId: number | null, stream: EventStream): Promise<void> {
      const connection: DashboardConnection = {
        kind: 'dashboard',
        stream,
        tenantId: caller.tenantId,
        connectedAt: clock.now(),
        head: 0,
        waiting: [],
      }
      try {
        await bringUpToDate(connection, lastEventId)
      } catch (error) {
        onError(error)
        stream.end(TRY_AGAIN_MS)
      }
    },
  }
}

export type DashboardStreams = ReturnType<typeof dashboardStreams>
