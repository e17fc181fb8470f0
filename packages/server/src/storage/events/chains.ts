import { sql } from 'kysely'
import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Queryable } from '../database.ts'
import type { Micros } from '../instants.ts'
import { BEFORE_THE_FIRST, linkBody, linkDigest } from './digests.ts'
import type { PurgedStretch } from './event-table.ts'

/**
 * A chain for each tenant that has none. Events that were stored before chains were kept stand in none: they keep their numbers as
 * their places in the order of arrival, and the chain's first event comes behind all of them.
 */
export async function beginChains(within: Queryable): Promise<void> {
  const digest = sql`${BEFORE_THE_FIRST}`
  await sql`
    insert into event_chains (tenant_id, links, next_seq, digest, first_link, first_seq, first_digest, unchained)
    select t.id, 0, e.last + 1, ${digest}, 1, e.last + 1, ${digest}, e.last
    from tenants t, (select coalesce(max(seq), 0) as last from events) e
    where e.last > 0 and not exists (select 1 from event_chains c where c.tenant_id = t.id)
  `.execute(within)
}

/** Purges that were written down and not carried out to their end. */
export async function unfinishedPurges(db: Queryable): Promise<PurgedStretch[]> {
  const rows = await db
    .selectFrom('event_chains')
    .select(['tenant_id', 'purging_before'])
    .where('purging_before', 'is not', null)
    .execute()
  return rows.map((row) => ({ tenantId: row.tenant_id, cutoff: Number(row.purging_before) }))
}

/** Everything that arrived before `cutoff` is gone. */
export async function finishedPurge(db: Queryable, tenantId: string, cutoff: Micros): Promise<void> {
  await db
    .updateTable('event_chains')
    .set({ purging_before: null })
    .where('tenant_id', '=', tenantId)
    .where('purging_before', '<=', cutoff)
    .execute()
}

/** How far a chain goes. */
export interface ChainHead {
  /** The number of the last link; 0 before the first. */
  readonly links: number
  /** The place in the order of arrival that the next event gets. */
  readonly nextSeq: number
  readonly digest: Uint8Array
  /** What is left begins with this link and this place; before them stood this digest. */
  readonly firstLink: number
  readonly firstSeq: number
  readonly firstDigest: Uint8Array
  /** The number of the last event that stands in no chain. */
  readonly unchained: number
}

export async function headOf(within: Queryable, { tenantId }: TenantScope): Promise<ChainHead | undefined> {
  const row = await within.selectFrom('event_chains').selectAll().where('tenant_id', '=', tenantId).executeTakeFirst()
  return (
    row && {
      links: Number(row.links),
      nextSeq: Number(row.next_seq),
      digest: row.digest,
      firstLink: Number(row.first_link),
      firstSeq: Number(row.first_seq),
      firstDigest: row.first_digest,
      unchained: Number(row.unchained),
    }
  )
}

/** Make an entry that is no event the next link. Whoever adds to the same chain waits until the transaction ends. */
export async function appendEntry(within: Queryable, scope: TenantScope, entry: string, at: Micros): Promise<void> {
  const { tenantId } = scope
  await within
    .insertInto('event_chains')
    .values({
      tenant_id: tenantId,
      ...{ links: 0, next_seq: 1, digest: BEFORE_THE_FIRST },
      ...{ first_link: 1, first_seq: 1, first_digest: BEFORE_THE_FIRST, purging_before: null },
    })
    .onConflict((conflict) => conflict.column('tenant_id').doNothing())
    .execute()
  const { links, next_seq, digest } = await within
    .updateTable('event_chains')
    .set((e) => ({ links: e('links', '+', 1) }))
    .where('tenant_id', '=', tenantId)
    .returning(['links', 'next_seq', 'digest'])
    .executeTakeFirstOrThrow()
  const next = linkDigest(digest, linkBody(entry))
  await within
    .insertInto('event_links')
    .values({
      ...{ tenant_id: tenantId, number: links, first: next_seq, count: 0, start: null, digests: null },
      ...{ entry, digest: next, arrived_at: at },
    })
    .execute()
  await within.updateTable('event_chains').set({ digest: next }).where('tenant_id', '=', tenantId).execute()
}

/** What a purge takes off the beginning of a chain. */
export interface ChainCut {
  /** Everything that arrived before goes, and nothing else. */
  readonly cutoff: Micros
  /** What is left begins with this link. */
  readonly firstLink: number
  readonly firstSeq: number
  /** Of the link before it. */
  readonly digest: Uint8Array
}

/**
 * Where a purge of what arrived before `cutoff` cuts: whole links from the beginning on. The clocks of servers differ, so that a
 * later link may have arrived a little earlier; then the cut is made a little earlier as well. Undefined when there is nothing to
 * cut off. Holds the chain until the transaction ends.
 */
export async function cutOf(within: Queryable, scope: TenantScope, cutoff: Micros): Promise<ChainCut | undefined> {
  const { tenantId } = scope
  // A statement that changes nothing takes the row for this transaction, on either database.
  await within
    .updateTable('event_chains')
    .set((e) => ({ links: e.ref('links') }))
    .where('tenant_id', '=', tenantId)
    .execute()
  const head = await headOf(within, scope)
  if (!head) return undefined
  const links = () => within.selectFrom('event_links').where('tenant_id', '=', tenantId)
  let before = cutoff
  for (;;) {
    const kept = await links()
      .select((e) => e.fn.min('number').as('number'))
      .where('arrived_at', '>=', before)
      .executeTakeFirst()
    const firstLink = kept?.number ? Number(kept.number) : head.links + 1
    const earlier = await links()
      .select((e) => e.fn.min('arrived_at').as('at'))
      .where('number', '>=', firstLink)
      .executeTakeFirst()
    if (earlier?.at && Number(earlier.at) < before) {
      before = Number(earlier.at)
      continue
    }
    if (firstLink === head.firstLink && !(await hasUnchained(within, scope, head, before))) return undefined
    const first = await links().select('first').where('number', '=', firstLink).executeTakeFirst()
    const last = await links()
      .select('digest')
      .where('number', '=', firstLink - 1)
      .executeTakeFirst()
    return {
      cutoff: before,
      firstLink,
      firstSeq: first ? Number(first.first) : head.nextSeq,
      digest: last?.digest ?? head.firstDigest,
    }
  }
}

async function hasUnchained(within: Queryable, { tenantId }: TenantScope, head: ChainHead, before: Micros) {
  if (head.unchained === 0) return false
  const oldest = await within
    .selectFrom('events')
    .select('created_at')
    .where('seq', '<=', head.unchained)
    .where('tenant_id', '=', tenantId)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  return oldest !== undefined && oldest.created_at < before
}

/** Forget the links that were cut off, and note that their events are to go. */
export async function cutOff(within: Queryable, { tenantId }: TenantScope, cut: ChainCut): Promise<void> {
  await within
    .updateTable('event_chains')
    .set({
      ...{ first_link: cut.firstLink, first_seq: cut.firstSeq, first_digest: cut.digest },
      purging_before: cut.cutoff,
    })
    .where('tenant_id', '=', tenantId)
    .execute()
  for (const table of ['event_links', 'event_checkpoints'] as const)
    await within.deleteFrom(table).where('tenant_id', '=', tenantId).where('number', '<', cut.firstLink).execute()
}

/** Tenants that have a chain. */
export async function chainedTenants(
  db: Queryable,
  _everywhere: SystemScope,
): Promise<{ readonly tenantId: string }[]> {
  const rows = await db.selectFrom('event_chains').select('tenant_id').orderBy('tenant_id').execute()
  return rows.map((row) => ({ tenantId: row.tenant_id }))
}

/** Whether this link of the chain is signed already. */
export async function isSigned(within: Queryable, { tenantId }: TenantScope, link: number): Promise<boolean> {
  const signed = await within
    .selectFrom('event_checkpoints')
    .select('number')
    .where('tenant_id', '=', tenantId)
    .where('number', '=', link)
    .executeTakeFirst()
  return signed !== undefined
}

/** The signed head of a chain. */
export interface Checkpoint {
  /** The link that it signs. */
  readonly number: number
  readonly statement: string
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

/** Two servers may sign one link: the first stays. */
export async function keepCheckpoint(
  within: Queryable,
  { tenantId }: TenantScope,
  checkpoint: Checkpoint,
): Promise<void> {
  await within
    .insertInto('event_checkpoints')
    .values({
      tenant_id: tenantId,
      number: checkpoint.number,
      statement: checkpoint.statement,
      public_key: checkpoint.publicKey,
      signature: checkpoint.signature,
    })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'number']).doNothing())
    .execute()
}
