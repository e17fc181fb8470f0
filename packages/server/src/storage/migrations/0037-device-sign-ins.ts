import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Dialect } from '../database.ts'

/** People who sign in on a terminal, with a code that they type in at their tenant's provider. */
export function deviceSignIns(dialect: Dialect): Migration {
  const bytes = dialect === 'postgres' ? 'bytea' : 'blob'
  return {
    up: async (db: Kysely<never>) => {
      for (const statement of statements(bytes)) await sql.raw(statement).execute(db)
    },
  }
}

const statements = (bytes: string): string[] => [
  `create table device_sign_ins (
    handle_hash text not null primary key,
    tenant_id text not null references tenants (id),
    secret_sealed ${bytes} not null,
    interval_seconds integer not null,
    ask_at bigint not null,
    expires_at bigint not null
  )`,
  'create index device_sign_ins_by_end on device_sign_ins (expires_at)',
]
