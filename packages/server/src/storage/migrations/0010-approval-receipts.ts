import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Approvals that are bound to one action, with receipts, used up once; who asked, and when it was last heard. */
export function approvalReceipts(): Migration {
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements) await sql.raw(statement).execute(db)
    },
  }
}

const statements = [
  'alter table approvals add column asked_by text',
  'alter table approvals add column action_digest text',
  'alter table approvals add column receipt text',
  'alter table approvals add column consumed_at bigint',
  'alter table approvals add column asker_seen_at bigint',
  'alter table approvals add column args_preview text',
  "create index approvals_waiting_by_key on approvals (tenant_id, asked_by) where status = 'pending'",
]
