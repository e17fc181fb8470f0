import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/** Each tenant's choice of a model for the assistant, and what its use came to. */
export function assistant(dialect: Dialect): Migration {
  return { up: (db: Kysely<never>) => up(db, dialect) }
}

async function up(db: Kysely<never>, dialect: Dialect): Promise<void> {
  const { bytes, serial, serialKey } = columnTypes(dialect)

  await db.schema
    .createTable('ai_settings')
    .addColumn('tenant_id', 'text', (c) => c.primaryKey().references('tenants.id'))
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('api_key_sealed', sql.raw(bytes))
    .addColumn('model', 'text')
    .addColumn('base_url', 'text')
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_by', 'text', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('ai_usage')
    .addColumn('seq', sql.raw(serial), serialKey)
    .addColumn('tenant_id', 'text', (c) => c.notNull())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('input_tokens', 'bigint', (c) => c.notNull())
    .addColumn('output_tokens', 'bigint', (c) => c.notNull())
    .addColumn('duration_ms', 'bigint', (c) => c.notNull())
    .addColumn('cost', 'bigint')
    .addColumn('request_type', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('ai_usage_by_tenant').on('ai_usage').columns(['tenant_id', 'created_at']).execute()
  await db.schema.createIndex('ai_usage_by_time').on('ai_usage').column('created_at').execute()
}
