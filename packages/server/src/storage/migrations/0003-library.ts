import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/** The contract library, and the compositions that bundles are assembled from. */
export function library(dialect: Dialect): Migration {
  return { up: (db: Kysely<never>) => up(db, dialect) }
}

async function up(db: Kysely<never>, dialect: Dialect): Promise<void> {
  const { serial, serialKey } = columnTypes(dialect)
  const table = (name: string) => db.schema.createTable(name)

  await table('contracts')
    .addColumn('seq', sql.raw(serial), serialKey)
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('tenant_id', 'text', (c) => c.notNull().references('tenants.id'))
    .addColumn('contract_id', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('description', 'text')
    .addColumn('definition', 'text', (c) => c.notNull())
    .addColumn('tags', 'text', (c) => c.notNull())
    .addColumn('is_latest', 'integer', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('contracts_version', ['tenant_id', 'contract_id', 'version'])
    .execute()
  await db.schema
    .createIndex('contracts_latest')
    .unique()
    .on('contracts')
    .columns(['tenant_id', 'contract_id'])
    .where(sql.ref('is_latest'), '=', sql.lit(1))
    .execute()

  await table('compositions')
    .addColumn('seq', sql.raw(serial), serialKey)
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('tenant_id', 'text', (c) => c.notNull().references('tenants.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('description', 'text')
    .addColumn('defaults_mode', 'text', (c) => c.notNull())
    .addColumn('update_strategy', 'text', (c) => c.notNull())
    .addColumn('tools_config', 'text')
    .addColumn('observability', 'text')
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('compositions_name', ['tenant_id', 'name'])
    .execute()

  await table('composition_items')
    .addColumn('seq', sql.raw(serial), serialKey)
    .addColumn('tenant_id', 'text', (c) => c.notNull().references('tenants.id'))
    .addColumn('composition_id', 'text', (c) => c.notNull().references('compositions.id').onDelete('cascade'))
    .addColumn('contract_id', 'text', (c) => c.notNull())
    .addColumn('pinned_version', 'integer', (c) => c.notNull())
    .addColumn('observed_version', 'integer')
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('mode_override', 'text')
    .addColumn('enabled', 'integer', (c) => c.notNull())
    .addUniqueConstraint('composition_items_contract', ['composition_id', 'contract_id'])
    .addForeignKeyConstraint('composition_items_pinned', ['tenant_id', 'contract_id', 'pinned_version'], 'contracts', [
      'tenant_id',
      'contract_id',
      'version',
    ])
    .addForeignKeyConstraint(
      'composition_items_observed',
      ['tenant_id', 'contract_id', 'observed_version'],
      'contracts',
      ['tenant_id', 'contract_id', 'version'],
    )
    .execute()
  await db.schema
    .createIndex('composition_items_by_contract')
    .on('composition_items')
    .columns(['tenant_id', 'contract_id'])
    .execute()
}
