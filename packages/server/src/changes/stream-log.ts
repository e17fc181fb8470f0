import { scopeOfRecord, type TenantScope } from '../identity/scope.ts'
import type { Bus } from '../ports/bus.ts'
import type { Clock } from '../ports/clock.ts'
import type { Database, Queryable } from '../storage/database.ts'
import { microsOf } from '../storage/instants.ts'
import { type Page, readPage, sizeOf } from '../storage/page.ts'
import { prepared } from '../storage/prepared.ts'
import { type StreamEventType, streamEvents } from './stream-events.ts'

/** Something that happened, for live streams. Who receives it is said here, once. */
export interface StreamRecord {
  readonly tenantId: string
  readonly type: StreamEventType
  /** The payload; `type` is added on the wire. */
  readonly data: Readonly<Record<string, unknown>>
  /** Agents of this environment receive it. */
  readonly env?: string
  /** With `env`: only agents that run this bundle. */
  readonly bundleName?: string
  /** Only this agent receives it; without `env` in every environment. */
  readonly agentId?: string
  /** Dashboards of the tenant receive it. */
  readonly dashboard: boolean
}

/** What dashboards hear of; a record of any other type is not for them, whatever it says. */
export const dashboardTypes: ReadonlySet<string> = new Set(
  Object.entries(streamEvents).flatMap(([type, { dashboards }]) => (dashboards ? [type] : [])),
)

/** A record with its place in the log. `json` is the wire's `data:` line. */
export interface LoggedRecord {
  readonly id: number
  /** The tenant's record before this one, 0 when there is none: who has seen that one has missed nothing. */
  readonly after: number
  readonly tenantId: string
  readonly type: string
  readonly json: string
  readonly env: string | null
  readonly bundleName: string | null
  readonly agentId: string | null
  readonly dashboard: boolean
}

/** Who asks for records: dashboards, or one agent in one environment. */
export type Audience =
  | { readonly dashboard: true }
  | { readonly dashboard: false; readonly env: string; readonly agentId: string }

export type Emit = (record: StreamRecord) => void

/**
 * Changes that others must hear of. `transact` runs `work` in one transaction, writes what it emitted to the stream log in that
 * same transaction, and publishes after the commit: nothing is announced that was not kept, nothing kept goes unannounced.
 */
export interface StreamLog {
  transact<T>(work: (within: Queryable, emit: Emit) => Promise<T>): Promise<T>
  /** What was logged for the tenant after `id`, for this audience or for all, oldest first: at most `limit` records, and 1 MiB. */
  since(scope: TenantScope, id: number, limit: number, audience?: Audience): Promise<Page<Omit<LoggedRecord, 'after'>>>
  /** The newest id of the tenant, 0 when there is none. */
  latestId(scope: TenantScope, within?: Queryable): Promise<number>
  /** Of these tenants, those for which something was logged after the place given. */
  newerThan(places: ReadonlyMap<string, number>): Promise<string[]>
  /** Delete what is older than `before` (microseconds). */
  purge(before: number): Promise<void>
}

export const STREAM_TOPIC = 'stream'
/** Tenants asked for in one query. */
const TENANTS_AT_ONCE = 200

/** A record as its table holds it. */
interface NewRow {
  readonly [column: string]: string | number | null
  readonly tenant_id: string
  readonly type: string
  readonly data: string
  readonly env: string | null
  readonly bundle_name: string | null
  readonly agent_id: string | null
  readonly dashboard: 0 | 1
  readonly created_at: number
}

export function createStreamLog(deps: {
  database: Database
  bus: Bus
  clock: Clock
  onPublishError: (error: unknown) => void
}): StreamLog {
  const { database, bus, clock, onPublishError } = deps
  const selectLatest = prepared((on, { tenantId }: { tenantId: string }) =>
    on
      .selectFrom('stream_log')
      .select((e) => e.fn.max('id').as('id'))
      .where('tenant_id', '=', tenantId),
  )
  const insert = prepared((on, row: NewRow) => on.insertInto('stream_log').values(row).returning('id'))

  async function append(within: Queryable, records: readonly StreamRecord[]): Promise<LoggedRecord[]> {
    const created_at = microsOf(clock.now())
    // Ids of a tenant are handed out in the order its transactions commit: a reader that saw an id has seen all before it.
    const newest = new Map<string, number>()
    for (const tenantId of [...new Set(records.map((record) => record.tenantId))].sort()) {
      await database.lock(`stream:${tenantId}`, within as never)
      newest.set(tenantId, await latestId(scopeOfRecord({ tenantId }), within))
    }
    const logged: LoggedRecord[] = []
    for (const record of records) {
      const json = JSON.stringify({ type: record.type, ...record.data })
      const dashboard = record.dashboard && dashboardTypes.has(record.type)
      const [row] = await insert(within, {
        tenant_id: record.tenantId,
        type: record.type,
        data: json,
        env: record.env ?? null,
        bundle_name: record.bundleName ?? null,
        agent_id: record.agentId ?? null,
        dashboard: dashboard ? 1 : 0,
        created_at,
      })
      if (!row) throw new Error('The stream log gave a record no place.')
      logged.push({
        id: row.id,
        after: newest.get(record.tenantId) ?? 0,
        tenantId: record.tenantId,
        type: record.type,
        json,
        env: record.env ?? null,
        bundleName: record.bundleName ?? null,
        agentId: record.agentId ?? null,
        dashboard,
      })
      newest.set(record.tenantId, row.id)
    }
    return logged
  }

  async function latestId({ tenantId }: TenantScope, within: Queryable = database.db): Promise<number> {
    const [row] = await selectLatest(within, { tenantId })
    return row?.id ?? 0
  }

  return {
    async transact(work) {
      const { result, logged } = await database.db.transaction().execute(async (within) => {
        const records: StreamRecord[] = []
        const result = await work(within, (record) => records.push(record))
        return { result, logged: records.length > 0 ? await append(within, records) : [] }
      })
      // Committed: a bus that fails costs promptness, not the change. Connections catch up from the log.
      // Nor does the change wait for it: a network that hangs delays nobody who writes.
      if (logged.length > 0) void bus.publish(STREAM_TOPIC, logged).catch(onPublishError)
      return result
    },
    async since({ tenantId }, id, limit, audience) {
      let query = database.db.selectFrom('stream_log').where('tenant_id', '=', tenantId).where('id', '>', id)
      if (audience?.dashboard) query = query.where('dashboard', '=', 1)
      else if (audience)
        query = query.where((e) =>
          e.or([
            e.and([
              e('env', '=', audience.env),
              e.or([e('agent_id', 'is', null), e('agent_id', '=', audience.agentId)]),
            ]),
            e.and([e('env', 'is', null), e('agent_id', '=', audience.agentId)]),
          ]),
        )
      const ordered = query.orderBy('id')
      const sizes = ordered.select(['id', sizeOf('data')]).limit(limit)
      return readPage(limit, await sizes.execute(), async (last) =>
        (await ordered.selectAll().where('id', '<=', last.id).execute()).map((row) => ({
          id: row.id,
          tenantId: row.tenant_id,
          type: row.type,
          json: row.data,
          env: row.env,
          bundleName: row.bundle_name,
          agentId: row.agent_id,
          dashboard: row.dashboard === 1,
        })),
      )
    },
    latestId,
    async newerThan(places) {
      const all = [...places]
      const newer: string[] = []
      for (let from = 0; from < all.length; from += TENANTS_AT_ONCE) {
        const rows = await database.db
          .selectFrom('stream_log')
          .select('tenant_id')
          .distinct()
          .where((e) =>
            e.or(
              all
                .slice(from, from + TENANTS_AT_ONCE)
                .map(([tenantId, id]) => e.and([e('tenant_id', '=', tenantId), e('id', '>', id)])),
            ),
          )
          .execute()
        newer.push(...rows.map((row) => row.tenant_id))
      }
      return newer
    },
    async purge(before) {
      await database.db.deleteFrom('stream_log').where('created_at', '<', before).execute()
    },
  }
}
