import type { TenantScope } from '../../identity/scope.ts'
import type { Database } from '../../storage/database.ts'

/** A run of events in the order of arrival, whose numbers are in that order as well. */
export interface ArrivalStretch {
  /** Numbers of events, both inclusive; those of other tenants may be among them. */
  readonly from: number
  readonly to: number
  /** The place in the order of arrival of the last of it. */
  readonly last: number
}

/** The order in which a tenant's events arrived, as its chain has it. */
export interface Arrivals {
  /** What follows the event at this place; undefined when nothing does. */
  after(scope: TenantScope, seq: number): Promise<ArrivalStretch | undefined>
}

/** Links looked at in one go. */
const LINKS = 200
/** Events of one stretch. */
const STRETCH = 5_000

export function createArrivals({ db }: Database): Arrivals {
  return {
    async after({ tenantId }, seq) {
      const chain = await db
        .selectFrom('event_chains')
        .select(['unchained', 'first_seq'])
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
      if (!chain) return undefined
      const unchained = Number(chain.unchained)
      if (seq < unchained) {
        const rest = await db
          .selectFrom('events')
          .select((e) => e.fn.min('seq').as('first'))
          .where('tenant_id', '=', tenantId)
          .where('seq', '>', seq)
          .where('seq', '<=', unchained)
          .executeTakeFirst()
        if (rest?.first) {
          const from = Number(rest.first)
          const to = Math.min(unchained, from + STRETCH - 1)
          return { from, to, last: to }
        }
      }
      const links = await db
        .selectFrom('event_links')
        .select(['first', 'count', 'start'])
        .where('tenant_id', '=', tenantId)
        .where('count', '>', 0)
        .where('first', '>=', (e) =>
          e
            .selectFrom('event_links')
            .select((of) => of.fn.coalesce(of.fn.max('first'), of.lit(0)).as('first'))
            .where('tenant_id', '=', tenantId)
            .where('first', '<=', seq + 1),
        )
        .orderBy('first')
        .limit(LINKS)
        .execute()
      let stretch: ArrivalStretch | undefined
      for (const { first, count, start } of links) {
        if (start === null || first + count - 1 <= seq) continue
        const from = start + Math.max(0, seq + 1 - first)
        const to = start + count - 1
        if (stretch && (from !== stretch.to + 1 || to - stretch.from >= STRETCH)) break
        stretch = { from: stretch?.from ?? from, to, last: first + count - 1 }
      }
      return stretch
    },
  }
}
