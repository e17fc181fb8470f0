import type { Logger } from '../logger.ts'
import type {
  ExecutionBounds,
  LeaseOutcome,
  Reserved,
  ReserveRequest,
  SessionCounters,
  SessionReservations,
} from '../reservations.ts'
import type { BoundedRequests } from './deadline.ts'
import { EdictumServerError } from './errors.ts'
import { storedTool } from './stored-key.ts'

const OLDER_SERVER =
  'the server is an older one and does not reserve: session limits are exact within this process only; calls of other processes are counted when they are over.'

/**
 * Reservations on the server: they hold among all processes of a session. A server that does not know the route is an older
 * one; the guard then reserves within its own process and counts on the server when a call is over.
 */
export function createServerReservations(deps: { client: BoundedRequests; logger: Logger }): SessionReservations {
  const { client, logger } = deps
  let missing = false

  async function reserve(request: ReserveRequest): Promise<Reserved | null> {
    if (missing) return null
    let answer: Record<string, unknown>
    try {
      answer = await client.post('/api/v1/sessions/reserve', {
        session: request.sessionId,
        tool: storedTool(request.tool),
        bounds: request.bounds === null ? {} : boundsToWire(request.bounds),
        count_attempt: request.countAttempt,
      })
    } catch (error) {
      if (!(error instanceof EdictumServerError) || ![404, 405].includes(error.statusCode)) throw error
      if (!missing) logger.warn(OLDER_SERVER)
      missing = true
      return null
    }
    return readReserved(answer)
  }

  return {
    reserve,
    async settle(lease: string, outcome: LeaseOutcome) {
      const answer = await client.post('/api/v1/sessions/settle', { lease, outcome })
      return answer.settled === false ? null : readCounts(answer.counts).executions
    },
    async renew(lease: string) {
      const answer = await client.post('/api/v1/sessions/renew', { lease })
      return secondsOf(answer.expires_in_seconds)
    },
  }
}

/** A limit that no count can reach is none. */
function boundsToWire({ limits, toolLimit }: ExecutionBounds) {
  const finite = (name: string, limit: number | null) =>
    limit !== null && Number.isSafeInteger(limit) ? { [name]: limit } : {}
  return {
    ...finite('max_attempts', limits.maxAttempts),
    ...finite('max_tool_calls', limits.maxToolCalls),
    ...finite('max_calls_per_tool', toolLimit),
  }
}

function readReserved(answer: Record<string, unknown>): Reserved {
  const counters = readCounts(answer.counts)
  if (typeof answer.lease === 'string' && answer.lease !== '') {
    return { counters, lease: { id: answer.lease, expiresInSeconds: secondsOf(answer.expires_in_seconds) } }
  }
  if (typeof answer.exceeded !== 'object' || answer.exceeded === null) throw malformed('neither lease nor exceeded')
  return { counters: atTheLimit(counters, answer.exceeded as Record<string, unknown>), lease: null }
}

/** The counters with the executions that are under way counted in, so that a contract sees why there is no room. */
function atTheLimit(counters: SessionCounters, exceeded: Record<string, unknown>): SessionCounters {
  const count = Math.max(numberOf(exceeded.count), numberOf(exceeded.limit))
  switch (exceeded.bound) {
    case 'max_attempts':
      return { ...counters, attempts: Math.max(counters.attempts, count) }
    case 'max_tool_calls':
      return { ...counters, executions: Math.max(counters.executions, count) }
    case 'max_calls_per_tool':
      return { ...counters, toolExecutions: Math.max(counters.toolExecutions, count) }
    default:
      throw malformed('an unknown bound is exceeded')
  }
}

function readCounts(counts: unknown): SessionCounters {
  if (typeof counts !== 'object' || counts === null) throw malformed('no counts')
  const { attempts, executions, tool_executions: toolExecutions } = counts as Record<string, unknown>
  return { attempts: numberOf(attempts), executions: numberOf(executions), toolExecutions: numberOf(toolExecutions) }
}

function numberOf(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw malformed('a count is no number')
}

function secondsOf(value: unknown): number {
  const seconds = numberOf(value)
  if (seconds <= 0) throw malformed('a lease of no time')
  return seconds
}

function malformed(what: string): Error {
  return new Error(`The server answered a reservation with ${what}; is this the console's address?`)
}
