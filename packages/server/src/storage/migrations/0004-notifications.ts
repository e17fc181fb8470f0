import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/** Notification channels, and what is to be delivered to each of them. */
export function notifications(dialect: Dialect): Migration {
  return { up: (db: Kysely<never>) => up(db, dialect) }
}

async function up(db: Kysely<never>, dialect: Dialect): Promise<void> {
  const { bytes, serial, serialKey } = columnTypes(dialect)
  const table = (name: string) => db.schema.createTable(name)

  await table('notification_channels')
    .addColumn('seq', sql.raw(serial), serialKey)
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('tenant_id', 'text', (c) => c.notNull().references('tenants.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('channel_type', 'text', (c) => c.notNull())
    .addColumn('config_sealed', sql.raw(bytes), (c) => c.notNull())
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addColumn('filters', 'text')
    .addColumn('registered_url', 'text')
    .addColumn('last_test_at', 'bigint')
    .addColumn('last_test_ok', 'integer')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('notification_channels_by_tenant')
    .on('notification_channels')
    .columns(['tenant_id', 'seq'])
    .execute()
  await db.schema
    .createIndex('notification_channels_by_type')
    .on('notification_channels')
    .column('channel_type')
    .execute()

  await table('notification_deliveries')
    .addColumn('seq', sql.raw(serial), serialKey)
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('tenant_id', 'text', (c) => c.notNull())
    .addColumn('channel_id', 'text', (c) => c.notNull())
    .addColumn('approval_id', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('due_at', 'bigint', (c) => c.notNull())
    .addColumn('claim', 'text')
    .addColumn('reference', 'text')
    .addColumn('last_error', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('notification_deliveries_once', ['channel_id', 'approval_id', 'kind'])
    .execute()
  await db.schema
    .createIndex('notification_deliveries_waiting')
    .on('notification_deliveries')
    .columns(['due_at', 'seq'])
    .where(sql.ref('status'), '=', sql.lit('waiting'))
    .execute()
  await db.schema
    .createIndex('notification_deliveries_by_time')
    .on('notification_deliveries')
    .column('created_at')
    .execute()
}
