import type { FastifyReply, FastifyRequest } from 'fastify'
import { JOURNAL_TOPIC, type JournalNews } from '../../changes/journal/journal.ts'
import type { JournalEntry, JournalStore } from '../../changes/journal/store.ts'
import type { Subject } from '../../changes/subject.ts'
import { frameOf, keepaliveFrame, openEventStream } from '../../http/event-stream.ts'
import type { TenantScope } from '../../identity/scope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Page } from '../../storage/page.ts'

const KEEPALIVE_MS = 15_000
const PAGE = 200

/**
 * Streams are views over the journal. A connection reads what lies after its position, and reads again whenever it is told that
 * something was recorded: replay and live are one reading, so nothing is missed and nothing comes twice.
 */
export interface JournalStreams {
  /** What happened to one subject; ends after its last entry, or after the history when it does not follow. */
  subject(
    request: FastifyRequest,
    reply: FastifyReply,
    subject: Subject,
    options: { follow: boolean; isLast: (type: string) => boolean },
  ): Promise<void>
  /** What happened to an agent's subjects after the entry `start`, or after what the client has seen, and what is to come. */
  agent(
    request: FastifyRequest,
    reply: FastifyReply,
    of: { scope: TenantScope; agentId: string; start: () => Promise<number> },
    options: { follow: boolean },
  ): Promise<void>
  /** End every open stream; clients come back. */
  end(): void
}

interface Source {
  read(position: number): Promise<Page<JournalEntry>>
  positionOf(entry: JournalEntry): number
  concerns(news: JournalNews): boolean
  isLast(entry: JournalEntry): boolean
}

export function createJournalStreams(deps: {
  store: Pick<JournalStore, 'after' | 'ofAgentAfter'>
  bus: Bus
  clock: Clock
  onReadError: (error: unknown) => void
}): JournalStreams {
  const { store, bus, clock, onReadError } = deps
  const open = new Set<() => void>()

  async function serve(reply: FastifyReply, source: Source, start: number, follow: boolean): Promise<void> {
    // Subscribed before the first reading: what is stored meanwhile is read in the next round.
    let isStale = true
    let wake = () => {}
    const unsubscribe = bus.subscribe(JOURNAL_TOPIC, (message) => {
      if (!source.concerns(message as JournalNews)) return
      isStale = true
      wake()
    })
    const forgetGap = bus.onGap(() => {
      isStale = true
      wake()
    })
    const stream = openEventStream(reply)
    const end = () => stream.end(1000)
    open.add(end)
    let cancelKeepalive = () => {}
    const keepAlive = () => {
      cancelKeepalive = clock.after(KEEPALIVE_MS, () => {
        stream.write(keepaliveFrame)
        // A message between processes may be lost: what it would have told is found here.
        isStale = true
        wake()
        keepAlive()
      })
    }
    keepAlive()
    stream.onEnd(() => {
      unsubscribe()
      forgetGap()
      cancelKeepalive()
      open.delete(end)
      wake()
    })
    let position = start
    try {
      while (!stream.isEnded) {
        if (!isStale) {
          if (!follow) return stream.end()
          await new Promise<void>((resolve) => {
            wake = resolve
            if (isStale || stream.isEnded) resolve()
          })
          continue
        }
        isStale = false
        const { rows, hasMore } = await source.read(position)
        if (hasMore) isStale = true
        for (const entry of rows) {
          position = source.positionOf(entry)
          if (!stream.write(frameOf(null, entry.data, position))) return
          await stream.drained()
          if (source.isLast(entry)) return stream.end()
        }
      }
    } catch (error) {
      // The client comes back and continues from the last id it saw.
      onReadError(error)
      stream.end(1000)
    }
  }

  return {
    subject: (request, reply, { kind, id }, { follow, isLast }) =>
      serve(
        reply,
        {
          read: (position) => store.after({ kind, id }, position, PAGE),
          positionOf: (entry) => entry.sequence,
          concerns: ({ subject }) => subject.kind === kind && subject.id === id,
          isLast: ({ type }) => isLast(type),
        },
        lastEventId(request) ?? 0,
        follow,
      ),
    async agent(request, reply, { scope, agentId, start }, { follow }) {
      await serve(
        reply,
        {
          read: (position) => store.ofAgentAfter(scope, agentId, position, PAGE),
          positionOf: (entry) => entry.id,
          concerns: (news) => news.agentId === agentId && news.tenantId === scope.tenantId,
          isLast: () => false,
        },
        lastEventId(request) ?? (await start()),
        follow,
      )
    },
    end() {
      for (const close of [...open]) close()
    },
  }
}

/** The position a client that comes back says it has seen. */
function lastEventId(request: FastifyRequest): number | null {
  const header = request.headers['last-event-id']
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : null
}
