import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSse, type ReceivedEvent } from '../../packages/server/test/sse-client.ts'
import type { Cluster } from './cluster.ts'

const AGAIN_MS = 100
const CALL_MS = 40_000

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** Clients behind a balancer: each request goes to the next node, and again to another until it is acknowledged. */
export function clientsOf(cluster: Cluster) {
  /** Answers no client should ever get. */
  const scandals: string[] = []
  let isStopped = false

  /** One request; null when the connection broke. */
  async function once(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<Answer | null> {
    try {
      const answer = await fetch(`${cluster.next()}${path}`, {
        method,
        headers: { 'content-type': 'application/json', 'x-requested-with': 'e2e', ...headers },
        signal: AbortSignal.timeout(CALL_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      if (answer.status >= 500 && answer.status !== 503)
        scandals.push(`${method} ${path} answered ${answer.status}: ${text}`)
      return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
    } catch {
      return null
    }
  }

  /** Until there is an answer that is neither 429 nor 503. */
  async function insist(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<Answer> {
    for (;;) {
      const answer = await once(method, path, headers, body)
      if (answer && answer.status !== 503 && answer.status !== 429) return answer
      await sleep(AGAIN_MS)
    }
  }

  /** Repeat `work` until the load is over. */
  async function repeat(pauseMs: number, work: () => Promise<void>): Promise<void> {
    while (!isStopped) {
      await work()
      await sleep(pauseMs)
    }
  }

  return {
    scandals,
    once,
    insist,
    repeat,
    stop() {
      isStopped = true
    },
  }
}

export type Clients = ReturnType<typeof clientsOf>

/** A client of a stream that comes back, to whichever node, from where it was cut off. */
export interface Listener {
  readonly received: readonly ReceivedEvent[]
  /** How often it had to come back. */
  readonly returns: number
  close(): Promise<void>
}

export function listen(
  cluster: Cluster,
  pathOf: (received: readonly ReceivedEvent[]) => string,
  headers: Record<string, string>,
): Listener {
  const received: ReceivedEvent[] = []
  let lastId = ''
  let returns = -1
  let isClosed = false
  let end = () => {}
  const running = (async () => {
    while (!isClosed) {
      returns++
      try {
        const from: Record<string, string> = lastId === '' ? {} : { 'last-event-id': lastId }
        const stream = await openSse(`${cluster.next()}${pathOf(received)}`, { ...headers, ...from })
        end = () => stream.close()
        if (isClosed) end()
        if (stream.status === 200) {
          for (;;) {
            const event = await stream.next().catch(() => null)
            lastId = stream.lastId || lastId
            if (!event) break
            received.push(event)
          }
        } else stream.close()
      } catch {
        // The node is gone: another one is asked.
      }
      await sleep(AGAIN_MS)
    }
  })()
  return {
    received,
    get returns() {
      return returns
    },
    async close() {
      isClosed = true
      end()
      await running
    },
  }
}

/** Twenty events of an agent. */
export function eventBatch(agentId: string): { events: { call_id: string }[] } {
  const timestamp = new Date().toISOString()
  return {
    events: Array.from({ length: 20 }, () => ({
      call_id: randomUUID(),
      agent_id: agentId,
      tool_name: 'exec',
      verdict: 'call_allowed',
      mode: 'enforce',
      timestamp,
      payload: { text: 'x'.repeat(100) },
    })),
  }
}
