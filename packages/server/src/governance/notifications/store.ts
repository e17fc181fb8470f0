import type { Selectable } from 'kysely'
import type { TenantScope } from '../../identity/scope.ts'
import type { Database, Queryable } from '../../storage/database.ts'
import type { Micros } from '../../storage/instants.ts'
import type { NotificationChannelRow } from '../../storage/schema.ts'
import type { ChannelType } from '../channel-kinds/channel.ts'
import type { Filters } from './filters.ts'

/** A channel as it is stored, its configuration still sealed. */
export interface StoredChannel {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly type: ChannelType
  readonly configSealed: Uint8Array
  readonly isEnabled: boolean
  readonly filters: Filters | null
  readonly registeredUrl: string | null
  readonly lastTestAt: Micros | null
  readonly lastTestOk: boolean | null
  readonly createdAt: Micros
}

export type ChannelChange = Partial<Pick<StoredChannel, 'name' | 'configSealed' | 'isEnabled' | 'filters'>>

export interface ChannelStore {
  /** Newest first. */
  list(scope: TenantScope): Promise<StoredChannel[]>
  /** The enabled ones of a tenant, oldest first. */
  listEnabled(scope: TenantScope, within?: Queryable): Promise<StoredChannel[]>
  /** The enabled ones of a type, of every tenant. */
  listEnabledOfType(type: ChannelType): Promise<StoredChannel[]>
  find(id: string, scope?: TenantScope): Promise<StoredChannel | undefined>
  insert(channel: StoredChannel, within: Queryable): Promise<void>
  update(scope: TenantScope, id: string, change: ChannelChange, within: Queryable): Promise<StoredChannel | undefined>
  recordTest(id: string, at: Micros, ok: boolean): Promise<void>
  recordRegistration(id: string, url: string): Promise<void>
  /** False when there is none. */
  delete(scope: TenantScope, id: string, within: Queryable): Promise<boolean>
}

export function createChannelStore({ db }: Database): ChannelStore {
  return {
    async list({ tenantId }) {
      const rows = await db
        .selectFrom('notification_channels')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .orderBy('seq', 'desc')
        .execute()
      return rows.map(channelOf)
    },
    async listEnabled({ tenantId }, within = db) {
      const rows = await within
        .selectFrom('notification_channels')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('enabled', '=', 1)
        .orderBy('seq')
        .execute()
      return rows.map(channelOf)
    },
    async listEnabledOfType(type) {
      const rows = await db
        .selectFrom('notification_channels')
        .selectAll()
        .where('channel_type', '=', type)
        .where('enabled', '=', 1)
        .orderBy('seq')
        .execute()
      return rows.map(channelOf)
    },
    async find(id, scope) {
      let query = db.selectFrom('notification_channels').selectAll().where('id', '=', id)
      if (scope !== undefined) query = query.where('tenant_id', '=', scope.tenantId)
      const row = await query.executeTakeFirst()
      return row && channelOf(row)
    },
    async insert(channel, within) {
      await within
        .insertInto('notification_channels')
        .values({
          id: channel.id,
          tenant_id: channel.tenantId,
          name: channel.name,
          channel_type: channel.type,
          config_sealed: channel.configSealed,
          enabled: channel.isEnabled ? 1 : 0,
          filters: filtersText(channel.filters),
          registered_url: channel.registeredUrl,
          last_test_at: channel.lastTestAt,
          last_test_ok: channel.lastTestOk === null ? null : channel.lastTestOk ? 1 : 0,
          created_at: channel.createdAt,
        })
        .execute()
    },
    async update({ tenantId }, id, change, within) {
      const row = await within
        .updateTable('notification_channels')
        .set({
          ...(change.name === undefined ? {} : { name: change.name }),
          ...(change.configSealed === undefined ? {} : { config_sealed: change.configSealed }),
          ...(change.isEnabled === undefined ? {} : { enabled: change.isEnabled ? 1 : 0 }),
          ...(change.filters === undefined ? {} : { filters: filtersText(change.filters) }),
          // Always something to set, so that an empty change answers with the row too.
          tenant_id: tenantId,
        })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
      return row && channelOf(row)
    },
    async recordTest(id, at, ok) {
      await db
        .updateTable('notification_channels')
        .set({ last_test_at: at, last_test_ok: ok ? 1 : 0 })
        .where('id', '=', id)
        .execute()
    },
    async recordRegistration(id, url) {
      await db.updateTable('notification_channels').set({ registered_url: url }).where('id', '=', id).execute()
    },
    async delete({ tenantId }, id, within) {
      const deleted = await within
        .deleteFrom('notification_channels')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return deleted !== undefined
    },
  }
}

const filtersText = (filters: Filters | null): string | null => (filters === null ? null : JSON.stringify(filters))

function channelOf(row: Selectable<NotificationChannelRow>): StoredChannel {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    type: row.channel_type as ChannelType,
    configSealed: row.config_sealed,
    isEnabled: row.enabled === 1,
    filters: row.filters === null ? null : (JSON.parse(row.filters) as Filters),
    registeredUrl: row.registered_url,
    lastTestAt: row.last_test_at,
    lastTestOk: row.last_test_ok === null ? null : row.last_test_ok === 1,
    createdAt: row.created_at,
  }
}
