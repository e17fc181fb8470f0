import { scopeOfRecord } from '../identity/scope.ts'
import type { Bus } from '../ports/bus.ts'
import { type LoggedRecord, STREAM_TOPIC, type StreamLog } from './stream-log.ts'

const PAGE = 500

/** Takes one record. While the promise it may return is open, no further record of the tenant is delivered. */
export type Deliver = (record: LoggedRecord) => Promise<void> | undefined

/**
 * The log of each tenant somebody on this process listens to: every record once, in order, whatever the bus does. A message
 * that follows the last one directly is delivered as it is; after a gap, or when the bus was silent, the log is read.
 */
export interface StreamFeed {
  /** Keep the tenant's log flowing to `deliver`: every record that is not yet in the log when this resolves. */
  follow(tenantId: string): Promise<void>
  unfollow(tenantId: string): void
  /** Read what the bus did not bring: one query when it brought everything. */
  catchUp(): Promise<void>
  stop(): void
}

interface Followed {
  cursor: number | null
  /** Something may be in the log that the running reading has not seen. */
  isBehind: boolean
  reading: Promise<void> | null
  ready: Promise<void>
}

export function createStreamFeed(deps: {
  log: StreamLog
  bus: Bus
  deliver: Deliver
  onError: (error: unknown) => void
}): StreamFeed {
  const { log, bus, deliver, onError } = deps
  const tenants = new Map<string, Followed>()

  function receive(record: LoggedRecord): void {
    const followed = tenants.get(record.tenantId)
    if (!followed) return
    if (followed.cursor === null || followed.reading !== null) {
      followed.isBehind = true
      return
    }
    if (record.id <= followed.cursor) return
    if (record.after !== followed.cursor) {
      read(record.tenantId, followed)
      return
    }
    followed.cursor = record.id
    const unfinished = deliver(record)
    if (unfinished) read(record.tenantId, followed, unfinished)
  }

  /** Deliver everything after the cursor, one record at a time; `first` is what must be over before. */
  function read(tenantId: string, followed: Followed, first?: Promise<void>): void {
    followed.isBehind ||= first === undefined
    followed.reading = (async () => {
      try {
        await first
        while (followed.isBehind && tenants.get(tenantId) === followed) {
          followed.isBehind = false
          const { rows, hasMore } = await log.since(scopeOfRecord({ tenantId }), followed.cursor ?? 0, PAGE)
          for (const record of rows) {
            const after = followed.cursor ?? 0
            followed.cursor = record.id
            await deliver({ ...record, after })
          }
          if (hasMore) followed.isBehind = true
        }
      } catch (error) {
        // The cursor stands at what was delivered: the next message, or the next catching up, reads on from there.
        onError(error)
      } finally {
        followed.reading = null
      }
    })()
  }

  const unsubscribe = bus.subscribe(STREAM_TOPIC, (message) => {
    for (const record of message as readonly LoggedRecord[]) receive(record)
  })

  async function catchUp(): Promise<void> {
    const places = new Map<string, number>()
    for (const [tenantId, { cursor }] of tenants) if (cursor !== null) places.set(tenantId, cursor)
    for (const tenantId of await log.newerThan(places)) {
      const followed = tenants.get(tenantId)
      if (!followed) continue
      if (followed.reading) followed.isBehind = true
      else read(tenantId, followed)
      await followed.reading
    }
  }

  const endGaps = bus.onGap(() => void catchUp().catch(onError))

  return {
    async follow(tenantId) {
      let followed = tenants.get(tenantId)
      if (!followed) {
        const created: Followed = { cursor: null, isBehind: false, reading: null, ready: Promise.resolve() }
        created.ready = log.latestId(scopeOfRecord({ tenantId })).then(
          (id) => {
            created.cursor = id
            if (created.isBehind) read(tenantId, created)
          },
          (error: unknown) => {
            if (tenants.get(tenantId) === created) tenants.delete(tenantId)
            throw error
          },
        )
        tenants.set(tenantId, created)
        followed = created
      }
      await followed.ready
    },
    unfollow(tenantId) {
      tenants.delete(tenantId)
    },
    catchUp,
    stop() {
      unsubscribe()
      endGaps()
      tenants.clear()
    },
  }
}
