import { createStreamFeed } from '../../changes/feed.ts'
import type { LoggedRecord, StreamLog } from '../../changes/stream-log.ts'
import { keepaliveFrame } from '../../http/event-stream.ts'
import type { Metrics } from '../../operations/metrics.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import { type AgentConnection, type Connections, receives, type StreamConnection } from './connections.ts'
import { endToComeBack, type Frames } from './frames.ts'

/** A stream this old is ended, so that a connection nobody reads any more does not stay for ever. */
const LONGEST_STREAM_MS = 3_600_000
/** How many of those end at one keepalive: streams that began together do not all come back together. */
const ENDED_AT_ONCE = 200
const COME_BACK_MS = 1_000
const SENT_AT_ONCE = 1_000
/** Of records held for a connection while it is told what it missed. */
const MOST_WAITING_CHARACTERS = 4 * 1024 * 1024

/** What these connections are assigned may have changed: tell each what it runs now, if that is something else. */
export type Reassign = (connections: readonly AgentConnection[], record: LoggedRecord) => Promise<void>

export interface Hub {
  /** Hold every record for the connection from now on, until it goes live. */
  join(connection: StreamConnection): Promise<void>
  /** Send what was held and is newer than `head`, then everything as it comes. */
  goLive(connection: StreamConnection, head: number): Promise<void>
  readonly isDraining: boolean
  /** One turn of the shared timer: keepalives, streams that have lived long enough. */
  keepAlive(): void
  /** Deliver what the bus did not bring. */
  catchUp(): Promise<void>
  /** End every stream, telling clients to come back; no new ones. */
  drain(): void
  stop(): void
}

export function createHub(deps: {
  connections: Connections
  log: StreamLog
  bus: Bus
  clock: Clock
  metrics: Pick<Metrics, 'agentStreams' | 'dashboardStreams'>
  reassign: Reassign
  frames: Frames
  /** The frame of the document that a connection is owed, as of the place in the log that is given back. */
  documentOf: (connection: AgentConnection) => Promise<{ readonly frame: Buffer | null; readonly head: number }>
  /** A connection's bundle became another. */
  onReassigned: (connection: AgentConnection) => void
  onError: (error: unknown) => void
}): Hub {
  const { connections, log, bus, clock, metrics, reassign, frames, documentOf, onReassigned, onError } = deps
  const feed = createStreamFeed({ log, bus, deliver, onError })
  let isDraining = false

  function deliver(record: LoggedRecord): Promise<void> | undefined {
    const own = connections.of(record.tenantId)
    if (!own) return undefined
    const everyone = [...own.all()]
    const frame = frames.shared(record)
    // Held from here on: who joins now finds the record in the log it is brought up to date from.
    for (const connection of everyone) hold(connection, record)
    const live = everyone.filter((connection) => connection.waiting === null)
    const isOfAll = isRuleChange(record)
    const affected = live.filter(isAssigned).filter((connection) => isOfAll || resolvesItself(connection, record))
    if (live.length <= SENT_AT_ONCE && affected.length === 0) {
      for (const connection of live) send(connection, record, frame)
      payDocuments(live)
      return undefined
    }
    return deliverInTurns(live, affected, record, frame)
  }

  /** For a connection that is still told what it missed. Where too much waits, the client comes back and is told that as well. */
  function hold(connection: StreamConnection, record: LoggedRecord): void {
    if (connection.waiting === null) return
    connection.waiting.push(record)
    connection.waitingCharacters += record.json.length
    if (connection.waitingCharacters <= MOST_WAITING_CHARACTERS) return
    connection.waiting = []
    endToComeBack(connection, COME_BACK_MS)
  }

  /** To thousands in several turns of the event loop: other requests do not wait for all of them. */
  async function deliverInTurns(
    live: readonly StreamConnection[],
    affected: readonly AgentConnection[],
    record: LoggedRecord,
    frame: FrameFor,
  ): Promise<void> {
    for (let from = 0; from < live.length; from += SENT_AT_ONCE) {
      if (from > 0) await new Promise((resolve) => setImmediate(resolve))
      for (const connection of live.slice(from, from + SENT_AT_ONCE)) send(connection, record, frame)
    }
    if (affected.length > 0) await reassign(affected, record)
    payDocuments(live)
  }

  /** Records are held for a connection until it has the document that it is owed: an older one never comes after a newer one. */
  function payDocuments(live: readonly StreamConnection[]): void {
    for (const connection of live)
      if (connection.kind === 'agent' && connection.isOwedDocument && connection.waiting === null) {
        connection.waiting = []
        void payDocument(connection).catch((error: unknown) => {
          onError(error)
          endToComeBack(connection, COME_BACK_MS)
        })
      }
  }

  async function payDocument(connection: AgentConnection): Promise<void> {
    connection.isOwedDocument = false
    const { frame, head } = await documentOf(connection)
    if (frame) connection.stream.write(frame)
    await goLive(connection, head)
  }

  function send(connection: StreamConnection, record: LoggedRecord, frame: FrameFor): void {
    if (record.id <= connection.head || !receives(connection, record) || resolvesItself(connection, record)) return
    connection.stream.write(frame(connection))
    if (connection.kind === 'agent' && record.type === 'assignment_changed' && !connection.namedBundle) {
      const { bundle_name } = JSON.parse(record.json) as { bundle_name: string | null }
      if (bundle_name === connection.bundleName) return
      connection.bundleName = bundle_name
      connection.followsAll = bundle_name === null
      connection.isOwedDocument = connection.reads === 'rulesets' && bundle_name !== null
      onReassigned(connection)
    }
  }

  async function goLive(connection: StreamConnection, head: number): Promise<void> {
    connection.head = head
    for (let record = connection.waiting?.shift(); record; record = connection.waiting?.shift()) {
      send(connection, record, frames.shared(record))
      if (record.id > head && isAssigned(connection) && (isRuleChange(record) || resolvesItself(connection, record)))
        await reassign([connection], record)
    }
    if (connection.kind === 'agent' && connection.isOwedDocument) return payDocument(connection)
    connection.waiting = null
  }

  function leave(connection: StreamConnection): void {
    if (!connections.remove(connection)) return
    if (!connections.of(connection.tenantId)) feed.unfollow(connection.tenantId)
    count(connection, -1)
  }

  function count(connection: StreamConnection, by: 1 | -1): void {
    if (connection.kind === 'agent') metrics.agentStreams.inc(by)
    else metrics.dashboardStreams.inc(by)
  }

  return {
    async join(connection) {
      connections.add(connection)
      count(connection, 1)
      connection.stream.onEnd(() => leave(connection))
      await feed.follow(connection.tenantId)
    },
    goLive,
    get isDraining() {
      return isDraining
    },
    keepAlive() {
      const oldest = clock.now() - LONGEST_STREAM_MS
      let ended = 0
      for (const connection of connections.all()) {
        if (connection.connectedAt <= oldest && ended < ENDED_AT_ONCE) {
          ended++
          endToComeBack(connection, COME_BACK_MS)
        } else connection.stream.write(keepaliveFrame)
      }
    },
    catchUp: () => feed.catchUp(),
    drain() {
      isDraining = true
      for (const { stream } of connections.all()) stream.end(COME_BACK_MS)
    },
    stop: () => feed.stop(),
  }
}

type FrameFor = ReturnType<Frames['shared']>

const isAssigned = (connection: StreamConnection): connection is AgentConnection =>
  connection.kind === 'agent' && !connection.namedBundle

/**
 * Whether what is registered of the agent changed, and the connection gave tags of its own: those go before the registered ones,
 * so that the record's answer need not be this connection's, or
 * is one that it found for itself already.
 */
function resolvesItself(connection: StreamConnection, record: LoggedRecord): boolean {
  return (
    record.type === 'assignment_changed' &&
    isAssigned(connection) &&
    record.agentId === connection.agentId &&
    (record.env === null || record.env === connection.env) &&
    Object.keys(connection.tags).length > 0
  )
}

function isRuleChange(record: LoggedRecord): boolean {
  return (
    record.type === 'assignment_changed' &&
    record.agentId === null &&
    record.dashboard &&
    (JSON.parse(record.json) as { rule_id?: string }).rule_id !== undefined
  )
}
