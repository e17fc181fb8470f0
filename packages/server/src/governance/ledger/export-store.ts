import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'
import { headOf } from '../../storage/events/chains.ts'
import { DIGEST_BYTES } from '../../storage/events/digests.ts'
import { toWireTime } from '../../storage/instants.ts'
import type { EventRow } from '../../storage/schema.ts'

/** Links read in one go. */
const LINKS = 50
/** Events whose sizes are looked up in one go. */
const SIZES = 500
/** Of the payloads that are held at once, unless one alone is larger. */
const HELD_BYTES = 1024 * 1024

const columns = [
  ...(['seq', 'id', 'tenant_id', 'call_id', 'agent_id', 'tool_name', 'verdict', 'mode', 'env'] as const),
  ...(['timestamp', 'decision_name', 'payload', 'created_at'] as const),
] as const
type ExportedRow = Pick<Selectable<EventRow>, (typeof columns)[number]>

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const line = (value: unknown): string => `${JSON.stringify(value)}\n`

/** A tenant's audit log as JSON lines, with what proves it: whole, in the order of arrival, a few events in memory at a time. */
export function createExport({ db }: Database) {
  /** Events whose numbers are in this range, in their order. */
  async function* eventsOf({ tenantId }: TenantScope, from: number, to: number): AsyncGenerator<ExportedRow> {
    for (let next = from; next <= to; ) {
      const sizes = await db
        .selectFrom('events')
        .select(['seq', sql<number>`coalesce(octet_length(payload), 0)`.as('bytes')])
        .where('tenant_id', '=', tenantId)
        .where('seq', '>=', next)
        .where('seq', '<=', to)
        .orderBy('seq')
        .limit(SIZES)
        .execute()
      for (let index = 0; index < sizes.length; ) {
        const first = index
        let held = 0
        do held += Number(sizes[index++]?.bytes ?? 0)
        while (index < sizes.length && held + Number(sizes[index]?.bytes ?? 0) <= HELD_BYTES)
        yield* await db
          .selectFrom('events')
          .select(columns)
          .where('tenant_id', '=', tenantId)
          .where('seq', '>=', sizes[first]?.seq ?? 0)
          .where('seq', '<=', sizes[index - 1]?.seq ?? 0)
          .orderBy('seq')
          .execute()
      }
      if (sizes.length < SIZES) return
      next = (sizes.at(-1)?.seq ?? to) + 1
    }
  }

  const checkpointsOf = ({ tenantId }: TenantScope, from: number, to: number) =>
    db
      .selectFrom('event_checkpoints')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('number', '>=', from)
      .where('number', '<=', to)
      .orderBy('number')
      .execute()

  return async function* exported(scope: TenantScope): AsyncGenerator<string> {
    const { tenantId } = scope
    const head = await headOf(db, scope)
    yield line({
      type: 'chain',
      format: 1,
      tenant_id: tenantId,
      first_link: head?.firstLink ?? 1,
      first_seq: head?.firstSeq ?? 1,
      digest: hex(head?.firstDigest ?? Buffer.alloc(DIGEST_BYTES)),
    })
    let events = 0
    if (head && head.unchained > 0)
      for await (const row of eventsOf(scope, 0, head.unchained)) {
        events++
        yield line({ type: 'event', seq: row.seq, digest: null, event: eventOf(row) })
      }
    const last = head?.links ?? 0
    for (let next = head?.firstLink ?? 1; next <= last; ) {
      const links = await db
        .selectFrom('event_links')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('number', '>=', next)
        .where('number', '<=', last)
        .orderBy('number')
        .limit(LINKS)
        .execute()
      // Purged while it was read: the export ends before its last line, and says so by that.
      if (links.length === 0) return
      const checkpoints = await checkpointsOf(scope, next, links.at(-1)?.number ?? next)
      for (const link of links) {
        const digests = Buffer.from(link.digests ?? [])
        if (link.start !== null)
          for await (const row of eventsOf(scope, link.start, link.start + link.count - 1)) {
            const index = row.seq - link.start
            const digest = hex(digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES))
            events++
            yield line({ type: 'event', seq: link.first + index, digest, event: eventOf(row) })
          }
        yield line({
          type: 'link',
          link: link.number,
          first_seq: link.first,
          count: link.count,
          ...(link.entry === null ? {} : { entry: link.entry }),
          arrived_at: toWireTime(link.arrived_at),
          digest: hex(link.digest),
        })
        for (const { number, statement, public_key, signature } of checkpoints)
          if (number === link.number)
            yield line({
              ...{ type: 'checkpoint', link: number, statement },
              ...{ public_key: hex(public_key), signature: hex(signature) },
            })
      }
      next = (links.at(-1)?.number ?? last) + 1
    }
    yield line({ type: 'end', link: last, events, digest: hex(head?.digest ?? Buffer.alloc(DIGEST_BYTES)) })
  }
}

const eventOf = (row: ExportedRow) => ({
  id: row.id,
  call_id: row.call_id,
  agent_id: row.agent_id,
  tool_name: row.tool_name,
  verdict: row.verdict,
  mode: row.mode,
  env: row.env,
  timestamp: toWireTime(row.timestamp),
  decision_name: row.decision_name,
  created_at: toWireTime(row.created_at),
  payload: row.payload === null ? null : (JSON.parse(row.payload) as unknown),
})
