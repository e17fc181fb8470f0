import type { FastifyReply, FastifyRequest } from 'fastify'
import { keepaliveFrame, openEventStream } from '../../http/event-stream.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import { terminalTypes } from './events.ts'
import { EXECUTION_TOPIC } from './journal.ts'
import type { ExecutionStore, StoredEvent } from './store.ts'

const KEEPALIVE_MS = 15_000
const PAGE = 200
const AGENT_HISTORY_EXECUTIONS = 50

/**
 * Streams are views over the stored events. A connection reads what lies after its position, and reads again whenever it is
 * told that something was stored: replay and live are one reading, so nothing is missed and nothing comes twice.
 */
export interface ExecutionStreams {
  /** Events of one execution; ends after the terminal one, or after the history when it does not follow. */
  execution(
    request: FastifyRequest,
    reply: FastifyReply,
    executionId: string,
    options: { follow: boolean },
  ): Promise<void>
  /** Events of an agent's newest executions and, when following, of those to come. */
  agent(
    request: FastifyRequest,
    reply: FastifyReply,
    of: { tenantId: string; agentId: string },
    options: { follow: boolean },
  ): Promise<void>
  /** End every open stream; clients come back. */
  end(): void
}

interface Source {
  read(position: number): Promise<StoredEvent[]>
  positionOf(event: StoredEvent): number
  concerns(message: { executionId: string; agentId: string; tenantId: string }): boolean
  endsAfter(event: StoredEvent): boolean
}

export function executionStreams(deps: {
  store: ExecutionStore
  bus: Bus
  clock: Clock
  onReadError: (error: unknown) => void
}): ExecutionStreams {
  const { store, bus, clock, onReadError } = deps
  const open = new Set<() => void>()

  async function serve(reply: FastifyReply, source: Source, start: number, follow: boolean): Promise<void> {
    // Subscribed before the first reading: what is stored meanwhile is read in the next round.
    let isStale = true
    let wake = () => {}
    const unsubscribe = bus.subscribe(EXECUTION_TOPIC, (message) => {
      if (!source.concerns(message as Parameters<Source['concerns']>[0])) return
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
        const events = await source.read(position)
        if (events.length === PAGE) isStale = true
        for (const event of events) {
          position = source.positionOf(event)
          if (!stream.write(Buffer.from(`id: ${position}\ndata: ${event.data}\n\n`))) return
          if (source.endsAfter(event)) return stream.end()
        }
      }
    } catch (error) {
      // The client comes back and continues from the last id it saw.
      onReadError(error)
      stream.end(1000)
    }
  }

  return {
    execution: (request, reply, executionId, { follow }) =>
      serve(
        reply,
        {
          read: (position) => store.eventsAfter(executionId, position, PAGE),
          positionOf: (event) => event.sequence,
          concerns: (message) => message.executionId === executionId,
          endsAfter: (event) => terminalTypes.has(event.type),
        },
        lastEventId(request) ?? 0,
        follow,
      ),
    async agent(request, reply, { tenantId, agentId }, { follow }) {
      const start = lastEventId(request) ?? (await store.agentHistoryStart(tenantId, agentId, AGENT_HISTORY_EXECUTIONS))
      await serve(
        reply,
        {
          read: (position) => store.agentEventsAfter(tenantId, agentId, position, PAGE),
          positionOf: (event) => event.id,
          concerns: (message) => message.agentId === agentId && message.tenantId === tenantId,
          endsAfter: () => false,
        },
        start,
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
