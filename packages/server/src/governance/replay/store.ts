import { sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import { type Page, readPage, sizeOf } from '../../storage/page.ts'

/** An event that tells how a call was decided. */
export interface DecisionEvent {
  readonly seq: number
  readonly callId: string
  readonly toolName: string
  readonly verdict: string
  readonly timestamp: Micros
  readonly decisionName: string
  readonly payload: string | null
}

/** What is shown of an event. */
export interface ShownEvent {
  readonly seq: number
  readonly id: string
  readonly callId: string
  readonly agentId: string
  readonly toolName: string
  readonly timestamp: Micros
}

/** The other verdicts tell what became of a call after it was decided. */
const DECISIONS = ['call_allowed', 'call_denied', 'call_would_deny', 'call_approval_requested'] as const

export interface ReplayStore {
  /** Decisions in an environment since then, newest first, from `after` on: at most `limit`, and 1 MiB. */
  decisions(
    scope: TenantScope,
    env: string,
    since: Micros,
    limit: number,
    after: Pick<DecisionEvent, 'timestamp' | 'seq'> | null,
  ): Promise<Page<DecisionEvent>>
  /** By `seq`; those that were purged since are not among them. */
  shown(scope: TenantScope, seqs: readonly number[]): Promise<ReadonlyMap<number, ShownEvent>>
}

const columns = [
  'seq',
  'call_id as callId',
  'tool_name as toolName',
  'verdict',
  'timestamp',
  'decision_name as decisionName',
  'payload',
] as const

export function createReplayStore({ db }: Database): ReplayStore {
  return {
    async decisions({ tenantId }, env, since, limit, after) {
      let query = db
        .selectFrom('events')
        .where('tenant_id', '=', tenantId)
        .where('env', '=', env)
        .where('verdict', 'in', DECISIONS)
        .where('timestamp', '>=', since)
      if (after) query = query.where(sql<boolean>`(timestamp, seq) < (${after.timestamp}, ${after.seq})`)
      const ordered = query.orderBy('timestamp', 'desc').orderBy('seq', 'desc')
      const sizes = ordered.select(['timestamp', 'seq', sizeOf('payload')]).limit(limit)
      return readPage(limit, await sizes.execute(), (last, count) =>
        ordered
          .select(columns)
          .where(sql<boolean>`(timestamp, seq) >= (${last.timestamp}, ${last.seq})`)
          .limit(count)
          .execute(),
      )
    },
    async shown({ tenantId }, seqs) {
      if (seqs.length === 0) return new Map()
      const rows = await db
        .selectFrom('events')
        .select(['seq', 'id', 'call_id as callId', 'agent_id as agentId', 'tool_name as toolName', 'timestamp'])
        .where('tenant_id', '=', tenantId)
        .where('seq', 'in', seqs)
        .execute()
      return new Map(rows.map((row) => [row.seq, row]))
    },
  }
}
