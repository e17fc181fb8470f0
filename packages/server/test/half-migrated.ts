/** A server that is brought up to date and stops half-way, to be killed: the last migration prints a line and never ends. */
import { sql } from 'kysely'
import { readConfig } from '../src/config.ts'
import { migrate, released } from '../src/storage/migrate.ts'
import { openPostgres } from '../src/storage/postgres.ts'
import { openSqlite } from '../src/storage/sqlite.ts'

const config = readConfig(process.env)
const database =
  config.databaseUrl === '' ? openSqlite(`${config.dataDir}/lictor.db`) : openPostgres(config.databaseUrl, () => {})
await migrate(database, {
  ...released,
  '9998-half': () => ({
    async up(db) {
      await sql`create table half_made (a integer)`.execute(db)
      await sql`update tenants set name = name || ' half'`.execute(db)
      await sql`alter table users add column half integer`.execute(db)
    },
  }),
  '9999-endless': () => ({
    async up() {
      process.stdout.write('half-way\n')
      await new Promise((resolve) => setTimeout(resolve, 2 ** 30))
    },
  }),
})
