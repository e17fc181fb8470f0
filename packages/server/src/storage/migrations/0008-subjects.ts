import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'
import { columnTypes } from './columns.ts'

/**
 * What happens, and what waits for a person, is about a subject: an execution, a workflow run, a swarm or a call. What was kept for
 * executions alone becomes that; an execution says what it waits for.
 */
export function subjects(dialect: Dialect): Migration {
  return { up: (db: Kysely<never>) => up(db, dialect) }
}

async function up(db: Kysely<never>, dialect: Dialect): Promise<void> {
  const { serial, serialKey } = columnTypes(dialect)

  await db.schema
    .createTable('journal_entries')
    .addColumn('id', sql.raw(serial), serialKey)
    .addColumn('subject_kind', 'text', (c) => c.notNull())
    .addColumn('subject_id', 'text', (c) => c.notNull())
    .addColumn('sequence', 'integer', (c) => c.notNull())
    .addColumn('tenant_id', 'text', (c) => c.notNull())
    .addColumn('agent_id', 'text')
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('journal_entries_sequence', ['subject_kind', 'subject_id', 'sequence'])
    .execute()
  await sql`
    insert into journal_entries (id, subject_kind, subject_id, sequence, tenant_id, agent_id, type, data, created_at)
    select id, 'execution', execution_id, sequence, tenant_id, agent_id, type, data, created_at from execution_events order by id
  `.execute(db)
  await keepCounting(db, dialect)
  await db.schema.dropTable('execution_events').execute()
  await db.schema
    .createIndex('journal_entries_by_agent')
    .on('journal_entries')
    .columns(['agent_id', 'id'])
    .where(sql.ref('agent_id'), 'is not', null)
    .execute()

  await db.schema.alterTable('approvals').addColumn('subject_kind', 'text').execute()
  await db.schema.alterTable('approvals').addColumn('subject_id', 'text').execute()
  await sql`
    update approvals set subject_kind = 'execution', subject_id = execution_id where execution_id is not null
  `.execute(db)
  await db.schema.alterTable('approvals').dropColumn('execution_id').execute()
  await db.schema
    .createIndex('approvals_by_subject')
    .on('approvals')
    .columns(['subject_kind', 'subject_id', 'seq'])
    .where(sql.ref('subject_id'), 'is not', null)
    .execute()

  await db.schema.alterTable('executions').addColumn('waiting_for', 'text').execute()
}

/** New entries are numbered after every one that there ever was: streams continue at the number a client saw last. */
async function keepCounting(db: Kysely<never>, dialect: Dialect): Promise<void> {
  if (dialect === 'postgres') {
    await sql`
      select setval(
        pg_get_serial_sequence('journal_entries', 'id'),
        nextval(pg_get_serial_sequence('execution_events', 'id')), false)
    `.execute(db)
    return
  }
  await sql`delete from sqlite_sequence where name = 'journal_entries'`.execute(db)
  await sql`
    insert into sqlite_sequence (name, seq) select 'journal_entries', seq from sqlite_sequence where name = 'execution_events'
  `.execute(db)
}
