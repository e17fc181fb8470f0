import { scopeOfRecord, type TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import { prepared } from '../../storage/prepared.ts'

/** An execution that was begun and has not ended. */
export interface Lease {
  readonly id: string
  readonly scope: TenantScope
  readonly session: string
  readonly tool: string
  /** From then on it reserves nothing. */
  readonly expiresAt: Micros
}

export interface LeaseStore {
  insert(lease: Lease, within: Queryable): Promise<void>
  find(scope: TenantScope, id: string): Promise<Lease | undefined>
  /** How many reserve something, for each tool. */
  countOpen(
    scope: TenantScope,
    session: string,
    now: Micros,
    within: Queryable,
  ): Promise<{ readonly tool: string; readonly count: number }[]>
  /** End it: of all who try, one gets it. */
  take(scope: TenantScope, id: string, within: Queryable): Promise<Lease | undefined>
  /** False when it is unknown or ran out. */
  renew(scope: TenantScope, id: string, now: Micros, expiresAt: Micros): Promise<boolean>
  /** Leases of every tenant that ran out before. */
  forget(before: Micros): Promise<void>
}

export function createLeaseStore({ db }: Database): LeaseStore {
  const insertOne = prepared(
    (on, lease: { id: string; tenantId: string; session: string; tool: string; expiresAt: Micros }) =>
      on.insertInto('session_leases').values({
        id: lease.id,
        tenant_id: lease.tenantId,
        session: lease.session,
        tool: lease.tool,
        expires_at: lease.expiresAt,
      }),
  )
  const countByTool = prepared((on, { tenantId, session, now }: { tenantId: string; session: string; now: Micros }) =>
    on
      .selectFrom('session_leases')
      .select((e) => ['tool', e.fn.countAll<number>().as('count')])
      .where('tenant_id', '=', tenantId)
      .where('session', '=', session)
      .where('expires_at', '>', now)
      .groupBy('tool'),
  )
  const takeOne = prepared((on, { tenantId, id }: { tenantId: string; id: string }) =>
    on.deleteFrom('session_leases').where('tenant_id', '=', tenantId).where('id', '=', id).returningAll(),
  )
  return {
    async insert({ id, scope, session, tool, expiresAt }, within) {
      await insertOne(within, { id, tenantId: scope.tenantId, session, tool, expiresAt })
    },
    async find({ tenantId }, id) {
      const row = await db
        .selectFrom('session_leases')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      return row && leaseOf(row)
    },
    async countOpen({ tenantId }, session, now, within) {
      const rows = await countByTool(within, { tenantId, session, now })
      return rows.map(({ tool, count }) => ({ tool, count: Number(count) }))
    },
    async take({ tenantId }, id, within) {
      const [row] = await takeOne(within, { tenantId, id })
      return row && leaseOf(row)
    },
    async renew({ tenantId }, id, now, expiresAt) {
      const row = await db
        .updateTable('session_leases')
        .set({ expires_at: expiresAt })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('expires_at', '>', now)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },
    async forget(before) {
      await db.deleteFrom('session_leases').where('expires_at', '<=', before).execute()
    },
  }
}

const leaseOf = (row: { id: string; tenant_id: string; session: string; tool: string; expires_at: number }): Lease => ({
  id: row.id,
  scope: scopeOfRecord({ tenantId: row.tenant_id }),
  session: row.session,
  tool: row.tool,
  expiresAt: row.expires_at,
})
