import { type Selectable, sql, type Updateable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { NotificationDeliveryRow } from '../../storage/schema.ts'

/** Where the receiver put a message: what is needed to change it later. */
export type Reference = Readonly<Record<string, unknown>>

export type DeliveryKind = 'requested' | 'reminded' | 'decided' | 'expired' | 'register'

/** One thing that one channel is to be told. */
export interface Delivery {
  readonly id: string
  readonly tenantId: string
  readonly channelId: string
  /** '' for `register`. */
  readonly approvalId: string
  readonly kind: DeliveryKind
  /** This attempt included. */
  readonly attempts: number
  /** Held by who delivers it: what is reported without it counts for nothing. */
  readonly claim: string
  readonly createdAt: Micros
}

export type NewDelivery = Pick<Delivery, 'id' | 'tenantId' | 'channelId' | 'approvalId' | 'kind' | 'createdAt'>

/** The request that a channel was told of. */
export interface Routed {
  readonly tenantId: string
  readonly reference: Reference | null
}

/** How a channel fares: what it was not told yet, what it will never be told, and why. */
export interface DeliveryHealth {
  readonly waiting: number
  /** When the oldest of what waits was to be told. */
  readonly waitingSince: Micros | null
  /** Given up, as far back as deliveries are kept. */
  readonly failed: number
  /** Of the newest delivery that failed, or waits because it failed. */
  readonly lastError: string | null
}

/** Written out in statements: with a parameter, no partial index would serve them. */
const WAITING = sql.lit('waiting')

export interface OutboxStore {
  /** Each once: what stands there already stays as it is. */
  enqueue(deliveries: readonly NewDelivery[], within: Queryable): Promise<void>
  /** To be done anew, whether or not it was done before. */
  enqueueAgain(delivery: NewDelivery, within: Queryable): Promise<void>
  /**
   * Take the next delivery that is due, not of these channels, and not behind an earlier one of the same channel and approval. Of
   * all servers that try, one gets it, until `until`.
   */
  claim(now: Micros, until: Micros, claim: string, except: readonly string[]): Promise<Delivery | undefined>
  sent(delivery: Delivery, reference: Reference | null): Promise<void>
  /** Try again at `dueAt`. */
  postpone(delivery: Delivery, dueAt: Micros, error: string): Promise<void>
  fail(delivery: Delivery, error: string): Promise<void>
  /** Nothing goes to this channel before `dueAt`. */
  holdChannel(channelId: string, dueAt: Micros): Promise<void>
  /** Whether, and as which message, one of these channels was told of the approval. */
  findRouted(channelIds: readonly string[], approvalId: string): Promise<(Routed & { channelId: string }) | undefined>
  deleteOf(channelId: string, within: Queryable): Promise<void>
  /** Of every channel of the tenant to which something waits or failed. */
  health(scope: TenantScope): Promise<ReadonlyMap<string, DeliveryHealth>>
  /** Forget what is settled and older than `before`. */
  purge(before: Micros): Promise<void>
}

export function createOutboxStore({ db }: Database): OutboxStore {
  const settle = (delivery: Delivery, set: Updateable<NotificationDeliveryRow>) =>
    db
      .updateTable('notification_deliveries')
      .set({ claim: null, ...set })
      .where('id', '=', delivery.id)
      .where('claim', '=', delivery.claim)
      .execute()

  return {
    async enqueue(deliveries, within) {
      if (deliveries.length === 0) return
      await within
        .insertInto('notification_deliveries')
        .values(deliveries.map(rowOf))
        .onConflict((conflict) => conflict.columns(['channel_id', 'approval_id', 'kind']).doNothing())
        .execute()
    },
    async enqueueAgain(delivery, within) {
      const row = rowOf(delivery)
      await within
        .insertInto('notification_deliveries')
        .values(row)
        .onConflict((conflict) =>
          conflict.columns(['channel_id', 'approval_id', 'kind']).doUpdateSet({
            status: 'waiting',
            attempts: 0,
            claim: null,
            due_at: row.due_at,
            created_at: row.created_at,
          }),
        )
        .execute()
    },
    async claim(now, until, claim, except) {
      for (;;) {
        let query = db
          .selectFrom('notification_deliveries as candidate')
          .select('id')
          .where('status', '=', WAITING)
          .where('due_at', '<=', now)
          .where((e) =>
            e.not(
              e.exists(
                e
                  .selectFrom('notification_deliveries as earlier')
                  .select(sql.lit(1).as('one'))
                  .whereRef('earlier.channel_id', '=', 'candidate.channel_id')
                  .whereRef('earlier.approval_id', '=', 'candidate.approval_id')
                  .whereRef('earlier.seq', '<', 'candidate.seq')
                  .where('earlier.status', '=', WAITING),
              ),
            ),
          )
        if (except.length > 0) query = query.where('channel_id', 'not in', [...except])
        const next = await query.orderBy('due_at').orderBy('seq').limit(1).executeTakeFirst()
        if (!next) return undefined
        const taken = await db
          .updateTable('notification_deliveries')
          .set((e) => ({ claim, due_at: until, attempts: e('attempts', '+', 1) }))
          .where('id', '=', next.id)
          .where('status', '=', WAITING)
          .where('due_at', '<=', now)
          .returningAll()
          .executeTakeFirst()
        // Another server was faster: there may be a next one.
        if (taken) return deliveryOf(taken, claim)
      }
    },
    async sent(delivery, reference) {
      await settle(delivery, {
        status: 'sent',
        last_error: null,
        reference: reference === null ? null : JSON.stringify(reference),
      })
    },
    async postpone(delivery, dueAt, error) {
      await settle(delivery, { due_at: dueAt, last_error: error })
    },
    async fail(delivery, error) {
      await settle(delivery, { status: 'failed', last_error: error })
    },
    async holdChannel(channelId, dueAt) {
      await db
        .updateTable('notification_deliveries')
        .set({ due_at: dueAt })
        .where('channel_id', '=', channelId)
        .where('status', '=', WAITING)
        .where('claim', 'is', null)
        .where('due_at', '<', dueAt)
        .execute()
    },
    async findRouted(channelIds, approvalId) {
      if (channelIds.length === 0) return undefined
      const row = await db
        .selectFrom('notification_deliveries')
        .select(['channel_id', 'tenant_id', 'reference'])
        .where('channel_id', 'in', [...channelIds])
        .where('approval_id', '=', approvalId)
        .where('kind', '=', 'requested')
        .limit(1)
        .executeTakeFirst()
      return (
        row && {
          channelId: row.channel_id,
          tenantId: row.tenant_id,
          reference: row.reference === null ? null : (JSON.parse(row.reference) as Reference),
        }
      )
    },
    async deleteOf(channelId, within) {
      await within.deleteFrom('notification_deliveries').where('channel_id', '=', channelId).execute()
    },
    async health({ tenantId }) {
      const counts = await db
        .selectFrom('notification_deliveries')
        .select((e) => [
          'channel_id',
          'status',
          e.fn.countAll().as('count'),
          e.fn.min('created_at').as('since'),
          e.fn.max(e.case().when('last_error', 'is not', null).then(e.ref('seq')).end()).as('erred'),
        ])
        .where('tenant_id', '=', tenantId)
        .where('status', '<>', 'sent')
        // Telling a platform where presses go is no message to anybody.
        .where('kind', '<>', 'register')
        .groupBy(['channel_id', 'status'])
        .execute()
      const erred = counts.flatMap((row) => (row.erred === null ? [] : [row.erred]))
      const errors = await db
        .selectFrom('notification_deliveries')
        .select(['channel_id', 'last_error'])
        .where('seq', 'in', erred.length > 0 ? erred : [-1])
        .orderBy('seq')
        .execute()
      // In order: the newest of a channel is the last to be set.
      const lastErrors = new Map(errors.map((row) => [row.channel_id, row.last_error]))
      const found = new Map<string, DeliveryHealth>()
      for (const { channel_id, status, count, since } of counts) {
        const known = found.get(channel_id) ?? { waiting: 0, waitingSince: null, failed: 0 }
        const isWaiting = status === 'waiting'
        found.set(channel_id, {
          ...known,
          ...(isWaiting ? { waiting: Number(count), waitingSince: since } : { failed: Number(count) }),
          lastError: lastErrors.get(channel_id) ?? null,
        })
      }
      return found
    },
    async purge(before) {
      await db
        .deleteFrom('notification_deliveries')
        .where('created_at', '<', before)
        .where('status', '<>', 'waiting')
        .execute()
    },
  }
}

const rowOf = (delivery: NewDelivery) => ({
  id: delivery.id,
  tenant_id: delivery.tenantId,
  channel_id: delivery.channelId,
  approval_id: delivery.approvalId,
  kind: delivery.kind,
  status: 'waiting',
  attempts: 0,
  due_at: delivery.createdAt,
  claim: null,
  reference: null,
  last_error: null,
  created_at: delivery.createdAt,
})

const deliveryOf = (row: Selectable<NotificationDeliveryRow>, claim: string): Delivery => ({
  id: row.id,
  tenantId: row.tenant_id,
  channelId: row.channel_id,
  approvalId: row.approval_id,
  kind: row.kind as DeliveryKind,
  attempts: row.attempts,
  claim,
  createdAt: row.created_at,
})
