import type { StreamLog } from '../../changes/stream-log.ts'
import { type EventStream, frameOf } from '../../http/event-stream.ts'
import type { UserCaller } from '../../identity/caller.ts'
import { scopeOfRecord } from '../../identity/scope.ts'
import type { Clock } from '../../ports/clock.ts'
import type { DashboardConnection } from './connections.ts'
import type { Hub } from './hub.ts'

const REPLAY_PAGE = 200
const TRY_AGAIN_MS = 5_000

/** Serve the consoles of a tenant's people. */
export function createDashboardStreams(deps: {
  hub: Hub
  log: StreamLog
  clock: Clock
  onError: (error: unknown) => void
}) {
  const { hub, log, clock, onError } = deps

  async function bringUpToDate(connection: DashboardConnection, lastEventId: number | null): Promise<void> {
    const { stream } = connection
    const scope = scopeOfRecord(connection)
    await hub.join(connection)
    const head = await log.latestId(scope)
    // Tells where the stream stands, so that a console cut off before its first event asks for what it missed.
    if (lastEventId === null) stream.write(Buffer.from(`id: ${head}\n\n`))
    for (let after = lastEventId ?? head; after < head && !stream.isEnded; ) {
      const { rows, hasMore } = await log.since(scope, after, REPLAY_PAGE, { dashboard: true })
      for (const record of rows) {
        after = record.id
        if (record.id > head) break
        stream.write(frameOf(record.type, record.json, record.id))
        await stream.drained()
      }
      if (!hasMore) break
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
        waitingCharacters: 0,
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

export type DashboardStreams = ReturnType<typeof createDashboardStreams>
