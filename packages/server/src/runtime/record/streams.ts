import type { FastifyReply, FastifyRequest } from 'fastify'
import { JOURNAL_TOPIC, type JournalNews, type ToldEntry } from '../../changes/journal/journal.ts'
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
  /**
   * What happened to an agent's subjects after the entry `start`, or after what the client has seen, and what is to come; with
   * `isVerbose` also what comes about in the tenant that is of no agent.
   */
  agent(
    request: FastifyRequest,
    reply: FastifyReply,
    of: { scope: TenantScope; agentId: string; start: () => Promise<number> },
    options: { follow: boolean; isVerbose: boolean },
  ): Promise<void>
  /** End every open stream; clients come back. */
  end(): void
}

/** How far a connection has read: in the order it follows, and in the tenant's where it follows that as well. */
interface Position {
  readonly own: number
  readonly tenant: number | null
}

interface Source<Entry extends ToldEntry = JournalEntry> {
  read(position: Position): Promise<Page<Entry>>
  /** Where a connection is that has been given this entry. */
  after(position: Position, entry: Entry): Position
  concerns(news: JournalNews): boolean
  isLast(entry: Entry): boolean
  /** What of these entries a connection has before it, when nothing lies between; null: it has to look. */
  next(position: Position, told: readonly ToldEntry[]): readonly Entry[] | null
}

/** Entries that wait for a connection; beyond them it looks for itself. */
const MOST_TOLD = 200

export function createJournalStreams(deps: {
  store: Pick<JournalStore, 'after' | 'ofAgentAfter' | 'ofNobodyAfter' | 'lastSequence'>
  bus: Bus
  clock: Clock
  onReadError: (error: unknown) => void
}): JournalStreams {
  const { store, bus, clock, onReadError } = deps
  const open = new Set<() => void>()

  async function serve<Entry extends ToldEntry>(
    reply: FastifyReply,
    source: Source<Entry>,
    start: Position,
    follow: boolean,
  ): Promise<void> {
    // Subscribed before the first reading: what is stored meanwhile is read in the next round.
    let isStale = true
    let told: ToldEntry[] = []
    let wake = () => {}
    const unsubscribe = bus.subscribe(JOURNAL_TOPIC, (message) => {
      const news = message as JournalNews
      if (!source.concerns(news)) return
      if (news.entries && told.length < MOST_TOLD) told.push(...news.entries)
      else isStale = true
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
        if (!isStale && told.length === 0) {
          if (!follow) return stream.end()
          await new Promise<void>((resolve) => {
            wake = resolve
            if (isStale || told.length > 0 || stream.isEnded) resolve()
          })
          continue
        }
        // What is read from here on holds whatever was told so far.
        const news = isStale ? null : source.next(position, told)
        told = []
        isStale = false
        let rows = news
        if (rows === null) {
          const page = await source.read(position)
          rows = page.rows
          if (page.hasMore) isStale = true
        }
        for (const entry of rows) {
          position = source.after(position, entry)
          if (!stream.write(frameOf(null, entry.data, idOf(position)))) return
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
          read: ({ own }): Promise<Page<ToldEntry>> => store.after({ kind, id }, own, PAGE),
          after: (_before, { sequence }) => ({ own: sequence, tenant: null }),
          concerns: ({ subject }) => subject.kind === kind && subject.id === id,
          isLast: ({ type }) => isLast(type),
          next({ own }, told) {
            const unseen = told.filter(({ sequence }) => sequence > own)
            return unseen.every(({ sequence }, index) => sequence === own + 1 + index) ? unseen : null
          },
        },
        { own: lastEventId(request)?.own ?? 0, tenant: null },
        follow,
      ),
    async agent(request, reply, { scope, agentId, start }, { follow, isVerbose }) {
      const seen = lastEventId(request)
      const tenant = { kind: 'tenant', id: scope.tenantId } as const
      const ofTenant = isVerbose ? (seen?.tenant ?? (await store.lastSequence(tenant))) : null
      // Each order is read by itself: entries of one become visible in it one after the other, of both together they do not.
      const ofNobody = new WeakSet<JournalEntry>()
      await serve(
        reply,
        {
          async read(position) {
            const own = await store.ofAgentAfter(scope, agentId, position.own, PAGE)
            if (position.tenant === null) return own
            const more = await store.ofNobodyAfter(scope, position.tenant, PAGE)
            for (const entry of more.rows) ofNobody.add(entry)
            const rows = [...own.rows, ...more.rows].sort((a, b) => a.id - b.id)
            return { rows, hasMore: own.hasMore || more.hasMore }
          },
          after: (position, entry) =>
            ofNobody.has(entry) ? { ...position, tenant: entry.sequence } : { ...position, own: entry.id },
          concerns: (news) =>
            news.tenantId === scope.tenantId &&
            (news.agentId === agentId || (isVerbose && news.agentId === null && news.subject.kind === 'tenant')),
          isLast: () => false,
          // Its order is that of all subjects of the agent, which no news tells.
          next: () => null,
        },
        { own: seen?.own ?? (await start()), tenant: ofTenant },
        follow,
      )
    },
    end() {
      for (const close of [...open]) close()
    },
  }
}

/** The position a client that comes back says it has seen. */
function lastEventId(request: FastifyRequest): Position | null {
  const header = request.headers['last-event-id']
  const found = typeof header === 'string' ? /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(header) : null
  return found && { own: Number(found[1]), tenant: found[2] === undefined ? null : Number(found[2]) }
}

const idOf = ({ own, tenant }: Position): number | string => (tenant === null ? own : `${own}.${tenant}`)
