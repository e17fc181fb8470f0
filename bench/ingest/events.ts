import { randomUUID } from 'node:crypto'

export const BATCH = 50
const ID_LENGTH = 36
/** Between the events of a batch: an agent sends what it did in the last moments. */
const APART_MS = 10
/** Of any instant, as text: as long as a real one. */
const SOME_INSTANT = '2026-01-01T00:00:00.000Z'

/** One stage of a call as an SDK reports it, about 700 bytes; each call has two. */
function event(callId: string, index: number) {
  return {
    call_id: callId,
    agent_id: `agent-${index % 8}`,
    tool_name: ['read_file', 'write_file', 'exec', 'http_get'][index % 4],
    verdict: index % 2 === 0 ? 'call_allowed' : 'call_executed',
    mode: 'enforce',
    timestamp: SOME_INSTANT,
    payload: {
      event_id: randomUUID(),
      tool_args: { path: '/workspace/data/report.csv', encoding: 'utf-8', lines: 200 },
      side_effect: 'read',
      environment: 'production',
      principal: { user_id: 'user-17', role: 'analyst', claims: { team: 'research' } },
      decision_source: 'contract',
      decision_name: index % 10 < 2 ? 'no-secrets' : null,
      reason: null,
      policy_version: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
      bundle_name: 'devops-agent',
    },
  }
}

/** When the event at this place of a batch that is sent now happened, milliseconds since the epoch. */
export const happened = (now: number, index: number): number => now - (BATCH - index) * APART_MS

/** A batch of events that gets new ids and instants in place: sending costs the client next to nothing. */
export interface BatchTemplate {
  readonly body: Buffer
  renew(): void
}

export function batchTemplate(seed: number): BatchTemplate {
  const ids = Array.from({ length: BATCH / 2 }, () => randomUUID())
  const events = ids.flatMap((id, index) => [0, 1].map((stage) => event(id, seed * BATCH + 2 * index + stage)))
  const body = Buffer.from(JSON.stringify({ events }))
  const calls = ids.map((id) => {
    const first = body.indexOf(id)
    return [first, body.indexOf(id, first + 1)]
  })
  // An event's own id tells it from others before anything else does.
  const own = events.map(({ payload }) => [body.indexOf(payload.event_id)])
  const places = [...calls, ...own]
  const instants = calls
    .flat()
    .map((place) => body.indexOf(SOME_INSTANT, place))
    .sort((a, b) => a - b)
  let turn = 0
  return {
    body,
    renew() {
      turn++
      const now = Date.now()
      for (const [index, place] of instants.entries())
        body.write(new Date(happened(now, index)).toISOString(), place, 'latin1')
      for (const same of places) {
        // Random in front, as ids are; the turn behind keeps them apart.
        const front = Math.floor(Math.random() * 0xffffffff)
          .toString(16)
          .padStart(8, '0')
        const back = turn.toString(16).padStart(12, '0')
        for (const place of same) {
          body.write(front, place, 'latin1')
          body.write(back, place + ID_LENGTH - back.length, 'latin1')
        }
      }
    },
  }
}

/** The same events as rows, for the bare driver; their instants are still to be set. */
export function rowsOf(body: Buffer): unknown[][] {
  const { events } = JSON.parse(body.toString()) as { events: ReturnType<typeof event>[] }
  return events.map((sent) => [
    randomUUID(),
    'tenant',
    sent.call_id,
    sent.agent_id,
    sent.tool_name,
    sent.verdict,
    sent.mode,
    'production',
    0,
    sent.payload.decision_name ?? '',
    JSON.stringify(sent.payload),
    0,
  ])
}
