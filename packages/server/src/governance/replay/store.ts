import { sql } from 'kysely'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { EventRow } from '../../storage/schema.ts'

/** An event that tells how a call was decided. */
export interface DecisionEvent {
  readonly seq: number
  readonly call_id: string
  readonly tool_name: string
  readonly verdict: string
  readonly timestamp: Micros
  readonly decision_name: string
  readonly payload: string | null
}

/** What is shown of an event. */
export type ShownEvent = Pick<EventRow, 'id' | 'call_id' | 'agent_id' | 'tool_name' | 'timestamp'> & {
  readonly seq: number
}

/** The other verdicts tell what became of a call after it was decided. */
const DECISIONS = ['call_allowed', 'call_denied', 'call_would_deny', 'call_approval_requested'] as const

export interface ReplayStore {
  /** Decisions in an environment since then, newest first, from `after` on. */
  decisions(
    tenantId: string,
    env: string,
    since: Micros,
    limit: number,
    after: Pick<DecisionEvent, 'timestamp' | 'seq'> | null,
  ): Promise<DecisionEvent[]>
  /** By `seq`; those that were purged since are not among them. */
  shown(tenantId: string, seqs: readonly number[]): Promise<ReadonlyMap<number, ShownEvent>>
}

export function replayStore({ db }: Database): ReplayStore {
  return {
    decisions(tenantId, env, since, limit, after) {
      let query = db
        .selectFrom('events')
        .select(['seq', 'call_id', 'tool_name', 'verdict', 'timestamp', 'decision_name', 'payload'])
        .where('tenant_id', '=', tenantId)
        .where('env', '=', env)
        .where('verdict', 'in', DECISIONS)
        .where('timestamp', '>=', since)
      if (after) query = query.where(sql<boolean>`(timestamp, seq) < (${after.timestamp}, ${after.seq})`)
      return query.orderBy('timestamp', 'desc').orderBy('seq', 'desc').limit(limit).execute()
    },
    async shown(tenantId, seqs) {
      if (seqs.length === 0) return new Map()
      const rows = await db
        .selectFrom('events')
        .select(['seq', 'id', 'call_id', 'agent_id', 'tool_name', 'timestamp'])
        .where('tenant_id', '=', tenantId)
        .where('seq', 'in', seqs)
        .execute()
      return new Map(rows.map((row) => [row.seq, row]))
    },
  }
}
