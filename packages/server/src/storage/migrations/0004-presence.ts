import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Which agents hold a stream, on whichever server process. */
export function presence(): Migration {
  return { up: (db: Kysely<never>) => up(db) }
}

async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('server_processes')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('seen_at', 'bigint', (c) => c.notNull())
    .execute()

  await db.schema
    .createTable('agent_presence')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('process_id', 'text', (c) => c.notNull())
    .addColumn('tenant_id', 'text', (c) => c.notNull())
    .addColumn('agent_id', 'text', (c) => c.notNull())
    .addColumn('env', 'text', (c) => c.notNull())
    .addColumn('bundle_name', 'text')
    .addColumn('policy_version', 'text')
    .addColumn('connected_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('agent_presence_by_tenant').on('agent_presence').column('tenant_id').execute()
  await db.schema.createIndex('agent_presence_by_process').on('agent_presence').column('process_id').execute()
}
