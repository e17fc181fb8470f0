import type { SystemScope, TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { SubscriptionRow } from '../../storage/schema.ts'

/** What a tenant has subscribed to, as the provider said last. */
export interface Subscription {
  readonly tenantId: string
  readonly customerId: string
  /** Null: it has bought nothing yet. */
  readonly subscriptionId: string | null
  readonly tier: string
  readonly status: string
  readonly seats: number
  readonly currentPeriodEnd: Micros | null
  readonly cancelAtPeriodEnd: boolean
  readonly updatedAt: Micros
  /** Counts its changes. */
  readonly revision: number
}

/** SQL for subscriptions, and for what the provider has told. */
export interface BillingStore {
  find(scope: TenantScope, within?: Queryable): Promise<Subscription | null>
  findByCustomer(scope: SystemScope, customerId: string): Promise<Subscription | null>
  /** A tenant that has become a customer; one that is already stays what it is. */
  insert(subscription: Subscription): Promise<void>
  isTold(scope: SystemScope, newsId: string): Promise<boolean>
  /**
   * Take in what the provider told, and what it made of a subscription, together. `stale`: the subscription was changed since it
   * was read, look again; `told`: it was taken in before.
   */
  takeIn(
    news: { readonly id: string; readonly type: string; readonly at: Micros },
    changed: Subscription | null,
  ): Promise<'taken' | 'stale' | 'told'>
  /** What the tenant is called. */
  nameOf(scope: TenantScope): Promise<{ readonly name: string; readonly slug: string } | null>
  /** Forget what was told before: the provider does not tell it again. */
  forget(scope: SystemScope, before: Micros): Promise<void>
}

export function createBillingStore(database: Database): BillingStore {
  const { db } = database
  return {
    async find({ tenantId }, within = db) {
      const row = await within
        .selectFrom('subscriptions')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
      return row ? subscriptionOf(row) : null
    },
    async findByCustomer(_system, customerId) {
      const row = await db
        .selectFrom('subscriptions')
        .selectAll()
        .where('customer_id', '=', customerId)
        .executeTakeFirst()
      return row ? subscriptionOf(row) : null
    },
    async insert(subscription) {
      await db
        .insertInto('subscriptions')
        .values(rowOf(subscription))
        .onConflict((conflict) => conflict.column('tenant_id').doNothing())
        .execute()
    },
    async isTold(_system, newsId) {
      const row = await db.selectFrom('billing_events').select('id').where('id', '=', newsId).executeTakeFirst()
      return row !== undefined
    },
    async takeIn({ id, type, at }, changed) {
      return db.transaction().execute(async (within) => {
        await database.lock(`billing-event:${id}`, within)
        const told = await within.selectFrom('billing_events').select('id').where('id', '=', id).executeTakeFirst()
        if (told) return 'told'
        if (changed) {
          const result = await within
            .updateTable('subscriptions')
            .set({ ...rowOf(changed), revision: changed.revision + 1 })
            .where('tenant_id', '=', changed.tenantId)
            .where('revision', '=', changed.revision)
            .executeTakeFirst()
          if (Number(result.numUpdatedRows) === 0) return 'stale'
        }
        await within.insertInto('billing_events').values({ id, type, received_at: at }).execute()
        return 'taken'
      })
    },
    async nameOf({ tenantId }) {
      const row = await db.selectFrom('tenants').select(['name', 'slug']).where('id', '=', tenantId).executeTakeFirst()
      return row ?? null
    },
    async forget(_system, before) {
      await db.deleteFrom('billing_events').where('received_at', '<', before).execute()
    },
  }
}

const subscriptionOf = (row: SubscriptionRow): Subscription => ({
  tenantId: row.tenant_id,
  customerId: row.customer_id,
  subscriptionId: row.subscription_id,
  tier: row.tier,
  status: row.status,
  seats: row.seats,
  currentPeriodEnd: row.current_period_end,
  cancelAtPeriodEnd: row.cancel_at_period_end === 1,
  updatedAt: row.updated_at,
  revision: row.revision,
})

const rowOf = (subscription: Subscription): SubscriptionRow => ({
  tenant_id: subscription.tenantId,
  customer_id: subscription.customerId,
  subscription_id: subscription.subscriptionId,
  tier: subscription.tier,
  status: subscription.status,
  seats: subscription.seats,
  current_period_end: subscription.currentPeriodEnd,
  cancel_at_period_end: subscription.cancelAtPeriodEnd ? 1 : 0,
  updated_at: subscription.updatedAt,
  revision: subscription.revision,
})
